"""Several entities of one name: what tells each apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.resolution.homonyms import MAX_FACTS
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import BACKENDS, put, url_of


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SyncFactStore]:
    with SyncFactStore(url_of(request.param, tmp_path)) as store:
        put(
            store,
            ("Mercury (planet)", "symbol", "☿"),
            ("Mercury (planet)", "moons", "0"),
            ("Mercury (planet)", "kind", "planet"),
            ("Mercury (element)", "symbol", "☿"),
            ("Mercury (element)", "number", "80"),
            ("Mercury (element)", "kind", "metal"),
        )
        yield store


def test_candidates_are_told_apart(store: SyncFactStore) -> None:
    """Qualifier, then facts: what both have and differ in first, never what both share."""
    result = store.lookup("Mercury", "symbol")
    assert (result.status, result.values) == ("ambiguous", ())
    told = {one.entity: (one.qualifier, one.facts) for one in result.candidates}
    assert told == {
        "Mercury (planet)": ("planet", (("kind", "planet"), ("moons", "0"))),
        "Mercury (element)": ("element", (("kind", "metal"), ("number", "80"))),
    }
    first = next(one for one in result.candidates if one.qualifier == "planet")
    assert first.told_apart == "kind: planet; moons: 0"


def test_the_very_name_wins(store: SyncFactStore) -> None:
    """Where one has the plain name it is the answer, and with a qualifier the one that has it."""
    put(store, ("Mercury", "kind", "god"))
    assert store.lookup("mercury", "kind").value == "god"
    assert store.lookup("Mercury (planet)", "kind").value == "planet"
    assert store.lookup("The Mercury", "kind").value == "god"


def test_a_namespace_has_homonyms_of_its_own(store: SyncFactStore) -> None:
    """Facts and names come from the namespace that was asked about."""
    mine = [
        Assert(Fact(entity=f"Mercury ({what})", relation="seen", value=what, namespace=("a",)))
        for what in ("car", "boat")
    ]
    store.apply(mine)
    result = store.lookup("Mercury", "seen", namespace=("a",))
    assert {(one.qualifier, one.facts) for one in result.candidates} == {
        ("car", (("seen", "car"),)),
        ("boat", (("seen", "boat"),)),
    }


def test_what_is_told_is_bounded(store: SyncFactStore) -> None:
    """Few facts, each cut, however much an entity has."""
    for what in ("river", "hill"):
        put(store, *((f"Ouse ({what})", f"r{n:03}", f"{what} {n} " + "x" * 500) for n in range(99)))
    for one in store.lookup("Ouse", "r001").candidates:
        assert len(one.facts) == MAX_FACTS
        assert all(len(value) <= 100 and value.endswith("…") for _, value in one.facts)


def test_what_no_longer_holds_tells_nothing(store: SyncFactStore) -> None:
    """Facts of another time are left out."""
    for what, year in (("painter", "1840"), ("sailor", "1900")):
        store.apply(
            [
                Assert(
                    Fact(
                        entity=f"Ada Quill ({what})", relation="office", value=what,
                        valid_from=year, valid_to=f"{int(year) + 10}",
                    )
                )
            ]
        )  # fmt: skip
    result = store.lookup("Ada Quill", "office")
    assert result.status == "ambiguous"
    assert [one.facts for one in result.candidates] == [(), ()]


def test_people_of_one_name(store: SyncFactStore) -> None:
    """Where a middle name is missing and two fit, the facts say which is which."""
    put(store, ("Ada Jane Quill", "born", "1815"), ("Ada Mary Quill", "born", "1850"))
    result = store.lookup("Ada Quill", "born")
    assert result.status == "ambiguous"
    assert {(one.entity, one.qualifier, one.facts) for one in result.candidates} == {
        ("Ada Jane Quill", "", (("born", "1815"),)),
        ("Ada Mary Quill", "", (("born", "1850"),)),
    }
