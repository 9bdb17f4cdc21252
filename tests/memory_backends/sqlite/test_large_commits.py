"""Commits that change more entities than there were: the log names none of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Op, Replace, Retract
from lamlam.memory_backends.sqlite import commit_log
from lamlam.memory_backends.sync import SyncFactStore


def changes_of(store: SyncFactStore, since: int) -> list[tuple[int, str, str, str]]:
    """Return what the change log says, in an order of names."""
    return sorted(
        (int(c.revision), c.kind, str(c.entity), c.fact.surface if c.fact else "")
        for c in store.changes(since)
    )


def filled(path: Path) -> list[tuple[int, str, str, str]]:
    """Fill a store in commits of all, of few and of many entities; return its change log."""
    commits: list[list[Op]] = [
        [Assert(Fact(entity=f"N {n}", relation="work", value=f"value {n}")) for n in range(40)],
        [Replace(Fact(entity="N 3", relation="work", value="another"))],
        [Retract(f"N {n}", "work") for n in range(30, 40)],
        [Assert(Fact(entity=f"M {n}", relation="work", value=f"value {n}")) for n in range(99)],
        [
            Assert(Fact(entity=f"{kind} {n}", relation="age", value=n))
            for kind in "MN"
            for n in range(90)
        ],
    ]
    with SyncFactStore(f"sqlite:///{path}") as store:
        for ops in commits:
            store.apply(ops)
        assert changes_of(store, 3) == [c for c in changes_of(store, 0) if c[0] > 3]
        return changes_of(store, 0)


def test_the_change_log_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that names every entity, in fewer bytes; also of entities that are gone since."""
    named = filled(tmp_path / "named.db")
    monkeypatch.setattr(commit_log, "_FEWEST_OF_ALL", 10)
    unnamed = filled(tmp_path / "unnamed.db")
    assert unnamed == named
    with closing(sqlite3.connect(tmp_path / "unnamed.db")) as connection:
        rows = connection.execute("SELECT revision, entities FROM touched").fetchall()
    assert [revision for revision, entities in rows if not entities] == [1, 4, 5]
    assert [revision for revision, entities in rows if entities] == [2, 3]
