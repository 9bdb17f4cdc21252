"""Known facts aligned to texts."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.trainer.annotation.aligned_documents import align_documents
from lamlam.trainer.annotation.alignment import Aligner
from lamlam.trainer.annotation.folding import folded, folded_key
from lamlam.trainer.annotation.known_facts import KnownFacts
from lamlam.trainer.annotation.value_forms import read_date, value_forms
from lamlam.trainer.annotation.written_documents import document_line
from lamlam.trainer.documents import Document, parse_document

QUILL = [
    ("Ada Quill", "birth place", "Lowmere"),
    ("Ada Quill", "birth date", "1867-11-07"),
    ("Ada Quill", "death date", "4 July 1934"),
    ("Ada Quill", "occupation", "engineer"),
    ("Ada Quill", "alma mater", "Lowmere College"),
]
ACME = [("Acme Robotics", "founder", "Ada Quill"), ("Acme Robotics", "founded", "1901")]


def stated(title: str, text: str, facts: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Return the facts that are found in a text."""
    found = Aligner(KnownFacts(facts)).align(Document(title, text, ())).facts
    return [(fact.entity, fact.relation, fact.value) for fact in found]


def test_a_fact_is_of_the_entity_that_the_sentence_is_about() -> None:
    """Not of the title, where another one is named between."""
    text = "Acme Robotics was founded by Ada Quill, who was born in Lowmere."
    assert stated("Acme Robotics", text, [*QUILL, *ACME]) == [
        ("Acme Robotics", "founder", "Ada Quill"),
        ("Ada Quill", "birth place", "Lowmere"),
    ]


def test_words_before_tell_two_relations_of_one_value_apart() -> None:
    """Birth place and death place are both Lowmere; each is found at its own place."""
    facts = [("Ada Quill", "birth place", "Lowmere"), ("Ada Quill", "death place", "Lowmere")]
    text = "Ada Quill was born in Lowmere. She lived abroad and died in Lowmere."
    assert stated("Ada Quill", text, facts) == facts
    assert stated("Ada Quill", "Ada Quill travelled to Lowmere.", facts) == []


def test_the_dates_in_brackets_are_of_birth_and_death() -> None:
    """In this order, however the store writes them."""
    text = "Ada Quill (November 7, 1867 – July 4th, 1934) was an engineer."
    assert stated("Ada Quill", text, QUILL) == [
        ("Ada Quill", "birth date", "November 7, 1867"),
        ("Ada Quill", "death date", "July 4th, 1934"),
        ("Ada Quill", "occupation", "engineer"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Acme Robotics was founded by Ada Quill. She was born in Lowmere.",
        "Acme Robotics hired Bob Ferris and Ada Quill. He was born in Lowmere.",
    ],
)
def test_pronouns_of_other_entities_are_left_out(text: str) -> None:
    """Who "she" is, only the sentences before would say."""
    facts = [*QUILL, ("Acme Robotics", "location", "Lowmere")]
    assert "Lowmere" not in {value for _, _, value in stated("Acme Robotics", text, facts)}


def test_relatives_are_other_entities() -> None:
    """Neither in the sentence that names them, nor in the next one that says "he"."""
    facts = [("Bob Quill", "birth place", "Lowmere")]
    for text in (
        "Bob Quill was a miller. His father was born in Lowmere.",
        "Bob Quill was a miller. His brother Tom was a baker. He was born in Lowmere.",
        "Bob Quill was a miller. Tom Ferris taught him. He was born in Lowmere.",
    ):
        assert stated("Bob Quill", text, facts) == []
    text = "Bob Quill was a miller. He was born in Lowmere."
    assert stated("Bob Quill", text, facts) == facts


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Lowmere", "Ada Quill was born in Lowmere Abbey."),
        ("Lowmere", "Ada Quill was born in New-Lowmere."),
        ("538", "The population of Ada Quill is 1,538."),
        ("3", "The population of Ada Quill is 3.5."),
        ("Ada", "Born was Ada Quill, in birth place."),
        ("art", "The birth place of Ada Quill was Stuttgart."),
    ],
)
def test_a_part_of_something_longer_is_no_value(value: str, text: str) -> None:
    """A longer name, a longer number, the entity itself, a longer word."""
    facts = [("Ada Quill", "birth place", value), ("Ada Quill", "population", value)]
    assert stated("Ada Quill", text, facts) == []


