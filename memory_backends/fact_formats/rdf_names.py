"""Names of entities and relations of an RDF file: each entity has one of its own.

Where two IRIs have one name, both get a qualifier, whatever their order. A name that a store
already has stays with the IRI that it came from, which the sources of its facts say.
"""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.rdf_aliases import RdfAliases
from lamlam.memory_backends.fact_formats.rdf_iris import (
    MOST_QUALIFIERS,
    iri_parts,
    own_entity,
    qualified_names,
)
from lamlam.memory_backends.fact_formats.rdf_vocabulary import ENTITY
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.keys import canonical_key

_PENDING = 20_000
_CACHED = 50_000
_SHOWN = 5
_WIKIBASE_PROPERTY = re.compile(r"(https?://[^/]+/)prop/(?:.*/)?(P\d+)", re.ASCII)


def mark_of(iri: str) -> str:
    """Return the source of a fact that says which IRI its entity has."""
    return f"<{iri}>"


def marked_iri(source: str) -> str | None:
    """Undo `mark_of`; ``None`` for other sources."""
    return source[1:-1] if source[:1] == "<" and source[-1:] == ">" else None


class RdfNames:
    """Collects the IRIs of entities, then gives each its name."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.n_qualified = 0
        """Names that got a qualifier, as another IRI has them too."""
        self.qualified: list[str] = []
        """The first of them."""
        self.further_labels = 0
        """Labels that name nothing, as their IRI has a better one."""
        self.aliases = RdfAliases(database)
        self._database = database
        self._pending: set[str] = set()
        self._has_foreign = False
        self._cache: dict[str, str] = {}

    def see(self, iri: str) -> None:
        """Note an entity."""
        self._pending.add(iri)
        if len(self._pending) >= _PENDING:
            self._write()

    def take_label(self, iri: str, rank: str, label: str) -> None:
        """Note a label; that of the lowest rank counts, among equals the first by the alphabet."""
        label = " ".join(label.split())
        if not label:
            return
        known = self._database.execute(
            "SELECT rank, label FROM label WHERE iri = ?", (iri,)
        ).fetchone()
        if known is None or (rank, label) < known:
            self._database.execute(
                "INSERT OR REPLACE INTO label VALUES (?, ?, ?)", (iri, rank, label)
            )
        self.further_labels += known is not None and known[1] != label

    def settle(self, stored: Callable[[], Iterable[Fact]] | None) -> None:
        """Give every entity its name.

        Args:
            stored: returns the facts of the usual namespace that are in the store already.
        """
        self._write()
        database = self._database
        database.create_function("canonical_key", 1, canonical_key, deterministic=True)
        database.execute(
            "UPDATE entity SET name = label.label, key = canonical_key(label.label) FROM label"
            " WHERE label.iri = entity.iri AND NOT is_fixed"
        )
        if stored is not None and self._has_foreign:
            self._take_stored(stored())
        database.execute("CREATE INDEX entity_key ON entity (key)")
        database.execute("CREATE INDEX stored_key ON stored (key)")
        self._keep_apart()

    def name_of(self, iri: str) -> str:
        """Return the name of an entity that was seen."""
        name = self._cache.get(iri)
        if name is None:
            row = self._database.execute("SELECT name FROM entity WHERE iri = ?", (iri,)).fetchone()
            name = iri_parts(iri).name if row is None else str(row[0])
            if len(self._cache) >= _CACHED:
                self._cache.clear()
            self._cache[iri] = name
        return name

    def relation_names(self, iris: Iterable[str]) -> dict[str, str]:
        """Return the name of each relation: its label, or else the last part of its IRI.

        Relations of one label are kept apart by their last parts; those that have no labels and
        one last part are one relation, for vocabularies say the same by the same word.
        """
        labels = {iri: label for iri in iris if (label := self._label_of_relation(iri))}
        groups: defaultdict[str, set[str]] = defaultdict(set)
        for iri, label in labels.items():
            groups[canonical_key(label)].add(iri_parts(iri).name)
        names: dict[str, str] = {}
        for iri in iris:
            last = iri_parts(iri).name
            name = labels.get(iri, last)
            is_shared = iri in labels and len(groups[canonical_key(name)]) > 1
            names[iri] = f"{name} ({last})" if is_shared else name
        return names

    def labels_without_facts(self, relations: Iterable[str]) -> int:
        """Return how many labels are of IRIs that no fact mentions."""
        (n_labels,) = self._database.execute(
            "SELECT count(*) FROM label WHERE NOT EXISTS"
            " (SELECT 1 FROM entity WHERE entity.iri = label.iri)"
        ).fetchone()
        labelled = {one for iri in relations for one in (iri, _labelled(iri))}
        return int(n_labels) - sum(self._is_label_alone(iri) for iri in labelled)

    def _is_label_alone(self, iri: str) -> bool:
        """Return whether there is a label of the IRI, and nothing that makes it an entity."""
        row = self._database.execute(
            "SELECT 1 FROM label WHERE iri = ?1"
            " AND NOT EXISTS (SELECT 1 FROM entity WHERE entity.iri = ?1)",
            (iri,),
        ).fetchone()
        return row is not None

    def _label_of_relation(self, iri: str) -> str | None:
        return self._label_at(iri) or self._label_at(_labelled(iri))

    def _label_at(self, iri: str) -> str | None:
        row = self._database.execute("SELECT label FROM label WHERE iri = ?", (iri,)).fetchone()
        return None if row is None else str(row[0])

    def _write(self) -> None:
        rows = []
        for iri in self._pending:
            if not iri.startswith(ENTITY):
                if iri.startswith("_:"):
                    continue
                name = iri_parts(iri).name
                self._has_foreign = True
            elif (own := _own_name(iri)) is not None:
                name = own
            else:
                continue
            rows.append((iri, name, canonical_key(name), iri.startswith(ENTITY)))
        self._database.executemany("INSERT OR IGNORE INTO entity VALUES (?, ?, ?, ?)", rows)
        self._pending.clear()

    def _take_stored(self, stored: Iterable[Fact]) -> None:
        last: tuple[str, tuple[str, ...]] | None = None
        rows: list[tuple[str, str, str]] = []
        for fact in stored:
            if not fact.sources or last == (fact.entity, fact.sources):
                continue
            last = fact.entity, fact.sources
            rows += [
                (iri, fact.entity, canonical_key(fact.entity))
                for source in fact.sources
                if (iri := marked_iri(source)) is not None
            ]
            if len(rows) >= _PENDING:
                self._keep_stored(rows)
        self._keep_stored(rows)
        self._database.execute(
            "UPDATE entity SET name = stored.name, key = stored.key, is_fixed = 1 FROM stored"
            " WHERE stored.iri = entity.iri"
        )

    def _keep_stored(self, rows: list[tuple[str, str, str]]) -> None:
        self._database.executemany("INSERT OR IGNORE INTO stored VALUES (?, ?, ?)", rows)
        rows.clear()

    def _keep_apart(self) -> None:
        """Give qualifiers to names that several IRIs have, until each name has one."""
        database = self._database
        database.create_function("qualified", 3, _qualified, deterministic=True)
        database.execute(
            "INSERT INTO contested SELECT iri, name, name, key, 1 FROM entity"
            " WHERE NOT is_fixed AND key IN"
            " (SELECT key FROM entity GROUP BY key HAVING count(*) > 1"
            " UNION SELECT key FROM stored)"
        )
        for level in range(1, MOST_QUALIFIERS + 1):
            n_moved = database.execute(
                "UPDATE contested SET name = qualified(iri, bare, ?) WHERE is_moving", (level,)
            ).rowcount
            if not n_moved:
                break
            database.execute("UPDATE contested SET key = canonical_key(name) WHERE is_moving")
            database.execute(
                "UPDATE contested SET is_moving = 0 WHERE is_moving AND key NOT IN"
                " (SELECT key FROM contested GROUP BY key HAVING count(*) > 1)"
                " AND key NOT IN (SELECT key FROM entity) AND key NOT IN (SELECT key FROM stored)"
            )
        database.execute(
            "UPDATE entity SET name = contested.name, key = contested.key FROM contested"
            " WHERE contested.iri = entity.iri"
        )
        (self.n_qualified,) = database.execute("SELECT count(*) FROM contested").fetchone()
        self.qualified = [
            name
            for (name,) in database.execute(
                "SELECT name FROM contested ORDER BY iri LIMIT ?", (_SHOWN,)
            )
        ]


def _qualified(iri: str, name: str, level: int) -> str:
    names = qualified_names(iri, name)
    return names[min(level, len(names) - 1)]


def _own_name(iri: str) -> str | None:
    """Return the name of one of lamlam's own entities in the usual namespace."""
    try:
        namespace, name = own_entity(iri)
    except BadFact:
        return None  # the reading itself names it
    return None if namespace else name


def _labelled(iri: str) -> str:
    """Return the IRI that has the label of a relation: of Wikidata's the property itself."""
    match = _WIKIBASE_PROPERTY.fullmatch(iri)
    return f"{match[1]}entity/{match[2]}" if match else iri
