"""What a fact file holds of the entities that operations name, inside a write transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lamlam.memory_backends.commits.commit_plan import Page
from lamlam.memory_backends.commits.merges import MergeRecord
from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.model.namespaces import scoped
from lamlam.memory_backends.model.operations import Assert, Op, Replace
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.resolution.blocking_codes import row_id
from lamlam.memory_backends.sqlite.rows import merges_of, name_and_key, next_place
from lamlam.memory_backends.sqlite.sources import Sources

_ROW = "SELECT name, facts FROM ent WHERE id = ?"


class Placed(NamedTuple):
    """An entity's row, or the place where it would go."""

    place: int
    name: str | None
    """``None`` where the entity has no row."""
    facts: list[StoredFact]


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
        pass  # what cannot be stored is refused when it is its turn
    return keys


class Desk:
    """A `transaction.Desk` over the tables; each row is read once."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        sources: Sources,
        rules: RelationRules,
        *,
        has_aliases: bool,
    ) -> None:
        self._connection = connection
        self._sources = sources
        self.has_aliases = has_aliases
        self._placed: dict[str, Placed] = {}
        self.rules = rules

    def read_ahead(self, keys: Iterable[str]) -> None:
        """The rows of many facts are read in the order of the table, each page once."""
        for place, key in sorted([(row_id(key), key) for key in set(keys)]):
            self._placed[key] = self.load(key, place)

    def page(self, key: str) -> Page:
        """The entity with exactly this key."""
        placed = self.placed(key)
        return Page(placed.name, placed.facts)

    def placed(self, key: str) -> Placed:
        """The same, and where it is."""
        placed = self._placed.get(key)
        if placed is None:
            placed = self._placed[key] = self.load(key, row_id(key))
        return placed

    def load(self, key: str, place: int) -> Placed:
        """The same, as the table has it at this moment."""
        free = None
        while True:
            row = self._connection.execute(_ROW, (place,)).fetchone()
            if row is None:
                return Placed(place if free is None else free, None, [])
            name, text = row
            if name:
                plain, found = name_and_key(name)
                if found == key:
                    return Placed(place, plain, row_codec.unpack(text, self._sources.text_of))
            elif free is None:
                free = place
            place = next_place(place)

    def alias(self, key: str) -> str | None:
        """The key of the entity that has this alias."""
        if not self.has_aliases:
            return None
        row = self._connection.execute(
            "SELECT ent.name FROM alias JOIN ent ON ent.id = alias.ent WHERE key = ?", (key,)
        ).fetchone()
        return name_and_key(row[0])[1] if row else None

    def aliases_of(self, key: str) -> Sequence[str]:
        """The aliases of an entity, sorted."""
        placed = self.placed(key)
        if not self.has_aliases or placed.name is None:
            return []
        rows = self._connection.execute(
            "SELECT key FROM alias WHERE ent = ? ORDER BY key", (placed.place,)
        )
        return [alias for (alias,) in rows.fetchall()]

    def merges_of(self, kept: str) -> Sequence[MergeRecord]:
        """The merges into an entity that stand, oldest first."""
        return [record for _, record in merges_of(self._connection, kept)]
