"""Reading a fact file: one connection, one held snapshot, a few prepared statements."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterator

from lamlam.memory_backends import packed
from lamlam.memory_backends.keys import canonical_key
from lamlam.memory_backends.lookups import StoredFact
from lamlam.memory_backends.name_index import row_id

_ROW = "SELECT name, facts FROM ent WHERE id = ?"
_ALIAS = "SELECT ent.name, ent.facts FROM alias JOIN ent ON ent.id = alias.ent WHERE key = ?"
_STATE = "SELECT revision, facts, entities, EXISTS (SELECT 1 FROM alias) FROM store"
_NEAR = "SELECT ent FROM near WHERE code = ? LIMIT 400"  # enough names to compare
_NAME = "SELECT name FROM ent WHERE id = ?"
_SNAPSHOT_NS = 5_000_000
"""A snapshot is this old at most when a question is asked: what others commit is seen then."""
_MOST_SOURCES = 4096
_LAST_ID = 2**63 - 1


class Row:
    """An entity's row, unpacked as far as it is asked for (a `Holding`)."""

    __slots__ = ("_reader", "_text", "key", "name")

    def __init__(self, reader: Reader, name: str, key: str, text: str) -> None:
        self._reader = reader
        self._text = text
        self.name = name
        self.key = key

    def relation_keys(self) -> list[str]:
        return packed.relation_keys(self._text)

    def of(self, relation_key: str) -> list[StoredFact]:
        return packed.find(self._text, relation_key, self._reader.source)

    def stored(self) -> list[StoredFact]:
        return packed.unpack(self._text, self._reader.source)


class Reader:
    """Answers from one snapshot until it is told, or it is time, to take a fresh one.

    Not safe for threads: the store guards it with a lock.
    """

    def __init__(self, connection: sqlite3.Connection, *, is_frozen: bool) -> None:
        self._connection = connection
        # One cursor: its next statement always ends the one before, so that a snapshot
        # can be left at any time.
        self._cursor = connection.cursor()
        self._is_frozen = is_frozen
        self._is_pinned = False
        self._pinned_ns = 0
        self._sources: dict[int, str] = {}
        self.revision = 0
        self.has_aliases = False

    def pin(self, now_ns: int) -> None:
        """The snapshot is no older than a few milliseconds."""
        if self._is_pinned:
            if self._is_frozen or now_ns - self._pinned_ns < _SNAPSHOT_NS:
                return
            self._cursor.execute("COMMIT")
            self._is_pinned = False
        self._cursor.execute("BEGIN")
        self.revision, _, _, has_aliases = self._cursor.execute(_STATE).fetchone()
        self.has_aliases = bool(has_aliases)
        self._is_pinned = True
        self._pinned_ns = now_ns

    def release(self) -> None:
        """No snapshot is held, so that nothing keeps the log from being written back."""
        if self._is_pinned:
            self._cursor.execute("COMMIT")
            self._is_pinned = False
        self._sources.clear()  # an erasure may have taken any of them

    def close(self) -> None:
        self.release()
        self._connection.close()

    def state(self) -> tuple[int, int, int]:
        """Return revision, facts and entities of the snapshot."""
        self.pin(time.perf_counter_ns())
        revision, facts, entities, _ = self._cursor.execute(_STATE).fetchone()
        return revision, facts, entities

    # What resolution asks (`Shelf`) ---------------------------------------------------------

    def holding(self, key: str) -> Row | None:
        ident = row_id(key)
        while True:
            row = self._cursor.execute(_ROW, (ident,)).fetchone()
            if row is None:
                return None
            name = row[0]
            if name.casefold() == key or canonical_key(name) == key:
                return Row(self, name, key, row[1])
            # Another name with the same hash (or one that is gone): the next place.
            ident = ident + 1 if ident < _LAST_ID else -_LAST_ID - 1

    def alias(self, key: str) -> Row | None:
        row = self._cursor.execute(_ALIAS, (key,)).fetchone()
        return Row(self, row[0], canonical_key(row[0]), row[1]) if row else None

    def near(self, codes: Collection[int]) -> list[str]:
        execute = self._cursor.execute
        found: dict[int, None] = {}
        for code in codes:
            rows = execute(_NEAR, (code,)).fetchall()
            if rows:
                found.update(dict.fromkeys([ident for (ident,) in rows]))
        names = [execute(_NAME, (ident,)).fetchone() for ident in found]
        return [canonical_key(row[0]) for row in names if row is not None]

    # Facts ------------------------------------------------------------------------------------

    def source(self, source_id: int) -> str | None:
        """Return the text of a source."""
        known = self._sources.get(source_id)
        if known is not None:
            return known
        row = self._cursor.execute("SELECT text FROM source WHERE id = ?", (source_id,)).fetchone()
        if row is None:
            return None
        if len(self._sources) >= _MOST_SOURCES:
            self._sources.clear()
        self._sources[source_id] = row[0]
        return str(row[0])

    def rows_after(self, ident: int | None, limit: int) -> Iterator[tuple[int, Row]]:
        """Give rows in the order of their ids, those after ``ident``."""
        where = "" if ident is None else "WHERE id > ?"
        arguments = (limit,) if ident is None else (ident, limit)
        statement = f"SELECT id, name, facts FROM ent {where} ORDER BY id LIMIT ?"
        for found, name, text in self._cursor.execute(statement, arguments).fetchall():
            if name:
                yield found, Row(self, name, canonical_key(name), text)

    def past(self, key: str) -> list[tuple[str, StoredFact, int]]:
        """Return entity name, fact and end of every fact of an entity that has ended."""
        rows = self._cursor.execute(
            "SELECT name, relation, value, source, confidence, asserted, retracted FROM history"
            " WHERE ent = ? ORDER BY id",
            (row_id(key),),
        ).fetchall()
        return [
            (
                name,
                StoredFact(relation, canonical_key(relation), value, source, asserted, confidence),
                retracted,
            )
            for name, relation, value, source, confidence, asserted, retracted in rows
            if canonical_key(name) == key
        ]
