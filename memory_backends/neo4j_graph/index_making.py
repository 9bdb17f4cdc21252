"""Make and remove the search index of a store in Neo4j, a batch of entities at a time."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import NamedTuple

from lamlam.memory_backends.neo4j_graph.driver import T, Transaction
from lamlam.memory_backends.neo4j_graph.schema import await_indexes, make_one
from lamlam.memory_backends.neo4j_graph.search_index import (
    NAMES,
    REMOVING,
    SOURCES,
    SearchState,
    begin_making,
    check_made_by,
    end_making,
    forget_index,
    index_name,
    index_statement,
    set_terms,
)
from lamlam.memory_backends.neo4j_graph.search_queries import STATE, WITH_TERMS_AFTER
from lamlam.memory_backends.neo4j_graph.writer import LockedStore, Neo4jWriter

_BATCH = 500
"""Entities of one transaction: between two of them others can write."""


class _IndexedBatch(NamedTuple):
    n_entities: int
    last: str | None
    """The id of the last one."""


class IndexMaking:
    """Turns the search index of a store on or off, on the connection's loop.

    While it is made, writers keep their part of it in step, and searches read the facts. What
    breaks off leaves a part, which is not asked; the next call begins again.
    """

    def __init__(self, writer: Neo4jWriter) -> None:
        self._writer = writer
        self._queries = writer.queries
        self._token = secrets.token_hex(8)

    async def steps(self, is_on: bool, sources: bool) -> AsyncGenerator[tuple[int, int], None]:
        """Turn it on or off; yield after each batch how many entities are done, and of how many."""
        row = await self._writer.connection.read(lambda tx: tx.row(self._queries._(STATE)))
        state = SearchState(*row[2]) if row is not None else SearchState()
        wanted = SOURCES if sources else NAMES
        if not is_on:
            if state.fields is not None:
                await self._remove()
        elif state.fields == wanted and state.sources is not None:
            await self._locked(self._catch_up)
            await self._make_full_text()  # somebody may have dropped it
        else:
            async for done in self._make(wanted):
                yield done

    async def _make(self, fields: str) -> AsyncGenerator[tuple[int, int], None]:
        async def begin(locked: LockedStore, transaction: Transaction) -> None:
            await begin_making(fields, self._token, transaction, self._queries)

        async def batch(locked: LockedStore, transaction: Transaction) -> _IndexedBatch:
            check_made_by(locked.search, self._token)
            rows = await transaction.rows(
                self._queries.entities_after, after=after, at=locked.revision, batch=_BATCH
            )
            await set_terms(rows, fields, transaction, self._queries)
            with_facts = sum(bool(facts) for _, _, _, facts, _ in rows)
            return _IndexedBatch(with_facts, rows[-1][0] if rows else None)

        async def end(locked: LockedStore, transaction: Transaction) -> None:
            if locked.search.made_by is not None:  # else an attempt that broke off has done it
                check_made_by(locked.search, self._token)
            await end_making(transaction, self._queries)

        await self._locked(begin)
        # Filled at once it is made faster than in step with the entities.
        await self._drop_full_text()
        counts = await self._writer.connection.read(lambda tx: tx.row(self._queries.counts))
        n_all, n_done = counts[1] if counts is not None else 0, 0
        after = ""
        while (done := await self._locked(batch)).last is not None:
            after = done.last
            n_done += done.n_entities
            if n_done:
                yield n_done, max(n_done, n_all)
        await self._make_full_text()
        await self._locked(end)

    async def _remove(self) -> None:
        """Remove the index, and then what is left of it on entities."""

        async def begin(locked: LockedStore, transaction: Transaction) -> None:
            await begin_making(REMOVING, self._token, transaction, self._queries)

        async def batch(locked: LockedStore, transaction: Transaction) -> str | None:
            check_made_by(locked.search, self._token)
            statement = self._queries._(WITH_TERMS_AFTER)
            row = await transaction.row(statement, after=after, batch=_BATCH)
            last: str | None = row[0] if row is not None else None
            return last

        async def end(locked: LockedStore, transaction: Transaction) -> None:
            if locked.search.fields is not None:  # else an attempt that broke off has done it
                check_made_by(locked.search, self._token)
            await forget_index(transaction, self._queries)

        await self._locked(begin)
        await self._drop_full_text()
        after = ""
        while (last := await self._locked(batch)) is not None:
            after = last
        await self._locked(end)

    async def _catch_up(self, locked: LockedStore, transaction: Transaction) -> None:
        """Index what a release that knows of no index has written, if one has."""
        if locked.search.at != locked.revision:
            await self._writer.index((), locked, locked.revision, transaction)

    async def _make_full_text(self) -> None:
        connection = self._writer.connection
        await make_one(connection, index_statement(self._queries))
        await await_indexes(connection)

    async def _drop_full_text(self) -> None:
        statement = f"DROP INDEX {index_name(self._queries)} IF EXISTS"
        await self._writer.connection.write(lambda tx: tx.do(statement))

    async def _locked(self, work: Callable[[LockedStore, Transaction], Awaitable[T]]) -> T:
        """Return what the work returns, done in a transaction behind the lock of the store."""
        token = self._writer.token(None)

        async def unit(transaction: Transaction) -> T:
            return await work(await self._writer.lock(token, transaction), transaction)

        done, _ = await self._writer.repeated(unit, frozenset())
        return done
