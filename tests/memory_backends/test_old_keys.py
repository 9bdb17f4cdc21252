"""Stores whose names have the keys of version 1: read as they are, upgraded, and nothing lost.

The files were written by a version to which "10²" and "102" were one name. They hold what
`ANSWERS` asks for.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.old_keys import REKEYED, key_of_version_1, may_differ
from lamlam.memory_backends.model.operations import SplitEntities
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import put
from tests.paths import ROOT

FOLDER = ROOT / "tests" / "memory_backends"
FILES = {
    "sqlite:///": FOLDER / "sqlite" / "old_stores" / "sqlite-2-keys-1.db",
    "memory:///": FOLDER / "networkx_graph" / "old_stores" / "keys-1.json",
}
ANSWERS: dict[tuple[str, str], tuple[str, ...]] = {
    ("Ada Lovelace", "birth place"): ("London",),
    # Version 1 had put these into one entity, which has the name that came first.
    ("10²", "meaning"): ("a hundred", "a room"),
    ("10²", "floor"): ("first",),
    ("102", "meaning"): (),
    ("H₂O", "kind"): ("liquid",),
    ("H2O", "kind"): ("liquid",),
    ("H₂O", "part"): ("O₂",),
    ("O₂", "kind"): ("gas",),
    ("Aqua", "kind"): ("liquid",),
    ("Mill", "area m²"): ("50",),
    ("Mill", "area m2"): ("51",),
    ("Lilo & Stitch", "year"): ("2002",),
    ("Square", "kind"): ("form", "square"),
    ("x³", "kind"): ("cube", "body"),
    ("Cube", "kind"): ("cube", "body"),
    ("½", "kind"): (),
    ("Gone ①", "kind"): (),
}


@pytest.fixture(params=FILES, ids=lambda scheme: scheme.partition(":")[0])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A copy of the file."""
    path = tmp_path / FILES[request.param].name
    shutil.copyfile(FILES[request.param], path)
    return f"{request.param}{path}"


def seen_of(store: SyncFactStore) -> dict[str, Any]:
    """Return what the store answers, in all ways of reading."""
    return {
        "lookups": {asked: store.lookup(*asked).values for asked in ANSWERS},
        "names": store.known_names([name for name, _ in ANSWERS]),
        "names then": store.known_names([name for name, _ in ANSWERS], as_of=9),
        "names, loosely": store.known_names([name for name, _ in ANSWERS], loosely=True),
        "namespace": store.lookup("½", "kind", namespace=("a",)).values,
        "as_of": store.lookup("H₂O", "kind", as_of=3).values,
        "history": [past.fact.value for past in store.history("H₂O")],
        "ended": [past.fact.value for past in store.history("Gone ①")],
        "scan": sorted((f.entity, f.relation, f.surface) for f in store.scan(namespace=None)),
        "one": [(f.relation, f.surface) for f in store.scan("H₂O")],
        "then": sorted((f.entity, f.surface) for f in store.scan(as_of=9) if "①" in f.entity),
        "values": {f.value for f in store.scan("Mill", "near")},
        "feed": sorted(
            (int(c.revision), c.kind, c.entity, c.fact.surface if c.fact else "")
            for c in store.changes(0)
            if c.kind in ("asserted", "ended")
        ),
        "candidates": [one.entity for one in store.lookup("102", "meaning").candidates],
        "counts": (store.info().facts, store.info().entities),
    }


def test_a_file_that_may_not_be_written_is_read_as_it_is(url: str) -> None:
    """Every answer is that of the upgraded store, and not a byte changes."""
    path = Path(url.partition("///")[2])
    before = path.read_bytes()
    with SyncFactStore(url, read_only=True) as store:
        assert store.migrate().steps == ()
        seen = seen_of(store)
    assert seen["lookups"] == ANSWERS
    assert path.read_bytes() == before
    with SyncFactStore(url) as store:
        store.migrate()
        assert seen_of(store) == seen


def test_an_upgrade_loses_nothing(url: str) -> None:
    """It is announced, done once, and leaves facts, history, aliases, merges and the feed."""
    with SyncFactStore(url) as store:
        announced = store.migrate(dry_run=True).steps
        assert REKEYED in announced[0]
        assert store.migrate().steps == announced
        assert store.migrate().steps == ()
    with SyncFactStore(url) as store:
        assert store.migrate().steps == ()
        check_upgraded(store)


def check_upgraded(store: SyncFactStore) -> None:
    """Check that all that was stored is there, under the keys of this version."""
    seen = seen_of(store)
    assert seen["lookups"] == ANSWERS
    assert (seen["namespace"], seen["as_of"]) == (("half",), ("water",))
    assert (seen["history"], seen["ended"]) == (["water"], ["once"])
    assert seen["then"] == [("Gone ①", "once")]
    assert [str(value) for value in seen["values"]] == ["10²"]
    assert seen["candidates"] == ["10²"]
    assert (len(seen["scan"]), seen["counts"]) == (16, (16, 9))
    assert {name for _, _, name, _ in seen["feed"]} >= {"10²", "H₂O", "Gone ①", "½"}
    assert store.lookup("Lilo and Stitch", "year").value == "2002"
    assert store.lookup("x²", "kind").match.entity.matched == "Square"
    assert [rule.name for rule in store.rules()] == ["area km²"]


def test_an_upgraded_store_is_written_as_a_new_one(url: str) -> None:
    """What was one name is two now; merges are undone, and an erasure leaves nothing."""
    with SyncFactStore(url) as store:
        check_writing(store)
    assert b"a hundred" not in Path(url.partition("///")[2]).read_bytes()


def check_writing(store: SyncFactStore) -> None:
    """Write to an upgraded store, undo its merges and erase what has new keys."""
    put(store, ("102", "meaning", "a bus"))
    assert store.lookup("102", "meaning").value == "a bus"
    assert store.lookup("10²", "meaning").values == ("a hundred", "a room")
    store.apply([SplitEntities("Square", "x²"), SplitEntities("x³", "Cube")])
    asked = ("x²", "Square", "x³", "Cube")
    assert [store.lookup(name, "kind").values for name in asked] == [
        ("square",), ("form",), ("cube",), ("body",),
    ]  # fmt: skip
    assert store.aliases("Square") == store.aliases("x³") == []
    assert store.erase("10²").facts == 3
    assert store.lookup("102", "meaning").value == "a bus"
    assert store.erase("H₂O").facts == 3
    assert list(store.scan("H₂O")) == []
    assert store.history("H₂O") == []


def test_an_upgrade_that_is_cut_off_changes_nothing(tmp_path: Path) -> None:
    """The whole of it is one transaction."""
    from lamlam.memory_backends.sqlite.migrations import MigrationStep, migrate

    path = tmp_path / "facts.db"
    shutil.copyfile(FILES["sqlite:///"], path)

    def cut_off(connection: sqlite3.Connection) -> None:
        from lamlam.memory_backends.sqlite.key_migration import rekey

        rekey(connection)
        raise OSError("the power is gone")

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        before = list(connection.iterdump())
        with pytest.raises(OSError, match="power"):
            migrate(connection, steps=[MigrationStep("keys", 1, 2, cut_off, "keys")])
        assert list(connection.iterdump()) == before


@given(st.text(min_size=1, max_size=8))
def test_only_names_with_compatibility_characters_have_other_keys(name: str) -> None:
    """Names that the upgrade leaves alone have the key that they had; no two keys become one."""
    if not may_differ(name):
        assert canonical_key(name) == key_of_version_1(name)
    assert key_of_version_1(canonical_key(name)) == key_of_version_1(name)
