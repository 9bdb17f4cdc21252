"""What an erasure leaves in the bytes of a file, in its tables, and with other readers."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Collection, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lamlam.cli.app import run
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    MergeEntities,
    Replace,
    Retract,
)
from lamlam.memory_backends.sqlite import residue
from lamlam.memory_backends.sqlite.byte_search import found_in_texts
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.memory_backends.sync import SyncFactStore
from tests.limits import HANG_S
from tests.memory_backends.sqlite.files import bytes_of
from tests.memory_backends.stores import put
from tests.paths import ROOT


def test_erased_values_are_not_in_the_bytes(path: Path) -> None:
    """Values, sources, past values and names are gone from the file and its log."""
    with SyncFactStore(path) as store:
        put(store, *((f"Name {n}", "work", f"value {n}") for n in range(500)))
        secret = ("Zebulon Quarterstaff", "birth place", "Canary-Wharf-77")
        put(store, secret, source="a whistleblower's diary")
        store.apply([Replace(Fact(entity=secret[0], relation=secret[1], value="Second-Canary-88"))])
        put(store, (secret[0], "notes", "Third canary " * 900))
        canaries = (
            b"Canary-Wharf-77", b"Second-Canary-88", b"Third canary", b"Zebulon", b"whistleblower",
        )  # fmt: skip
        assert all(canary in bytes_of(path) for canary in canaries)
        receipt = store.erase(secret[0])
        assert receipt.verified
        assert receipt.pending == ()
        assert receipt.facts == 3
        assert {"file", "write-ahead log", "history"} <= set(receipt.covered)
        assert [canary for canary in canaries if canary in bytes_of(path)] == []
        assert store.info().facts == 500
    assert [canary for canary in canaries if canary in bytes_of(path)] == []


def test_a_value_that_another_fact_holds_may_stay(path: Path) -> None:
    """The receipt is not spoilt by what was not erased."""
    with SyncFactStore(path) as store:
        put(store, ("A B", "birth place", "Lowmere"), ("C D", "birth place", "Lowmere"))
        receipt = store.erase("A B")
        assert receipt.verified
        assert store.lookup("C D", "birth place").value == "Lowmere"


def test_values_that_others_hold_too_are_looked_for_in_one_reading(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many they are: a reading of all facts for each would take hours."""
    readings: list[int] = []

    def counted(texts: Iterable[str], needles: Collection[bytes]) -> set[bytes]:
        every = list(texts)
        readings.append(len(every))
        return found_in_texts(every, needles)

    monkeypatch.setattr(residue, "found_in_texts", counted)
    with SyncFactStore(path) as store:
        for name in ("A B", "C D"):
            put(store, *((name, f"relation {n}", f"value {n}") for n in range(200)))
        receipt = store.erase("A B")
        assert (receipt.verified, receipt.facts) == (True, 200)
        assert store.lookup("C D", "relation 7").value == "value 7"
    assert len(readings) == 1
    assert readings[0] < 200


def test_leftover_bytes_are_found_and_cleaned(path: Path) -> None:
    """A copy on a free page, as a store without secure deletion leaves it, is written over."""
    with SyncFactStore(path) as store:
        put(store, *((f"Name {n}", "work", f"Leftover-Canary {n}" * 20) for n in range(300)))
        put(store, ("A B", "work", "Leftover-Canary"))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("DELETE FROM ent WHERE name LIKE 'Name %'")
    connection.commit()
    connection.close()
    assert b"Leftover-Canary" in bytes_of(path)
    with SyncFactStore(path) as store:
        receipt = store.erase("A B")
    assert receipt.verified
    assert b"Leftover-Canary" not in bytes_of(path)


