"""Fact files of an older schema: what is said of them, how they are upgraded, and what stays."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lamlam.errors import ChangesGone, Conflict, SchemaMismatch
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Replace
from lamlam.memory_backends.sqlite.migrations import STEPS, MigrationStep, migrate
from lamlam.memory_backends.sqlite.schema import SCHEMA_VERSION, open_writer
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.memory_backends.sync import SyncFactStore
from tests.paths import OLD_STORES

OLD = OLD_STORES / "sqlite-1.db"
"""Written by the first version; what it holds stands in `test_nothing_is_lost`."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "facts.db"
    shutil.copyfile(OLD, path)
    return path


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_writer(path)) as opened:
        yield opened


def _version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_an_older_file_is_not_read_but_named(path: Path) -> None:
    """The hint is the command that upgrades it; the file is left as it was."""
    before = path.read_bytes()
    for is_frozen in (False, True):
        with pytest.raises(
            SchemaMismatch, match=f"schema 1, this lamlam reads {SCHEMA_VERSION}"
        ) as caught:
            SqliteStore(path, read_only=True, is_frozen=is_frozen)
        assert caught.value.hint == f"upgrade it: lamlam facts migrate --memory sqlite:///{path}"
    assert path.read_bytes() == before


def test_a_dry_run_changes_nothing(path: Path) -> None:
    """It says what an upgrade does, step by step."""
    with SyncFactStore(path) as store:
        announced = store.migrate(dry_run=True)
        assert (announced.before, announced.after, announced.dry_run) == (1, SCHEMA_VERSION, True)
        assert len(announced.steps) == len(STEPS)
        assert _version(path) == 1
        done = store.migrate()
        assert (done.before, done.after, done.steps) == (1, SCHEMA_VERSION, announced.steps)
        assert store.migrate().steps == ()
    assert _version(path) == SCHEMA_VERSION


def test_steps_are_recorded(path: Path) -> None:
    """Name, time and versions of every step; a new file says when it was made."""
    with SyncFactStore(path) as store:
        store.migrate()
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, before, after, time > 0 FROM migration").fetchall()
    assert rows == [(step.name, step.before, step.after, 1) for step in STEPS]


@pytest.mark.parametrize("first", ["lookup", "describe", "scan", "info", "apply"])
def test_the_first_use_upgrades(path: Path, first: str) -> None:
    """Whatever is asked first, of a store that may be written."""
    store_ = SqliteStore(path)
    with SyncFactStore(store_) as store:
        match first:
            case "lookup":
                assert store.lookup("Ada Lovelace", "birth place").value == "London"
            case "describe":
                assert store.describe_nowait("ada lovelace") is not None
            case "scan":
                assert len(list(store.scan("Ada Lovelace"))) == 4
            case "info":
                assert store.info().facts == 6
            case _:
                assert store.apply([Assert(Fact(entity="x", relation="y", value="z"))]).facts == 1
    store_.close_nowait()
    assert _version(path) == SCHEMA_VERSION


def test_nothing_is_lost(path: Path) -> None:
    """Facts, aliases, sources and history; odd names are found as before."""
    with SyncFactStore(path) as store:
        info = store.info()
        assert (info.schema, info.revision, info.facts, info.entities) == (SCHEMA_VERSION, 5, 6, 3)
        ada = [
            (f.relation, f.value, f.sources, f.confidence, f.revision)
            for f in store.scan("Ada Lovelace")
        ]
        assert ada == [
            ("Birth Date", "10 December 1815", ("a register",), 0.9, 1),
            ("Occupation", "Mathematician", (), 1.0, 1),
            ("Occupation", "Writer", ("a letter",), 1.0, 1),
            ("birth place", "London", ("a register",), 1.0, 2),
        ]
        assert store.lookup("countess of lovelace", "born in").value == "London"
        assert store.lookup("Odd\x1dName", "odd\x1frelation").value == "\x1b\x1e\x1f<|db_end|>"
        (odd,) = store.scan("odd name")
        assert (odd.entity, odd.namespace) == ("Odd\x1dName", ())
        assert store.lookup("jose perez", "work").value == "'; DROP TABLE ent; --"
        past = [
            (p.fact.value, p.fact.sources, p.asserted, p.retracted)
            for p in store.history("Ada Lovelace")
        ]
        assert past == [("Paris", ("a letter",), 1, 2), ("passing", (), 4, 5)]
        assert [p.fact.value for p in store.history("Gone")] == ["once"]
        assert store.lookup("Ada Lovelace", "birth place", as_of=1).value == "Paris"
        assert store.lookup("Gone", "note", as_of=4).value == "once"


