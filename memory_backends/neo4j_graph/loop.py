"""An event loop in a thread of its own, which anything may wait for: asyncio, trio, or no loop.

A Neo4j driver belongs to the loop that it was made on. So it gets one for life, and callers
come from wherever they are.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import CancelledError, Future
from typing import TypeVar, TypeVarTuple

from lamlam.background_loop import LoopThread
from lamlam.errors import StoreClosed

T = TypeVar("T")
Args = TypeVarTuple("Args")


class BackgroundLoop:
    """An asyncio loop in a daemon thread, from `start` to `stop`."""

    def __init__(self) -> None:
        """The loop runs."""
        self._thread: LoopThread | None = LoopThread("lamlam-neo4j-loop")

    @property
    def is_running(self) -> bool:
        """False once stopped."""
        return self._thread is not None

    async def run(self, work: Callable[[*Args], Awaitable[T]], *args: *Args) -> T:
        """Return what the work returns, done on the loop; cancelling the wait cancels the work.

        Where no event loop runs in the calling thread, the thread itself waits, and the coroutine
        never suspends.
        """
        return await _result_of(self._submit(work, *args))

    def call(self, work: Callable[[*Args], Awaitable[T]], *args: *Args) -> T:
        """Return what the work returns, done on the loop, while the calling thread waits."""
        return _blocking(self._submit(work, *args))

    async def iterate(self, items: AsyncIterator[T]) -> AsyncIterator[T]:
        """Give what an async iterator gives, each item made on the loop."""
        iterator = items.__aiter__()

        async def step() -> list[T]:
            async for item in iterator:
                return [item]
            return []

        while item := await self.run(step):
            yield item[0]

    def stop(self) -> None:
        """The thread has ended; stopping again does nothing."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.close()

    def _submit(self, work: Callable[[*Args], Awaitable[T]], *args: *Args) -> Future[T]:
        thread = self._thread
        if thread is None:
            raise StoreClosed("the store is closed", hint="use it inside: async with … as store")
        return thread.portal.start_task_soon(work, *args)


async def _result_of(future: Future[T]) -> T:
    if _is_in_trio():
        return await _trio_result_of(future)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return _blocking(future)
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if future.cancelled() and task is not None and not task.cancelling():
            raise _closed_meanwhile() from None  # the loop has ended, nobody cancelled the caller
        raise


def _is_in_trio() -> bool:
    if "trio" not in sys.modules:
        return False
    import trio

    return trio.lowlevel.in_trio_task()


async def _trio_result_of(future: Future[T]) -> T:
    import trio

    done = trio.Event()
    token = trio.lowlevel.current_trio_token()

    def wake(_: Future[T]) -> None:
        try:
            token.run_sync_soon(done.set)
        except trio.RunFinishedError:
            pass  # nobody waits any more

    future.add_done_callback(wake)
    try:
        await done.wait()
    except trio.Cancelled:
        future.cancel()
        raise
    return _blocking(future)


def _blocking(future: Future[T]) -> T:
    try:
        return future.result()
    except CancelledError:
        raise _closed_meanwhile() from None
    except BaseException:
        future.cancel()  # Ctrl-C while waiting; otherwise it is done
        raise


def _closed_meanwhile() -> StoreClosed:
    return StoreClosed("the store was closed meanwhile")
