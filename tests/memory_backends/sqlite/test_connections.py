"""Connections and entries of a fact file end with the store that has them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

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
