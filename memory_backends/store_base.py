"""What stores share: the async names over answers that are there at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from hashlib import blake2b
from types import TracebackType
from typing import Self

from lamlam.memory_backends.lookups import Lookup, LookupResult

_SEPARATOR = "\0"  # no field of a fact holds it


class LocalStore(ABC):
    """A store that answers without waiting, on the thread that asks."""

    @abstractmethod
    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return what the store holds of one relation of one entity."""

    @abstractmethod
    async def aclose(self) -> None:
        """The store is closed."""

    async def lookup(self, entity: str, relation: str) -> LookupResult:
        """Return what the store holds of one relation of one entity.

        A miss and an ambiguous name are results, not errors.

        Raises:
            StoreClosed: the store is closed.
        """
        return self.lookup_nowait(Lookup(entity, relation))

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order."""
        return [self.lookup_nowait(query) for query in queries]

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


class FactIds:
    """Ids of facts: hashes keyed with the store's secret, so that none lets its value be guessed."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __call__(self, entity: str, relation_key: str, value: str, /) -> str:
        """Return the id of one fact of a stored entity."""
        text = f"{entity}{_SEPARATOR}{relation_key}{_SEPARATOR}{value}"
        return blake2b(text.encode(), digest_size=10, key=self._secret).hexdigest()
