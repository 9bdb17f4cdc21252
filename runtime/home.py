"""The event loop on which something was opened: asyncio's or trio's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from lamlam.errors import EngineElsewhere


class Home:
    """The loop that runs where it is made."""

    def __init__(self) -> None:
        self._loop = _running_loop()

    def post(self, callback: Callable[[], None]) -> None:
        """The loop calls it soon; from any thread.

        Raises:
            RuntimeError: the loop has ended.
        """
        if isinstance(self._loop, asyncio.AbstractEventLoop):
            self._loop.call_soon_threadsafe(callback)
        else:
            self._loop.run_sync_soon(callback)

    def check(self) -> None:
        """The caller runs on this loop.

        Raises:
            EngineElsewhere: it runs on another one, whose tasks would never be woken.
        """
        if _running_loop() is not self._loop:
            raise EngineElsewhere(
                "the engine was opened on another event loop",
                hint="open one engine for each loop, or use SyncEngine from any thread",
            )


def _running_loop() -> Any:  # Any: trio, which need not be installed, has its own type
    """Return the running loop; the same object as long as it runs."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        import trio

        return trio.lowlevel.current_trio_token()
