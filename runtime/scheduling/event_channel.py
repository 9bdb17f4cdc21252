"""A channel from the owner thread to a task of the event loop (asyncio or trio).

Items are queued while the task is busy and then taken together: at most one callback
is posted to the loop at a time, not one for each item.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

import anyio

from lamlam.event_loop import EventLoop
from lamlam.runtime.decoding.events import in_use

T = TypeVar("T")


class EventChannel(Generic[T]):
    """A queue that a task creates and reads, and another thread fills."""

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
        """Send an item; from any thread, also after the loop has ended."""
        self._items.append(item)
        if not self._is_posted:
            self._is_posted = True
            if not self._loop.post(self._wake):  # there is no receiver any more
                self._items.clear()

    async def get(self) -> T:
        """Return the next item, waiting for it.

        Raises:
            EngineElsewhere: the caller is on another loop.
            StreamInUse: another task waits already.
        """
        while not self._items:
            self._loop.check()
            if self._is_awaited:
                raise in_use()
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