def test_the_longest_value_wins() -> None:
    """Of two that begin at one place."""
    facts = [("Ada Quill", "birth place", "Low"), ("Ada Quill", "birth town", "Low Mere City")]
    text = "Ada Quill was born in Low Mere City."
    assert stated("Ada Quill", text, facts) == [facts[1]]


def test_two_relations_that_nothing_tells_apart_are_counted() -> None:
    """Neither of them is guessed."""
    known = KnownFacts(
        [("Ada Quill", "motto", "Onward Ever"), ("Ada Quill", "ship", "Onward Ever")]
    )
    found = Aligner(known).align(Document("Ada Quill", "Ada Quill chose Onward Ever.", ()))
    assert found.facts == ()
    assert found.left_out["ambiguous"] == 1


def test_facts_that_a_document_has_stay() -> None:
    """And nothing is put over them."""
    line = {
        "title": "Ada Quill", "text": "Ada Quill was born in Lowmere.",
        "facts": [["Ada Quill", "town", "Lowmere"]], "at": [22],
    }  # fmt: skip
    document = parse_document(json.dumps(line))
    assert Aligner(KnownFacts(QUILL)).align(document).facts == document.facts


def test_facts_of_the_record_are_found() -> None:
    """``other_facts`` of the document itself, which then are no longer others."""
    document = Document(
        "Ada Quill", "Ada Quill was born in Łódź.", (), (("Ada Quill", "birth place", "Lodz"),)
    )
    ((_, after, _),) = align_documents([document], KnownFacts([]))
    assert [(fact.value, fact.at) for fact in after.facts] == [("Łódź", 22)]
    assert after.other_facts == ()


def test_homonyms_name_nobody() -> None:
    """But for the one that the title means."""
    facts = [("Juice (film)", "release year", "1992"), ("Juice (album)", "release year", "1993")]
    text = "Juice was released in 1992. He starred in Juice (1993)."
    assert stated("Juice (film)", text, facts) == [("Juice (film)", "release year", "1992")]
    assert stated("Tom Ferris", "Tom Ferris starred in Juice (1992).", facts) == []


def test_workers_change_nothing() -> None:
    """The same documents in the same order."""
    documents = [
        Document(f"Ada Quill {i}", f"Ada Quill {i} was born in Lowmere.", ()) for i in range(401)
    ]
    known = KnownFacts((f"Ada Quill {i}", "birth place", "Lowmere") for i in range(0, 401, 2))
    alone = list(align_documents(documents, known))
    assert sum(len(after.facts) for _, after, _ in alone) == 201
    assert list(align_documents(documents, known, workers=2)) == alone


WORDS = ["Ada Quill", "was born in", "Lowmere", "on", "7 November 1867", "Łódź", "1,234", ",", ".",
         "(", ")", "died in", "Lowmere College", "She", "Acme Robotics", "who", ";", "é", "\n"]  # fmt: skip


@settings(max_examples=150)
@given(st.integers(0, 10**9), st.lists(st.sampled_from(WORDS), max_size=40))
def test_every_value_is_where_it_is_said_to_be(seed: int, words: list[str]) -> None:
    """Whatever the text: the document is read back as it is, and no values overlap."""
    rng = random.Random(seed)
    facts = [
        (rng.choice(WORDS), rng.choice(["birth place", "birth date", "x", "founder"]), word)
        for word in rng.choices(WORDS, k=12)
    ]
    known = KnownFacts(facts)
    title = rng.choice(WORDS)
    ((_, after, _),) = align_documents([Document(title, " ".join(words), ())], known)
    for fact in after.facts:
        assert after.text[fact.at : fact.at + len(fact.value)] == fact.value
    assert parse_document(document_line(after)) == after


