"""`FactStore`: what every memory does, whatever it is made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from enum import StrEnum
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar, runtime_checkable

from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.lookups import EntityView, Lookup, LookupResult
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

if TYPE_CHECKING:
    from pydantic import BaseModel

    from lamlam.memory_backends.model.recall import Recalled

Model = TypeVar("Model", bound="BaseModel")


class Capability(StrEnum):
    """A power that a store declares; a call that needs an undeclared one raises `NotSupported`."""

    WRITE = "write"
    """`apply` does anything: the store was not opened for reading, nor is it a view."""
    TRANSACTIONS = "transactions"
    """`apply` is all or nothing."""
    CAS = "cas"
    """`apply` honours ``expected``, `Replace` its expected values."""
    IDEMPOTENCY = "idempotency"
    """`apply` with a key that was used returns the commit that it made, and does nothing."""
    ALIASES = "aliases"
    """`AddAlias`, `RemoveAlias`, `MergeEntities` and `SplitEntities` are done."""
    RULES = "rules"
    """`DefineRelation` is done, and inverse relations are answered."""
    NAMESPACES = "namespaces"
    """Entities of the same name in several namespaces are different entities."""
    FAST_LOOKUP = "fast_lookup"
    """`lookup_nowait` and `describe_nowait` wait for no more than a local page read."""
    HISTORY = "history"
    """Facts that ended stay readable until they are erased; ``as_of`` is answered."""
    VALID_TIME = "valid_time"
    """Facts may hold for a period of world time, and lookups ask about a moment of it."""
    FUZZY = "fuzzy"
    """Names are found in other spellings."""
    CHANGES = "changes"
    """`changes` gives what was committed."""
    ERASE = "erase"
    """`erase` leaves nothing that the store itself can read."""
    ERASE_PHYSICAL = "erase_physical"
    """`erase` searches the bytes afterwards."""
    MULTIPROCESS = "multiprocess"
    """Several processes may have the store open."""
    SERVER = "server"
    """The facts are behind a connection that can fail."""


@runtime_checkable
class FactStore(Protocol):
    """Facts that can be looked up, changed and erased; opened by ``async with``.

    The core, which a backend has to write, is `lookup_many`, `scan`, `apply`, `changes`,
    `erase`, `info`, `migrate` and `aclose`; `store_base.BaseStore` gives the rest.
    """

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this store can do."""
        ...

    # The core -------------------------------------------------------------------------------------

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order, all from one state of the store.

        A miss and an ambiguous name are results, not errors.

        Raises:
            StoreClosed: the store is closed.
            Unavailable: a server did not answer.
            Conflict: a query asks for a revision that the store has not reached.
            BadFact: a query names a namespace that there can be none of, as every other read.
        """
        ...

    def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
    ) -> AsyncIterator[Fact]:
        """Give every fact, or those of one entity, of one relation (or its synonyms), or of both.

        Periods of world time play no role: facts come whenever they hold. The facts of one
        entity come together, in stored order.

        Args:
            entity: by its canonical key or an alias; no other spelling is tried.
            relation: as for `apply`: synonyms included.
            namespace: one namespace; ``None``: all of them, or ``()`` with an entity.
            as_of: what held at this revision.
            batch: entities that are read at a time.
        """
        ...

    async def apply(
        self,
        ops: Sequence[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit:
        """Every operation has been done, in order, or none.

        Args:
            expected: the revision that the store must still have.
            idempotency_key: names this change: a second `apply` with it returns the first
                commit and does nothing, so that a caller may repeat what it does not know
                the end of.
            actor: who does it; stands in the store's log.

        Raises:
            Conflict: the store has another revision, or a relation other values, than expected.
            TooManyValues: a relation that has one value at a time would have two.
            ReadOnly: the store was opened for reading.
            BadFact: an operation is none, or names what the store does not hold.
            Unavailable: another process keeps the store locked, or a server did not answer.
        """
        ...

    def changes(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> AsyncIterator[Change]:
        """Give what was committed after a revision, in order, up to now (`Capability.CHANGES`).

        With ``None``: what holds now, as if it had been asserted at once: rules, then the facts
        of each entity with its aliases. Every such entry has the revision of the store, each fact
        its own. Begin so, then go on from the revision of the last change, or from `info` before
        the call where there was none.

        Raises:
            ChangesGone: the feed does not reach back so far; begin again with ``None``.
        """
        ...

    async def erase(
        self,
        entity: str,
        relation: str | None = None,
        *,
        namespace: Namespace = (),
        reason: str | None = None,
        authority: str | None = None,
    ) -> ErasureReceipt:
        """Nothing is left of the facts: history, feed, aliases and index keys included.

        The entity is the one whose canonical key equals that of ``entity``, or that has it as an
        alias: nothing is erased on the strength of a similar name. ``relation`` likewise is taken
        by its own key or by a synonym of it.

        Raises:
            BadFact: a name that is no text.
            ReadOnly: the store was opened for reading.
        """
        ...

    async def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""
        ...

    async def migrate(self, *, dry_run: bool = False) -> MigrationReport:
        """The store has the schema of this version; a second call finds nothing to do.

        Raises:
            SchemaMismatch: a newer version wrote it.
        """
        ...

    async def aclose(self) -> None:
        """The store is closed; closing again does nothing."""
        ...

    # What follows from it -------------------------------------------------------------------------

    async def lookup(
        self,
        entity: str,
        relation: str,
        *,
        namespace: Namespace = (),
        valid_at: datetime | None = None,
        as_of: int | None = None,
    ) -> LookupResult:
        """Return what the store holds of one relation of one entity."""
        ...

    async def history(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> list[PastFact]:
        """Return facts and versions of facts that have ended, oldest first (`HISTORY`)."""
        ...

    async def rules(self) -> list[RelationRule]:
        """Return what the store knows about relations (`RULES`)."""
        ...

    async def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        """Return the other names (canonical keys) of an entity, sorted (`ALIASES`)."""
        ...

    async def recall(
        self,
        model: type[Model],
        entity: str,
        *,
        namespace: Namespace = (),
        valid_at: datetime | None = None,
        as_of: int | None = None,
    ) -> Recalled[Model]:
        """Return a pydantic model filled from the entity's relations, and from which facts."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[FactStore]:
        """The store as it is now, for reading, whatever is committed meanwhile (`HISTORY`)."""
        ...

    # Stores that answer at once (`FAST_LOOKUP`) ---------------------------------------------------

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return the same as `lookup`, at once; from any thread."""
        ...

    def describe_nowait(
        self,
        entity: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> EntityView | None:
        """Return what the store holds of an entity; ``None`` if unknown or ambiguous.

        Args:
            entity: its name as a text wrote it.
            fuzzy: also accept spellings with typing errors. Without it only names that are
                equal but for case, accents, punctuation, qualifiers, titles and middle
                names count, and an absent name costs microseconds.
            namespace: where the entity is looked for.
            as_of: what the store held of it at this revision (`HISTORY`).

        Raises:
            Conflict: the store has not reached the revision.
            NotSupported: the store would have to wait for its past (`SERVER`).
        """
        ...

    def refresh_nowait(self) -> None:
        """The next lookup sees everything that was committed before it.

        Until that lookup nothing is held open: whoever has no more to ask calls this, so
        that an erasure elsewhere can be completed.
        """
        ...

    async def __aenter__(self) -> Self:
        """Return the store itself."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the store."""
        ...
