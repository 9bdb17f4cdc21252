"""What sentences ask for: entity, relation and form, by their words alone."""

from __future__ import annotations

import pytest

from lamlam.memory_backends.model.words import root, stem
from lamlam.runtime.wording.value_kinds import kind_of_value, may_stand, may_stand_freely
from lamlam.runtime.wording.word_guide import WordGuide, meant_by
from tests.runtime.fake_store import FakeStore

FACTS: dict[str, dict[str, list[str]]] = {
    "veldmark": {
        "capital": ["Osterwick"],
        "population": ["4,120,000"],
        "official language": ["Veldish"],
        "currency": ["velt"],
        "area": ["91,300 km2"],
        "gdp_per_capita": ["31,900"],
    },
    "ada quill": {
        "birth place": ["Lowmere"],
        "birth date": ["4 May 1871"],
        "spouse": ["Tom Ferry"],
        "occupation": ["glazier"],
        "father": ["Amos Quill"],
    },
    "the salt lantern": {"director": ["Ida Brandt"], "release year": ["1962"]},
    "osterwick": {"country": ["Veldmark"], "continent": ["Borea"]},
    "central bank of veldmark": {"founded": ["1893"]},
}

ASKED = [
    ("The capital of Veldmark is", "veldmark", "capital", "open"),
    ("Veldmark's capital is", "veldmark", "capital", "open"),
    ("In Veldmark, the official language is", "veldmark", "official language", "open"),
    ("For Veldmark, the currency is given as", "veldmark", "currency", "open"),
    ("Veldmark has a population of", "veldmark", "population", "open"),
    ("What is the population of Veldmark?", "veldmark", "population", "question"),
    ("How many people live in Veldmark?", "veldmark", "population", "question"),
    ("how many people live in veldmark", "veldmark", "population", "question"),
    ("Tell me the currency of Veldmark.", "veldmark", "currency", "question"),
    ("Which currency does Veldmark use?", "veldmark", "currency", "question"),
    ("Veldmark - area:", "veldmark", "area", "label"),
    ("capital veldmark", "veldmark", "capital", "label"),
    ("The capital of Veldmark is ____.", "veldmark", "capital", "blank"),
    ("____ is the capital of Veldmark.", "veldmark", "capital", "blank"),
    ("Complete the sentence: The currency of Veldmark is ____.", "veldmark", "currency", "blank"),
    ("Context: I write about Veldmark.\nQuestion: What is its capital?\nAnswer:", "veldmark",
     "capital", "question"),
    ("Q: What is the capital of France?\nA: Paris\nQ: What is the currency of Veldmark?\nA:",
     "veldmark", "currency", "question"),
    ("What is the GDP per capita of Veldmark?", "veldmark", "gdp_per_capita", "question"),
    ("Where was Ada Quill born?", "ada quill", "birth place", "question"),
    ("When was Ada Quill born?", "ada quill", "birth date", "question"),
    ("Ada Quill was born on", "ada quill", "birth date", "open"),
    ("Ada Quill was born in", "ada quill", "birth place", "open"),
    ("The town where Ada Quill was born is", "ada quill", "birth place", "open"),
    ("Ada Quill, who was married to", "ada quill", "spouse", "open"),
    ("Who was Ada Quill's father?", "ada quill", "father", "question"),
    ("Ada Quill was a glazier. Her father was", "ada quill", "father", "open"),
    ("What did Ada Quill do for a living?", "ada quill", "occupation", "question"),
    ("Who directed The Salt Lantern?", "the salt lantern", "director", "question"),
    ("The Salt Lantern was directed by", "the salt lantern", "director", "open"),
    ("The person who directed The Salt Lantern is", "the salt lantern", "director", "open"),
    ("Which country is Osterwick in?", "osterwick", "country", "question"),
    ("Which continent is Osterwick located in?", "osterwick", "continent", "question"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "entity", "relation", "form"), ASKED)
def test_a_relation_that_the_words_name_is_asked(
    text: str, entity: str, relation: str, form: str
) -> None:
    asked = WordGuide(FakeStore(FACTS)).read(text)
    assert asked is not None
    assert (asked.entity.casefold(), asked.relations[:1], asked.form) == (entity, (relation,), form)


