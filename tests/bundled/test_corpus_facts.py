"""Facts of the corpus are mended where its rules are known to go wrong."""

from __future__ import annotations

import pytest

from lamlam.bundled.corpus_facts import FILMS, facts_of
from lamlam.bundled.first_sentences import calling_in, film_in, life_in
from lamlam.memory_backends.model.values import EntityRef
from lamlam.trainer.documents import Document, StatedFact


def page(
    title: str, text: str, *facts: tuple[str, str], source: str = "wikipedia-lead", **more: object
) -> Document:
    stated = tuple(StatedFact(title, name, value, text.find(value)) for name, value in facts)
    return Document(title, text, stated, source=source, **more)  # type: ignore[arg-type]


def shown(document: Document) -> list[tuple[str, str]]:
    return [(fact.relation, fact.surface) for fact in facts_of(document)]


def test_the_cast_is_one_relation_in_the_order_of_its_numbers() -> None:
    others = tuple(
        ("Lowmere", name, value)
        for name, value in (
            ("Cast Member 3", "Cora Vale"),
            ("Cast Member", "Ada Quill"),
            ("Cast Member 2", "Bob Ferris"),
            ("Cast Member 4", "Ada Quill"),
        )
    )
    document = page("Lowmere", "Lowmere is odd.", source=FILMS, other_facts=others)
    assert shown(document) == [
        ("cast member", "Ada Quill"),
        ("cast member", "Bob Ferris"),
        ("cast member", "Cora Vale"),
    ]


def test_an_adjective_of_a_country_stands_for_the_country() -> None:
    """The text still reads "a 1990 Finnish film", and the value is the country."""
    document = page("Lowmere", "Lowmere is a Finnish film.", ("Country", "Finnish"), source=FILMS)
    (fact,) = facts_of(document, frozenset({"Finland"}))
    assert (fact.value, fact.surface) == (EntityRef("Finland"), "Finnish")
    (fact,) = facts_of(document)
    assert fact.value == "Finnish"  # no such entity


@pytest.mark.parametrize(
    ("relation", "text", "value", "whole"),
    [
        ("Burial Place", "interment in Quill, Washington, D.C.", "Quill, Washington, D", "D.C."),
        ("Birth Place", "born in Lowmere, Mass.; died", "Lowmere, Mass", "Mass."),
        ("Birth Place", "born in Lowmere and resided in Bath", "Lowmere and resided in Bath", "Lowmere"),
        ("Burial Place", "in Quill, Bath, N.Y.", "Quill, Bath, N", "N.Y."),
        ("Parent", "a son of Napoleon I. Efforts were made", "Napoleon I. Efforts", "Napoleon I"),
        ("Occupation", "an Australian rules footballer", "rules footballer", "Australian rules footballer"),
        ("Occupation", "a politician serving as mayor", "politician serving", "politician"),
        ("Nationality", "is a Finnish Swedish actor", "Finnish", "Finnish Swedish"),
        ("Birth Place", "born in Trinidad and Tobago.", "Trinidad and Tobago", "Tobago"),
    ],
)  # fmt: skip
def test_a_value_is_whole(relation: str, text: str, value: str, whole: str) -> None:
    """What a rule cut off comes back, and what it took too much goes."""
    document = page("Ada Quill", text, (relation, value), is_person=True)
    ((_, surface),) = shown(document)
    assert surface.endswith(whole)
    assert "serving" not in surface
    assert "resided" not in surface and "Efforts" not in surface


def test_a_firm_is_not_born() -> None:
    """A life far down in a text is somebody else's."""
    text = "Quill and Vale were a firm. " * 8 + "Vale (1820-1881) drew."
    assert not shown(page("Quill and Vale", text, ("Death Date", "1881")))


def test_a_person_whom_the_corpus_does_not_know_as_one_has_a_life() -> None:
    text = "Ada Quill (3 May 1871 - 4 June 1930) was a Welsh film director."
    document = page(
        "Ada Quill",
        text,
        ("Start Date", "3 May 1871"),
        ("End Date", "4 June 1930"),
        ("Country", "Welsh"),
    )
    assert sorted(shown(document)) == [
        ("birth date", "3 May 1871"),
        ("death date", "4 June 1930"),
        ("nationality", "Welsh"),
        ("occupation", "film director"),
    ]


