"""Which entity and which relation are meant; each answer is the same on every backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lamlam.memory_backends.model.operations import AddAlias
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import BACKENDS, answer, put, url_of

WORLD = (
    ("Kevin Barron", "birth place", "Tadcaster"),
    ("Alphonse Lacroix", "occupation", "hockey player"),
    ("Barack Hussein Obama", "party", "Democratic"),
    ("Dr. Maria Skłodowska Curie", "award", "Nobel Prize"),
    ("John Smith (footballer)", "team", "Leeds"),
    ("John Smith (actor)", "birth date", "1900"),
    ("George H. W. Bush", "office", "president"),
    ("George W. Bush", "office", "governor"),
    ("Thomas Worthington (governor)", "office", "governor of Ohio"),
    ("Raritan Township, New Jersey", "population", "22,185"),
    ("Springfield, Illinois", "population", "114,394"),
    ("The Beatles", "genre", "rock"),
    ("Casablanca", "year", "1942"),
    ("Łódź", "country", "Poland"),
    ("Georgia", "capital", "Tbilisi"),
    ("University of Northern Michigan", "founded", "1899"),
    ("Marie Dubois", "occupation", "painter"),
    ("Ken Griffey Sr.", "team", "Cincinnati"),
    ("The Return of the Native", "author", "Thomas Hardy"),
)


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SyncFactStore]:
    with SyncFactStore(url_of(request.param, tmp_path)) as store:
        put(store, *WORLD)
        store.apply([AddAlias("The Beatles", "Fab Four")])
        yield store


@pytest.mark.parametrize(
    ("name", "stored", "kind"),
    [
        ("Kevin Barron", "Kevin Barron", "exact"),
        ("KEVIN_BARRON", "Kevin Barron", "exact"),
        ("fab four", "The Beatles", "alias"),
        ("Barron, Kevin", "Kevin Barron", "alias"),
        ("Sir Kevin John Barron", "Kevin Barron", "fuzzy"),
        ("Kevin J. Barron", "Kevin Barron", "fuzzy"),
        ("Alphonse Albert Lacroix", "Alphonse Lacroix", "fuzzy"),
        ("Barack Obama", "Barack Hussein Obama", "fuzzy"),
        ("Barack H. Obama", "Barack Hussein Obama", "fuzzy"),
        ("President Barack Obama", "Barack Hussein Obama", "fuzzy"),
        ("Maria Curie", "Dr. Maria Skłodowska Curie", "fuzzy"),
        ("Thomas Worthington", "Thomas Worthington (governor)", "alias"),
        ("John Smith (actor)", "John Smith (actor)", "exact"),
        ("Raritan Township", "Raritan Township, New Jersey", "alias"),
        ("Springfield, Ill.", "Springfield, Illinois", "none"),
        ("Beatles", "The Beatles", "alias"),
        ("Beatles, The", "The Beatles", "alias"),
        ("beatles (band)", "The Beatles", "alias"),
        ("Lodz", "Łódź", "alias"),
        ("Casablnca", "Casablanca", "fuzzy"),
        ("Casablanac", "Casablanca", "fuzzy"),
        ("Kevin Barrn", "Kevin Barron", "fuzzy"),
        ("Kevvin Barron", "Kevin Barron", "fuzzy"),
        ("Alphonse Lacriox", "Alphonse Lacroix", "fuzzy"),
        ("Return of the Natve", "The Return of the Native", "fuzzy"),
    ],
)
def test_names_that_are_found(store: SyncFactStore, name: str, stored: str, kind: str) -> None:
    """An entity is found under the ways in which people write its name."""
    view = store.describe_nowait(name)
    if kind == "none":
        assert view is None
        return
    assert view is not None
    assert (view.name, view.match.kind) == (stored, kind)
    assert 0.8 <= view.match.score <= 1.0
    assert view.match.matched == stored


@pytest.mark.parametrize(
    "name",
    [
        "Brian Barron",
        "Keith Barron",
        "Kevin",
        "Barron",
        "Maria Dubois",
        "Mario Dubois",
        "Michelle Obama",
        "Alphonsine Lacroix",
        "Kevin Barron (musician)x",
        "Thomas Worthington (botanist)",
        "Springfield, Ohio",
        "Georgian",
        "University of Michigan",
        "Northern Michigan",
        "Ken Griffey Jr.",
        "Ken Griffey",
        "Kevin Baron",
        "Casa",
        "Return of the Soldier",
        "Nobody At All",
        "<|db_end|>",
        "\x1e",
        "",
        " ",
    ],
)
def test_names_that_are_not_guessed(store: SyncFactStore, name: str) -> None:
    """Another first name, another qualifier or a word less is another entity."""
    assert store.describe_nowait(name) is None
    result = store.lookup(name, "birth place")
    assert result.values == ()
    assert result.status == "miss"
    assert result.match.entity.kind == "none"


@pytest.mark.parametrize("name", ["John Smith", "JOHN  SMITH", "George Bush", "Smith, John"])
def test_several_entities_are_an_ambiguity(store: SyncFactStore, name: str) -> None:
    """Nothing is picked; the candidates say what may have been meant."""
    assert store.describe_nowait(name) is None
    result = store.lookup(name, "office")
    assert result.status == "ambiguous"
    assert result.values == ()
    first, last = "John Smith (actor)", "John Smith (footballer)"
    if "ush" in name:
        first, last = "George H. W. Bush", "George W. Bush"
    assert {candidate.entity for candidate in result.candidates} == {first, last}


def test_cheap_probes_forgive_no_misspelling(store: SyncFactStore) -> None:
    """Without ``fuzzy`` middle names and titles still come and go, letters do not."""
    assert store.describe_nowait("Casablnca", fuzzy=False) is None
    view = store.describe_nowait("Sir Kevin John Barron", fuzzy=False)
    assert view is not None and view.name == "Kevin Barron"
    assert view.key == "kevin barron"
    assert view.relations == ("birth place",)
    assert view.values("birth place") == ("Tadcaster",)
    assert view.values("place of birth") == ()


@pytest.mark.parametrize(
    ("entity", "relation", "value"),
    [
        ("Kevin Barron", "place of birth", "Tadcaster"),
        ("Sir Kevin John Barron", "born in", "Tadcaster"),
        ("Alphonse Albert Lacroix", "profession", "hockey player"),
        ("Casablanca", "year of release", "1942"),
        ("Casablnca", "relese year", "1942"),
        ("Barack Obama", "political party", "Democratic"),
        ("Lodz", "nation", "Poland"),
    ],
)
def test_lookups(store: SyncFactStore, entity: str, relation: str, value: str) -> None:
    """Both halves are read as people write them."""
    result = store.lookup(entity, relation)
    assert result.status == "hit"
    assert result.value == value


def test_near_relations_are_candidates_only(store: SyncFactStore) -> None:
    """What is below the threshold is a candidate, never an answer."""
    result = store.lookup("Kevin Barron", "birth date")
    assert result.status == "miss"
    assert result.value is None
    assert [candidate.relation for candidate in result.candidates] == ["birth place"]
    assert result.match.entity.kind == "exact"
    assert result.match.relation.kind == "none"


def test_near_names_are_candidates_only(store: SyncFactStore) -> None:
    """A name with too many slips is a near candidate."""
    result = store.lookup("Casabxyzca", "year")
    assert result.status == "miss"
    assert [candidate.entity for candidate in result.candidates] == ["Casablanca"]
    assert all(candidate.score < 1 for candidate in result.candidates)


def test_backends_agree(tmp_path: Path) -> None:
    """Every question of this file has the same answer on every backend."""
    names = [entity for entity, _, _ in WORLD]
    asked = [*names, *(name[:-1] for name in names), *(f"Sir {name}" for name in names)]
    asked += [f"{name[:4]}e{name[4:]}" for name in names]
    asked += [name.split()[-1] for name in names] + [name.upper() for name in names]
    relations = ["birth place", "office", "year of release", "jobb", "team"]
    answers = []
    for backend in BACKENDS:
        with SyncFactStore(url_of(backend, tmp_path)) as store:
            put(store, *WORLD)
            answers.append([answer(store.lookup(n, r)) for n in asked for r in relations])
    assert answers[0] == answers[1]
