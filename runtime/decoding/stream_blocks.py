"""What `Engine.stream` and `SyncEngine.stream` return: blocks that give the events of a generation."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import TYPE_CHECKING

from lamlam.blocks import OnlyAsyncBlock, OnlyBlock, OnlyFor, entered_twice
from lamlam.errors import StreamInUse
from lamlam.runtime.decoding.events import Event, EventSource

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class StreamBlock(OnlyAsyncBlock, AbstractAsyncContextManager[AsyncIterator[Event]]):
    """Begins a generation when it is entered, and ends it when it is left."""

    _what = "a stream"
    _use = "async with engine.stream(...) as events: async for event in events: ..."

    def __init__(self, begin: Callable[[], Awaitable[EventSource]]) -> None:
        self._begin = begin
        self._is_entered = False
        self._events: EventSource | None = None

    async def __aenter__(self) -> AsyncIterator[Event]:
        """Return the events.

        Raises:
            WrongBlock: it has been entered before.
        """
        if self._is_entered:
            raise entered_twice(self._what, self._use)
        self._is_entered = True
        self._events = await self._begin()
        return self._events

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the generation."""
        if self._events is not None:
            self._events.leave()


class SyncStreamBlock(OnlyBlock, AbstractContextManager[Iterator[Event]]):
    """`StreamBlock` with blocking events."""

    _what = "a stream"
    _use = "with engine.stream(...) as events: for event in events: ..."

    def __init__(
        self,
        begin: Callable[[], EventSource],
        next_of: Callable[[EventSource], Event | None],
        leave: Callable[[EventSource], None],
    ) -> None:
        """Store what begins a generation, waits for its next event and ends it."""
        self._begin = begin
        self._next_of = next_of
        self._leave = leave
        self._is_entered = False
        self._events: EventSource | None = None

    def __enter__(self) -> Iterator[Event]:
        """Return the events.

        Raises:
            WrongBlock: it has been entered before.
        """
        if self._is_entered:
            raise entered_twice(self._what, self._use)
        self._is_entered = True
        self._events = events = self._begin()
        return SyncEvents(lambda: self._next_of(events))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the generation."""
        if self._events is not None:
            self._leave(self._events)


class SyncEvents(OnlyFor):
    """The events of one generation, for one thread at a time."""

    def __init__(self, next_event: Callable[[], Event | None]) -> None:
        self._next_event = next_event
        self._reading = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        """Return the next event as soon as it happens.

        Raises:
            StreamInUse: another thread waits already.
        """
        if not self._reading.acquire(blocking=False):
            raise StreamInUse(
                "two threads read one stream at the same time",
                hint="read it in one thread, which hands the events on by a queue",
            )
        try:
            event = self._next_event()
        finally:
            self._reading.release()
        if event is None:
            raise StopIteration
        return event
