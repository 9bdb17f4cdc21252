"""Connections and entries of a fact file end with the store that has them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from lamlam import Assert, Fact, Lookup, SyncFactStore
from lamlam.memory_backends.sqlite import open_file
from lamlam.memory_backends.sqlite.schema import open_writer
from lamlam.memory_backends.sqlite.store import SqliteStore


def test_the_last_store_of_a_file_leaves_no_entry(tmp_path: Path) -> None:
    path = tmp_path / "facts.db"
    first, second = SqliteStore(path), SqliteStore(path)
    first.close_nowait()
    assert path.resolve() in open_file._OPEN._stores
    second.close_nowait()
    assert path.resolve() not in open_file._OPEN._stores


def test_a_reader_that_cannot_be_opened_leaves_no_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[sqlite3.Connection] = []

    def noted(path: Path) -> sqlite3.Connection:
        made.append(open_writer(path))
        return made[-1]

    def failing(path: Path, *, is_frozen: bool) -> sqlite3.Connection:
        raise OSError("no more files")

    monkeypatch.setattr(open_file, "open_writer", noted)
    monkeypatch.setattr(open_file, "open_reader", failing)
    with pytest.raises(OSError, match="no more files"):
        SqliteStore(tmp_path / "facts.db")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        made[0].execute("SELECT 1")


def test_a_first_write_does_not_wait_for_own_lookups(path: Path) -> None:
    """A file without a write-ahead log gets one, although lookups just took snapshots of it."""
    url = f"sqlite:///{path}"
    with SyncFactStore(url) as made:
        made.apply([Assert(Fact(entity="Oslo", relation="country", value="Norway"))])
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode = DELETE").fetchone() == ("delete",)

    async def write() -> None:
        async with SqliteStore(path) as first, SqliteStore(path) as second:
            for store in (second, first):
                assert store.lookup_nowait(Lookup("Oslo", "country")).value == "Norway"
            await first.apply([Assert(Fact(entity="Oslo", relation="founded", value="1048"))])
            assert second.lookup_nowait(Lookup("Oslo", "founded")).value == "1048"

    anyio.run(write)
