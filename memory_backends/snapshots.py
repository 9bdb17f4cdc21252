"""A store as it stood at one revision, for reading."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from lamlam.errors import Conflict, ReadOnly
from lamlam.memory_backends.commits.validation import check_scan
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.lookups import Lookup, LookupResult, checked_lookups
from lamlam.memory_backends.model.operations import (
    Change,
    Commit,
    ErasureReceipt,
    MigrationReport,
    Op,
    PastFact,
    StoreInfo,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.protocol import Capability
from lamlam.memory_backends.store_base import BaseStore

_KEPT = frozenset(
    {
        Capability.ALIASES, Capability.RULES, Capability.NAMESPACES, Capability.HISTORY,
        Capability.VALID_TIME, Capability.FUZZY, Capability.SERVER, Capability.MULTIPROCESS,
    }
)  # fmt: skip


class Snapshot(BaseStore):
    """Reads of a store at one revision. An erasure is seen all the same: it leaves nothing."""

    def __init__(self, store: BaseStore, info: StoreInfo) -> None:
        self._store = store
        self._info = info
        self.revision = info.revision
        self.capabilities = store.capabilities & _KEPT

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, as of the snapshot or an earlier revision asked for."""
        given = [replace(q, as_of=self._at(q.as_of)) for q in checked_lookups(queries)]
        return await self._store.lookup_many(given)

    async def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
    ) -> AsyncIterator[Fact]:
        """Give facts that held at the snapshot's revision."""
        check_scan(entity, relation, as_of, batch)
        facts = self._store.scan(
            entity, relation, namespace=namespace, as_of=self._at(as_of), batch=batch
        )
        try:
            async for fact in facts:
                yield fact
        finally:
            if isinstance(facts, AsyncGenerator):  # one that is left early must be closed
                await facts.aclose()

    async def history(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> list[PastFact]:
        """Return what had ended by then."""
        past = await self._store.history(entity, relation, namespace=namespace)
        return [one for one in past if one.retracted <= self.revision]

    async def rules(self) -> list[RelationRule]:
        """Return what the store knows about relations, now."""
        return await self._store.rules()

    async def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        """Return the other names of an entity, now."""
        return await self._store.aliases(entity, namespace=namespace)

    async def info(self) -> StoreInfo:
        """Return what the store was."""
        return replace(self._info, read_only=True)

    async def apply(
        self,
        ops: Sequence[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit:
        """Refused: a snapshot is for reading."""
        raise ReadOnly("a snapshot cannot be written", hint="write to the store itself")

    async def erase(
        self,
        entity: str,
        relation: str | None = None,
        *,
        namespace: Namespace = (),
        reason: str | None = None,
        authority: str | None = None,
    ) -> ErasureReceipt:
        """Refused: a snapshot is for reading."""
        raise ReadOnly("a snapshot cannot be written", hint="erase in the store itself")

    def changes(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> AsyncIterator[Change]:
        """Refused: ask the store itself."""
        raise self.unsupported("changes", Capability.CHANGES)

    async def migrate(self, *, dry_run: bool = False) -> MigrationReport:
        """Refused: a snapshot is for reading."""
        raise ReadOnly("a snapshot cannot be written", hint="migrate the store itself")

    async def aclose(self) -> None:
        """Nothing is to do: the store stays open."""

    def _at(self, asked: int | None) -> int:
        if asked is None:
            return self.revision
        if asked > self.revision:
            raise Conflict(
                f"the snapshot is at revision {self.revision} and has not reached {asked}",
                hint="ask the store itself",
            )
        return asked


@asynccontextmanager
async def snapshot_of(store: BaseStore) -> AsyncIterator[Snapshot]:
    """The store as it is when the block is entered."""
    yield Snapshot(store, await store.info())
