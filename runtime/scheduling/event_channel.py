"""From the owner thread to a task of the event loop, without a hop per item.

Works on asyncio and trio. Items pile up while the task is busy and are taken
together: at most one callback is posted to the loop at a time.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

import anyio

from lamlam.errors import StreamInUse
from lamlam.event_loop import EventLoop

T = TypeVar("T")


class EventChannel(Generic[T]):
    """Made in a task; filled from another thread; emptied in the task."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._loop = EventLoop()
        self._is_posted = False
        self._is_awaited = False
        self._event = anyio.Event()

    @property
    def loop(self) -> EventLoop:
        """The loop on which items are received."""
        return self._loop

    def put(self, item: T) -> None:
        """The item will be received; callable from any thread, after the loop's end too."""
        self._items.append(item)
        if not self._is_posted:
            self._is_posted = True
            if not self._loop.post(self._wake):  # nobody is left who would receive
                self._items.clear()

    async def get(self) -> T:
        """Return the next item, waiting for it.

        Raises:
            EngineElsewhere: it would be waited for on another loop.
            StreamInUse: another task waits already.
        """
        while not self._items:
            self._loop.check()
            if self._is_awaited:
                raise StreamInUse(
                    "two tasks read one stream at the same time", hint="read it in one task"
                )
            self._event = anyio.Event()
            self._is_awaited = True
            try:
                await self._event.wait()
            finally:
                self._is_awaited = False
        return self._items.popleft()

    def _wake(self) -> None:
        self._is_posted = False
        self._event.set()
