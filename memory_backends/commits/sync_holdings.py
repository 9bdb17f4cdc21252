"""`SyncHoldings`: the blocking twin of `Holdings`, but for its erasures."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from typing import TypeVar

from lamlam.memory_backends.commits.holdings import Holdings
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.operations import KnownEntity, KnownNamespace

T = TypeVar("T")


class SyncHoldings:
    """The part of `SyncFactStore` that lists what a store holds, and held."""

    @abstractmethod
    def _opened(self) -> Holdings: ...

    @abstractmethod
    def _iterate(self, method: Callable[[], AsyncIterator[T]]) -> Iterator[T]: ...

    def entities(
        self, *, namespace: Namespace | None = None, name: str | None = None
    ) -> Iterator[KnownEntity]:
        """Yield every entity of which the store holds anything, history included."""
        return self._iterate(partial(self._opened().entities, namespace=namespace, name=name))

    def namespaces(self, prefix: Namespace = ()) -> Iterator[KnownNamespace]:
        """Yield every namespace in which anything is or was known, with counts, in order."""
        return self._iterate(partial(self._opened().namespaces, prefix))
