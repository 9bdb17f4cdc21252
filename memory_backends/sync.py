"""`SyncFactStore`: the blocking twin of a fact store."""

from __future__ import annotations

import os
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from lamlam.errors import NotSupported, StoreClosed
from lamlam.memory_backends.facts import Fact
from lamlam.memory_backends.lookups import EntityView, Lookup, LookupResult
from lamlam.memory_backends.operations import (
    Assert,
    Commit,
    ErasureReceipt,
    Op,
    PastFact,
    StoreInfo,
)
from lamlam.memory_backends.protocol import Capability, FactStore
from lamlam.memory_backends.urls import connect

T = TypeVar("T")


class SyncFactStore:
    """A fact store for code without ``async``; same names, same answers.

    For stores that answer without waiting (``memory:``), or that have what waits under a second
    name for use in this thread (SQLite: ``apply_nowait``): no other thread, no event loop.
    """

    def __init__(
        self,
        url: str | os.PathLike[str] | FactStore,
        *,
        create: bool = True,
        read_only: bool = False,
    ) -> None:
        """Take note of what to open, or wrap an open store (which stays open afterwards).

        Args:
            url: as for `open_store`.
            create: make the store where there is none.
            read_only: refuse every write.
        """
        self._url = url
        self._create = create
        self._read_only = read_only
        self._store: FactStore | None = None

    def __enter__(self) -> Self:
        """Open the store; errors as for `open_store`."""
        if isinstance(self._url, str | os.PathLike):
            self._store = connect(self._url, create=self._create, read_only=self._read_only)
        else:
            self._store = self._url
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """The store is closed, if this twin opened it."""
        store, self._store = self._store, None
        if store is not None and store is not self._url:
            close = getattr(store, "close_nowait", None)
            if close is not None:
                close()
            else:
                _run(store.aclose())

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this store can do."""
        return self._opened().capabilities

    def lookup(self, entity: str, relation: str) -> LookupResult:
        """Return what the store holds of one relation of one entity."""
        store = self._opened()
        try:
            return store.lookup_nowait(Lookup(entity, relation))
        finally:
            store.refresh_nowait()  # no snapshot is left open while nothing is asked

    def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order."""
        return _run(self._opened().lookup_many(queries))

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return the same as `lookup`."""
        return self._opened().lookup_nowait(query)

    def describe_nowait(self, entity: str, *, fuzzy: bool = True) -> EntityView | None:
        """Return what the store holds of an entity; ``None`` if unknown or ambiguous."""
        return self._opened().describe_nowait(entity, fuzzy=fuzzy)

    def scan(
        self, entity: str | None = None, relation: str | None = None, *, batch: int = 1000
    ) -> Iterator[Fact]:
        """Give every fact, or those of one entity, of one relation, or of both."""
        facts = self._opened().scan(entity, relation, batch=batch).__aiter__()
        while True:
            try:
                yield _run(_next(facts))
            except StopAsyncIteration:
                return

    def apply(self, ops: Sequence[Op], *, expected: int | None = None) -> Commit:
        """Every operation has been done, or none."""
        store = self._opened()
        apply = getattr(store, "apply_nowait", None)
        commit: Commit = (
            apply(ops, expected=expected) if apply else _run(store.apply(ops, expected=expected))
        )
        return commit

    def load(self, facts: Iterable[Fact]) -> Commit:
        """All facts are asserted together, or none; a local store takes them as they come."""
        store = self._opened()
        if (load_nowait := getattr(store, "load_nowait", None)) is not None:
            commit: Commit = load_nowait(facts)
        elif (load := getattr(store, "load", None)) is not None:
            commit = _run(load(facts))
        else:
            commit = self.apply([Assert(fact) for fact in facts])
        return commit

    def erase(
        self, entity: str, relation: str | None = None, *, reason: str | None = None
    ) -> ErasureReceipt:
        """Nothing is left of the facts; the receipt says where that was confirmed."""
        store = self._opened()
        erase = getattr(store, "erase_nowait", None)
        receipt: ErasureReceipt = (
            erase(entity, relation, reason=reason)
            if erase
            else _run(store.erase(entity, relation, reason=reason))
        )
        return receipt

    def history(self, entity: str, relation: str | None = None) -> list[PastFact]:
        """Return facts that have ended, oldest first."""
        return _run(self._opened().history(entity, relation))

    def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""
        return _run(self._opened().info())

    def refresh_nowait(self) -> None:
        """The next lookup sees everything that was committed before it."""
        self._opened().refresh_nowait()

    def _opened(self) -> FactStore:
        if self._store is None:
            raise StoreClosed("the store is not open", hint="use it inside: with … as store")
        return self._store


async def _next(facts: Any) -> Fact:  # Any: an async iterator, whose anext is no coroutine
    fact: Fact = await facts.__anext__()
    return fact


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that never waits.

    Raises:
        NotSupported: it does wait, for a server: such a store needs an event loop.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise NotSupported(
        "this store has to wait for its answers", hint="use it from async code: open_store(…)"
    )
