"""Reads of a store in Neo4j: lookups, scans and history, each from one state of the store."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial

from lamlam.background_loop import BackgroundLoop
from lamlam.errors import Conflict, StoreMissing
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact, Namespace, check_namespace
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.model.lookups import Lookup, LookupResult, StoredFact, as_fact
from lamlam.memory_backends.model.namespaces import scoped, split
from lamlam.memory_backends.model.operations import PastFact
from lamlam.memory_backends.model.relation_rules import RelationRule, RelationRules
from lamlam.memory_backends.model.synonyms import same_relation
from lamlam.memory_backends.model.values import is_text
from lamlam.memory_backends.neo4j_graph.driver import Neo4jConnection, Row, Transaction
from lamlam.memory_backends.neo4j_graph.fetched_entities import FetchedShelf, StoreGone
from lamlam.memory_backends.neo4j_graph.queries import Queries
from lamlam.memory_backends.neo4j_graph.rows import rule_of, stored_fact
from lamlam.memory_backends.resolution.resolver import look_up


class Reading:
    """Reads through the driver, on the connection's loop."""

    def __init__(self, connection: Neo4jConnection, queries: Queries, ids: FactIds) -> None:
        self._connection = connection
        self._queries = queries
        self._ids = ids
        self._rules_at = -1
        self._rules = RelationRules()

    # Lookups ----------------------------------------------------------------------------------------

    async def look_up_all(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query."""
        began = time.perf_counter_ns()
        bookmarks = bookmarks_of(*(query.as_of for query in queries))
        results = await self._connection.read(partial(self._look_up_all, queries), bookmarks)
        each = (time.perf_counter_ns() - began) // max(len(results), 1)
        for result in results:
            result.elapsed_ns = each
        return results

    async def _look_up_all(
        self, queries: Sequence[Lookup], transaction: Transaction
    ) -> list[LookupResult]:
        shelves: dict[int | None, FetchedShelf] = {}
        for query in queries:
            shelf = shelves.setdefault(
                query.as_of, FetchedShelf(self._queries, self._ids, query.as_of)
            )
            if is_text(query.entity):
                key = scoped(check_namespace(query.namespace), canonical_key(query.entity))
                shelf.wanted.keys[key] = shelf.wanted.aliases[key] = None
        for shelf in shelves.values():
            await self._begin(shelf, transaction)
        answers: dict[int, LookupResult] = {}
        pending = list(range(len(queries)))
        while pending:
            for number in pending:
                query = queries[number]
                found = shelves[query.as_of].try_to(partial(self._resolve, query))
                if found is not None:
                    answers[number] = found
            pending = [number for number in pending if number not in answers]
            for shelf in shelves.values():
                if shelf.wanted:
                    await shelf.fetch(transaction)
        return [answers[number] for number in range(len(queries))]

    def _resolve(self, query: Lookup, shelf: FetchedShelf) -> LookupResult:
        assert shelf.at is not None  # it was fetched
        return look_up(shelf, query, shelf.at, self._ids)

    async def _begin(self, shelf: FetchedShelf, transaction: Transaction) -> None:
        """The shelf has its revision, its rules, and what was wanted first."""
        try:
            await shelf.fetch(transaction)
        except StoreGone:
            raise self._gone() from None
        check_reached(shelf.at, shelf.revision)
        shelf.set_rules(await self.rules_at(shelf.rules_at, transaction))

    async def rules_at(self, revision: int, transaction: Transaction) -> RelationRules:
        """Return the rules, which last changed at a revision; they are kept in between."""
        if revision != self._rules_at:
            rows = await transaction.rows(self._queries.rules)
            self._rules, self._rules_at = RelationRules(map(rule_of, rows)), revision
        return self._rules

    async def all_rules(self) -> list[RelationRule]:
        """Return every rule."""
        rows = await self._connection.read(lambda tx: tx.rows(self._queries.rules))
        return RelationRules(map(rule_of, rows)).all()

    # Names ------------------------------------------------------------------------------------------

    async def shelf_of(
        self, entity: str, namespace: Namespace, as_of: int | None, transaction: Transaction
    ) -> tuple[FetchedShelf, str]:
        """Return what was fetched of an entity, and its key: of its own name or by an alias."""
        key = scoped(namespace, canonical_key(entity))
        shelf = FetchedShelf(self._queries, self._ids, as_of)
        shelf.wanted.keys[key] = shelf.wanted.aliases[key] = None
        await self._begin(shelf, transaction)
        if shelf.holding(key) is None and (holding := shelf.alias(key)) is not None:
            return shelf, holding.key
        return shelf, key

    async def aliases(self, entity: str, namespace: Namespace) -> list[str]:
        """Return the other names of an entity."""
        if not is_text(entity):
            return []

        async def work(transaction: Transaction) -> list[Row]:
            _, key = await self.shelf_of(entity, namespace, None, transaction)
            return await transaction.rows(self._queries.aliases_of, id=self._ids.of_entity(key))

        rows = await self._connection.read(work)
        return sorted(split(alias)[1] for (alias,) in rows)

    # Scans ------------------------------------------------------------------------------------------

    async def revision(self, bookmarks: frozenset[str] = frozenset()) -> int:
        """Return the store's revision."""
        row = await self._connection.read(lambda tx: tx.row(self._queries.revision), bookmarks)
        if row is None:
            raise self._gone()
        revision: int = row[0]
        return revision

    async def counts(self) -> tuple[int, int, int]:
        """Return revision, number of facts that hold and number of entities that have facts."""

        async def work(transaction: Transaction) -> tuple[int, int, int]:
            row = await transaction.row(self._queries.revision)
            counts = await transaction.row(self._queries.counts)
            if row is None or counts is None:
                raise self._gone()
            return row[0], counts[0], counts[1]

        return await self._connection.read(work)

    async def entity_facts(
        self, entity: str, relation: str | None, namespace: Namespace, as_of: int | None
    ) -> list[Fact]:
        """Return the facts of one entity."""
        if not is_text(entity):
            return []

        async def work(transaction: Transaction) -> list[Fact]:
            shelf, key = await self.shelf_of(entity, namespace, as_of, transaction)
            holding = shelf.holding(key)
            if holding is None:
                return []
            return self._facts(key, holding.name, holding.stored(), relation)

        return await self._connection.read(work, bookmarks_of(as_of))

    async def batch_after(self, after: str, at: int, batch: int) -> list[Row]:
        """Return the next entities by id: id, key, name, facts and aliases."""
        return await self._connection.read(
            lambda tx: tx.rows(self._queries.entities_after, after=after, at=at, batch=batch)
        )

    def facts_of(self, row: Row, relation: str | None, namespace: Namespace | None) -> list[Fact]:
        """Return the facts of an entity of a batch."""
        _, key, name, facts, _ = row
        if namespace is not None and namespace != split(key)[0]:
            return []
        return self._facts(key, name, map(stored_fact, facts), relation)

    def _facts(
        self, key: str, name: str, stored: Iterable[StoredFact], relation: str | None
    ) -> list[Fact]:
        space = split(key)[0]
        wanted = relation_key(relation) if relation is not None else None
        return [
            as_fact(name, fact, self._ids(key, fact), space)
            for fact in stored
            if wanted is None or same_relation(fact.key, wanted)
        ]

    async def history(
        self, entity: str, relation: str | None, namespace: Namespace
    ) -> list[PastFact]:
        """Return versions of facts that have ended, oldest first."""
        if not is_text(entity) or (relation is not None and not is_text(relation)):
            return []
        own = scoped(namespace, canonical_key(entity))

        async def work(transaction: Transaction) -> list[Row]:
            rows = await self._past(own, transaction)
            _, key = await self.shelf_of(entity, namespace, None, transaction)
            return rows or (await self._past(key, transaction) if key != own else [])

        wanted = relation_key(relation) if relation is not None else None
        past = []
        for key, name, retracted, row in await self._connection.read(work):
            fact = stored_fact(row)
            if wanted is None or same_relation(fact.key, wanted):
                told = as_fact(name, fact, self._ids(key, fact), namespace, retracted=retracted)
                past.append(PastFact(told, fact.revision, retracted))
        return past

    async def _past(self, key: str, transaction: Transaction) -> list[Row]:
        return await transaction.rows(self._queries.past, ids=[self._ids.of_entity(key)])

    def _gone(self) -> StoreMissing:
        return StoreMissing(f"{self._connection.address} holds no store any more")


def bookmarks_of(*revisions: int | None) -> frozenset[str]:
    """Return the bookmarks that revisions carry."""
    found: set[str] = set()
    for revision in revisions:
        found |= getattr(revision, "bookmarks", frozenset())
    return frozenset(found)


def check_reached(asked: int | None, revision: int) -> None:
    """The store has reached the revision that was asked for.

    Raises:
        Conflict: it has not.
    """
    if asked is not None and asked > revision:
        raise Conflict(
            f"the store is at revision {revision}, not yet at {int(asked)}",
            hint="ask for a revision that the store has reached",
        )


async def scanned(
    reading: Reading,
    loop: BackgroundLoop,
    relation: str | None,
    namespace: Namespace | None,
    at: int,
    batch: int,
) -> AsyncIterator[list[Fact]]:
    """Give the facts of all entities, a batch of entities at a time."""
    after = ""
    while rows := await loop.run(reading.batch_after, after, at, batch):
        after = rows[-1][0]
        yield [fact for row in rows for fact in reading.facts_of(row, relation, namespace)]