def test_a_town_has_no_calling() -> None:
    """What people alone have is somebody else's on a page about a town."""
    text = "Lowmere is a community in Borea. Ada Quill, a graduate of Bath College, lived there."
    facts = ("Occupation", "community"), ("Education", "Bath College")
    assert not shown(page("Lowmere", text, *facts))


def test_weak_columns_and_rules_are_left_out() -> None:
    facts = (
        StatedFact("Lowmere", "Type", "village", 0),
        StatedFact("Lowmere", "Date", "April", 0, is_structured=True),
        StatedFact("Lowmere", "Location", "Bath", 0, is_structured=True),
    )
    document = Document("Lowmere", "Lowmere", facts, source="wikipedia-lead")
    assert shown(document) == [("location", "Bath")]


@pytest.mark.parametrize(
    ("relation", "text", "value"),
    [
        ("Population", "a population of 189 inhabitants/km2, it", "189"),
        ("Population", "in Bath County with a population of 97,304.", "97,304"),
        ("Capital Of", "the capital of the Canadian province of Quill", "Canadian"),
        ("Award", "He won the Bathurst 1000 race", "Bathurst"),
        ("Term End", "served as president from 1967 to 1970", "1967"),
        ("Parent", "a son of William J.", "William J."),
        ("Occupation", "a Welsh film, stage and radio actress", "film"),
        ("Occupation", "a Welsh and Irish poet", "and Irish poet"),
    ],
)
def test_what_is_of_another_kind_is_left_out(relation: str, text: str, value: str) -> None:
    """A density, the begin of a term, a name in which the text was cut."""
    assert not shown(page("Quill", text, (relation, value)))


def test_a_film_has_a_distributor_and_no_label() -> None:
    document = page("Lowmere", "released by Acme", ("Label", "Acme"), source=FILMS)
    assert shown(document) == [("distributor", "Acme")]


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("Welsh poet, playwright, and actor, widely read", "poet, playwright, and actor"),
        ("Finnish theoretical physicist who", "theoretical physicist"),
        ("German-born film director and producer.", "film director and producer"),
        ("Polish and naturalized-French physicist and chemist who", "physicist and chemist"),
        ("Welsh miller.", None),
        ("poet and actor.", None),
        ("Welsh poet and one of the best", "poet"),
    ],
)
def test_a_calling_is_read_up_to_the_clause_behind_it(phrase: str, expected: str | None) -> None:
    assert dict(calling_in(phrase)).get("occupation") == expected


def test_a_life_is_read_behind_pronunciations() -> None:
    text = (
        "Ada Quill (/kwil/ (listen); 3 May 1871 - 4 June 1930) was a Welsh poet. Born in Bath, she"
    )
    assert dict(life_in(text)) == {
        "birth date": "3 May 1871",
        "death date": "4 June 1930",
        "nationality": "Welsh",
        "occupation": "poet",
        "birth place": "Bath",
    }
    several = "Ada Quill (3 May 1871 - 4 June 1930) was a Welsh film, stage, and radio actress."
    assert dict(life_in(several))["occupation"] == "film, stage, and radio actress"
    assert not list(life_in("The War (3 May 1871 - 4 June 1872) was a conflict of two states."))
    baptised = "Ada Quill (bapt. 3 May 1871 - 4 June 1930) was a Welsh poet."
    assert "birth date" not in dict(life_in(baptised))


@pytest.mark.parametrize(
    "sentence",
    [
        "directed and produced by Ada Quill. The film",
        "directed by, produced by, and starring Ada Quill. He",
        "directed, written, produced, and co-edited by Ada Quill. It",
        "directed by Ada Quill, and",
    ],
)
def test_the_director_of_a_film_is_read(sentence: str) -> None:
    found = dict(film_in(f"Lowmere is a 1990 Welsh drama film {sentence}"))
    assert found == {"release year": "1990", "director": "Ada Quill"}


def test_what_a_document_states_is_not_read_again() -> None:
    text = "Lowmere is a 1990 Welsh film directed by Ada Quill."
    document = page("Lowmere", text, ("Director", "A. Quill"), source=FILMS)
    assert sorted(shown(document)) == [("director", "A. Quill"), ("release year", "1990")]
