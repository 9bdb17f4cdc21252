"""Aliases of entities that an RDF file describes: kept where they name one entity alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator

from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.operations import AddAlias
from lamlam.memory_backends.model.values import name_fault


class RdfAliases:
    """Collects aliases, then gives those that a store takes."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.has_any = False
        self._database = database

    def take(self, iri: str, alias: str) -> bool:
        """Note an alias; return false where it cannot be a name."""
        alias = " ".join(alias.split())
        if name_fault(alias):
            return False
        self._database.execute(
            "INSERT OR IGNORE INTO alias (iri, key, alias) VALUES (?, ?, ?)",
            (iri, canonical_key(alias), alias),
        )
        self.has_any = True
        return True

    def settle(
        self, subjects: Iterable[str], holder_of: Callable[[str], str | None] | None
    ) -> None:
        """Keep the aliases of entities with facts that no other entity is called by.

        Args:
            subjects: IRIs of entities that the file has facts of, those of one entity together.
            holder_of: returns the entity of the store that has a name already, as it is stored.
        """
        database = self._database
        told = ""
        for iri in subjects:
            if iri != told:
                told = iri
                database.execute("UPDATE alias SET is_told = 1 WHERE iri = ?", (iri,))
        database.execute(
            "DELETE FROM alias WHERE NOT is_told OR key IN (SELECT key FROM entity)"
            " OR key IN (SELECT key FROM stored)"
            " OR key IN (SELECT key FROM alias GROUP BY key HAVING count(*) > 1)"
        )
        if holder_of is None:
            return
        held = [
            (iri, key)
            for iri, key, alias, name in database.execute(
                "SELECT alias.iri, alias.key, alias, name FROM alias JOIN entity USING (iri)"
            )
            if (holder := holder_of(alias)) is not None
            and canonical_key(holder) != canonical_key(name)
        ]
        database.executemany("DELETE FROM alias WHERE iri = ? AND key = ?", held)

    def all(self) -> Iterator[AddAlias]:
        """Give the aliases that are kept."""
        rows = self._database.execute(
            "SELECT name, alias FROM alias JOIN entity USING (iri) ORDER BY iri, alias.key"
        )
        for name, alias in rows:
            yield AddAlias(str(name), str(alias))

    def count(self) -> int:
        """Return how many aliases there are."""
        return int(self._database.execute("SELECT count(*) FROM alias").fetchone()[0])
