"""Bulk load in one transaction: Python plans the next batch while the server writes one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from lamlam.memory_backends.commits.commit_plan import named_keys, plan_commit
from lamlam.memory_backends.commits.validation import check_expected
from lamlam.memory_backends.model.entity_reader import StoredEntity
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Commit
from lamlam.memory_backends.neo4j_graph.driver import Transaction
from lamlam.memory_backends.neo4j_graph.edges import write_edges
from lamlam.memory_backends.neo4j_graph.loaded_entities import LoadedEntities
from lamlam.memory_backends.neo4j_graph.reader import bookmarks_of
from lamlam.memory_backends.neo4j_graph.rows import PlannedRows
from lamlam.memory_backends.neo4j_graph.writer import LockedStore, NamedChange, Neo4jWriter

PART = 5_000
# The server has nothing to do until the first part is planned: it is a small one.
_FIRST_PARTS = (200, 800, 2_000)
_NO_LIMIT_S = 0.0


@dataclass(slots=True)
class _FactBatch:
    """Some facts, and the entities that they name."""

    facts: list[Fact]
    keys: list[str]


@dataclass(slots=True)
class _PlannedBatch:
    """What to write of a part."""

    writing: PlannedRows
    changed: int
    records: dict[str, StoredEntity | None]
    """Its entities once it is written."""


class _FactBatches:
    """The facts in parts, kept, because a transaction may have to be repeated."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._facts: Iterator[Fact] = iter(facts)
        self._parts: list[_FactBatch] = []
        # A thread that works ahead goes on when its attempt is given up, beside the next attempt.
        self._taking = threading.Lock()

    def part(self, number: int) -> _FactBatch | None:
        """Return a part, ``None`` after the last; facts are taken as they come."""
        with self._taking:
            while len(self._parts) <= number:
                taken = len(self._parts)
                size = _FIRST_PARTS[taken] if taken < len(_FIRST_PARTS) else PART
                facts = list(islice(self._facts, size))
                if not facts:
                    return None
                self._parts.append(_FactBatch(facts, named_keys(map(Assert, facts))))
            return self._parts[number]


async def load(
    writer: Neo4jWriter,
    facts: Iterable[Fact],
    expected: int | None = None,
    idempotency_key: str | None = None,
    actor: str | None = None,
) -> Commit:
    """Assert all facts or none; with a key they are a collection, which is read twice."""
    named = writer.named(idempotency_key, map(Assert, facts) if idempotency_key else ())
    loading = _Loading(writer, _FactBatches(facts), expected, named, actor)
    return await writer.commit(loading.done, bookmarks_of(expected), timeout_s=_NO_LIMIT_S)


class _Loading:
    def __init__(
        self,
        writer: Neo4jWriter,
        parts: _FactBatches,
        expected: int | None,
        named: NamedChange,
        actor: str | None,
    ) -> None:
        self._writer = writer
        self._parts = parts
        self._expected = expected
        self._named = named
        self._actor = actor

    async def done(self, transaction: Transaction) -> Commit:
        """Do the work of the transaction; keep nothing of an earlier attempt."""
        writer = self._writer
        locked = await writer.lock(self._named.token, transaction)
        if (first := locked.repeated(self._named)) is not None:
            return first
        check_expected(self._expected, locked.revision)
        seen: set[str] = set()
        changed, number = 0, 0
        part = await asyncio.to_thread(self._parts.part, 0)
        following = await asyncio.to_thread(self._parts.part, 1)
        if part is None:
            return Commit(locked.revision, 0)
        loaded = await self._load(part, locked, seen, transaction)
        planned = await asyncio.to_thread(self._work, part, loaded, locked.revision + 1)
        while True:
            # The entities of the following part are read before this one is written, and what
            # this one changes in them is laid over.
            ahead: asyncio.Task[tuple[_PlannedBatch, _FactBatch | None]] | None = None
            if following is not None:
                loaded = await self._load(following, locked, seen, transaction)
                loaded.overlay(planned.records)
                work = partial(self._ahead, following, loaded, locked.revision + 1, number + 2)
                ahead = asyncio.create_task(asyncio.to_thread(work))
            try:
                await self._write(planned, locked, transaction)
            except BaseException:
                if ahead is not None:
                    ahead.cancel()
                raise
            changed += planned.changed
            seen.update(planned.records)
            if ahead is None:
                break
            planned, following = await ahead
            number += 1
        if changed:
            await writer.index(seen, locked, locked.revision + 1, transaction)
            await writer.finish(locked.revision + 1, changed, self._named, self._actor, transaction)
            return Commit(locked.revision + 1, changed)
        if self._named.operations is not None:
            await writer.remember(locked.revision, self._named, self._actor, transaction)
        return Commit(locked.revision, 0)

    async def _load(
        self, part: _FactBatch, locked: LockedStore, seen: set[str], transaction: Transaction
    ) -> LoadedEntities:
        """Return what the store holds of the entities of a part."""
        writer = self._writer
        loaded = await writer.loaded(locked, transaction)
        # A store that was never written to holds what this transaction wrote, and no more.
        keys = part.keys if locked.revision else [key for key in part.keys if key in seen]
        await loaded.load(transaction, writer.queries, keys, writer.ids)
        return loaded

    def _work(self, part: _FactBatch, loaded: LoadedEntities, revision: int) -> _PlannedBatch:
        ids = self._writer.ids
        plan = plan_commit(map(Assert, part.facts), loaded, revision, ids, are_checked=True)
        writing = PlannedRows(ids)
        records: dict[str, StoredEntity | None] = {}
        for key, edit in plan.edits.items():
            writing.add(edit, loaded.record(key))
            records[key] = StoredEntity(edit.name or key, key, edit.after)
        return _PlannedBatch(writing, plan.changed, records)

    def _ahead(
        self, part: _FactBatch, loaded: LoadedEntities, revision: int, next_number: int
    ) -> tuple[_PlannedBatch, _FactBatch | None]:
        return self._work(part, loaded, revision), self._parts.part(next_number)

    async def _write(
        self, planned: _PlannedBatch, locked: LockedStore, transaction: Transaction
    ) -> None:
        writer = self._writer
        await writer.write_facts(planned.writing, locked.revision + 1, transaction)
        if locked.has_edges:
            await write_edges(transaction, writer.queries, planned.writing)
