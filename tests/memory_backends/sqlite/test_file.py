"""The file behind a SQLite store: what is refused, what is erased, who sees what when."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, closing
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio.lowlevel import checkpoint

from lamlam.cli.app import run
from lamlam.errors import (
    BadFact,
    BadStore,
    LamLamError,
    ReadOnly,
    SchemaMismatch,
    StoreMissing,
    Unavailable,
    UnknownBackend,
)
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import Assert, Replace
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.open import connect
from lamlam.memory_backends.sqlite.schema import SCHEMA_VERSION
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.memory_backends.sync import SyncFactStore
from tests.limits import HANG_S
from tests.memory_backends.stores import put
from tests.paths import ROOT


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "facts.db"


def _bytes(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


# What is refused --------------------------------------------------------------------------------


def _folder(path: Path) -> None:
    path.mkdir()


def _text(path: Path) -> None:
    path.write_text("no database\n" * 500)


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (name)")
    connection.close()


def _newer(path: Path) -> None:
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.close()


def _cut_short(path: Path) -> None:
    with SyncFactStore(path) as store:
        put(store, *((f"Name {n}", "b", "c" * 50) for n in range(200)))
    path.write_bytes(path.read_bytes()[:1500])


def _empty(path: Path) -> None:
    path.touch()


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (_folder, BadStore, "is a folder"),
        (_text, BadStore, "not a SQLite file"),
        (_foreign, BadStore, "not a fact file of lamlam"),
        (_newer, SchemaMismatch, f"schema {SCHEMA_VERSION + 1}"),
        (_cut_short, BadStore, ""),
        (_empty, BadStore, "is empty"),
        (lambda path: None, StoreMissing, "no fact file"),
    ],
)
def test_what_is_no_fact_file_is_refused(
    path: Path, make: Callable[[Path], None], error: type[LamLamError], said: str
) -> None:
    """One line that names the file, and the file is left as it was."""
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(error) as caught:
        connect(f"sqlite:///{path}", create=False)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_foreign_database_is_not_written_to(path: Path) -> None:
    """Nothing of ours is put into another program's file."""
    _foreign(path)
    with pytest.raises(BadStore):
        connect(path)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("people",)]
    connection.close()


def test_an_empty_file_becomes_a_store_where_one_may_be_made(path: Path) -> None:
    """As left by tools that make temporary files."""
    path.touch()
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
        assert store.lookup("A", "b").value == "c"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """No folder is made on the way."""
    with pytest.raises(StoreMissing, match="no folder"):
        connect(tmp_path / "absent" / "facts.db")


@pytest.mark.parametrize(
    "url", ["gopher://x", "sqlite:", "sqlite://", "sqlite:///", "", "facts.db", "memory:x"]
)
def test_unknown_urls_are_refused_with_a_hint(url: str) -> None:
    """The message names the URL, the hint says how to write one."""
    with pytest.raises(UnknownBackend) as caught:
        connect(url)
    assert repr(url) in str(caught.value)
    wanted = "memory:" if url.startswith("memory") else "sqlite:///"
    assert caught.value.hint and wanted in caught.value.hint


