"""Read a store in Neo4j: lookups, scans and history, each from one state of the store."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TypeVar

from lamlam.background_loop import BackgroundLoop
from lamlam.errors import StoreMissing
from lamlam.memory_backends.commits.validation import check_reached
from lamlam.memory_backends.model.entity_reader import EntityHistory, EntityRecord
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact, Namespace, check_namespace
from lamlam.memory_backends.model.facts_about import FactsAbout, TextQuestion
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.model.lookups import Lookup, LookupResult, PastVersion, as_fact
from lamlam.memory_backends.model.namespaces import parsed, scoped, split
from lamlam.memory_backends.model.operations import KnownNamespace, PastFact
from lamlam.memory_backends.model.relation_rules import RelationRule, RelationRules
from lamlam.memory_backends.model.values import is_text
from lamlam.memory_backends.neo4j_graph.commit_queries import commits_of
from lamlam.memory_backends.neo4j_graph.driver import Neo4jConnection, Row, Transaction
from lamlam.memory_backends.neo4j_graph.fetched_entities import (
    FetchedEntities,
    StoreGone,
)
from lamlam.memory_backends.neo4j_graph.queries import FACT_ROW, Queries
from lamlam.memory_backends.neo4j_graph.rows import (
    commit_info,
    rule_of,
    stored_entity,
    stored_fact,
    version_id,
)
from lamlam.memory_backends.neo4j_graph.search_index import SearchState
from lamlam.memory_backends.neo4j_graph.search_queries import STATE
from lamlam.memory_backends.resolution.entity_facts import facts_of, past_facts
from lamlam.memory_backends.resolution.facts_about import AboutText
from lamlam.memory_backends.resolution.known_names import known_names
from lamlam.memory_backends.resolution.names_in_text import readings
from lamlam.memory_backends.resolution.resolver import look_up
from lamlam.memory_backends.resolution.views import NamespaceView

T = TypeVar("T")


class Neo4jReader:
    """Reads through the driver, on the connection's loop."""

    def __init__(self, connection: Neo4jConnection, queries: Queries, ids: FactIds) -> None:
        self._connection = connection
        self._queries = queries
        self._ids = ids
        self._rules_at = 0  # of a store without rules, which need not be asked for
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
        readers: dict[int | None, FetchedEntities] = {}
        for query in queries:
            fetched = readers.setdefault(
                query.as_of, FetchedEntities(self._queries, self._ids, query.as_of)
            )
            if is_text(query.entity):
                key = scoped(check_namespace(query.namespace), canonical_key(query.entity))
                fetched.wanted.keys[key] = fetched.wanted.aliases[key] = None
        for fetched in readers.values():
            await self.begin(fetched, transaction)
        answers: dict[int, LookupResult] = {}
        pending = list(range(len(queries)))
        while pending:
            for number in pending:
                query = queries[number]
                found = readers[query.as_of].try_to(partial(self._resolve, query))
                if found is not None:
                    answers[number] = found
            pending = [number for number in pending if number not in answers]
            for fetched in readers.values():
                if fetched.wanted:
                    await fetched.fetch(transaction)
        return [answers[number] for number in range(len(queries))]

    def _resolve(self, query: Lookup, fetched: FetchedEntities) -> LookupResult:
        assert fetched.at is not None  # it was fetched
        return look_up(fetched, query, fetched.at, self._ids)

    async def begin(self, fetched: FetchedEntities, transaction: Transaction) -> None:
        """Fetch the revision, the rules, and what is wanted first."""
        try:
            await fetched.fetch(transaction)
        except StoreGone:
            raise self._gone() from None
        check_reached(fetched.at, fetched.revision)
        fetched.set_rules(await self.rules_at(fetched.rules_at, transaction))

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

    async def known_names(
        self, names: Sequence[str], namespace: Namespace, as_of: int | None, loosely: bool
    ) -> frozenset[str]:
        """Return those of the names that the store knows; without ``loosely`` in one round trip."""

        async def work(transaction: Transaction) -> frozenset[str]:
            fetched = FetchedEntities(self._queries, self._ids, as_of)
            state = NamespaceView(fetched, namespace) if namespace else fetched
            while (
                found := fetched.try_to(lambda _: known_names(state, names, loosely=loosely))
            ) is None:
                try:
                    await fetched.fetch(transaction)
                except StoreGone:
                    raise self._gone() from None
                check_reached(as_of, fetched.revision)
                fetched.set_rules(await self.rules_at(fetched.rules_at, transaction))
            return found

        return await self._connection.read(work, bookmarks_of(as_of))

    async def about_text(self, question: TextQuestion) -> FactsAbout:
        """Return the answer to `facts_about`: all names of a passage are asked for together."""

        async def work(transaction: Transaction) -> FactsAbout:
            fetched = FetchedEntities(self._queries, self._ids, question.as_of)
            # With some key the first fetch tells the revision, whatever is asked about.
            fetched.wanted.keys[
                scoped(question.namespaces[0], canonical_key(question.me or ""))
            ] = None
            await self.begin(fetched, transaction)
            about = AboutText(question)
            readers = about.readers(fetched)
            for reading in readings(question.text):
                named = partial(_then, partial(about.asked, readers, reading))
                while (asked := fetched.try_to(named)) is None:
                    await fetched.fetch(transaction)
                left = list(dict.fromkeys(one.asked for one in asked))
                while left:
                    meant = {
                        name: fetched.try_to(partial(_then, partial(about.meant, readers, name)))
                        for name in left
                    }
                    left = [name for name in left if meant[name] is None]
                    if fetched.wanted:
                        await fetched.fetch(transaction)
                about.take(readers, asked)
            return about.answer(self._ids)

        return await self._connection.read(work, bookmarks_of(question.as_of))

    # Names ------------------------------------------------------------------------------------------

    async def fetch(
        self, entity: str, namespace: Namespace, as_of: int | None, transaction: Transaction
    ) -> tuple[FetchedEntities, str]:
        """Return what was fetched of an entity, and its key: found by its key or by an alias."""
        key = scoped(namespace, canonical_key(entity))
        fetched = FetchedEntities(self._queries, self._ids, as_of)
        fetched.wanted.keys[key] = fetched.wanted.aliases[key] = None
        await self.begin(fetched, transaction)
        if fetched.record(key) is None and (holder := fetched.alias(key)) is not None:
            key = holder
        return fetched, key

    async def aliases(self, entity: str, namespace: Namespace) -> list[str]:
        """Return the other names of an entity."""
        if not is_text(entity):
            return []

        async def work(transaction: Transaction) -> list[Row]:
            _, key = await self.fetch(entity, namespace, None, transaction)
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

    async def counts(self) -> tuple[int, int, int, SearchState]:
        """Return revision, numbers of facts and of entities that hold, and what is indexed."""

        async def work(transaction: Transaction) -> tuple[int, int, int, SearchState]:
            row = await transaction.row(self._queries._(STATE))
            counts = await transaction.row(self._queries.counts)
            if row is None or counts is None:
                raise self._gone()
            return row[0], counts[0], counts[1], SearchState(*row[2])

        return await self._connection.read(work)

    async def entity_facts(
        self,
        entity: str,
        relation: str | None,
        namespace: Namespace,
        as_of: int | None,
        hidden: int | None,
    ) -> list[Fact]:
        """Return the facts of one entity."""
        if not is_text(entity):
            return []

        async def work(transaction: Transaction) -> list[Fact]:
            fetched, key = await self.fetch(entity, namespace, as_of, transaction)
            record = fetched.record(key)
            return self._facts(record, relation, hidden) if record is not None else []

        return await self._connection.read(work, bookmarks_of(as_of))

    async def batch_after(self, after: str, at: int, batch: int) -> list[Row]:
        """Return the next entities by id: id, key, name, facts and aliases."""
        return await self._connection.read(
            lambda tx: tx.rows(self._queries.entities_after, after=after, at=at, batch=batch)
        )

    def batch_facts(
        self, row: Row, relation: str | None, namespace: Namespace | None, hidden: int | None
    ) -> list[Fact]:
        """Return the facts of an entity of a batch."""
        _, key, name, facts, _ = row
        record = stored_entity(key, name, facts)
        if record is None or (namespace is not None and namespace != split(key)[0]):
            return []
        return self._facts(record, relation, hidden)

    def _facts(self, record: EntityRecord, relation: str | None, hidden: int | None) -> list[Fact]:
        wanted = relation_key(relation) if relation is not None else None
        return facts_of(record, wanted, self._ids, hidden)

    async def known_after(self, after: str, name: str | None, batch: int) -> list[Row]:
        """Return the next entities by id: id, key, name, how many facts hold and have ended."""
        statement = self._queries._(
            "MATCH (e:@Entity) WHERE e.id > $after AND EXISTS { (e)<-[:ABOUT]-() }"
            " AND ($key IS NULL OR e.key = $key OR e.key ENDS WITH $in_space)"
            " WITH e ORDER BY e.id LIMIT $batch RETURN e.id, e.key, e.name,"
            " COUNT { (e)<-[:ABOUT]-(:@Fact) }, COUNT { (e)<-[:ABOUT]-(:@Past) } ORDER BY e.id"
        )
        key = None if name is None else canonical_key(name)
        in_space = None if key is None else scoped(("",), key)
        return await self._connection.read(
            lambda tx: tx.rows(statement, after=after, batch=batch, key=key, in_space=in_space)
        )

    async def namespaces(self) -> list[KnownNamespace]:
        """Return every namespace in which anything is or was known, in order."""
        statement = self._queries._(
            "MATCH (e:@Entity) WHERE EXISTS { (e)<-[:ABOUT]-() }"
            " RETURN coalesce(e.namespace, ''), count(e),"
            " sum(COUNT { (e)<-[:ABOUT]-(:@Fact) }), sum(COUNT { (e)<-[:ABOUT]-(:@Past) })"
        )
        rows = await self._connection.read(lambda tx: tx.rows(statement))
        return [KnownNamespace(*row) for row in sorted((parsed(text), *n) for text, *n in rows)]

    async def fact(self, fact_id: str) -> Fact | None:
        """Return the fact with this id as it is, or its last version."""
        statement = self._queries._(
            "CALL () { MATCH (f:@Fact) WHERE f.id STARTS WITH $begin RETURN f"
            " UNION MATCH (f:@Past) WHERE f.id STARTS WITH $begin RETURN f }"
            f" MATCH (f)-[:ABOUT]->(e:@Entity) RETURN e.key, e.name, f.retracted, {FACT_ROW}"
            " ORDER BY f.retracted IS NULL DESC, f.retracted DESC LIMIT 1"
        )
        # The id of a version begins with that of its fact, and has an index.
        begin = version_id(fact_id, "")
        row = await self._connection.read(lambda tx: tx.row(statement, begin=begin))
        if row is None:
            return None
        key, name, retracted, fact = row
        return as_fact(name, stored_fact(fact), fact_id, split(key)[0], retracted)

    async def history(
        self, entity: str, relation: str | None, namespace: Namespace
    ) -> list[PastFact]:
        """Return versions of facts that have ended, oldest first."""
        if not is_text(entity) or (relation is not None and not is_text(relation)):
            return []
        own = scoped(namespace, canonical_key(entity))

        async def work(transaction: Transaction) -> tuple[list[Row], list[Row]]:
            rows = await self._past(own, transaction)
            _, key = await self.fetch(entity, namespace, None, transaction)
            if not rows and key != own:
                rows = await self._past(key, transaction)
            revisions = {n for _, _, retracted, row in rows for n in (retracted, row[4])}
            statement = commits_of(self._queries.prefix)
            return rows, await transaction.rows(statement, revisions=sorted(revisions))

        rows, made = await self._connection.read(work)
        if not rows:
            return []
        key, name, *_ = rows[0]
        past = [PastVersion(stored_fact(row), retracted) for _, _, retracted, row in rows]
        wanted = relation_key(relation) if relation is not None else None
        commits = {row[0]: commit_info(*row) for row in made}
        history = EntityHistory(name, (), past)
        return past_facts(key, history, wanted, self._ids, lambda _: commits)

    async def _past(self, key: str, transaction: Transaction) -> list[Row]:
        return await transaction.rows(self._queries.past, ids=[self._ids.of_entity(key)])

    def _gone(self) -> StoreMissing:
        return StoreMissing(f"{self._connection.address} no longer holds a store")


def _then(work: Callable[[], T], _: FetchedEntities) -> T:
    return work()


def bookmarks_of(*revisions: int | None) -> frozenset[str]:
    """Return the bookmarks that revisions carry."""
    found: set[str] = set()
    for revision in revisions:
        found |= getattr(revision, "bookmarks", frozenset())
    return frozenset(found)


async def scanned(
    reader: Neo4jReader,
    loop: BackgroundLoop,
    relation: str | None,
    namespace: Namespace | None,
    at: int,
    batch: int,
    hidden: int | None,
) -> AsyncIterator[list[Fact]]:
    """Yield the facts of all entities, a batch of entities at a time."""
    after = ""
    while rows := await loop.run(reader.batch_after, after, at, batch):
        after = rows[-1][0]
        yield [
            fact for row in rows for fact in reader.batch_facts(row, relation, namespace, hidden)
        ]
