"""One file in several threads and processes: who waits, and what each of them sees."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from anyio.lowlevel import checkpoint

from lamlam.errors import (
    Unavailable,
)
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Replace
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.memory_backends.sync import SyncFactStore
from tests.limits import HANG_S
from tests.memory_backends.stores import put
from tests.paths import ROOT


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


def test_another_store_of_this_process_sees_a_commit_at_once(path: Path) -> None:
    """An engine that reads a file writes with what was just set in it."""
    with SyncFactStore(path) as writing, SyncFactStore(path, read_only=True) as reading:
        for n in range(20):
            writing.apply([Replace(Fact(entity="A", relation="b", value=str(n)))])
            assert reading.lookup("A", "b").values == (str(n),)


def test_another_process_is_seen_after_refresh(path: Path) -> None:
    """A snapshot can be ended."""
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