def test_paths_with_odd_characters(tmp_path: Path) -> None:
    """A question mark, a hash, a percent sign or a space in a path is part of the path."""
    path = tmp_path / "odd ?#%41 é.db"
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_relative_paths(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three slashes name a file of the working folder."""
    monkeypatch.chdir(path.parent)
    with SyncFactStore("sqlite:///facts.db") as store:
        put(store, ("A", "b", "c"))
    assert path.exists()


def test_a_file_in_a_read_only_folder_can_be_read(path: Path) -> None:
    """As packaged facts are, in an installation that its user may not write."""
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        for is_frozen in (True, False):
            store_ = SqliteStore(path, read_only=True, is_frozen=is_frozen)
            assert store_.lookup_nowait(Lookup("A", "b")).value == "c"
            with SyncFactStore(store_) as wrapped:
                with pytest.raises(ReadOnly):
                    put(wrapped, ("A", "b", "d"))
            SyncFactStore(store_).close()
    finally:
        path.parent.chmod(0o755)


def test_the_bundled_file_opens_read_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``bundled`` is the packaged file, and nothing beside it is made."""
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
    monkeypatch.setattr("lamlam.bundled.facts_path", lambda: path)
    with SyncFactStore("bundled") as store:
        assert store.lookup("a", "B").value == "c"
        assert [file.name for file in path.parent.glob("facts.db*")] == [path.name]
        with pytest.raises(ReadOnly):
            put(store, ("A", "b", "d"))


def test_a_lock_of_another_process_is_unavailable(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that stays is named as such; the error may be retried."""
    monkeypatch.setattr("lamlam.memory_backends.sqlite.schema._BUSY_S", 0.01)
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with SyncFactStore(path) as second, pytest.raises(Unavailable) as caught:
            put(second, ("A", "b", "d"))
        assert caught.value.retryable
        other.execute("ROLLBACK")
        other.close()
        put(store, ("A", "b", "d"))


def test_a_locked_file_is_not_read_past_its_lock(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where a folder cannot be written are locks left out."""
    monkeypatch.setattr("lamlam.memory_backends.sqlite.schema._BUSY_S", 0.01)
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE").fetchone()
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Unavailable):
        SqliteStore(path, read_only=True)
    other.execute("ROLLBACK")
    other.close()


# Who sees what --------------------------------------------------------------------------------------


def test_another_store_of_this_process_sees_a_commit_at_once(path: Path) -> None:
    """An engine that reads a file writes with what was just set in it."""
    with SyncFactStore(path) as writing, SyncFactStore(path, read_only=True) as reading:
        for n in range(20):
            writing.apply([Replace(Fact(entity="A", relation="b", value=str(n)))])
            assert reading.lookup("A", "b").values == (str(n),)


def test_another_process_is_seen_after_refresh(path: Path) -> None:
    """A snapshot ends when it is told to."""
    program = (
        "import sys, lamlam\n"
        "with lamlam.SyncFactStore(sys.argv[1]) as store:\n"
        "    store.apply([lamlam.Replace(lamlam.Fact(entity='A', relation='b', value='d'))])\n"
    )
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
        assert store.lookup("A", "b").value == "c"
        subprocess.run([sys.executable, "-c", program, f"sqlite:///{path}"], check=True, cwd=ROOT)
        store.refresh_nowait()
        assert store.lookup("A", "b").value == "d"
        put(store, ("A", "b", "e"))
        assert store.lookup("A", "b").values == ("d", "e")


def test_threads_may_ask_while_one_writes(path: Path) -> None:
    """Every answer is one that was committed."""
    wrong: list[object] = []
    done = threading.Event()
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "0"))

        def ask() -> None:
            while not done.is_set():
                value = store.lookup("A", "b").value
                if value is None or not value.isdigit():
                    wrong.append(value)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for n in range(50):
            store.apply([Replace(Fact(entity="A", relation="b", value=str(n)))])
        done.set()
        for thread in threads:
            thread.join()
        assert store.lookup("A", "b").value == "49"
    assert wrong == []


def test_lookups_do_not_wait_for_a_write(path: Path) -> None:
    """Another thread asks, and is answered, while facts are being written."""
    answers: list[str | None] = []
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))

        def facts() -> Iterator[Fact]:
            asking = threading.Thread(
                target=lambda: answers.append(store.lookup("A", "b").value), daemon=True
            )
            asking.start()
            asking.join(HANG_S)
            assert answers == ["c"]
            yield Fact(entity="A", relation="b", value="d")

        store.load(facts())
        assert store.lookup("A", "b").values == ("c", "d")


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_writing_leaves_the_event_loop_free(path: Path, backend: str) -> None:
    """Other tasks run while facts are written, and ask the same store."""
    answered = threading.Event()

    def facts() -> Iterator[Fact]:
        yield Fact(entity="A", relation="b", value="d")
        assert answered.wait(HANG_S)

    async def ask(store: SqliteStore) -> None:
        assert (await store.lookup("A", "b")).value == "c"
        answered.set()

    async def main() -> None:
        async with SqliteStore(path) as store:
            await store.apply([Assert(Fact(entity="A", relation="b", value="c"))])
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(store.load, facts())
                await anyio.lowlevel.checkpoint()
                tasks.start_soon(ask, store)
            assert (await store.lookup("A", "b")).values == ("c", "d")
            assert (await store.erase("A")).facts == 2

    anyio.run(main, backend=backend)


