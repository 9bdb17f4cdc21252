"""All of a namespace is one erasure of a fact file: one commit, one clean-up, one look at each table."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import Unavailable
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert, ErasureReceipt, Retract
from lamlam.memory_backends.sqlite import erasure, open_file
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.sqlite.files import bytes_of

SPACE = ("users", "7")
_ONCE = ("SELECT name FROM ent WHERE substr", "SELECT events FROM log", "SELECT id, entities FROM")


def fill(store: SyncFactStore, n_entities: int, n_others: int = 5) -> None:
    """Facts with sources, history and an alias in the namespace, and others beside it."""
    ops: list[Any] = [
        Assert(Fact(entity=f"Other {n}", relation="work", value=f"other {n}"))
        for n in range(n_others)
    ]
    ops += [
        Assert(
            Fact(
                entity=f"Canary {n}",
                relation="work",
                value=f"{value} {n}",
                source=f"chat {n}",
                namespace=SPACE,
            )
        )
        for n in range(n_entities)
        for value in ("canary one", "canary two")
    ]
    ops.append(AddAlias("Canary 0", "Kanarienvogel", SPACE))
    store.apply(ops)
    store.apply(
        [Retract(f"Canary {n}", "work", f"canary one {n}", SPACE) for n in range(n_entities)]
    )


@contextmanager
def counted(store: SqliteStore) -> Iterator[Counter[str]]:
    """Count what the connection that writes is asked to do, by the beginning of statements."""
    counts: Counter[str] = Counter()
    connection = store._open_writer().connection

    def note(statement: str) -> None:
        begin = " ".join(statement.split())
        counts["all"] += 1
        counts[begin.split(" ")[0]] += 1
        for once in _ONCE:
            counts[once] += begin.startswith(once)

    connection.set_trace_callback(note)
    try:
        yield counts
    finally:
        connection.set_trace_callback(None)


def work_of(path: Path, n_entities: int) -> Counter[str]:
    """What it takes to erase a namespace of so many entities."""
    store = SqliteStore(path)
    with SyncFactStore(store) as twin:
        fill(twin, n_entities)
        with counted(store) as counts:
            receipt = twin.erase_namespace(SPACE)
    store.close_nowait()
    assert (receipt.facts, receipt.verified) == (3 * n_entities - n_entities, True)
    return counts


def test_the_work_grows_by_a_few_statements_an_entity(tmp_path: Path) -> None:
    """Commits, checkpoints and readings of whole tables are as many for 300 entities as for 100."""
    few, many = work_of(tmp_path / "few.db", 100), work_of(tmp_path / "many.db", 300)
    for what in ("BEGIN", "COMMIT", "PRAGMA", "VACUUM", *_ONCE):
        assert few[what] == many[what], what
    assert 0 < few["COMMIT"] <= 3
    assert (many["all"] - few["all"]) / 200 <= 25


def test_one_revision_and_one_notice_an_entity(path: Path) -> None:
    """All of it is one commit, whatever the number of entities."""
    with SyncFactStore(path) as store:
        fill(store, 30)
        before = store.info().revision
        receipt = store.erase_namespace(SPACE)
        assert receipt.revision == store.info().revision == before + 1
        told = list(store.changes(before))
        assert len({one.entity_id for one in told}) == len(told) == 30
    assert b"anary" not in bytes_of(path)


def test_what_breaks_off_erases_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interruption before the commit leaves all of the namespace; doing it again works."""
    with SyncFactStore(path) as store:
        fill(store, 5)
        held = list(store.scan(namespace=SPACE))

        def breaks_off(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(erasure, "find_mentions", breaks_off)
            with pytest.raises(KeyboardInterrupt):
                store.erase_namespace(SPACE)
        assert list(store.scan(namespace=SPACE)) == held
        assert store.aliases("Canary 0", namespace=SPACE) == ["kanarienvogel"]
        assert store.erase_namespace(SPACE).verified
    assert b"anary" not in bytes_of(path)


def test_bytes_that_cannot_be_cleaned_are_pending(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The facts are gone, the receipt says what is left, and the next erasure finishes it."""
    with SyncFactStore(path) as store:
        fill(store, 5)

        def fails(_: object) -> bool:
            raise Unavailable("the disk is full")

        with monkeypatch.context() as patched:
            patched.setattr(open_file, "checkpoint_wal", fails)
            receipt = store.erase_namespace(SPACE)
        assert (receipt.facts, receipt.verified) == (10, False)
        assert receipt.unfinished == (receipt.revision,)
        assert list(store.entities(namespace=SPACE)) == []
        again = store.erase_namespace(SPACE)
        assert (again.facts, again.finished, again.verified) == (0, receipt.unfinished, True)
    assert b"anary" not in bytes_of(path)


@pytest.mark.parametrize("kind", ["namespace", "value", "mentions"])
def test_another_process_that_reads_makes_it_pending(
    path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Every kind of erasure says so, and is finished by the next one, of whatever name."""
    monkeypatch.setattr("lamlam.memory_backends.sqlite.schema._BUSY_S", 0.01)
    monkeypatch.setattr("lamlam.memory_backends.sqlite.residue._CHECKPOINT_MS", 10)

    def erased(store: SyncFactStore) -> ErasureReceipt:
        if kind == "namespace":
            return store.erase_namespace(SPACE)
        if kind == "value":
            return store.erase("Canary 0", "work", "canary two 0", namespace=SPACE)
        return store.erase("Canary 0", namespace=SPACE, mentions="replace")

    with SyncFactStore(path) as store:
        fill(store, 2)
        store.apply(
            [Assert(Fact(entity="B", relation="friend", value="Canary 0", namespace=SPACE))]
        )
        other = sqlite3.connect(path, isolation_level=None, timeout=0)
        other.execute("BEGIN")
        other.execute("SELECT * FROM ent").fetchall()
        store.apply([Assert(Fact(entity="C D", relation="work", value="y"))])
        receipt = erased(store)
        assert receipt.facts and not receipt.verified
        assert any("another process" in one for one in receipt.pending)
        other.execute("COMMIT")
        other.close()
        assert store.erase("Nobody").finished == receipt.unfinished
    gone = {"namespace": b"anary", "value": b"canary two 0", "mentions": b"canary two 0"}
    assert gone[kind] not in bytes_of(path)