def test_a_reader_in_another_process_makes_erasure_pending(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be done now is said, and is done by the next erasure."""
    monkeypatch.setattr("lamlam.memory_backends.sqlite.schema._BUSY_S", 0.01)
    with SyncFactStore(path) as store:
        put(store, ("A B", "birth place", "Pending-Canary"), ("C D", "work", "x"))
        other = sqlite3.connect(path, isolation_level=None, timeout=0)
        other.execute("BEGIN")
        other.execute("SELECT * FROM ent").fetchall()
        store.apply([Assert(Fact(entity="C D", relation="work", value="y"))])
        receipt = store.erase("A B")
        assert not receipt.verified
        assert any("another process" in one for one in receipt.pending)
        assert "file" not in receipt.covered
        other.execute("COMMIT")
        other.close()
        assert store.lookup("A B", "birth place").value is None
        store.erase("C D")
        assert b"Pending-Canary" not in bytes_of(path)


def test_readers_of_this_process_do_not_hold_an_erasure_up(path: Path) -> None:
    """An engine beside the store that erases ends its snapshot."""
    with SyncFactStore(path) as store, SyncFactStore(path, read_only=True) as reading:
        put(store, ("A B", "birth place", "Held-Canary"))
        assert reading.lookup("A B", "birth place").value == "Held-Canary"
        assert store.erase("A B").verified
        assert reading.lookup("A B", "birth place").value is None
        assert b"Held-Canary" not in bytes_of(path)


_IDLE = """
import sys, anyio, lamlam
url, way = sys.argv[1:]

def wait():
    print("asked", flush=True)
    sys.stdin.readline()

async def ask():
    async with lamlam.open_store(url) as store:
        if way == "async":
            assert (await store.lookup("A B", "birth place")).value
        else:
            assert store.lookup_nowait(lamlam.Lookup("A B", "birth place")).value
            assert store.describe_nowait("A B")
            store.refresh_nowait()
        wait()

if way == "blocking":
    with lamlam.SyncFactStore(url) as store:
        assert store.lookup("A B", "birth place").value
        wait()
else:
    anyio.run(ask)
"""


@pytest.mark.parametrize("way", ["blocking", "async", "engine"])
def test_an_idle_process_does_not_hold_an_erasure_up(path: Path, way: str) -> None:
    """A process that has finished reading does not delay an erasure."""
    with SyncFactStore(path) as store:
        put(store, ("A B", "birth place", "Idle-Canary"), ("C D", "work", "x"))
        idle = subprocess.Popen(
            [sys.executable, "-c", _IDLE, f"sqlite:///{path}", way],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        assert idle.stdin is not None and idle.stdout is not None
        try:
            assert idle.stdout.readline() == "asked\n"
            put(store, ("C D", "work", "y"))
            assert run(["facts", "forget", "A B", "--memory", f"sqlite:///{path}"]) == 0
            assert b"Idle-Canary" not in bytes_of(path)
            put(store, ("E F", "birth place", "Idle-Canary"))
            assert store.erase("E F").verified
        finally:
            idle.communicate("\n", timeout=HANG_S)
        assert idle.returncode == 0


def _statements(store: SqliteStore) -> list[str]:
    """What the store's writer runs from now on."""
    said: list[str] = []
    store._open_writer().connection.set_trace_callback(said.append)
    return said


@pytest.mark.parametrize(
    ("value", "other", "source"),
    [
        ("x" * 8, "something else", "a source that many facts name " * 20),
        ("a long beginning " * 30 + "one end", "a long beginning " * 30 + "another end", "s" * 8),
        ("shared whole " * 30, "shared whole " * 30, "s" * 8),
    ],
)
def test_long_texts_that_others_share_are_no_leftovers(
    path: Path, value: str, other: str, source: str
) -> None:
    """Nothing is pending, and the file is not written anew for them."""
    store_ = SqliteStore(path)
    with SyncFactStore(store_) as store:
        put(store, ("A B", "work", value), ("C D", "work", other), source=source)
        said = _statements(store_)
        assert store.erase("A B").verified
        assert store.lookup("C D", "work").sources == (source,)
        assert not any(statement.startswith("VACUUM") for statement in said)
    store_.close_nowait()


def test_a_long_end_that_nothing_shares_is_a_leftover(path: Path) -> None:
    """A live text with the same beginning hides no copy of the rest."""
    beginning = "a long beginning " * 30
    with SyncFactStore(path) as store:
        put(store, ("Left Over", "work", beginning + "Tail-Canary" * 10))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("DELETE FROM ent")
    connection.commit()
    connection.close()
    with SyncFactStore(path) as store:
        put(store, ("C D", "work", beginning + "end"))
        put(store, ("A B", "work", beginning + "Tail-Canary" * 10))
        assert store.erase("A B").verified
    assert b"Tail-Canary" not in bytes_of(path)


def test_what_was_not_searched_is_not_confirmed(path: Path) -> None:
    """An erasure of nothing, again after a pending one too, and of texts too short to find."""
    with SyncFactStore(path) as store:
        put(store, ("A B", "work", "x"), source="s")
        for receipt in (store.erase("Nobody"), store.erase("A B"), store.erase("A B")):
            assert not receipt.verified
            assert "file" not in receipt.covered and "write-ahead log" not in receipt.covered
        put(store, ("A B", "work", "x"), ("C D", "work", "y"), source="a letter")
        assert store.erase("A B").verified


def test_leftovers_of_short_values_are_found(path: Path) -> None:
    """By the relation that stands beside them in the file."""
    with SyncFactStore(path) as store:
        put(store, *((f"Name {n}", "left", f"v{n}") for n in range(300)))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("DELETE FROM ent WHERE name LIKE 'Name %'")
    connection.commit()
    connection.close()
    assert b"\x1e!v77\x1f" in bytes_of(path)
    with SyncFactStore(path) as store:
        put(store, ("A B", "left", "v77"))
        assert store.erase("A B").verified
    assert b"\x1e!v77\x1f" not in bytes_of(path)


def test_index_keys_go_with_the_entity(path: Path) -> None:
    """Nothing by which the name could be tested stays in any table."""
    with SyncFactStore(path) as store:
        put(store, ("Bystander", "work", "x"))
        before = _tables(path)
        put(store, ("Dr. José María Pérez (poet)", "work", "x"))
        assert _tables(path)["near_block"] != before["near_block"]
        store.erase("Dr. José María Pérez (poet)")
        after = _tables(path)
    changed = {name for name in after if after[name] != before.get(name, [])}
    assert changed == {"log", "store"}  # the number of the commit, and a keyed id of what it erased


def _tables(path: Path) -> dict[str, list[str]]:
    """Return the rows of every table, each as a text."""
    with closing(sqlite3.connect(path)) as connection:
        named = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        names = [name for (name,) in named.fetchall()]
        return {
            name: sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"'))) for name in names
        }


def test_a_long_read_of_this_process_is_named_in_the_receipt(path: Path) -> None:
    """It holds the log, and no other process is to blame; once it is over nothing does."""
    with SyncFactStore(f"sqlite:///{path}") as store:
        put(store, *(("Ada", "work", f"kanarienvogel {n}") for n in range(900)), ("B", "w", "x"))
        changes: Any = store.changes(None)
        next(changes)
        receipt = store.erase("Ada")
        assert not receipt.verified and "this process" in receipt.pending[0]
        changes.close()
        put(store, ("Ada", "work", "kanarienvogel"))
        assert store.erase("Ada").verified


def test_a_user_leaves_no_bytes(path: Path) -> None:
    """All of a user's namespace, listed and erased: nothing of it is in any table or byte."""
    space = ("users", "7")
    words = (b"zqxjkv", b"wvutsr")

    def said(value: str, entity: str) -> Assert:
        return Assert(
            Fact(
                entity=entity, relation="wvutsr relation", value=value, source="wvutsr letter",
                namespace=space,
            )
        )  # fmt: skip

    with SyncFactStore(path) as store:
        put(store, ("Bystander", "work", "untouched"))
        store.apply(
            [said("wvutsr one", "Zqxjkv One")], actor="Zqxjkv One", idempotency_key="zqxjkv"
        )
        store.apply([said("wvutsr two", "Zqxjkv Two")], actor="zqxjkv_two")
        store.apply([AddAlias("Zqxjkv One", "Zqxjkv Alias", space)], actor="Zqxjkv Alias")
        store.apply([MergeEntities("Zqxjkv One", "Zqxjkv Two", space)])
        store.apply([said("wvutsr three", "Zqxjkv Three"), said("wvutsr", "Zqxjkv Four")])
        store.apply([Retract("Zqxjkv Three", "wvutsr relation", namespace=space)])
        put(store, ("Bystander", "work", "more"))
        erased = 0
        while entities := list(store.entities(namespace=space)):
            for one in entities:
                receipt = store.erase(one.name, namespace=space)
                assert receipt.n_mentions == 0 and not receipt.pending
                erased += receipt.facts
        assert erased == 5
        held = bytes_of(path).lower()
        assert [word for word in words if word in held] == []
        empty = {name for name, rows in _tables(path).items() if not rows}
        assert empty >= {
            "alias", "past", "merge", "reference", "source", "done_operations", "unfinished",
        }  # fmt: skip
        assert [one.surface for one in store.scan()] == ["untouched", "more"]
    assert [word for word in words if word in bytes_of(path).lower()] == []


def test_an_actor_leaves_no_bytes(path: Path) -> None:
    """Whoever made commits and is erased is in no byte, however the name was written."""
    with SyncFactStore(path) as store:
        for actor in ("Zqxjkv Ärger", "zqxjkv_A\u0308RGER", "ZQXJKV  ärger"):
            store.apply([Assert(Fact(entity="B", relation="work", value=actor[:3]))], actor=actor)
        receipt = store.erase("zqxjkv ärger")
        assert (receipt.facts, receipt.log_entries, receipt.verified) == (0, 3, True)
        assert b"zqxjkv" not in bytes_of(path).lower().replace(b"zqx\x1f", b"")
        assert store.erase("zqxjkv ärger").is_empty


def test_mentions_in_other_letters_are_found(path: Path) -> None:
    """Full-width letters, ligatures and ß are what a name makes of them; parts of words are not."""
    with SyncFactStore(path) as store:
        texts = [
            "Ｓｔｒａｓｓｅ Eins",
            "am Strauß",
            "straße eins",
            "STRASSE_EINS",
            "Strasse Einsam",
        ]
        put(store, *((f"N{n}", "text", text) for n, text in enumerate(texts)))
        put(store, *((f"M{n}", "text", f"x {text} y") for n, text in enumerate(texts)))
        put(store, ("N9", "text", "李明的书"), ("N8", "text", "李 明"))
        found = store.erase("Strasse Eins").mentions
        assert sorted(one.entity or "" for one in found) == ["M0", "M2", "M3", "N0", "N2", "N3"]
        assert [one.entity for one in store.erase("李明").mentions] == ["N9"]
