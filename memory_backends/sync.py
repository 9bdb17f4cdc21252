"""`SyncFactStore`: the blocking twin of a fact store."""

from __future__ import annotations

import os
import threading
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Sequence,
)
from concurrent.futures import CancelledError, Future
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    ExitStack,
    contextmanager,
    suppress,
)
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from lamlam.errors import NotSupported, StoreClosed
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.lookups import EntityView, Lookup, LookupResult
from lamlam.memory_backends.model.operations import (
    Assert,
    Change,
    Commit,
    ErasureReceipt,
    MigrationReport,
    Op,
    PastFact,
    StoreInfo,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.open import connect, no_url
from lamlam.memory_backends.protocol import Capability, FactStore
from lamlam.memory_backends.store_base import LocalStore, without_turns
from lamlam.one_process import OneProcess, store_elsewhere

if TYPE_CHECKING:
    import anyio
    from anyio.from_thread import BlockingPortal
    from pydantic import BaseModel

    from lamlam.background_loop import LoopThread
    from lamlam.memory_backends.model.recall import Recalled

T = TypeVar("T")
Model = TypeVar("Model", bound="BaseModel")
_CHUNK = 256


class SyncFactStore(OneProcess):
    """A fact store for code without ``async``; same names, same answers.

    Stores that answer without waiting (``memory:``, SQLite) are used in the thread that asks.
    Stores that wait for a server are used from one event loop in a thread of its own, which
    lives as long as the store is open. A forked process must open its own: there the methods
    raise `StoreElsewhere`.
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
        self._is_local = True
        self._loop: _Loop | None = None
        self._is_view = False  # of another twin, whose loop it uses

    def __enter__(self) -> Self:
        """Open the store; errors as for `open_store`."""
        if self.is_forked:
            raise store_elsewhere()
        if isinstance(self._url, str | os.PathLike):
            store = connect(self._url, create=self._create, read_only=self._read_only)
        elif hasattr(self._url, "lookup_many"):
            store = self._url
        else:
            raise no_url(self._url)
        self._is_local = isinstance(store, LocalStore)
        self._loop = _Loop()
        self._is_view = False
        self._store = store
        self.belongs_here()
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
        """The store is closed, if this twin opened it; in a forked process nothing is done.

        Iterators and snapshots that somebody still holds end with `StoreClosed`.
        """
        if self.is_forked:
            return
        store, self._store = self._store, None
        loop, self._loop = self._loop, None
        close = last = None
        if store is not None and store is not self._url:
            close = _twin(store, "aclose", "close_nowait") if self._is_local else None
            last = store.aclose if close is None else None
        try:
            if close is not None:
                close()
        finally:
            if loop is not None and not self._is_view:
                loop.close(last)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this store can do."""
        return self._opened().capabilities

    # The core -------------------------------------------------------------------------------------

    def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order, all from one state of the store."""
        return self._read(partial(self._opened().lookup_many, queries))

    def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
    ) -> Iterator[Fact]:
        """Give every fact, or those of one entity, of one relation (or its synonyms), or of both."""
        return self._iterate(
            "scan", entity, relation, namespace=namespace, as_of=as_of, batch=batch
        )

    def apply(
        self,
        ops: Sequence[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit:
        """Every operation has been done, in order, or none."""
        commit: Commit = self._write(
            "apply", ops, expected=expected, idempotency_key=idempotency_key, actor=actor
        )
        return commit

    def changes(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> Iterator[Change]:
        """Give what was committed after a revision, in order, up to now."""
        return self._iterate("changes", since, namespace=namespace)

    def erase(
        self,
        entity: str,
        relation: str | None = None,
        *,
        namespace: Namespace = (),
        reason: str | None = None,
        authority: str | None = None,
    ) -> ErasureReceipt:
        """Nothing is left of the facts; the receipt says where that was confirmed."""
        receipt: ErasureReceipt = self._write(
            "erase", entity, relation, namespace=namespace, reason=reason, authority=authority
        )
        return receipt

    def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""
        return self._read(self._opened().info)

    def migrate(self, *, dry_run: bool = False) -> MigrationReport:
        """The store has the schema of this version; a second call finds nothing to do."""
        report: MigrationReport = self._write("migrate", dry_run=dry_run)
        return report

    # What follows from it -------------------------------------------------------------------------

    def lookup(
        self,
        entity: str,
        relation: str,
        *,
        namespace: Namespace = (),
        valid_at: datetime | None = None,
        as_of: int | None = None,
    ) -> LookupResult:
        """Return what the store holds of one relation of one entity."""
        look_up = self._opened().lookup
        return self._read(
            partial(look_up, entity, relation, namespace=namespace, valid_at=valid_at, as_of=as_of)
        )

    def history(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> list[PastFact]:
        """Return facts and versions of facts that have ended, oldest first."""
        return self._read(partial(self._opened().history, entity, relation, namespace=namespace))

    def rules(self) -> list[RelationRule]:
        """Return what the store knows about relations."""
        return self._read(self._opened().rules)

    def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        """Return the other names (canonical keys) of an entity, sorted."""
        return self._read(partial(self._opened().aliases, entity, namespace=namespace))

    def recall(
        self,
        model: type[Model],
        entity: str,
        *,
        namespace: Namespace = (),
        valid_at: datetime | None = None,
        as_of: int | None = None,
    ) -> Recalled[Model]:
        """Return a pydantic model filled from the entity's relations, and from which facts."""
        recall = self._opened().recall
        return self._read(
            partial(recall, model, entity, namespace=namespace, valid_at=valid_at, as_of=as_of)
        )

    def snapshot(self) -> AbstractContextManager[SyncFactStore]:
        """The store as it is now, for reading, whatever is committed meanwhile."""
        return self._snapshot()

    # Stores that answer at once -------------------------------------------------------------------

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return the same as `lookup`."""
        return self._opened().lookup_nowait(query)

    def describe_nowait(
        self,
        entity: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> EntityView | None:
        """Return what the store holds of an entity; ``None`` if unknown or ambiguous."""
        store = self._opened()
        return store.describe_nowait(entity, fuzzy=fuzzy, namespace=namespace, as_of=as_of)

    def refresh_nowait(self) -> None:
        """The next lookup sees everything that was committed before it."""
        self._opened().refresh_nowait()

    # Beyond the protocol --------------------------------------------------------------------------

    def load(self, facts: Iterable[Fact]) -> Commit:
        """All facts are asserted together, or none; a local store takes them as they come."""
        store = self._opened()
        if hasattr(store, "load_nowait") or hasattr(store, "load"):
            commit: Commit = self._write("load", facts)
            return commit
        return self.apply([Assert(fact) for fact in facts])

    # ----------------------------------------------------------------------------------------------

    def _read(self, method: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if self._is_local:
            return _run(method())
        return self._running().call(method)

    def _write(self, name: str, *args: Any, **options: Any) -> Any:  # Any: of all methods
        """Call a method that may wait for a disk: its twin in this thread, or on the loop."""
        store = self._opened()
        twin = _twin(store, name, f"{name}_nowait") if self._is_local else None
        if twin is not None:
            return twin(*args, **options)
        return self._running().call(partial(getattr(store, name), *args, **options))

    def _iterate(self, name: str, *args: Any, **options: Any) -> Iterator[Any]:  # Any: likewise
        store = self._opened()
        if not self._is_local:
            return self._running().iterate(partial(getattr(store, name), *args, **options))
        twin = _twin(store, name, f"{name}_nowait")
        if twin is not None:
            items: Iterator[Any] = iter(twin(*args, **options))
            return items
        return _each(getattr(store, name)(*args, **options))

    @contextmanager
    def _snapshot(self) -> Generator[SyncFactStore]:
        context = self._opened().snapshot()
        with ExitStack() as stack:
            if self._is_local:
                view = _run(_entered(context.__aenter__))
                stack.callback(lambda: _run(_entered(partial(context.__aexit__, None, None, None))))
            else:
                view = stack.enter_context(self._running().entered(context))
            twin = SyncFactStore(view)
            twin._store, twin._is_local, twin._loop = view, self._is_local, self._loop
            twin._is_view = True
            twin.belongs_here()
            try:
                yield twin
            finally:
                twin._store = twin._loop = None

    def _running(self) -> _Loop:
        if self.is_forked:
            raise store_elsewhere()
        if self._loop is None:
            raise _closed()
        return self._loop

    def _opened(self) -> FactStore:
        if self.is_forked:
            raise store_elsewhere()
        if self._store is None:
            raise _closed()
        return self._store


class _Loop:
    """One event loop in a thread of its own, from the first call to `close`."""

    def __init__(self) -> None:
        self._thread: LoopThread | None = None
        self._is_closed = False
        # Held while a task is handed over: one that is handed over as the loop ends would be
        # waited for, and never run.
        self._handing_over = threading.Lock()
        self._pumps: set[Future[None]] = set()
        self._held: set[_Held[Any]] = set()

    def call(self, method: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what a coroutine returns; it is cancelled where the wait for it is broken off."""
        return _result(self._start(method))

    @contextmanager
    def entered(self, context: AbstractAsyncContextManager[T]) -> Generator[T]:
        """Give what an async context gives; it is left at the end of the block or by `close`."""
        held = _Held(context)
        with self._handing_over:
            task = self._portal().start_task_soon(held.run)
            self._held.add(held)
        try:
            view = held.view.result()
        except BaseException:
            task.cancel()  # the wait was broken off, or it is over
            self._held.discard(held)
            raise
        try:
            yield view
        finally:
            with suppress(StoreClosed):  # which leaves it too
                self.call(held.leave)
            self._held.discard(held)
            task.result()

    def iterate(self, method: Callable[[], AsyncIterator[T]]) -> Iterator[T]:
        """Give what an async iterator gives; one task of the loop runs all of it."""
        from anyio import EndOfStream, create_memory_object_stream

        sending, receiving = create_memory_object_stream[list[T]](1)

        async def pump() -> None:
            chunk: list[T] = []
            async with sending:
                async for item in method():
                    chunk.append(item)
                    if len(chunk) == _CHUNK:
                        await sending.send(chunk)
                        chunk = []
                if chunk:
                    await sending.send(chunk)

        try:
            with self._handing_over:
                future = self._portal().start_task_soon(pump)
                self._pumps.add(future)
        except BaseException:
            sending.close()
            receiving.close()
            raise
        future.add_done_callback(self._pumps.discard)
        try:
            while True:
                try:
                    chunk = self.call(receiving.receive)
                except EndOfStream:
                    break
                for item in chunk:
                    if self._is_closed:
                        raise _closed()
                    yield item
            future.result()
        except CancelledError:
            raise _closed() from None
        finally:
            future.cancel()
            receiving.close()

    def close(self, last: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """Iterators and contexts have been left, ``last`` is done, the loop and its thread ended."""
        with self._handing_over:
            self._is_closed = True
        # The loop ends after its tasks, and these wait for whoever holds the iterator.
        for pump in list(self._pumps):
            pump.cancel()
        try:
            for held in list(self._held):
                _result(self._running().start_task_soon(held.leave))
            if last is not None:
                _result(self._running().start_task_soon(last))
        finally:
            thread, self._thread = self._thread, None
            if thread is not None:
                thread.close()

    def _start(self, method: Callable[[], Coroutine[Any, Any, T]]) -> Future[T]:
        with self._handing_over:
            return self._portal().start_task_soon(method)

    def _portal(self) -> BlockingPortal:
        if self._is_closed:
            raise _closed()
        return self._running()

    def _running(self) -> BlockingPortal:
        """What calls into the loop; the first use starts it."""
        if self._thread is None:
            from lamlam.background_loop import LoopThread

            self._thread = LoopThread("lamlam-store-loop")
        return self._thread.portal


class _Held(Generic[T]):
    """An async context, entered and left by one task of the loop."""

    def __init__(self, context: AbstractAsyncContextManager[T]) -> None:
        self.view: Future[T] = Future()
        """What it gives, once it is entered."""
        self._context = context
        self._left: anyio.Event | None = None

    async def run(self) -> None:
        """It has been entered, and left when it was time."""
        from anyio import Event

        self._left = Event()
        try:
            async with self._context as view:
                self.view.set_result(view)
                await self._left.wait()
        except BaseException as error:
            if self.view.done():
                raise
            self.view.set_exception(error)

    async def leave(self) -> None:
        """It is time; called on the loop, once or more."""
        if self._left is not None:
            self._left.set()


def _result(future: Future[T]) -> T:
    """Return what a task returns; it is cancelled where the wait for it is broken off."""
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def _twin(store: FactStore, name: str, twin: str) -> Callable[..., Any] | None:
    """Return the method that does in this thread what an async one does, if there is one."""
    assert hasattr(store, name)
    found: Callable[..., Any] | None = getattr(store, twin, None)
    return found


def _each(items: AsyncIterator[T]) -> Iterator[T]:
    """Give what an async iterator that never waits gives."""
    iterator = items.__aiter__()
    while True:
        try:
            yield _run(_entered(iterator.__anext__))
        except StopAsyncIteration:
            return


async def _entered(method: Callable[[], Any]) -> Any:  # Any: an awaitable that is no coroutine
    return await method()


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that never waits.

    Raises:
        NotSupported: it does wait, although its store is a `LocalStore`.
    """
    try:
        with without_turns():
            coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise NotSupported(
        "this store has to wait for its answers", hint="derive it from BaseStore, not LocalStore"
    )


def _closed() -> StoreClosed:
    return StoreClosed("the store is not open", hint="use it inside: with … as store")