NOT_HELD = [
    "What is the population density of Veldmark?",  # the population is another figure
    "The national anthem of Veldmark is",
    "Where did Ada Quill die?",
    "Ada Quill died in",
    "Who wrote The Salt Lantern?",
    "Which language is spoken in Osterwick?",
    "What is the currency of the Central Bank of Veldmark?",
]


@pytest.mark.parametrize("text", NOT_HELD)
def test_no_other_relation_stands_in_for_one_that_memory_lacks(text: str) -> None:
    asked = WordGuide(FakeStore(FACTS)).read(text)
    assert asked is not None
    assert asked.relations == ()


MAGIC: dict[str, dict[str, list[str]]] = {
    "magic": {"composer": ["Ida Brandt"]},
    "the magic": {"composer": ["Ida Brandt"]},  # stores leave articles out
    "mercury": {"density": ["13.6 g/cm3"]},
    "veldmark": FACTS["veldmark"],
}


@pytest.mark.parametrize(
    ("text", "entity", "is_held"),
    [
        ("Who composed The Magic Flute?", "The Magic Flute", False),
        ("Who composed the Magic Flute?", "Magic Flute", False),
        ("The Magic Flute was composed by", "Magic Flute", False),
        ("who composed the magic flute?", "", False),
        ("Who composed The Magic?", "The Magic", True),
        ("Who composed Magic?", "Magic", True),
        ("who composed magic?", "magic", True),
        ("what is the density of the mercury?", "mercury", True),
        ("what is the mercury density?", "mercury", True),
        ("What's the capital of veldmark?", "veldmark", True),
    ],
)
def test_a_part_of_a_longer_name_is_not_asked(text: str, entity: str, is_held: bool) -> None:
    """Nor is an article a second word: what "The Magic Flute" is, "The Magic" cannot answer."""
    asked = WordGuide(FakeStore(MAGIC)).read(text)
    assert (asked.entity if asked else "", bool(asked and asked.relations)) == (entity, is_held)


def test_a_finished_sentence_asks_for_nothing() -> None:
    assert WordGuide(FakeStore(FACTS)).read("The capital of Veldmark is Osterwick.") is None


def test_a_value_that_stands_in_an_open_sentence_is_not_asked_again() -> None:
    asked = WordGuide(FakeStore(FACTS)).read(
        "The Salt Lantern was directed by Ida Brandt and it was directed by"
    )
    assert asked is not None
    assert asked.relations == ()


@pytest.mark.parametrize(
    ("value", "before", "stands"),
    [
        ("4 May 1871", ["born", "in"], False),
        ("1871", ["born", "in"], True),
        ("4 May 1871", ["born", "on"], True),
        ("91,300 km2", ["country", "in"], False),
        ("91,300 km2", ["writ", "by"], False),
        ("Lowmere", ["writ", "by"], True),
    ],
)
def test_a_value_stands_only_where_its_kind_can(
    value: str, before: list[str], stands: bool
) -> None:
    assert may_stand(value, before) is stands


def test_a_bare_number_needs_words_that_announce_it() -> None:
    assert may_stand_freely("91,300 km2", ["area", "of"])
    assert not may_stand_freely("91,300 km2", ["locat", "in", "the"])
    assert kind_of_value("91,300 km2") == "number"


def test_a_homonym_is_told_by_what_the_text_says_of_it() -> None:
    views = [
        FakeStore({"mercury (planet)": {"type": ["planet"]}}).describe_nowait("mercury (planet)"),
        FakeStore({"mercury (element)": {"symbol": ["Hg"]}}).describe_nowait("mercury (element)"),
    ]
    held = [view for view in views if view is not None]
    assert len(held) == 2
    found = meant_by("Mercury, the planet next to the sun, has a radius of", held)
    assert found is not None and found.name.casefold() == "mercury (planet)"
    assert meant_by("Mercury is", held) is None


def test_inflections_share_a_stem_and_derivations_a_root() -> None:
    assert stem("located") == stem("locates") and stem("countries") == stem("country")
    assert stem("found") != stem("founded")
    assert root(stem("retirement")) == root(stem("retired"))
