"""Write a store in Neo4j: one transaction for each write, behind one lock, safe to repeat."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from lamlam.errors import SchemaMismatch, StoreMissing, Unavailable
from lamlam.memory_backends.commits.carried import self_contained
from lamlam.memory_backends.commits.commit_plan import CommitPlan, named_keys, plan_commit
from lamlam.memory_backends.commits.idempotency import KeptOperations, kept_of
from lamlam.memory_backends.commits.validation import check_expected, idempotency_hash
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.operations import Commit, Op, Revision
from lamlam.memory_backends.neo4j_graph.driver import (
    CommitUnknown,
    Neo4jConnection,
    T,
    Transaction,
    Work,
)
from lamlam.memory_backends.neo4j_graph.edges import redraw_edges, write_edges
from lamlam.memory_backends.neo4j_graph.index_checks import check_found
from lamlam.memory_backends.neo4j_graph.loaded_entities import LoadedEntities
from lamlam.memory_backends.neo4j_graph.queries import Queries
from lamlam.memory_backends.neo4j_graph.reader import Neo4jReader, bookmarks_of
from lamlam.memory_backends.neo4j_graph.rows import (
    PlannedRows,
    alias_rows,
    ended_merge_rows,
    event_rows,
    merge_rows,
    parts,
    rule_rows,
)
from lamlam.memory_backends.neo4j_graph.schema import SCHEMA
from lamlam.memory_backends.neo4j_graph.search_index import SearchState, keep_in_step

_PART = 5_000
_MANY = 500
"""From so many on, operations are planned in a thread, beside the event loop."""
_MOST_REPEATS = 5


class NamedChange(NamedTuple):
    """By what a commit is found again."""

    token: str
    operations: KeptOperations | None = None
    """With an idempotency key: of which operations it is the key."""

    @property
    def properties(self) -> dict[str, Any]:  # Any: what a server takes
        """What the node of the commit keeps."""
        kept = self.operations
        entities = None if kept is None or kept.entities is None else list(kept.entities)
        return {
            "token": self.token,
            "operations": None if kept is None else kept.digest,
            "entities": entities,
        }


class LockedStore(NamedTuple):
    """What the lock found."""

    revision: int
    rules_at: int
    has_edges: bool
    first: Commit | None
    """The commit that was made with this token before."""
    first_operations: str | None = None
    """The digest of its operations, where it is known."""
    search: SearchState = SearchState()

    def repeated(self, named: NamedChange) -> Commit | None:
        """Return the commit that the change has made before, if it has.

        Raises:
            Conflict: its idempotency key was used for other operations.
        """
        if self.first is not None and named.operations is not None:
            named.operations.check(self.first_operations)
        return self.first


class Neo4jWriter:
    """`apply`, and what every write has in common, on the connection's loop."""

    def __init__(
        self, connection: Neo4jConnection, queries: Queries, ids: FactIds, secret: bytes
    ) -> None:
        self.connection = connection
        self.queries = queries
        self.ids = ids
        self._secret = secret
        self._reader = Neo4jReader(connection, queries, ids)

    async def apply(
        self,
        ops: Sequence[Op],
        expected: int | None,
        idempotency_key: str | None,
        actor: str | None,
    ) -> Commit:
        """Do every operation, in order, or none."""
        keys = named_keys(ops)
        named = self.named(idempotency_key, ops)
        work = partial(self._apply, ops, keys, expected, named, actor)
        return await self.commit(work, bookmarks_of(expected))

    async def commit(
        self,
        work: Work[Commit],
        bookmarks: frozenset[str] = frozenset(),
        timeout_s: float | None = None,
    ) -> Commit:
        """Return what the work committed, as a revision that can be read back.

        The work finds its own commit by its token: so it may be repeated where the connection
        broke while the server committed.
        """
        commit, bookmarks = await self.repeated(work, bookmarks, timeout_s)
        return Commit(Revision(commit.revision, bookmarks), commit.facts, commit.ended)

    async def repeated(
        self, work: Work[T], bookmarks: frozenset[str], timeout_s: float | None = None
    ) -> tuple[T, frozenset[str]]:
        """Return what the work returns once its commit is known to be done, and its bookmarks."""
        for _ in range(_MOST_REPEATS):
            try:
                return await self.connection.write(work, bookmarks, timeout_s=timeout_s)
            except CommitUnknown:
                await asyncio.sleep(0.2)
        raise Unavailable(
            f"{self.connection.address} breaks off every commit",
            hint="whether the change was done is unknown: repeat it with an idempotency_key",
        )

    def token(self, idempotency_key: str | None) -> str:
        """Return the name of a commit; of a key not the key itself but a keyed hash of it."""
        if idempotency_key is None:
            return secrets.token_hex(16)
        return idempotency_hash(self._secret, idempotency_key).hex()

    def named(self, idempotency_key: str | None, ops: Iterable[Op]) -> NamedChange:
        """Return the name of a change, with what is kept of its operations where it is a key."""
        kept = None if idempotency_key is None else kept_of(self._secret, ops)
        return NamedChange(self.token(idempotency_key), kept)

    async def lock(self, token: str, transaction: Transaction) -> LockedStore:
        """Lock the store against other writers until the transaction ends."""
        row = await transaction.row(self.queries.lock, token=token)
        if row is None:
            raise StoreMissing(f"{self.connection.address} no longer holds a store")
        schema, revision, rules_at, has_edges, first, facts, first_operations, search = row
        if schema > SCHEMA:
            raise SchemaMismatch(
                f"a newer version of lamlam has changed the store (schema {schema})",
                hint="pip install -U lamlam",
            )
        commit = Commit(first, facts) if first is not None else None
        state = SearchState(*search)
        return LockedStore(revision, rules_at, has_edges, commit, first_operations, state)

    async def loaded(self, locked: LockedStore, transaction: Transaction) -> LoadedEntities:
        """Return a reader with the rules, and without entities."""
        return LoadedEntities(await self._reader.rules_at(locked.rules_at, transaction))

    async def _apply(
        self,
        ops: Sequence[Op],
        keys: Sequence[str],
        expected: int | None,
        named: NamedChange,
        actor: str | None,
        transaction: Transaction,
    ) -> Commit:
        locked = await self.lock(named.token, transaction)
        if (first := locked.repeated(named)) is not None:
            return first
        check_expected(expected, locked.revision)
        loaded = await self.loaded(locked, transaction)
        await loaded.load(transaction, self.queries, keys, self.ids)
        work = partial(plan_commit, ops, loaded, locked.revision + 1, self.ids, are_checked=True)
        plan = await asyncio.to_thread(work) if len(ops) > _MANY else work()
        if not plan.changed:
            if named.operations is not None:
                await self.remember(locked.revision, named, actor, transaction)
            return Commit(locked.revision, 0)
        writing = PlannedRows(self.ids)
        for key, edit in plan.edits.items():
            writing.add(edit, loaded.record(key))
        await self.write_facts(writing, plan.revision, transaction)
        if locked.has_edges:
            await write_edges(transaction, self.queries, writing)
        await self._write_names(plan, transaction)
        holders = [loaded.alias(alias) for alias in plan.aliases]
        changed = [*plan.edits, *holders, *plan.aliases.values()]
        await self.index([key for key in changed if key], locked, plan.revision, transaction)
        await self.finish(plan.revision, plan.changed, named, actor, transaction)
        return Commit(plan.revision, plan.changed, tuple(plan.ended))

    async def write_facts(
        self, writing: PlannedRows, revision: int, transaction: Transaction
    ) -> None:
        """Write entities and versions of facts."""
        queries = self.queries
        for rows in parts(writing.began, _PART):
            await transaction.do(queries.begin_entities, rows=rows)
        for rows in parts(writing.facts, _PART):
            await transaction.do(queries.begin_facts, rows=rows)
        for rows in parts(writing.changed, _PART):
            await transaction.do(queries.change_facts, rows=rows)
        for rows in parts(writing.values, _PART):
            await transaction.do(queries.begin_values, rows=rows)
        for ids in parts(writing.ended, _PART):
            row = await transaction.row(queries.end_facts, ids=ids, revision=revision)
            check_found(row[0] if row else 0, len(ids), "facts that end")
        for ids in parts(writing.gone, _PART):
            await transaction.do(queries.end_entities, ids=ids)

    async def _write_names(self, plan: CommitPlan, transaction: Transaction) -> None:
        queries, ids, revision = self.queries, self.ids, plan.revision
        aliases, gone = alias_rows(plan.aliases, revision, ids)
        if aliases:
            await transaction.do(queries.set_aliases, rows=aliases)
        if gone:
            await transaction.do(queries.drop_aliases, ids=gone)
        if plan.unmerged:
            await transaction.do(queries.end_merges, rows=ended_merge_rows(plan.unmerged, ids))
        if plan.merged:
            records = self_contained(plan.merged, ids)
            await transaction.do(queries.add_merges, rows=merge_rows(records, revision, ids))
        if plan.rules is not None:
            rules = rule_rows(plan.rules.all())
            await transaction.do(
                queries.set_rules,
                rows=rules,
                ids=[rule["id"] for rule in rules],
                revision=revision,
            )
        if plan.events:
            await transaction.do(queries.add_events, rows=event_rows(plan.events, revision, ids))

    async def set_edges(self, is_on: bool, *, anew: bool = False) -> None:
        """Turn edges for facts between entities on or off, for every writer.

        Args:
            is_on: whether there are edges from now on.
            anew: drop and draw them again where they are kept already.
        """

        async def work(transaction: Transaction) -> None:
            locked = await self.lock(self.token(None), transaction)
            if anew or locked.has_edges != is_on:
                await redraw_edges(transaction, self.queries, is_on)

        await self.repeated(work, frozenset(), timeout_s=0.0)

    async def index(
        self, keys: Iterable[str], locked: LockedStore, revision: int, transaction: Transaction
    ) -> None:
        """Keep the search index, if there is one, in step with entities that have changed."""
        state, before = locked.search, locked.revision
        await keep_in_step(state, keys, before, revision, transaction, self.queries, self.ids)

    async def finish(
        self,
        revision: int,
        facts: int,
        named: NamedChange,
        actor: str | None,
        transaction: Transaction,
    ) -> None:
        """Set the store's revision and add the commit to the log."""
        await transaction.do(
            self.queries.commit, revision=revision, facts=facts, actor=actor, **named.properties
        )

    async def remember(
        self, revision: int, named: NamedChange, actor: str | None, transaction: Transaction
    ) -> None:
        """Keep an idempotency key whose operations changed nothing."""
        await transaction.do(
            self.queries.remember, revision=revision, actor=actor, **named.properties
        )
