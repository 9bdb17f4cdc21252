"""All that an author of a backend imports, and `LocalStore`, the base of stores in this process."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar, Unpack

from anyio import CancelScope, to_thread

from lamlam.inline_calls import in_turns
from lamlam.memory_backends.commits.validation import facts_to_load
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.lookups import Lookup, LookupResult, checked_lookups
from lamlam.memory_backends.model.operations import (
    ApplyOptions,
    Assert,
    Change,
    Commit,
    EraseOptions,
    ErasureReceipt,
    MigrationReport,
    Op,
    ScanOptions,
)
from lamlam.memory_backends.protocol import Capability, FactStore, unsupported

T = TypeVar("T")


class LocalStore(FactStore):
    """A store that answers in the calling thread; a backend writes what ends in ``_nowait``.

    The async methods call those: the ones that write in a worker thread, since they may wait for
    a disk. `info`, `history`, `rules` and `aliases` are async only, and must not wait.
    """

    capabilities: frozenset[Capability] = frozenset()
    applies_in_thread = True
    """`apply` and `load` may wait for a disk."""
    saves_in_thread = True
    """`erase`, `migrate` and `aclose` may wait for a disk."""

    @abstractmethod
    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return what the store holds of one relation of one entity."""

    @abstractmethod
    def scan_nowait(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
    ) -> Iterator[Fact]:
        """Give facts, as `scan` does."""

    @abstractmethod
    def apply_nowait(
        self,
        ops: Iterable[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit:
        """Do every operation or none, as `apply` does; take them as they come."""

    @abstractmethod
    def erase_nowait(
        self,
        entity: str,
        relation: str | None = None,
        *,
        namespace: Namespace = (),
        reason: str | None = None,
        authority: str | None = None,
    ) -> ErasureReceipt:
        """Remove facts, as `erase` does."""

    @abstractmethod
    def migrate_nowait(self, *, dry_run: bool = False) -> MigrationReport:
        """Bring the store to the schema of this version, as `migrate` does."""

    @abstractmethod
    def close_nowait(self) -> None:
        """Close the store; closing again does nothing."""

    def changes_nowait(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> Iterator[Change]:
        """Give what was committed after a revision, as `changes` does."""
        raise unsupported(self, "changes", Capability.CHANGES)

    def load_nowait(self, facts: Iterable[Fact]) -> Commit:
        """Assert all facts, however many, or none; take them as they come."""
        return self.apply_nowait(Assert(fact) for fact in facts_to_load(facts))

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order."""
        return [self.lookup_nowait(query) for query in checked_lookups(queries)]

    def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        **options: Unpack[ScanOptions],
    ) -> AsyncIterator[Fact]:
        """Give every fact, or those of one entity, of one relation (or its synonyms), or of both."""
        return in_turns(self.scan_nowait(entity, relation, **options))

    def changes(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> AsyncIterator[Change]:
        """Give what was committed after a revision, in order, up to now."""
        return in_turns(self.changes_nowait(since, namespace=namespace))

    async def apply(self, ops: Sequence[Op], **options: Unpack[ApplyOptions]) -> Commit:
        """Do every operation, in order, or none."""
        return await _done(partial(self.apply_nowait, ops, **options), self.applies_in_thread)

    async def load(self, facts: Iterable[Fact]) -> Commit:
        """Assert all facts, however many, or none; a thread may take them from the iterable."""
        return await _done(partial(self.load_nowait, facts), self.applies_in_thread)

    async def erase(
        self, entity: str, relation: str | None = None, **options: Unpack[EraseOptions]
    ) -> ErasureReceipt:
        """Remove the facts with all that is kept of them."""
        work = partial(self.erase_nowait, entity, relation, **options)
        return await _done(work, self.saves_in_thread)

    async def migrate(self, *, dry_run: bool = False) -> MigrationReport:
        """Bring the store to the schema of this version."""
        return await _done(partial(self.migrate_nowait, dry_run=dry_run), self.saves_in_thread)

    async def aclose(self) -> None:
        """Close the store; closing again does nothing."""
        with CancelScope(shield=True):
            await _done(self.close_nowait, self.saves_in_thread)


async def _done(work: Callable[[], T], in_thread: bool) -> T:
    return await to_thread.run_sync(work) if in_thread else work()
