"""Search the bytes of a fact file, and its write-ahead log, for what an erasure removed.

SQLite's ``secure_delete`` overwrites deleted rows; copies on moved pages are what may be left.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from lamlam.memory_backends.sqlite.byte_search import found_in, found_in_texts
from lamlam.memory_backends.sqlite.search_index import read_index_state

SHORTEST_SEARCHED = 4
"""Characters that are worth searching for: shorter texts stand everywhere by chance, and are
searched for together with what stood beside them in the file."""
_CHECKPOINT_MS = 250  # a reader that is at work is gone by then, one that stays is not
# A long text may be cut at the end of a page, so pieces of it are searched for.
_LONGEST_WHOLE = 200
_PIECE = 48

# Columns are joined as they stand in the file.
_LIVE = (
    "SELECT name || facts FROM ent",
    "SELECT key FROM alias",
    "SELECT text FROM source",
    "SELECT key FROM relation",
    "SELECT name || facts FROM past",
    "SELECT record FROM merge",
    "SELECT coalesce(actor, '') || coalesce(events, '') FROM log",
    "SELECT rules FROM store",
    "SELECT name FROM migration",
    "SELECT type || name || tbl_name || sql FROM sqlite_schema",
)

_OF_INDEX = "SELECT k FROM search_config"


def checkpoint_wal(connection: sqlite3.Connection) -> bool:
    """Return whether the write-ahead log is empty and all of it stands in the file."""
    (usual,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout = {min(usual, _CHECKPOINT_MS)}")
    try:
        (is_busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {usual}")
    return not is_busy


def leftovers(connection: sqlite3.Connection, path: Path, needles: Collection[str]) -> set[str]:
    """Return the pieces that still stand in the store's files though nothing live holds them."""
    found: set[str] = set()
    for suffix in ("", "-wal", "-journal"):
        file = path.with_name(path.name + suffix)
        if file.exists():
            wanted = {needle.encode(): needle for needle in needles if needle not in found}
            found.update(wanted[piece] for piece in found_in(file, wanted))
    live = found_in_texts(_live_texts(connection), {needle.encode() for needle in found})
    return {needle for needle in found if needle.encode() not in live}


def pieces(text: str) -> Sequence[str]:
    """Return what is searched for of a text."""
    if len(text.encode()) <= _LONGEST_WHOLE:
        return [text]
    middle = len(text) // 2
    return [text[:_PIECE], text[middle : middle + _PIECE], text[-_PIECE:]]


def _live_texts(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield all that was not erased."""
    more = [_OF_INDEX] if read_index_state(connection) is not None else []
    for sql in (*_LIVE, *more):
        for (text,) in connection.execute(sql):
            if text is not None:
                yield text