def test_stores_open_and_close_while_another_commits(path: Path) -> None:
    """A commit that succeeded is never reported as an error."""
    done = threading.Event()

    def open_and_close() -> None:
        while not done.is_set():
            SqliteStore(path, read_only=True).close_nowait()

    with SyncFactStore(path) as store:
        threads = [threading.Thread(target=open_and_close) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for n in range(60):
                assert store.apply([Replace(Fact(entity="A", relation="b", value=str(n)))]).facts
        finally:
            done.set()
            for thread in threads:
                thread.join()


def test_many_facts_in_one_commit(path: Path) -> None:
    """A load larger than one round of the writer, with entities that come again."""
    facts = [
        Fact(entity=f"Name {n % 7000}", relation="work", value=str(n), source=f"source {n % 3}")
        for n in range(60_000)
    ]
    with SyncFactStore(path) as store:
        commit = store.load(facts)
        assert (commit.facts, commit.revision) == (60_000, 1)
        info = store.info()
        assert (info.facts, info.entities) == (60_000, 7000)
        expected = tuple(str(n) for n in range(5, 60_000, 7000))
        assert store.lookup("name 5", "work").values == expected


def test_sources_are_kept_once(path: Path) -> None:
    """A long source that many facts name is stored once, and goes with the last of them."""
    source = "a very long source " * 50
    with SyncFactStore(path) as store:
        put(store, *((f"Name {n}", "b", "c") for n in range(30)), source=source)
        assert set(store.lookup("Name 7", "b").sources) == {source}
        assert path.with_name("facts.db-wal").read_bytes().count(source.encode()[:40]) < 30
        for n in range(30):
            store.erase(f"Name {n}")
    assert b"very long source" not in _bytes(path)


# Erasing ----------------------------------------------------------------------------------------------


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
        assert all(canary in _bytes(path) for canary in canaries)
        receipt = store.erase(secret[0])
        assert receipt.verified
        assert receipt.pending == ()
        assert receipt.facts == 3
        assert {"file", "write-ahead log", "history"} <= set(receipt.covered)
        assert [canary for canary in canaries if canary in _bytes(path)] == []
        assert store.info().facts == 500
    assert [canary for canary in canaries if canary in _bytes(path)] == []


def test_a_value_that_another_fact_holds_may_stay(path: Path) -> None:
    """The receipt is not spoilt by what was not erased."""
    with SyncFactStore(path) as store:
        put(store, ("A B", "birth place", "Lowmere"), ("C D", "birth place", "Lowmere"))
        receipt = store.erase("A B")
        assert receipt.verified
        assert store.lookup("C D", "birth place").value == "Lowmere"


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
    assert b"Leftover-Canary" in _bytes(path)
    with SyncFactStore(path) as store:
        receipt = store.erase("A B")
    assert receipt.verified
    assert b"Leftover-Canary" not in _bytes(path)


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
        assert b"Pending-Canary" not in _bytes(path)


def test_readers_of_this_process_do_not_hold_an_erasure_up(path: Path) -> None:
    """An engine beside the store that erases ends its snapshot."""
    with SyncFactStore(path) as store, SyncFactStore(path, read_only=True) as reading:
        put(store, ("A B", "birth place", "Held-Canary"))
        assert reading.lookup("A B", "birth place").value == "Held-Canary"
        assert store.erase("A B").verified
        assert reading.lookup("A B", "birth place").value is None
        assert b"Held-Canary" not in _bytes(path)


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
    """Whoever has asked and asks no more keeps nothing from being erased."""
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
            assert b"Idle-Canary" not in _bytes(path)
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
    assert b"Tail-Canary" not in _bytes(path)


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
    assert b"left\x1fv77\x1f" in _bytes(path)
    with SyncFactStore(path) as store:
        put(store, ("A B", "left", "v77"))
        assert store.erase("A B").verified
    assert b"left\x1fv77\x1f" not in _bytes(path)


def test_index_keys_go_with_the_entity(path: Path) -> None:
    """Nothing by which the name could be tested stays in any table."""
    with SyncFactStore(path) as store:
        put(store, ("Bystander", "work", "x"))
        before = _tables(path)
        put(store, ("Dr. José María Pérez (poet)", "work", "x"))
        assert len(_tables(path)["near"]) > len(before["near"])
        store.erase("Dr. José María Pérez (poet)")
        after = _tables(path)
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"log", "store"}  # the number of the commit, and a keyed id of what it erased


