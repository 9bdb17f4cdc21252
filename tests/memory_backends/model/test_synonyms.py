"""Relation names as people type them."""

from __future__ import annotations

from collections import Counter

import pytest

from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.synonyms import (
    group_of,
    relation_groups,
    same_relation,
    synonyms_of,
)
from lamlam.memory_backends.resolution.relation_matching import match_relation


def _names() -> list[str]:
    return [name for group in relation_groups() for name in group]


def test_groups_are_disjoint_and_canonical() -> None:
    """No name stands twice, and each is its own canonical key."""
    names = _names()
    assert [name for name, n in Counter(names).items() if n > 1] == []
    assert [name for name in names if canonical_key(name) != name] == []
    assert len(names) > 1500


def test_no_variant_crosses_groups() -> None:
    """Names that differ by spaces and marks alone are in one group."""
    by_letters: dict[str, set[int | None]] = {}
    for name in _names():
        letters = "".join(char for char in name if char.isalnum())
        by_letters.setdefault(letters, set()).add(group_of(name))
    assert [letters for letters, groups in by_letters.items() if len(groups) > 1] == []


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("place of birth", "birth place"), ("born in", "birth place"), ("date of birth", "birth date"),
        ("born", "birth date"), ("birthdate", "birth date"), ("born on", "birth date"),
        ("died in", "death place"), ("died on", "death date"), ("date of death", "death date"),
        ("buried in", "burial place"), ("interment in", "burial place"),
        ("alma mater", "education"), ("studied at", "education"), ("graduated from", "education"),
        ("job", "occupation"), ("profession", "occupation"), ("citizenship", "nationality"),
        ("directed by", "director"), ("film director", "director"), ("screenplay by", "writer"),
        ("produced by", "producer"), ("stars", "starring"), ("main actor", "starring"),
        ("film genre", "genre"), ("year of release", "release year"), ("year", "release year"),
        ("released", "release year"), ("first published", "release year"),
        ("date of release", "release date"), ("number of inhabitants", "population"),
        ("surface area", "area"), ("situated in", "location"), ("located in", "location"),
        ("belongs to", "part of"), ("founded in", "founded"), ("year founded", "founded"),
        ("founded by", "founder"), ("head office", "headquarters"), ("written by", "author"),
        ("publishing house", "publisher"), ("political party", "party"), ("office held", "office"),
        ("playing position", "position"), ("wife", "spouse"), ("parent company", "parent"),
        ("prize", "award"), ("club", "team"), ("former team", "played for"),
        ("membership", "member of"), ("record label", "label"), ("recording artist", "artist"),
        ("sung by", "performer"), ("tv network", "network"), ("owned by", "owner"),
        ("run by", "operator"), ("opening date", "opened"), ("year established", "established"),
        ("year of construction", "built"), ("is the capital of", "capital of"),
        ("took office", "term start"), ("left office", "term end"), ("kind", "type"),
        ("official language", "language"), ("seating capacity", "capacity"),
        ("designed by architect", "architect"), ("music by", "composer"), ("from album", "album"),
        ("developed by", "developer"), ("console", "platform"), ("flows into", "mouth"),
    ],
)  # fmt: skip
def test_what_people_type_is_what_training_text_writes(typed: str, written: str) -> None:
    """Each of these pairs names one relation, in either direction."""
    assert same_relation(typed, written)
    assert same_relation(written, typed)
    assert written in synonyms_of(typed)
    assert match_relation(typed, [written]) == ("synonym", 1.0, written)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("birth place", "birth date"), ("born in", "born on"), ("founded by", "founded in"),
        ("nationality", "country"), ("release year", "release date"), ("term start", "term end"),
        ("death place", "burial place"), ("artist", "performer"), ("capital", "capital of"),
        ("cast member 2", "cast member 3"), ("father", "mother"), ("party", "office"),
        ("county", "country"), ("director", "producer"), ("opened", "built"),
    ],
)  # fmt: skip
def test_different_relations_never_match(one: str, other: str) -> None:
    """However alike they look."""
    assert not same_relation(one, other)
    assert match_relation(one, [other])[2] is None
    assert match_relation(other, [one])[2] is None


@pytest.mark.parametrize(
    ("typed", "held", "found"),
    [
        ("birth plce", "birth place", True),
        ("wingspans", "wingspan", True),
        ("head-coach", "head coach", True),
        ("wing span", "wingspan", True),
        ("favourite colours", "favourite colour", True),
        ("county of the birth", "country of the birth", False),
        ("team 1", "team 2", False),
        ("wingspan", "weight", False),
    ],
)
def test_names_outside_the_table_match_by_letters(typed: str, held: str, found: bool) -> None:
    """A plural or a slip is forgiven, another word or number is not."""
    _, score, key = match_relation(typed, [held])
    assert (key == held) is found
    assert found is (score >= 0.9)


def test_the_exact_name_wins_and_then_the_first_stored() -> None:
    """Of several synonyms that an entity holds."""
    held = ["profession", "job"]
    assert match_relation("job", held) == ("exact", 1.0, "job")
    assert match_relation("occupation", held) == ("synonym", 1.0, "profession")


def test_synonyms_come_in_the_order_of_training_text() -> None:
    """The runtime lets the model write the likeliest first."""
    assert synonyms_of("place of birth")[0] == "birth place"
    assert synonyms_of("birth place")[0] == "birth place"
    assert synonyms_of("year")[:2] == ("release year", "year")
    assert synonyms_of("wingspan") == ("wingspan",)
    assert synonyms_of("placeofbirth")[-1] == "placeofbirth"


@pytest.mark.parametrize(
    "typed", ["placeOfBirth", "birth-place", "his birth place", "the birth place of"]
)
def test_other_ways_to_write_a_known_name(typed: str) -> None:
    """Marks, joined words and small words around a name do not hide it."""
    assert same_relation(canonical_key(typed), "birth place")
