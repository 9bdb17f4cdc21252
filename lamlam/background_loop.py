"""An event loop in a background thread, for callers without one and for those of other loops."""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar, TypeVarTuple

if TYPE_CHECKING:
    import anyio
    from anyio.from_thread import BlockingPortal

T = TypeVar("T")
Args = TypeVarTuple("Args")
_CHUNK = 256


class BackgroundLoop:
    """An asyncio loop in a daemon thread, from the first call to `close`; any thread may use it."""

    def __init__(self, name: str, closed: Callable[[], Exception]) -> None:
        """Store the arguments; start nothing yet.

        Args:
            name: of the thread.
            closed: makes the error of calls to a loop that is closed, or closed meanwhile.
        """
        self._name = name
        self._closed = closed
        self._thread: _LoopThread | None = None
        self._is_closed = False
        # Held while a task is handed over: one that is handed over as the loop ends would be
        # waited for, and never run.
        self._handing_over = threading.Lock()
        self._pumps: set[Future[None]] = set()
        self._entered: set[_EnteredContext[Any]] = set()

    @property
    def is_running(self) -> bool:
        """False once closed."""
        return not self._is_closed

    def call(self, work: Callable[[*Args], Awaitable[T]], *args: *Args) -> T:
        """Return what the work returns, done on the loop, while the calling thread waits.

        The work is cancelled where the wait for it is interrupted.
        """
        return self._result(self._submit(work, *args))

    async def run(self, work: Callable[[*Args], Awaitable[T]], *args: *Args) -> T:
        """Return what the work returns, done on the loop; cancelling the wait cancels the work.

        The caller may be on an asyncio or a trio loop. Where no event loop runs in the calling
        thread, the thread itself waits, and the coroutine never suspends.
        """
        import asyncio  # here: a process that only reads a local store starts earlier without it

        future = self._submit(work, *args)
        if _is_in_trio():
            await _trio_wait(future)
            return self._result(future)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._result(future)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if future.cancelled() and task is not None and not task.cancelling():
                raise self._closed() from None  # the loop has ended, nobody cancelled the caller
            raise

    async def run_each(self, items: AsyncIterator[T]) -> AsyncIterator[T]:
        """Yield what an async iterator gives, each item made on the loop."""
        iterator = items.__aiter__()

        async def step() -> list[T]:
            async for item in iterator:
                return [item]
            return []

        while item := await self.run(step):
            yield item[0]

    def iterate(self, method: Callable[[], AsyncIterator[T]]) -> Iterator[T]:
        """Yield what an async iterator gives, to a blocking caller; one task runs all of it."""
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
            future = self._submit(pump)
        except BaseException:
            sending.close()
            receiving.close()
            raise
        self._pumps.add(future)
        future.add_done_callback(self._pumps.discard)
        try:
            while True:
                try:
                    chunk = self.call(receiving.receive)
                except EndOfStream:
                    break
                for item in chunk:
                    if self._is_closed:
                        raise self._closed()
                    yield item
            self._result(future)
        finally:
            future.cancel()
            receiving.close()

    @contextmanager
    def enter(self, context: AbstractAsyncContextManager[T]) -> Iterator[T]:
        """Yield what an async context gives; it is left at the end of the block or by `close`."""
        entered = _EnteredContext(context)
        self._entered.add(entered)
        try:
            task = self._submit(entered.run)
            try:
                view = self._result(entered.view)
            except BaseException:
                task.cancel()  # the wait was interrupted, or it is over
                raise
            try:
                yield view
            finally:
                with suppress(type(self._closed())):  # closing leaves it too
                    self.call(entered.leave)
                task.result()
        finally:
            self._entered.discard(entered)

    def close(self, last: Callable[[], Awaitable[None]] | None = None) -> None:
        """End the loop and its thread; closing again does nothing.

        Args:
            last: is done after iterators and contexts that are still open have been left.
        """
        with self._handing_over:
            if self._is_closed:
                return
            self._is_closed = True
        # The loop ends after its tasks, and these wait for those who hold the iterators.
        for pump in list(self._pumps):
            pump.cancel()
        try:
            for entered in list(self._entered):
                self._result(self._portal().start_task_soon(entered.leave))
            if last is not None:
                self._result(self._portal().start_task_soon(last))
        finally:
            thread, self._thread = self._thread, None
            if thread is not None:
                thread.close()

    def _submit(self, work: Callable[[*Args], Awaitable[T]], *args: *Args) -> Future[T]:
        with self._handing_over:
            if self._is_closed:
                raise self._closed()
            return self._portal().start_task_soon(work, *args)

    def _portal(self) -> BlockingPortal:
        if self._thread is None:
            self._thread = _LoopThread(self._name)
        return self._thread.portal

    def _result(self, future: Future[T]) -> T:
        try:
            return future.result()
        except CancelledError:
            raise self._closed() from None
        except BaseException:
            future.cancel()  # Ctrl-C while waiting; otherwise it is done
            raise


class _LoopThread:
    """A running loop and the portal into it.

    Not anyio's own context manager: that is a generator. At the end of a program that closed
    nothing, or of a forked process, it would be closed and wait for a thread that is not there.
    """

    def __init__(self, name: str) -> None:
        import anyio
        from anyio.from_thread import BlockingPortal

        started: Future[BlockingPortal] = Future()

        async def serve() -> None:
            async with BlockingPortal() as portal:
                started.set_result(portal)
                await portal.sleep_until_stopped()

        def run() -> None:
            try:
                anyio.run(serve, backend="asyncio")
            except BaseException as error:
                if started.done():
                    raise
                started.set_exception(error)  # to the one who waits for the loop

        # A daemon, so that a program that forgot to close can still end.
        self._thread = threading.Thread(target=run, name=name, daemon=True)
        self._thread.start()
        self.portal = started.result()

    def close(self) -> None:
        """End the loop, after its tasks, and its thread."""
        self.portal.call(self.portal.stop)
        self._thread.join()


class _EnteredContext(Generic[T]):
    """An async context, entered and left by one task of the loop."""

    def __init__(self, context: AbstractAsyncContextManager[T]) -> None:
        self.view: Future[T] = Future()
        """What it gives, once it is entered."""
        self._context = context
        self._left: anyio.Event | None = None

    async def run(self) -> None:
        """Enter it, and leave it when it is time."""
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
        """Say that it is time; called on the loop, once or more."""
        if self._left is not None:
            self._left.set()


def _is_in_trio() -> bool:
    if "trio" not in sys.modules:
        return False
    import trio

    return trio.lowlevel.in_trio_task()


async def _trio_wait(future: Future[Any]) -> None:
    """Wait for a future on a trio loop; a cancellation of the wait cancels the future."""
    import trio

    done = trio.Event()
    token = trio.lowlevel.current_trio_token()

    def wake(_: Future[Any]) -> None:
        with suppress(trio.RunFinishedError):  # nobody waits any more
            token.run_sync_soon(done.set)

    future.add_done_callback(wake)
    try:
        await done.wait()
    except trio.Cancelled:
        future.cancel()
        raise