def _tables(path: Path) -> dict[str, list[str]]:
    """Return the rows of every table, each as a text."""
    with closing(sqlite3.connect(path)) as connection:
        named = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        names = [name for (name,) in named.fetchall()]
        return {
            name: sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"'))) for name in names
        }


def test_a_copy_of_the_file_is_a_store(path: Path, tmp_path: Path) -> None:
    """After close everything is in the one file."""
    with SyncFactStore(path) as store:
        put(store, ("A", "b", "c"))
        fact_id = store.lookup("A", "b").fact_ids
    assert [file.name for file in tmp_path.iterdir()] == ["facts.db"]
    shutil.copyfile(path, tmp_path / "copy.db")
    with SyncFactStore(tmp_path / "copy.db") as store:
        assert store.lookup("A", "b").fact_ids == fact_id


# Other people's backends ------------------------------------------------------------------------------


def test_entry_points_bring_other_schemes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that names a scheme gets the URLs of that scheme, and what else was asked."""

    def open_elsewhere(url: str, *, create: bool, read_only: bool) -> SqliteStore:
        assert (url, create, read_only) == ("elsewhere://x", False, True)
        return SqliteStore(path)

    class Entry:
        def load(self) -> object:
            return open_elsewhere

    def entry_points(*, group: str, name: str = "") -> list[Entry]:
        return [Entry()] if (group, name) == ("lamlam.memory_backends", "elsewhere") else []

    monkeypatch.setattr("lamlam.memory_backends.open.entry_points", entry_points)
    with SyncFactStore("elsewhere://x", create=False, read_only=True) as store:
        assert store.info().backend == "sqlite"
    with pytest.raises(UnknownBackend):
        connect("nowhere://x")


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


def test_a_crowd_of_like_names_hides_no_other(path: Path) -> None:
    """Of two that are as near, none is taken, however many more there are of the same sound."""
    letters = random.Random(0)
    crowd = {f"J{''.join(letters.choices('bcdfghklmnpqrstvwz', k=7))} Smith" for _ in range(700)}
    facts = [(name, "job", "x") for name in sorted(crowd)]
    facts += [("Jeremiah Smith", "job", "a"), ("Jerimish Smith", "job", "b")]
    found = []
    for url in (f"sqlite:///{path}", "memory:"):
        with SyncFactStore(url) as store:
            put(store, *facts)
            found.append(store.lookup("Jerimiah Smith", "job").status)
    assert found == ["ambiguous", "ambiguous"]


def test_a_file_that_was_removed_is_told(path: Path) -> None:
    with SyncFactStore(f"sqlite:///{path}") as store:
        put(store, ("Ada", "work", "x"))
        path.unlink()
        with pytest.raises(StoreMissing, match="was removed"):
            store.info()


@pytest.mark.parametrize("is_file", [True, False])
def test_what_is_no_question_is_refused_at_once(path: Path, is_file: bool) -> None:
    store: SqliteStore | GraphStore = SqliteStore(path) if is_file else GraphStore()
    for query in (None, "Ada", ("Ada", "work")):
        with pytest.raises(BadFact, match="is no lookup"):
            store.lookup_nowait(query)  # type: ignore[arg-type]  # wrong on purpose
    store.close_nowait()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.parametrize("is_file", [True, False])
async def test_reading_all_leaves_others_their_turn(path: Path, is_file: bool) -> None:
    """A scan and a feed can be cancelled, and other tasks run meanwhile."""
    store: SqliteStore | GraphStore = SqliteStore(path) if is_file else GraphStore()
    async with store:
        await store.load(Fact(entity=f"N{n}", relation="r", value="x") for n in range(9000))
        for read in (store.scan, store.changes):
            n_turns = n_read = 0
            with anyio.CancelScope() as scope:

                async def watch(scope: anyio.CancelScope = scope) -> None:
                    nonlocal n_turns
                    while n_turns < 3:
                        n_turns += 1
                        await checkpoint()
                    scope.cancel()

                async with anyio.create_task_group() as group:
                    group.start_soon(watch)
                    items: AsyncGenerator[object, None] = read()  # type: ignore[assignment]  # is one
                    async with aclosing(items):
                        async for _ in items:
                            n_read += 1
            assert scope.cancelled_caught and 0 < n_read < 9000
