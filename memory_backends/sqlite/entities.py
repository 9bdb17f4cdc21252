"""Entities of a fact file inside a write transaction: an `EntityReader` that knows their rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lamlam.memory_backends.model.entity_reader import (
    EntityHistory,
    EntityReader,
    MergeRecord,
    StoredEntity,
)
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import PastVersion, StoredFact
from lamlam.memory_backends.model.namespaces import scoped
from lamlam.memory_backends.model.operations import Assert, Op, Replace
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.sqlite.row_words import RowWords
from lamlam.memory_backends.sqlite.rows import (
    merge_rows,
    name_and_key,
    next_place,
    row_id,
    unpack_merge,
)

_ROW = "SELECT name, facts FROM ent WHERE id = ?"


class EntityPlace(NamedTuple):
    """Where an entity's row is, or where it would go."""

    place: int
    record: StoredEntity | None
    """``None`` where the entity has no row."""

    @property
    def facts(self) -> Sequence[StoredFact]:
        """The facts in the row."""
        return self.record.facts if self.record is not None else ()


class PastRow(NamedTuple):
    """Versions that one commit ended, as the table has them."""

    ident: int
    name: str
    retracted: int
    versions: list[StoredFact]


def keys_of_facts(ops: Iterable[Op]) -> list[str]:
    """Return the scoped key of each operation that writes a fact, as far as all can be stored."""
    keys = []
    try:
        for op in ops:
            if isinstance(op, Assert | Replace):
                key = scoped(op.fact.namespace, canonical_key(op.fact.entity))
                if not key.isascii():
                    key.encode()
                keys.append(key)
    except (AttributeError, TypeError, UnicodeEncodeError):
        pass  # what cannot be stored is refused when its turn comes
    return keys


class TransactionReader(EntityReader):
    """The tables inside a write transaction; each row is read once."""

    has_aliases = False
    rules = RelationRules()

    def __init__(
        self,
        connection: sqlite3.Connection,
        sources: RowWords,
        rules: RelationRules,
        *,
        has_aliases: bool,
    ) -> None:
        self._connection = connection
        self._sources = sources
        self._places: dict[str, EntityPlace] = {}
        self.has_aliases = has_aliases
        self.rules = rules

    def read_ahead(self, keys: Iterable[str]) -> None:
        """Read the rows of many entities in the order of the table, so each page once."""
        for place, key in sorted([(row_id(key), key) for key in set(keys)]):
            self._places[key] = self._find(key, place)

    def place_of(self, key: str) -> EntityPlace:
        """Return where the entity with exactly this key is."""
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = self._find(key, row_id(key))
        return place

    def _find(self, key: str, place: int) -> EntityPlace:
        free = None
        while True:
            row = self._connection.execute(_ROW, (place,)).fetchone()
            if row is None:
                return EntityPlace(place if free is None else free, None)
            name, text = row
            if name != "":  # nor NULL, as in a damaged file, whose row must not be written over
                plain, found = name_and_key(name)
                if found == key:
                    facts = self._sources.unpack(text)
                    return EntityPlace(place, StoredEntity(plain, key, facts))
            elif free is None:
                free = place
            place = next_place(place)

    # `EntityReader` -------------------------------------------------------------------------

    def record(self, key: str) -> StoredEntity | None:
        """Return the entity with exactly this scoped key."""
        return self.place_of(key).record

    def history(self, key: str) -> EntityHistory:
        """Return every version of the facts of an entity."""
        rows = self.past_rows(key)
        past = [PastVersion(fact, row.retracted) for row in rows for fact in row.versions]
        record = self.record(key)
        if record is None:
            return EntityHistory(rows[-1].name if rows else None, (), past)
        return EntityHistory(record.name, record.facts, past)

    def past_rows(self, key: str) -> list[PastRow]:
        """Return the rows of versions of an entity that have ended."""
        rows = self._connection.execute(
            "SELECT id, name, retracted, facts FROM past WHERE ent = ? ORDER BY id", (row_id(key),)
        ).fetchall()
        found = []
        for ident, name, retracted, text in rows:
            plain, owner = name_and_key(name)
            if owner == key:
                versions = self._sources.unpack(text)
                found.append(PastRow(ident, plain, retracted, versions))
        return found

    def alias(self, key: str) -> str | None:
        """Return the scoped key of the entity that has this one as an alias."""
        if not self.has_aliases:
            return None
        row = self._connection.execute(
            "SELECT ent.name FROM alias JOIN ent ON ent.id = alias.ent WHERE key = ?", (key,)
        ).fetchone()
        return name_and_key(row[0])[1] if row else None

    def aliases(self, key: str) -> list[str]:
        """Return the scoped keys of the aliases of an entity, sorted."""
        place = self.place_of(key) if self.has_aliases else None
        if place is None or place.record is None:
            return []
        rows = self._connection.execute(
            "SELECT key FROM alias WHERE ent = ? ORDER BY key", (place.place,)
        )
        return [alias for (alias,) in rows.fetchall()]

    def merges(self, key: str) -> list[MergeRecord]:
        """Return the records of merges into an entity and of it into others, oldest first."""
        return [record for _, record in merge_rows(self._connection, key)]

    def merges_between(self, kept: str, merged: str) -> list[MergeRecord]:
        """Return the records of merges of one entity into another, oldest first."""
        rows = self._connection.execute(
            "SELECT record FROM merge WHERE kept = ? AND merged = ? ORDER BY id",
            (row_id(kept), row_id(merged)),
        ).fetchall()
        found = [unpack_merge(text) for (text,) in rows]
        return [record for record in found if (record.kept, record.merged) == (kept, merged)]
