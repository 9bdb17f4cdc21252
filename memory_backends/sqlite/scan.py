"""Facts of a fact file in bulk: of one entity or of all, as they stand or as they stood."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from lamlam.errors import Conflict
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.model.lookups import Identify, StoredFact, as_fact
from lamlam.memory_backends.model.namespaces import scoped, split
from lamlam.memory_backends.model.operations import PastFact
from lamlam.memory_backends.model.synonyms import same_relation
from lamlam.memory_backends.model.values import is_text
from lamlam.memory_backends.resolution.resolver import Holding, Shelf
from lamlam.memory_backends.resolution.views import PastShelf, facts_at
from lamlam.memory_backends.sqlite.reader import Reader

Reading = Callable[[], AbstractContextManager[Reader]]
"""Gives a reader whose snapshot lasts as long as the block."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Which facts are wanted."""

    identify: Identify
    relation: str | None = None
    namespace: Namespace | None = None
    as_of: int | None = None
    batch: int = 1000

    def of_entity(self, reader: Reader, entity: str) -> list[Fact]:
        """Return the facts of one entity, by its key or an alias."""
        if not is_text(entity):
            return []
        key = scoped(self.namespace or (), canonical_key(entity))
        shelf: Shelf = reader
        if self.as_of is not None:
            check_revision(reader, self.as_of)
            shelf = PastShelf(reader, reader, self.as_of)
        held = shelf.holding(key) or shelf.alias(key)
        return self._facts(held) if held is not None else []

    def of_all(self, reading: Reading) -> Iterator[Fact]:
        """Give the facts that stand; each batch of entities from a snapshot of its own."""
        after: int | None = None
        while True:
            with reading() as reader:
                rows = reader.rows_after(after, self.batch)
                facts = [fact for _, row in rows for fact in self._facts(row)]
            yield from facts
            if not rows:
                return
            after = rows[-1][0]

    def of_all_then(self, reader: Reader) -> Iterator[Fact]:
        """Give the facts that stood at the revision; the reader's snapshot has to last."""
        assert self.as_of is not None
        check_revision(reader, self.as_of)
        for key, name, stored in entities_at(reader, self.as_of, self.batch):
            yield from self._chosen(key, name, stored)

    def _facts(self, row: Holding) -> list[Fact]:
        return self._chosen(row.key, row.name, row.stored())

    def _chosen(self, key: str, name: str, stored: Iterable[StoredFact]) -> list[Fact]:
        namespace = split(key)[0]
        if self.namespace is not None and namespace != self.namespace:
            return []
        wanted = relation_key(self.relation) if self.relation is not None else None
        return [
            as_fact(name, fact, self.identify(key, fact), namespace)
            for fact in stored
            if wanted is None or same_relation(fact.key, wanted)
        ]


def entities_at(
    reader: Reader, revision: int, batch: int
) -> Iterator[tuple[str, str, list[StoredFact]]]:
    """Give key, name and facts of every entity as it stood, those that have facts now first."""
    place: int | None = None
    while rows := reader.rows_after(place, batch):
        place = rows[-1][0]
        for _, row in rows:
            if not row.name:
                continue  # the mark of an entity that is gone
            _, past = reader.past(row.key)
            if facts := facts_at(row.stored(), past, revision):
                yield row.key, row.name, facts
    told: set[str] = set()
    number = -1
    while ended := list(reader.ended_after(number, batch)):
        number = ended[-1][0]
        for _, key in ended:
            if key in told or reader.holding(key) is not None:
                continue
            told.add(key)
            name, past = reader.past(key)
            facts = facts_at((), past, revision)
            if facts and name is not None:
                yield key, name, facts


def history_of(
    reader: Reader, entity: str, relation: str | None, namespace: Namespace, identify: Identify
) -> list[PastFact]:
    """Return facts and versions of facts that have ended, oldest first."""
    if not is_text(entity):
        return []
    key = scoped(namespace, canonical_key(entity))
    name, now, past = reader.versions(key)
    if not now and not past and (held := reader.alias(key)) is not None:
        key = held.key
        name, now, past = reader.versions(key)
    wanted = relation_key(relation) if relation is not None else None
    return [
        PastFact(
            as_fact(name or "", fact, identify(key, fact), namespace, retracted),
            asserted=fact.revision,
            retracted=retracted,
        )
        for fact, retracted in past
        if wanted is None or same_relation(fact.key, wanted)
    ]


def aliases_of(reader: Reader, entity: str, namespace: Namespace) -> list[str]:
    """Return the other names of an entity as canonical keys, sorted."""
    if not is_text(entity):
        return []
    key = scoped(namespace, canonical_key(entity))
    held = reader.holding(key) or reader.alias(key)
    return [split(alias)[1] for alias in reader.aliases_of(held.key)] if held else []


def check_revision(reader: Reader, as_of: int) -> None:
    """The store has reached the revision.

    Raises:
        Conflict: it has not.
    """
    if as_of > reader.revision:
        raise Conflict(
            f"the store is at revision {reader.revision}, not yet at {as_of}",
            hint="ask about a revision that a commit has given",
        )
