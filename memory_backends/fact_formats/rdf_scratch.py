"""Places for what an RDF file says until its first fact can be told: all that grows with the file.

The triples are parsed once and kept in a temporary file; names, languages and statements lie in a
temporary database, which SQLite keeps in memory while it is small.
"""

from __future__ import annotations

import marshal
import sqlite3
import struct
import tempfile
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from lamlam.memory_backends.fact_formats.rdf_syntax import RdfRow

_PER_BLOCK = 1000
_SIZE = struct.Struct("<Q")
_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -32000;
CREATE TABLE entity (iri TEXT PRIMARY KEY, name TEXT, key TEXT, is_fixed INTEGER) WITHOUT ROWID;
CREATE TABLE label (iri TEXT PRIMARY KEY, rank TEXT, label TEXT) WITHOUT ROWID;
CREATE TABLE stored (iri TEXT PRIMARY KEY, name TEXT, key TEXT) WITHOUT ROWID;
CREATE TABLE contested (iri TEXT PRIMARY KEY, bare TEXT, name TEXT, key TEXT, is_moving INTEGER)
    WITHOUT ROWID;
CREATE TABLE alias (iri TEXT, key TEXT, alias TEXT, is_told INTEGER DEFAULT 0, PRIMARY KEY (iri, key))
    WITHOUT ROWID;
CREATE TABLE best_language (about BLOB PRIMARY KEY, rank TEXT) WITHOUT ROWID;
CREATE TABLE statement (number INTEGER PRIMARY KEY, triple BLOB, node TEXT, said BLOB,
    is_used INTEGER DEFAULT 0);
CREATE TABLE aside (number INTEGER PRIMARY KEY, node TEXT, row BLOB);
"""


class RowFile:
    """Rows in a temporary file, in order; can be gone through again and again."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()
        self._rows: list[tuple[object, ...]] = []

    def append(self, rows: Iterable[RdfRow]) -> None:
        """Keep more rows."""
        self._rows += map(tuple, rows)
        if len(self._rows) >= _PER_BLOCK:
            self._write()

    def __iter__(self) -> Iterator[RdfRow]:
        """Give all rows."""
        self._write()
        at = 0
        while True:
            self._file.seek(at)
            if not (head := self._file.read(_SIZE.size)):
                return
            block = self._file.read(_SIZE.unpack(head)[0])
            at = self._file.tell()
            yield from map(RdfRow._make, marshal.loads(block))  # its own: the file has no name

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def _write(self) -> None:
        if self._rows:
            block = marshal.dumps(self._rows)
            self._file.seek(0, 2)
            self._file.write(_SIZE.pack(len(block)) + block)
            self._rows = []


def scratch_database() -> sqlite3.Connection:
    """Return an empty database for one reading; it has no name, and closing removes it."""
    # A blocking store reads a file in a thread of its own.
    database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
    database.executescript(_SCHEMA)
    database.execute("BEGIN")  # never committed: it is of this reading alone
    return database


def digest(*texts: str | None) -> bytes:
    """Return a short value that differs where the texts do."""
    joined = "\0".join("" if text is None else f"={text}" for text in texts)
    return blake2b(joined.encode(), digest_size=16).digest()
