"""Rows of a fact file by their places: what goes through a whole table, or a part of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.model.namespaces import parsed
from lamlam.memory_backends.sqlite.rows import SPACE_END, name_and_key, next_place, row_id
from lamlam.memory_backends.sqlite.short_rows import RelationCodes

_NAME = "SELECT name FROM ent WHERE id = ?"


class EntityRow:
    """An entity's row, unpacked as far as it is asked for (an `EntityRecord`)."""

    __slots__ = ("_reader", "key", "name", "text")

    def __init__(self, reader: PlacedRows, name: str, key: str, text: str) -> None:
        self._reader = reader
        self.text = text
        self.name = name
        self.key = key

    def relation_keys(self) -> list[str]:
        return self._reader.codes.relation_keys(self.text)

    def of(self, relation_key: str) -> Sequence[StoredFact]:
        return self._reader.find(self.text, relation_key)

    def stored(self) -> list[StoredFact]:
        return self._reader.unpack(self.text)

    def first(self, most: int) -> list[StoredFact]:
        return self._reader.unpack(self.text, most)


class PlacedRows:
    """The part of `SqliteReader` that reads rows by their places."""

    cursor: sqlite3.Cursor
    codes: RelationCodes

    def entity_row(self, name: str, key: str, text: str) -> EntityRow:
        """Return the row of an entity."""
        raise NotImplementedError

    def find(self, text: str, relation_key: str) -> Sequence[StoredFact]:
        """Return the facts of one relation of a row."""
        raise NotImplementedError

    def unpack(self, text: str, most: int = -1) -> list[StoredFact]:
        """Return the facts of a row, or so many of the first ones."""
        raise NotImplementedError

    def keys_of(self, number: int) -> list[str]:
        """Return the keys of the entities, with facts or without, that have this hash."""
        keys: dict[str, None] = {}
        place = number
        while (row := self.cursor.execute(_NAME, (place,)).fetchone()) is not None:
            if row[0] != "":
                keys[name_and_key(row[0])[1]] = None
            place = next_place(place)
        rows = self.cursor.execute("SELECT DISTINCT name FROM past WHERE ent = ?", (number,))
        for (name,) in rows.fetchall():
            keys[name_and_key(name)[1]] = None
        # A neighbour may stand in the way only because its own hash is the next number.
        return [key for key in keys if row_id(key) == number]

    def namespaces(self) -> list[Namespace]:
        """Return every namespace in which an entity has, or had, facts; the usual one first."""
        begin = f"substr(name, 1, instr(name, '{SPACE_END}') - 1)"
        tables = [
            f"SELECT {begin} FROM {table} WHERE instr(name, '{SPACE_END}')"
            for table in ("ent", "past")
        ]
        rows = self.cursor.execute(" UNION ".join(tables)).fetchall()
        return [(), *(parsed(written) for (written,) in rows if written)]

    def aliases_at(self, place: int) -> list[str]:
        """Return the scoped keys of the aliases of the entity whose row is here, sorted."""
        rows = self.cursor.execute("SELECT key FROM alias WHERE ent = ? ORDER BY key", (place,))
        return [alias for (alias,) in rows.fetchall()]

    def place_of(self, key: str) -> int | None:
        """Return where the row of an entity is."""
        place = row_id(key)
        while (row := self.cursor.execute(_NAME, (place,)).fetchone()) is not None:
            if row[0] != "" and name_and_key(row[0])[1] == key:
                return place
            place = next_place(place)
        return None

    def rows_after(self, place: int | None, limit: int) -> list[tuple[int, EntityRow]]:
        """Return rows in the order of their places, those after one.

        A row without a name marks a place that an entity left.
        """
        where = "" if place is None else "WHERE id > ?"
        arguments = (limit,) if place is None else (place, limit)
        statement = f"SELECT id, name, facts FROM ent {where} ORDER BY id LIMIT ?"
        rows = self.cursor.execute(statement, arguments).fetchall()
        return [(found, self.entity_row(*name_and_key(name), text)) for found, name, text in rows]

    def rows_between(self, first: int, last: int) -> list[tuple[int, EntityRow]]:
        """Return the rows whose places are from one number to another."""
        statement = "SELECT id, name, facts FROM ent WHERE id BETWEEN ? AND ? ORDER BY id"
        rows = self.cursor.execute(statement, (first, last)).fetchall()
        return [(found, self.entity_row(*name_and_key(name), text)) for found, name, text in rows]

    def ended_after(self, number: int, limit: int) -> Iterator[tuple[int, str]]:
        """Yield number and key of entities that have ended versions, those after a row of `past`."""
        rows = self.cursor.execute(
            "SELECT id, name FROM past WHERE id > ? ORDER BY id LIMIT ?", (number, limit)
        ).fetchall()
        for ident, name in rows:
            yield ident, name_and_key(name)[1]

    def ended_before(
        self, number: int | None, limit: int
    ) -> list[tuple[int, str, str, StoredFact, int]]:
        """Return ended versions of the rows of `past` before one, the last rows first.

        Each with the number of its row, its entity's name and key, and the revision of its end.
        """
        where, given = ("", [limit]) if number is None else ("WHERE id < ?", [number, limit])
        rows = self.cursor.execute(
            f"SELECT id, name, facts, retracted FROM past {where} ORDER BY id DESC LIMIT ?", given
        ).fetchall()
        return [
            (ident, *name_and_key(name), fact, retracted)
            for ident, name, text, retracted in rows
            for fact in self.unpack(text)
        ]
