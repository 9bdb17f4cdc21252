"""One text between the task that waits for it and the thread that writes it."""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import anyio

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
    """A text that the owner thread writes; a `lamlam.runtime.scheduling.sequence.Request`."""

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
        """The task was given the error with which the text ended."""
        self.channel: EventChannel[Completion | list[Event] | _Failure] = EventChannel()
        self._owner = owner
        self._store = store
        self._context = contextvars.copy_context()
        self._under_way: dict[PendingLookup, Callable[[], object]] = {}
        """What a slow memory is being asked, and what ends that."""

    # Called by the owner thread ----------------------------------------------------------

    def send(self, events: list[Event]) -> None:
        """The task gets these events."""
        self.channel.put(events)

    def ask(self, asked: PendingLookup) -> None:
        """A memory that may take long is asked, whether or not the task reads what it is told.

        A question of the reader's would be lost with a reader that gives up waiting, and a stream
        that nobody reads would keep its place in the context for ever.
        """
        loop = self.channel.loop

        def start() -> None:
            if self.is_cancelled or self.is_over:
                return
            context = self._context.copy()
            self._under_way[asked] = loop.start(partial(self._look_up, asked), context)

        loop.post(start)

    def finish(self, completion: Completion) -> None:
        """The text is written; where events are wanted, the last of them said so."""
        self.is_over = True
        if not self.is_streamed:
            self.channel.put(completion)
        if self._under_way:  # asked ahead, and not needed in the end
            self._end_lookups()

    def fail(self, error: BaseException) -> None:
        """The task gets an error."""
        self.is_over = True
        self.channel.put(_Failure(error))
        self._end_lookups()

    # Called by the task ------------------------------------------------------------------

    async def completion(self) -> Completion:
        """Return the finished text of a request without events; leaving early ends it."""
        try:
            message = await self.next_message()
            assert isinstance(message, Completion), "no events were wanted"
            return message
        finally:
            self.cancel()

    async def next_message(self) -> Completion | list[Event]:
        """Return what comes next.

        Raises:
            Exception: with which the text ended.
        """
        message = await self.channel.get()
        if isinstance(message, _Failure):
            self.has_failed = True
            raise message.error
        return message

    def cancel(self) -> None:
        """The sequence is freed at the next token boundary, unless the text is over."""
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
            # By whoever left the text, by the end of the loop, or by the store itself: a text
            # that is still there would wait for ever.
            gone = Unavailable("the question to the memory was cancelled")
            self._owner.answer(asked, gone)
            raise
        except BaseException as error:  # the store's failure ends this text, not the engine
            self._owner.answer(asked, error)
        else:
            self._owner.answer(asked, result)
        finally:
            self._under_way.pop(asked, None)

    def _end_lookups(self) -> None:
        """Cancel what memory is being asked; from any thread."""
        self.channel.loop.post(lambda: [end() for end in self._under_way.values()])


class TextEvents:
    """The events of one text. A class, since a generator that is left early must be closed."""

    def __init__(self, text: GenerationRequest) -> None:
        self._text = text
        self._ready: deque[Event] = deque()
        self._is_finished = False
        self._is_left = False

    def leave(self) -> None:
        """Nobody waits for an event that will not come; the text ends."""
        self._text.cancel()
        self._is_left = True
        self._ready.clear()
        self._text.channel.put(_Failure(left()))  # for a task that waits at this moment

    def end(self, error: BaseException) -> bool:
        """The engine is being closed; its thread tells every text that is open."""
        return not self._text.is_over

    def __aiter__(self) -> Self:
        """Itself."""
        return self

    async def __anext__(self) -> Event:
        """The next event, as soon as it happens.

        Raises:
            EngineElsewhere: this is another loop, whether or not an event is there.
        """
        self._text.channel.loop.check()
        while not self._ready:
            if self._is_finished or self._text.has_failed:
                raise StopAsyncIteration
            if self._is_left:
                raise left()
            message = await self._text.next_message()
            assert isinstance(message, list), "events were wanted"
            self._ready.extend(message)
        event = self._ready.popleft()
        self._is_finished = isinstance(event, Finished)
        return event


async def last_of(events: EventSource) -> Completion:
    """Return the finished text; leaving early ends it."""
    try:
        async for event in events:
            if isinstance(event, Finished):
                return event.completion
    finally:
        events.leave()
    raise AssertionError("a text ends with Finished")
