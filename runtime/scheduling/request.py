"""A generation request: the task that waits for it, and the thread that serves it."""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import anyio

from lamlam.blocks import OnlyAsyncFor
from lamlam.errors import Unavailable
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.events import Event, EventSource, Finished, left
from lamlam.runtime.decoding.lookup_answers import PendingLookup, only_result
from lamlam.runtime.scheduling.event_channel import EventChannel

if TYPE_CHECKING:
    from typing import Self

    from lamlam.memory_backends.protocol import FactStore
    from lamlam.runtime.decoding.settings import TextSettings
    from lamlam.runtime.decoding.vocabulary import ChatPrompt
    from lamlam.runtime.scheduling.owner_thread import OwnerThread


@dataclass(frozen=True, slots=True)
class _Failure:
    error: BaseException


class GenerationRequest:
    """A request to the owner thread; implements `lamlam.runtime.scheduling.sequence.Request`."""

    def __init__(
        self,
        prompt: str | ChatPrompt,
        settings: TextSettings,
        is_streamed: bool,
        owner: OwnerThread,
        store: FactStore | None,
    ) -> None:
        self.prompt = prompt
        self.settings = settings
        self.is_streamed = is_streamed
        self.is_cancelled = False
        self.is_over = False
        self.has_failed = False
        """The error that ended the generation was raised in the task."""
        self.channel: EventChannel[Completion | list[Event] | _Failure] = EventChannel()
        self._owner = owner
        self._store = store
        self._context = contextvars.copy_context()
        self._under_way: dict[PendingLookup, Callable[[], object]] = {}
        """Lookups that a slow memory is doing, and functions that cancel them."""

    # Called by the owner thread ----------------------------------------------------------

    def send(self, events: list[Event]) -> None:
        """Send events to the task."""
        self.channel.put(events)

    def ask(self, asked: PendingLookup) -> None:
        """Ask a slow memory in a new task, whether or not the reader goes on reading.

        A lookup in the task of the reader would be lost if the reader gives up, and a stream that
        is not read would keep its slot in the context.
        """
        loop = self.channel.loop

        def start() -> None:
            if self.is_cancelled or self.is_over:
                return
            context = self._context.copy()
            self._under_way[asked] = loop.start(partial(self._look_up, asked), context)

        loop.post(start)

    def finish(self, completion: Completion) -> None:
        """Complete the request; if it is streamed, the last event did so."""
        self.is_over = True
        if not self.is_streamed:
            self.channel.put(completion)
        if self._under_way:  # prefetched, but not needed
            self._end_lookups()

    def fail(self, error: BaseException) -> None:
        """Fail the request with an error."""
        self.is_over = True
        self.channel.put(_Failure(error))
        self._end_lookups()

    # Called by the task ------------------------------------------------------------------

    async def completion(self) -> Completion:
        """Return the completion of a request without events; leaving early ends the generation."""
        try:
            message = await self.next_message()
            assert isinstance(message, Completion), "it is not streamed"
            return message
        finally:
            self.cancel()

    async def next_message(self) -> Completion | list[Event]:
        """Return what comes next.

        Raises:
            Exception: the error that ended the generation.
        """
        message = await self.channel.get()
        if isinstance(message, _Failure):
            self.has_failed = True
            raise message.error
        return message

    def cancel(self) -> None:
        """Cancel the generation at the next token, unless it is over."""
        if not self.is_over:
            self.is_cancelled = True
            self._owner.wake()
        self._end_lookups()

    # Called on the loop ------------------------------------------------------------------

    async def _look_up(self, asked: PendingLookup) -> None:
        """Ask a slow memory and hand its answer to the owner thread."""
        assert self._store is not None
        try:
            result = only_result(await self._store.lookup_many([asked.lookup]))
        except anyio.get_cancelled_exc_class():
            # By a reader that left, by the end of the loop, or by the store itself: without an
            # answer, a sequence that still runs would never end.
            gone = Unavailable("the lookup was cancelled")
            self._owner.answer(asked, gone)
            raise
        except BaseException as error:  # the store's failure ends this generation, not the engine
            self._owner.answer(asked, error)
        else:
            self._owner.answer(asked, result)
        finally:
            self._under_way.pop(asked, None)

    def _end_lookups(self) -> None:
        """Cancel what memory is being asked; from any thread."""
        self.channel.loop.post(lambda: [end() for end in self._under_way.values()])


class TextEvents(OnlyAsyncFor):
    """The events of one generation; a class, since a generator left early must be closed."""

    def __init__(self, request: GenerationRequest) -> None:
        self._request = request
        self._ready: deque[Event] = deque()
        self._is_finished = False
        self._is_left = False

    def leave(self) -> None:
        """Cancel the generation, and wake a task that waits for its next event."""
        self._request.cancel()
        self._is_left = True
        self._ready.clear()
        self._request.channel.put(_Failure(left()))  # for a task that waits at this moment

    def end(self, error: BaseException) -> bool:
        """Return false if the generation is over; else the owner thread fails it."""
        return not self._request.is_over

    def __aiter__(self) -> Self:
        """Return itself."""
        return self

    async def __anext__(self) -> Event:
        """Return the next event as soon as it happens.

        Raises:
            EngineElsewhere: the caller is on another loop.
        """
        self._request.channel.loop.check()
        while not self._ready:
            if self._is_finished or self._request.has_failed:
                raise StopAsyncIteration
            if self._is_left:
                raise left()
            message = await self._request.next_message()
            assert isinstance(message, list), "it is streamed"
            self._ready.extend(message)
        event = self._ready.popleft()
        self._is_finished = isinstance(event, Finished)
        return event


async def last_of(events: EventSource) -> Completion:
    """Return the completion; leaving early ends the generation."""
    try:
        async for event in events:
            if isinstance(event, Finished):
                return event.completion
    finally:
        events.leave()
    raise AssertionError("a generation ends with Finished")