@given(st.text())
def test_folding_keeps_offsets(text: str) -> None:
    """One character for each."""
    assert len(folded(text)) == len(text)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("1867-11-07", "November 7, 1867"),
        ("7 November 1867", "1867-11-07"),
        ("7 November 1867", "7th of November 1867"),
        ("Nov. 7, 1867", "7 November 1867"),
        ("November 1867", "1867-11"),
        ("1234567", "1,234,567"),
        ("1,234,567", "1234567"),
        ("1.2 million", "1,200,000"),
        ("1200000 tonnes", "1.2 million tonnes"),
        ("5", "five"),
        ("Jean-Paul", "Jean Paul"),
        ("Zürich", "ZURICH"),
        ("Quill & Ferris", "Quill and Ferris"),
        ("A Bee, C Dee, E Eff", "A Bee, C Dee and E Eff"),
        ("Juice (film)", "Juice"),
    ],
)
def test_forms_of_one_value(value: str, form: str) -> None:
    """What texts write for it."""
    assert folded_key(form) in value_forms(value)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("1,234,567", "1.2 million"),
        ("7/11/1867", "November 7, 1867"),
        ("1867-11-07", "November 1867"),
        ("1867", "1,867"),
        ("Boeing 747", "Boeing 747,000"),
        ("12.5", "125"),
    ],
)
def test_forms_of_another_value(value: str, form: str) -> None:
    """Nothing that is rounded, less exact, or may be another day."""
    assert folded_key(form) not in value_forms(value) or value == "1867"


def test_a_date_that_does_not_exist_is_none() -> None:
    """There is no thirteenth month."""
    assert read_date("1867-13-07") is None
    assert read_date("Decem 7, 1867") is None


HERON = [
    ("Grey Heron", "cruising range", "340 miles"),
    ("Grey Heron", "captain", "Oda Brisk"),
    ("Grey Heron", "colour of the hull", "pale blue"),
    ("Grey Heron", "teacher", "Tom Harker"),
]


@pytest.mark.parametrize(
    ("text", "relations"),
    [
        ("The Grey Heron flies 340 miles on one tank.", ["cruising range"]),
        ("With a full tank the Grey Heron gets as far as 340 miles.", ["cruising range"]),
        ("A Grey Heron came in. It was painted pale blue again.", ["colour of the hull"]),
        # A value that begins a sentence is not another entity, as long as a word says which.
        ("The Grey Heron is late. Captain Oda Brisk is asleep.", ["captain"]),
        ("The Grey Heron is late. Oda Brisk is asleep.", []),
        ("The Grey Heron is late. Its teacher, Tom Harker, is not.", ["teacher"]),
        ("The Grey Heron is late. Its brother, Tom Harker, is not.", []),
        ("Another ship is better. Blue Wren flies 340 miles on one tank.", []),
    ],
)
def test_relations_that_no_list_of_words_knows(text: str, relations: list[str]) -> None:
    """A value of two words or more speaks for itself where the sentence is about its entity."""
    assert [relation for _, relation, _ in stated("Grey Heron", text, HERON)] == relations


MILL = [
    ("Brackett Mill", "wheel stone", "Blue basalt"),
    ("Brackett Mill", "keeper", "Tobias Wenn"),
    ("Brackett Mill", "capacity", "40 sacks"),
    ("Brackett Mill", "birth place", "Lowmere"),
    ("Ada Quill", "birth place", "Lowmere"),
]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("The stone of the wheel at Brackett Mill is Blue basalt.", ["Blue basalt"]),
        ("The keeper of Brackett Mill is Tobias Wenn.", ["Tobias Wenn"]),
        ("Keeper of Brackett Mill: Tobias Wenn", ["Tobias Wenn"]),
        ("At Brackett Mill the wheel stone is Blue basalt.", ["Blue basalt"]),
        ("Brackett Mill can grind 40 sacks a day.", ["40 sacks"]),
        # Nothing says that the value is what the relation is of this name.
        ("At Brackett Mill we met Tobias Wenn.", []),
        ("The dog of Brackett Mill bit Tobias Wenn.", []),
        ("The keeper of Brackett Mill, like Tobias Wenn, sings.", []),
        ("The keeper of Brackett Mill and Harl Mill is Tobias Wenn.", []),
        ("Her keeper at Brackett Mill is Tobias Wenn.", []),
        ("The wife of Ada Quill was born in Lowmere.", []),
        ("Old Tom keeper of Brackett Mill is Tobias Wenn.", []),
    ],
)
def test_a_sentence_may_name_the_relation_of_its_only_name(text: str, values: list[str]) -> None:
    """Notes are about many things, and their titles about none of them."""
    assert [value for *_, value in stated("notes", text, MILL)] == values