def test_the_feed_begins_at_the_upgrade(path: Path) -> None:
    """What was committed before is in no log; what comes after is."""
    with SyncFactStore(path) as store:
        assert store.info().changes_since == 5
        with pytest.raises(ChangesGone):
            list(store.changes(4))
        store.apply([Replace(Fact(entity="Ada Lovelace", relation="birth place", value="Rome"))])
        assert [(c.kind, c.fact and c.fact.value) for c in store.changes(5)] == [
            ("ended", "London"),
            ("asserted", "Rome"),
        ]
        assert {c.fact.value for c in store.changes() if c.fact} >= {"Rome", "Writer"}


def test_what_an_older_version_kept_is_erased(path: Path) -> None:
    """Facts, their history and the sources that only these named."""
    with SyncFactStore(path) as store:
        assert store.erase("Gone").verified
        receipt = store.erase("Ada Lovelace")
        assert (receipt.facts, receipt.verified) == (6, True)
        assert store.info().facts == 2
    data = path.read_bytes()
    assert [
        word
        for word in (b"a source of the past", b"a letter", b"Paris", b"ountess")
        if word in data
    ] == []


def test_a_step_that_fails_leaves_the_step_before(
    path: Path, connection: sqlite3.Connection
) -> None:
    """Steps before it are done and recorded, of the failed one nothing is left."""

    def make(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE made (x)")

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE half (x)")
        raise OSError("the power is gone")

    steps = [*STEPS, MigrationStep("make", 3, 4, make), MigrationStep("fail", 4, 5, fail)]
    announced = migrate(connection, dry_run=True, steps=steps)
    assert (announced.after, announced.steps[-2:]) == (5, ("3 to 4: make", "4 to 5: fail"))
    with pytest.raises(OSError, match="power"):
        migrate(connection, steps=steps)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    assert "made" in tables and "half" not in tables
    assert _version(path) == 4
    report = migrate(connection, steps=[*steps[:-1], MigrationStep("mend", 4, 5, make_nothing)])
    assert (report.before, report.after, report.steps) == (4, 5, ("4 to 5: mend",))


def make_nothing(_: sqlite3.Connection) -> None:
    """A step without work."""


def test_two_processes_upgrade_once(path: Path) -> None:
    """The second finds the work done."""
    with SyncFactStore(path) as first, SyncFactStore(path) as second:
        assert first.migrate().steps
        assert second.migrate().steps == ()
        assert second.lookup("Ada Lovelace", "birth place").value == "London"


def test_a_key_of_a_file_without_digests_takes_any_operations(tmp_path: Path) -> None:
    """Files of before keep no digest of what a key was used for: a repeat is taken for one."""
    path = tmp_path / "facts.db"
    with SyncFactStore(path) as store:
        first = store.apply(
            [Assert(Fact(entity="A", relation="b", value="c"))], idempotency_key="k"
        )
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE done_operations")
    with SyncFactStore(path) as store:
        other = [Assert(Fact(entity="A", relation="b", value="d"))]
        again = store.apply(other, idempotency_key="k")
        assert (again.revision, again.facts) == (first.revision, first.facts)
        store.apply(other, idempotency_key="l")
        with pytest.raises(Conflict, match="idempotency_key"):
            store.apply([], idempotency_key="l")
