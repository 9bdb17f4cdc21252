"""One text between the task that waits for it and the thread that writes it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamlam.errors import EngineClosed
from lamlam.runtime.answers import Query
from lamlam.runtime.completion import Completion
from lamlam.runtime.events import Event, Finished
from lamlam.runtime.mailbox import Mailbox

if TYPE_CHECKING:
    from typing import Self

    from lamlam.memory_backends.protocol import FactStore
    from lamlam.runtime.chat_prompt import ChatPrompt
    from lamlam.runtime.observed import EventSource
    from lamlam.runtime.owner_thread import OwnerThread
    from lamlam.runtime.policies import TextSettings


@dataclass(frozen=True, slots=True)
class _Failure:
    error: BaseException


class PendingText:
    """A text that the owner thread writes; a `lamlam.runtime.sequence.Request`."""

    def __init__(
        self,
        prompt: str | ChatPrompt,
        settings: TextSettings,
        wants_events: bool,
        owner: OwnerThread,
        store: FactStore | None,
    ) -> None:
        self.prompt = prompt
        self.settings = settings
        self.wants_events = wants_events
        self.is_cancelled = False
        self.is_over = False
        self.has_failed = False
        """The task was given the error with which the text ended."""
        self.mailbox: Mailbox[Completion | list[Event] | Query | _Failure] = Mailbox()
        self._owner = owner
        self._store = store

    # Called by the owner thread ----------------------------------------------------------

    def tell(self, events: list[Event]) -> None:
        """The task gets these events."""
        self.mailbox.put(events)

    def ask(self, query: Query) -> None:
        """The task asks a memory that may take long."""
        self.mailbox.put(query)

    def finish(self, completion: Completion) -> None:
        """The text is written; where events are wanted, the last of them said so."""
        self.is_over = True
        if not self.wants_events:
            self.mailbox.put(completion)

    def fail(self, error: BaseException) -> None:
        """The task gets an error."""
        self.is_over = True
        self.mailbox.put(_Failure(error))

    # Called by the task ------------------------------------------------------------------

    async def completion(self) -> Completion:
        """Return the finished text of a request without events; leaving early ends it."""
        try:
            while True:
                match await self.next_message():
                    case Completion() as completion:
                        return completion
                    case list():
                        raise AssertionError("no events were wanted")
        finally:
            self.cancel()

    async def next_message(self) -> Completion | list[Event]:
        """Return what comes next, memory having been asked where that was wanted.

        Raises:
            Exception: with which the text ended.
        """
        while True:
            match await self.mailbox.get():
                case _Failure(error):
                    self.has_failed = True
                    raise error
                case Query() as query:
                    await self._look(query)
                case message:
                    return message

    async def _look(self, query: Query) -> None:
        """Ask a slow memory on the event loop and hand its answer to the owner thread."""
        from lamlam.memory_backends.lookups import Lookup

        assert self._store is not None
        try:
            question = Lookup(query.entity, query.relation, as_of=self.settings.as_of)
            (result,) = await self._store.lookup_many([question])
        except Exception as error:  # the store's failure ends this text, not the engine
            self._owner.answer(self, error)
        else:
            self._owner.answer(self, result)

    def cancel(self) -> None:
        """The sequence is freed at the next token boundary, unless the text is over."""
        if not self.is_over:
            self.is_cancelled = True
            self._owner.wake()


class TextEvents:
    """The events of one text. A class, since a generator that is left early must be closed."""

    def __init__(self, text: PendingText) -> None:
        self._text = text
        self._ready: deque[Event] = deque()
        self._is_finished = False
        self._is_left = False

    def leave(self) -> None:
        """Nobody waits for an event that will not come; the text ends."""
        self._text.cancel()
        self._is_left = True
        self._ready.clear()
        self._text.mailbox.put(_Failure(_left()))  # for a task that waits at this moment

    def __aiter__(self) -> Self:
        """Itself."""
        return self

    async def __anext__(self) -> Event:
        """The next event, as soon as it happens."""
        while not self._ready:
            if self._is_finished or self._text.has_failed:
                raise StopAsyncIteration
            if self._is_left:
                raise _left()
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


def _left() -> EngineClosed:
    return EngineClosed(
        "the stream was left before its end", hint="read its events inside its with block"
    )
