"""The event loop on which something was opened: asyncio's or trio's."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lamlam.errors import EngineElsewhere

if TYPE_CHECKING:
    import trio


class EventLoop:
    """The loop that runs where it is made."""

    def __init__(self) -> None:
        self._loop = _running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def post(self, callback: Callable[[], object]) -> bool:
        """Have the loop call it soon, from any thread; return false if the loop has ended."""
        try:
            if isinstance(self._loop, asyncio.AbstractEventLoop):
                self._loop.call_soon_threadsafe(callback)
            else:
                self._loop.run_sync_soon(callback)
        except RuntimeError:
            return False
        return True

    def start(
        self, work: Callable[[], Awaitable[None]], context: contextvars.Context
    ) -> Callable[[], object]:
        """Start the work in a new task, which ends with the loop; call it on the loop.

        Args:
            work: raises only its cancellation, since no one awaits it.
            context: what the task sees of context variables.

        Returns:
            A function that cancels the work, also before it first runs; call it on the loop.
        """
        if isinstance(self._loop, asyncio.AbstractEventLoop):
            # A cancel scope of anyio would work on both loops, but costs a seventh of the time of
            # a lookup, which the threads that compute have to yield.
            task = self._loop.create_task(_run(work), context=context)
            self._tasks.add(task)  # the loop holds its tasks weakly
            task.add_done_callback(self._tasks.discard)
            return task.cancel
        import trio

        scope = trio.CancelScope()
        with suppress(RuntimeError):  # the loop is at its end, and takes no more tasks
            trio.lowlevel.spawn_system_task(_run_in, scope, work, context=context)
        return scope.cancel

    def check(self) -> None:
        """Check that the caller runs on this loop.

        Raises:
            EngineElsewhere: it runs on another one, whose tasks would never be woken.
        """
        if _running_loop() is not self._loop:
            raise EngineElsewhere(
                "the engine was opened on another event loop",
                hint="open one engine for each loop, or use SyncEngine from any thread",
            )


async def _run(work: Callable[[], Awaitable[None]]) -> None:
    await work()


async def _run_in(scope: trio.CancelScope, work: Callable[[], Awaitable[None]]) -> None:
    with scope:
        await work()


def _running_loop() -> Any:  # Any: trio, which need not be installed, has its own type
    """Return the running loop; the same object as long as it runs."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        import trio

        return trio.lowlevel.current_trio_token()
