"""`FactStore`: what every memory does, whatever it is made of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from lamlam.memory_backends.facts import Fact
from lamlam.memory_backends.lookups import EntityView, Lookup, LookupResult
from lamlam.memory_backends.operations import Commit, ErasureReceipt, Op, PastFact, StoreInfo


class Capability(StrEnum):
    """A power that a store declares; a call that needs an undeclared one raises `NotSupported`."""

    FAST_LOOKUP = "fast_lookup"
    """`lookup_nowait` and `describe_nowait` wait for no more than a local page read."""
    TRANSACTIONS = "transactions"
    """`apply` is all or nothing."""
    CAS = "cas"
    """`apply` honours ``expected``."""
    HISTORY = "history"
    """Facts that ended stay readable until they are erased."""
    FUZZY = "fuzzy"
    """Names are found in other spellings."""
    ERASE = "erase"
    ERASE_PHYSICAL = "erase_physical"
    """`erase` searches the bytes afterwards."""
    MULTIPROCESS = "multiprocess"
    """Several processes may have the store open."""


@runtime_checkable
class FactStore(Protocol):
    """Facts that can be looked up, changed and erased; opened by ``async with``."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this store can do."""
        ...

    async def lookup(self, entity: str, relation: str) -> LookupResult:
        """Return what the store holds of one relation of one entity.

        A miss and an ambiguous name are results, not errors.

        Raises:
            StoreClosed: the store is closed.
        """
        ...

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order."""
        ...

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return the same as `lookup`, at once; from any thread (`Capability.FAST_LOOKUP`)."""
        ...

    def describe_nowait(self, entity: str, *, fuzzy: bool = True) -> EntityView | None:
        """Return what the store holds of an entity; ``None`` if unknown or ambiguous.

        Args:
            fuzzy: also accept spellings with typing errors. Without it only names that are
                equal but for case, accents, punctuation, qualifiers, titles and middle
                names count, and an absent name costs microseconds.
        """
        ...

    def scan(
        self, entity: str | None = None, relation: str | None = None, *, batch: int = 1000
    ) -> AsyncIterator[Fact]:
        """Give every fact, or those of one entity, of one relation, or of both."""
        ...

    async def apply(self, ops: Sequence[Op], *, expected: int | None = None) -> Commit:
        """Every operation has been done, or none.

        Args:
            expected: the revision that the store must still have.

        Raises:
            Conflict: the store has another revision than expected.
            ReadOnly: the store was opened for reading.
            BadFact: an operation names what the store does not hold.
            Unavailable: another process keeps the store locked.
        """
        ...

    async def erase(
        self, entity: str, relation: str | None = None, *, reason: str | None = None
    ) -> ErasureReceipt:
        """Nothing is left of the facts: history, aliases and index keys included.

        The entity is the one whose canonical key equals that of ``entity``: nothing is erased
        on the strength of a similar name. ``relation`` likewise is taken by its own key or by
        a synonym of it.

        Raises:
            BadFact: a name that is no text.
        """
        ...

    async def history(self, entity: str, relation: str | None = None) -> list[PastFact]:
        """Return facts that have ended, oldest first (`Capability.HISTORY`)."""
        ...

    async def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""
        ...

    def refresh_nowait(self) -> None:
        """The next lookup sees everything that was committed before it.

        Until that lookup nothing is held open: whoever has no more to ask calls this, so
        that an erasure elsewhere can be completed.
        """
        ...

    async def aclose(self) -> None:
        """The store is closed; closing again does nothing."""
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
