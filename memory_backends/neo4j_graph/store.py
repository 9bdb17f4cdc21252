"""`Neo4jStore`: facts in a Neo4j database, for several processes and for people who read graphs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from anyio import CancelScope

from lamlam.errors import NotSupported, ReadOnly
from lamlam.memory_backends.commits.validation import (
    check_commit,
    check_entity,
    check_reached,
    check_scan,
    check_since,
    facts_to_load,
    operations,
)
from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.expiry import hiding_from
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.fact_tuples import Loadable, fact_of
from lamlam.memory_backends.model.facts import (
    Fact,
    Namespace,
    check_flags,
    check_namespace,
    check_text,
)
from lamlam.memory_backends.model.facts_about import FactsAbout, TextQuestion
from lamlam.memory_backends.model.known_names import checked_names
from lamlam.memory_backends.model.lookups import (
    EntityView,
    Lookup,
    LookupResult,
    check_as_of,
    check_lookup,
    checked_lookups,
)
from lamlam.memory_backends.model.operations import (
    Assert,
    Change,
    Commit,
    MigrationReport,
    Op,
    PastFact,
    Revision,
    StoreInfo,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.text_search import indexed_fields
from lamlam.memory_backends.model.values import is_text
from lamlam.memory_backends.neo4j_graph.address import Neo4jAddress
from lamlam.memory_backends.neo4j_graph.driver import Neo4jConnection
from lamlam.memory_backends.neo4j_graph.holdings import ServerHoldings
from lamlam.memory_backends.neo4j_graph.queries import Queries
from lamlam.memory_backends.neo4j_graph.reader import Neo4jReader, bookmarks_of, scanned
from lamlam.memory_backends.neo4j_graph.schema import (
    SCHEMA,
    StoreState,
    make_schema,
)
from lamlam.memory_backends.neo4j_graph.searching import ServerSearching
from lamlam.memory_backends.protocol import Capability, store_closed, unsupported

if TYPE_CHECKING:
    from lamlam.memory_backends.neo4j_graph.cache import ReplicaCache

_READING = frozenset(
    {
        Capability.ALIASES, Capability.RULES, Capability.NAMESPACES, Capability.HISTORY,
        Capability.VALID_TIME, Capability.FUZZY, Capability.CHANGES, Capability.MULTIPROCESS,
        Capability.SERVER, Capability.COMMIT_TIMES, Capability.EXPIRY,
    }
)  # fmt: skip
_WRITING = frozenset(
    {
        Capability.WRITE, Capability.TRANSACTIONS, Capability.CAS, Capability.IDEMPOTENCY,
        Capability.ERASE, Capability.SEARCH_INDEX,
    }
)  # fmt: skip


class Neo4jStore(ServerSearching, ServerHoldings):
    """Facts in a Neo4j database, from any event loop or thread.

    Reads see one revision of the store, and every commit that this process made. What another
    process committed is seen once the server has it; the `Revision` of a commit carries what a
    cluster needs to wait for it.
    """

    capabilities: frozenset[Capability] = frozenset()

    def __init__(
        self,
        connection: Neo4jConnection,
        queries: Queries,
        state: StoreState,
        *,
        edition: str,
        read_only: bool,
    ) -> None:
        """Take over an open connection (`connect.connect_neo4j` makes one)."""
        from lamlam.memory_backends.neo4j_graph.changes import Neo4jChanges
        from lamlam.memory_backends.neo4j_graph.writer import Neo4jWriter

        self.address: Neo4jAddress = connection.address
        self.read_only = read_only
        self.edition = edition
        self.capabilities = _READING if read_only else _READING | _WRITING
        self._connection = connection
        self._loop = connection.loop
        self._queries = queries
        self._ids = FactIds(state.secret)
        self._reader = Neo4jReader(connection, queries, self._ids)
        self._changes = Neo4jChanges(connection, queries, self._ids, self._reader)
        self._writer = Neo4jWriter(connection, queries, self._ids, state.secret)
        self._cache: ReplicaCache | None = None
        if self.address.has_cache:
            from lamlam.memory_backends.neo4j_graph.cache import ReplicaCache

            self.capabilities |= {Capability.FAST_LOOKUP}
            self._cache = ReplicaCache(connection.loop, self._reader, self._changes, state.secret)

    # Reading --------------------------------------------------------------------------------------------

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order, all from one state of the store."""
        self._check_open()
        given = checked_lookups(queries)
        return await self._loop.run(self._reader.look_up_all, given) if given else []

    async def known_names(
        self,
        names: Sequence[str],
        *,
        namespace: Namespace = (),
        as_of: int | None = None,
        loosely: bool = False,
    ) -> frozenset[str]:
        """Return those of the names that the store knows; without ``loosely`` in one round trip."""
        self._check_open()
        given, space = checked_names(names), check_namespace(namespace)
        if as_of is not None:
            check_as_of(as_of)
        return await self._loop.run(self._reader.known_names, given, space, as_of, loosely)

    async def about_text(self, question: TextQuestion) -> FactsAbout:
        """Return the answer to `facts_about`: from the server, in a few round trips."""
        self._check_open()
        return await self._loop.run(self._reader.about_text, question)

    async def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
        include_expired: bool = False,
    ) -> AsyncIterator[Fact]:
        """Yield all facts, or those of one entity, of one relation, or of both: of one state."""
        self._check_open()
        check_scan(entity, relation, as_of, batch)
        space = None if namespace is None else check_namespace(namespace)
        hidden = hiding_from(include_expired)
        if relation is not None and not is_text(relation):
            return
        if entity is not None:
            for fact in await self._loop.run(
                partial(self._reader.entity_facts, entity, relation, space or (), as_of, hidden)
            ):
                yield fact
            return
        revision = await self._loop.run(self._reader.revision, bookmarks_of(as_of))
        check_reached(as_of, revision)
        at = revision if as_of is None else int(as_of)
        async for facts in scanned(self._reader, self._loop, relation, space, at, batch, hidden):
            for fact in facts:
                yield fact

    async def history(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> list[PastFact]:
        """Return facts and versions of facts that have ended, oldest first."""
        self._check_open()
        check_entity(entity, relation)
        return await self._loop.run(
            self._reader.history, entity, relation, check_namespace(namespace)
        )

    async def rules(self) -> list[RelationRule]:
        """Return what the store knows about relations, in the order of definition."""
        self._check_open()
        return await self._loop.run(self._reader.all_rules)

    async def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        """Return the other names (canonical keys) of an entity, sorted."""
        self._check_open()
        check_entity(entity)
        return await self._loop.run(self._reader.aliases, entity, check_namespace(namespace))

    async def changes(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> AsyncIterator[Change]:
        """Yield what was committed after a revision, in order, up to now."""
        from lamlam.memory_backends.commits.changes import within

        self._check_open()
        check_since(since)
        space = None if namespace is None else check_namespace(namespace)
        revision = await self._loop.run(self._reader.revision, bookmarks_of(since))
        check_reached(since, revision)
        parts = (
            self._changes.everything(revision)
            if since is None
            else self._changes.since(int(since), revision)
        )
        async for part in self._loop.run_each(parts):
            for change in within(part, space):
                yield change

    async def commits(self, since: int | None = None) -> AsyncIterator[CommitInfo]:
        """Yield the commits after a revision, in order: when each was made and by whom."""
        self._check_open()
        check_since(since)
        revision = await self._loop.run(self._reader.revision, bookmarks_of(since))
        check_reached(since, revision)
        after = since or 0
        while found := await self._loop.run(self._changes.commits_after, int(after)):
            for one in found:
                yield one
            after = found[-1].revision

    async def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""
        self._check_open()
        revision, facts, entities, index = await self._loop.run(self._reader.counts)
        return StoreInfo(
            backend="neo4j",
            location=f"{self.address.uri}/{self._connection.database}",
            schema=SCHEMA,
            revision=Revision(revision),
            facts=facts,
            entities=entities,
            read_only=self.read_only,
            edition=self.edition,
            search_index=indexed_fields(index.sources),
        )

    # From the copy in this process ------------------------------------------------------------------

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return the same as `lookup`, from the copy of the facts in this process; from any thread.

        The first call fills the copy and takes as long as reading every fact. A question about
        an earlier revision waits for the server.
        """
        cache = self._copy("lookup_nowait")
        check_lookup(query)
        if query.as_of is not None:
            return self._loop.call(self._reader.look_up_all, [query])[0]
        return cache.up_to_date().lookup_nowait(query)

    def describe_nowait(
        self,
        entity: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> EntityView | None:
        """Return what the store holds of an entity; ``None`` if unknown or ambiguous.

        The copy in this process has no past: with ``as_of`` this is `NotSupported`.
        """
        cache = self._copy("describe_nowait", as_of)
        return cache.up_to_date().describe_nowait(entity, fuzzy=fuzzy, namespace=namespace)

    def known_names_nowait(
        self,
        names: Sequence[str],
        *,
        namespace: Namespace = (),
        as_of: int | None = None,
        loosely: bool = False,
    ) -> frozenset[str]:
        """Return those of the names that the store knows: from the copy, which has no past."""
        cache = self._copy("known_names_nowait", as_of)
        return cache.up_to_date().known_names_nowait(names, namespace=namespace, loosely=loosely)

    def state_nowait(self) -> int:
        """Return the revision of the copy."""
        return self._copy("state_nowait").up_to_date().revision

    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        """Return what the names in a text mean, and its facts: from the copy, which has no past."""
        cache = self._copy("facts_about_nowait", question.as_of)
        return cache.up_to_date().about_text_nowait(question)

    def homonyms_nowait(
        self,
        name: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> tuple[EntityView, ...]:
        """Return the entities that an ambiguous name may mean: from the copy, which has no past."""
        cache = self._copy("homonyms_nowait", as_of)
        return cache.up_to_date().homonyms_nowait(name, fuzzy=fuzzy, namespace=namespace)

    def fact_nowait(self, fact_id: str) -> Fact | None:
        """Return the fact with this id: the copy in this process has no ids, the server is asked."""
        self._copy("fact_nowait")
        check_text(fact_id=fact_id)
        return self._loop.call(self._reader.fact, fact_id)

    def refresh_nowait(self) -> None:
        """Make the next lookup ask the server first whether anything was committed."""
        if self._cache is not None:
            self._cache.note_change()

    # Writing ----------------------------------------------------------------------------------------

    async def apply(
        self,
        ops: Sequence[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit:
        """Do every operation, in order, or none.

        Where the connection breaks during the commit, the store finds out whether it was done
        and goes on accordingly. A cancelled call leaves all or nothing of it done.
        """
        self._check_writable()
        check_commit(expected, idempotency_key, actor)
        from lamlam.memory_backends.neo4j_graph.bulk_load import PART, load

        given = list(operations(ops))
        if len(given) > PART and all(isinstance(op, Assert) for op in given):
            facts = [op.fact for op in given if isinstance(op, Assert)]
            work = partial(load, self._writer, facts, expected, idempotency_key, actor)
        else:
            work = partial(self._writer.apply, given, expected, idempotency_key, actor)
        return self._noted(await self._loop.run(work))

    async def load(self, facts: Iterable[Loadable]) -> Commit:
        """Assert all facts, or none, in one transaction, which the server keeps in memory.

        They are taken as they come, in another thread, and kept until the end.

        Raises:
            Unavailable: the server has too little memory for so many.
        """
        from lamlam.memory_backends.neo4j_graph.bulk_load import load

        self._check_writable()
        return self._noted(
            await self._loop.run(load, self._writer, map(fact_of, facts_to_load(facts)))
        )

    async def migrate(self, *, dry_run: bool = False) -> MigrationReport:
        """Bring the database to the schema of this version; a second call changes nothing."""
        check_flags(dry_run=dry_run)
        if not dry_run:
            self._check_writable()
        self._check_open()
        return await self._loop.run(
            partial(make_schema, self._connection, self._queries, dry_run=dry_run)
        )

    async def rebuild_edges(self) -> None:
        """Rebuild the relationships between entities from the facts, whatever was done to them."""
        self._check_writable()
        await self._loop.run(partial(self._writer.set_edges, True, anew=True))

    async def aclose(self) -> None:
        """Close the connections; closing again does nothing."""
        if not self._loop.is_running:
            return
        if self._cache is not None:
            self._cache.close()
        with CancelScope(shield=True):
            await self._loop.run(self._connection.close)
        self._connection.shut()

    def close_nowait(self) -> None:
        """Close the connections like `aclose`, for a caller without an event loop."""
        if self._cache is not None:
            self._cache.close()
        self._connection.shut()

    # ------------------------------------------------------------------------------------------------

    def _copy(self, what: str, as_of: int | None = None) -> ReplicaCache:
        self._check_open()
        if self._cache is None:
            raise unsupported(self, what, Capability.FAST_LOOKUP)
        if as_of is not None:
            check_as_of(as_of)
            raise NotSupported(
                "what a Neo4j server held earlier cannot be described without waiting for it",
                hint="ask by lookup(…, as_of=…) or scan(…, as_of=…)",
            )
        return self._cache

    def _noted(self, commit: Commit) -> Commit:
        """Return the commit, which the copy in this process has still to learn of."""
        if self._cache is not None:
            self._cache.note_change()
        return commit

    def _check_open(self) -> None:
        if not self._loop.is_running:
            raise store_closed()

    def _check_writable(self) -> None:
        self._check_open()
        if self.read_only:
            raise ReadOnly("this store was opened for reading", hint="open it for writing")
