"""`BaseStore`: what follows from the core of a fact store, so that a backend writes the core only."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from anyio.lowlevel import checkpoint

from lamlam.errors import NotSupported
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.lookups import (
    EntityView,
    Lookup,
    LookupResult,
    checked_lookup,
    checked_lookups,
)
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

if TYPE_CHECKING:
    from pydantic import BaseModel

    from lamlam.memory_backends.model.recall import Recalled
    from lamlam.memory_backends.protocol import FactStore

Model = TypeVar("Model", bound="BaseModel")


_driving = threading.local()


@contextmanager
def without_turns() -> Generator[None]:
    """A coroutine is driven by hand in this thread, and never waits."""
    before = getattr(_driving, "is_by_hand", False)
    _driving.is_by_hand = True
    try:
        yield
    finally:
        _driving.is_by_hand = before


async def others_turn() -> None:
    """Other tasks have had their turn, and a cancellation is noticed."""
    if not getattr(_driving, "is_by_hand", False):
        await checkpoint()


class BaseStore(ABC):
    """A `FactStore` whose subclass writes the eight methods of the core.

    What a subclass does not declare raises `NotSupported`.
    """

    capabilities: frozenset[Capability] = frozenset()

    @abstractmethod
    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order, all from one state of the store."""

    @abstractmethod
    def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
    ) -> AsyncIterator[Fact]:
        """Give every fact, or those of one entity, of one relation, or of both."""

    @abstractmethod
    async def apply(
        self,
        ops: Sequence[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit:
        """Every operation has been done, in order, or none."""

    @abstractmethod
    def changes(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> AsyncIterator[Change]:
        """Give what was committed after a revision, in order, up to now."""

    @abstractmethod
    async def erase(
        self,
        entity: str,
        relation: str | None = None,
        *,
        namespace: Namespace = (),
        reason: str | None = None,
        authority: str | None = None,
    ) -> ErasureReceipt:
        """Nothing is left of the facts: history, feed, aliases and index keys included."""

    @abstractmethod
    async def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""

    @abstractmethod
    async def migrate(self, *, dry_run: bool = False) -> MigrationReport:
        """The store has the schema of this version; a second call finds nothing to do."""

    @abstractmethod
    async def aclose(self) -> None:
        """The store is closed; closing again does nothing."""

    # What follows ---------------------------------------------------------------------------------

    async def lookup(
        self,
        entity: str,
        relation: str,
        *,
        namespace: Namespace = (),
        valid_at: datetime | None = None,
        as_of: int | None = None,
    ) -> LookupResult:
        """Return what the store holds of one relation of one entity.

        A miss and an ambiguous name are results, not errors.

        Raises:
            BadFact: a field of the question is not what it should be.
        """
        query = checked_lookup(entity, relation, namespace, valid_at, as_of)
        return (await self.lookup_many([query]))[0]

    async def recall(
        self,
        model: type[Model],
        entity: str,
        *,
        namespace: Namespace = (),
        valid_at: datetime | None = None,
        as_of: int | None = None,
    ) -> Recalled[Model]:
        """Return a pydantic model filled from the entity's relations, and from which facts.

        Raises:
            RecallFailed: a required field is not filled, or a value does not fit its field.
        """
        from lamlam.memory_backends.model.recall import fields_of, fill

        fields = fields_of(model)
        queries = [
            checked_lookup(entity, relation, namespace, valid_at, as_of)
            for relation in fields.values()
        ]
        answers = await self.lookup_many(queries)
        return fill(model, entity, dict(zip(fields, answers, strict=True)))

    def snapshot(self) -> AbstractAsyncContextManager[FactStore]:
        """The store as it is now, for reading, whatever is committed meanwhile."""
        from lamlam.memory_backends.snapshots import snapshot_of

        self.require(Capability.HISTORY, "snapshot")
        return snapshot_of(self)

    async def history(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> list[PastFact]:
        """Return facts and versions of facts that have ended, oldest first."""
        raise self.unsupported("history", Capability.HISTORY)

    async def rules(self) -> list[RelationRule]:
        """Return what the store knows about relations."""
        raise self.unsupported("rules", Capability.RULES)

    async def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        """Return the other names (canonical keys) of an entity, sorted."""
        raise self.unsupported("aliases", Capability.ALIASES)

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return the same as `lookup`, at once; from any thread."""
        raise self.unsupported("lookup_nowait", Capability.FAST_LOOKUP)

    def describe_nowait(
        self,
        entity: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> EntityView | None:
        """Return what the store holds of an entity; ``None`` if unknown or ambiguous."""
        raise self.unsupported("describe_nowait", Capability.FAST_LOOKUP)

    def refresh_nowait(self) -> None:  # noqa: B027 (right as it is for most stores)
        """The next lookup sees everything that was committed before it."""

    async def __aenter__(self) -> Self:
        """Return the store itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the store."""
        await self.aclose()

    # For subclasses -------------------------------------------------------------------------------

    def require(self, capability: Capability, what: str) -> None:
        """The store declares the capability.

        Raises:
            NotSupported: it does not.
        """
        if capability not in self.capabilities:
            raise self.unsupported(what, capability)

    def unsupported(self, what: str, capability: Capability) -> NotSupported:
        """Return the error of a call that needs an undeclared capability."""
        return NotSupported(
            f"{type(self).__name__} has no {what}: it does not declare {capability.value!r}",
            hint="store.capabilities says what it can do",
        )


class LocalStore(BaseStore):
    """A store that answers without waiting, on the thread that asks."""

    @abstractmethod
    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return what the store holds of one relation of one entity."""

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order."""
        return [self.lookup_nowait(query) for query in checked_lookups(queries)]
