"""Facts that sentences state plainly."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.trainer.annotation.aligned_documents import align_documents
from lamlam.trainer.annotation.coverage import coverage_of
from lamlam.trainer.annotation.known_facts import KnownFacts
from lamlam.trainer.annotation.quality import QualityReport
from lamlam.trainer.annotation.sentence_facts import read_facts
from lamlam.trainer.documents import Document, StatedFact


def read(title: str, text: str) -> list[tuple[str, str, str]]:
    """Return the facts of a text about its title."""
    return [
        (fact.entity, fact.relation, fact.value) for fact in read_facts(Document(title, text, ()))
    ]


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        (
            "Acme was founded in 1987 by Ada Quill.",
            [("Acme", "founded in", "1987"), ("Acme", "founded by", "Ada Quill")],
        ),
        ("In 1990, Acme moved to Bath.", [("Acme", "moved in", "1990"), ("Acme", "moved to", "Bath")]),
        (
            "Acme was sold to Ada Quill, who was born in Bath.",
            [("Acme", "sold to", "Ada Quill"), ("Ada Quill", "born in", "Bath")],
        ),
        ("Acme was formed in Bath and was closed in May 1990.",
         [("Acme", "formed in", "Bath"), ("Acme", "closed in", "May 1990")]),
        ("Acme is a 1990 American film.", [("Acme", "year", "1990"), ("Acme", "country", "American")]),
        ("Tom Ferris won in 1990.", [("Tom Ferris", "won in", "1990")]),
        ("Acme was built in Topeka, Kansas.",
         [("Acme", "built in", "Topeka"), ("Topeka", "location", "Kansas")]),
        ("Its stars, among others, liked Lone Star (1996).", [("Lone Star", "year", "1996")]),
    ],
)  # fmt: skip
def test_what_a_sentence_says_of_its_subject(text: str, facts: list[tuple[str, str, str]]) -> None:
    """A relation is the verb with its preposition."""
    assert read("Acme", f"Acme. {text}") == facts


@pytest.mark.parametrize(
    "text",
    [
        "Acme thrived while Bob Ferris lived in Bath.",
        "Acme was not founded in 1990.",
        "Acme could have been founded in 1990.",
        "Acme was shown in the 1990 Winter Games hall.",
        "Acme was led by the Boston newspaper.",
        "Acme was directed by Ada Quill's brother.",
        "His father was born in Bath.",
        "Acme was led until her death in 1990.",
        "Acme planned to move to Bath.",
        "The population of the towns moved to Bath.",
    ],
)
def test_what_is_not_said_of_it(text: str) -> None:
    """Another subject, a negation, a part of something longer."""
    values = {value for _, _, value in read("Acme", f"Acme. {text}")}
    assert values.isdisjoint({"1990", "Bath", "Boston", "Ada Quill"})


def test_lists_of_semicolons_are_of_the_title() -> None:
    """As biographical directories have them."""
    text = (
        "Tom Ferris, a Representative; born in Bath; mayor of Lowmere 1886-1902; moved to Leeds in"
        " 1903; died in 1910."
    )
    facts = [
        (fact.relation, fact.value)
        for fact in read_facts(Document("Tom Ferris", text, (), is_person=True))
    ]
    assert facts == [
        ("born in", "Bath"), ("mayor of", "Lowmere"), ("mayor in", "1886-1902"),
        ("moved to", "Leeds"), ("moved in", "1903"), ("died in", "1910"),
    ]  # fmt: skip


def test_known_facts_come_first() -> None:
    """And a place has one fact."""
    known = KnownFacts([("Acme", "founder", "Ada Quill")])
    document = Document("Acme", "Acme was founded in 1987 by Ada Quill.", ())
    ((_, after, _),) = align_documents([document], known, by_rules=True)
    assert [(fact.relation, fact.is_structured) for fact in after.facts] == [
        ("founded in", False), ("founder", True),
    ]  # fmt: skip


WORDS = ["Acme", "was", "founded", "in", "1987", "by", "Ada Quill", ",", ";", ".", "(", ")", "and",
         "who", "is", "a", "1990 American", "film", "7 May 1990", "to", "U.S.", "Bath, Ohio", "'s",
         "the", "2010 census", "\n", "It", "He", "“", "took place", "-", "1990–1992"]  # fmt: skip


@settings(max_examples=200)
@given(st.lists(st.sampled_from(WORDS), max_size=40), st.booleans(), st.sampled_from(WORDS))
def test_any_text_gives_places_that_do_not_overlap(
    words: list[str], is_person: bool, title: str
) -> None:
    """Sorted, each where the text has it, each of an entity with a relation."""
    text = " ".join(words)
    end = 0
    for fact in read_facts(Document(title, text, (), is_person=is_person)):
        assert text[fact.at : fact.at + len(fact.value)] == fact.value
        assert fact.at >= end and fact.entity and fact.relation == fact.relation.strip()
        end = fact.at + len(fact.value)


def test_coverage_counts_years_and_names() -> None:
    """At a value, and stated anywhere; the title and months are no names."""
    text = (
        "Acme was founded in 1987 by Ada Quill. In May, Ada Quill left Bath; 1987 was a good year."
    )
    facts = (StatedFact("Acme", "x", "1987", 20), StatedFact("Acme", "y", "Ada Quill", 28))
    coverage = coverage_of(Document("Acme", text, facts))
    assert (coverage.years, coverage.years_in_facts, coverage.years_stated) == (2, 1, 2)
    assert (coverage.names, coverage.names_in_facts, coverage.names_stated) == (3, 1, 2)


def test_the_sample_is_even() -> None:
    """Each added fact is drawn as often as another, and a seed draws the same ones."""
    counts = [0] * 20
    for seed in range(300):
        report = QualityReport(n_sampled=5, seed=seed)
        for i in range(20):
            fact = StatedFact("a", "b", "x", 0)
            report.add(Document(str(i), "x", ()), Document(str(i), "x", (fact,)))
        assert len({span.title for span in report.sample}) == 5
        for span in report.sample:
            counts[int(span.title)] += 1
    assert min(counts) > 40 and max(counts) < 115
