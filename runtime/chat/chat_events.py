"""The events of one answer in a chat: turns of the model, and lookups between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from lamlam.blocks import OnlyAsyncFor
from lamlam.errors import PromptTooLong
from lamlam.event_loop import EventLoop
from lamlam.runtime.chat.conversation import Conversation
from lamlam.runtime.decoding.events import (
    Event,
    EventSource,
    Finished,
    LookupStarted,
    Text,
    in_use,
    left,
)
from lamlam.runtime.decoding.lookup_answers import only_result
from lamlam.runtime.decoding.settings import TextSettings
from lamlam.runtime.decoding.vocabulary import ChatPrompt

if TYPE_CHECKING:
    from typing import Self

    from lamlam.memory_backends.model.lookups import Lookup, LookupResult
    from lamlam.memory_backends.protocol import FactStore


class ChatEvents(OnlyAsyncFor):
    """The events of an answer. A class, since a generator that is left early must be closed."""

    def __init__(
        self,
        conversation: Conversation,
        begin: Callable[[ChatPrompt, TextSettings], EventSource],
        store: FactStore | None,
    ) -> None:
        self._conversation = conversation
        self._begin = begin
        self._store = store
        self._turn: EventSource | None = None
        self._calls: deque[Lookup] = deque()
        self._is_announced = False
        """`LookupStarted` was sent for the first of the calls."""
        self._ready: deque[Event] = deque()
        self._is_finished = False
        self._is_left = False
        self._is_read = False
        """A task waits for the next event."""
        self._error: BaseException | None = None
        self._lookup: anyio.CancelScope | None = None
        self._loop = EventLoop()

    def leave(self) -> None:
        """End the turn that is being generated and the lookup that is under way."""
        self._is_left = True
        self._ready.clear()
        if self._turn is not None:
            self._turn.leave()
        self._end_lookup()

    def end(self, error: BaseException) -> bool:
        """Begin no other turn, since the engine is being closed; return false if complete."""
        self._error = error
        self._end_lookup()
        return not self._is_finished

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        self._loop.check()
        if self._is_read:
            raise in_use()
        self._is_read = True
        try:
            return await self._next()
        finally:
            self._is_read = False

    async def _next(self) -> Event:
        while not self._ready:
            if self._is_finished:
                raise StopAsyncIteration
            if self._is_left:
                raise left()
            if self._error is not None and self._turn is None:
                self._is_finished = True
                raise self._error
            try:
                await self._go_on()
            except Exception:
                self._is_finished = True
                raise
            if self._is_left:
                self._ready.clear()
        event = self._ready.popleft()
        self._is_finished = isinstance(event, Finished)
        return event

    async def _go_on(self) -> None:
        """Advance by one step; a caller that is cancelled here may go on later."""
        conversation = self._conversation
        if self._calls:
            call = self._calls[0]
            if not self._is_announced:
                self._is_announced = True
                self._ready.append(LookupStarted(call.entity, call.relation))
                return
            result = await self._look_up(call)
            if result is None:
                return
            self._calls.popleft()
            self._is_announced = False
            self._ready.extend(conversation.answered(call, result))
            return
        if self._turn is None:
            # A hostile template may run for a second before it exceeds its budget.
            prompt = await anyio.to_thread.run_sync(conversation.prompt)
            if self._is_left:
                return
            self._turn = self._begin(prompt, conversation.settings)
        try:
            event = await self._turn.__anext__()
        except PromptTooLong as error:
            raise conversation.too_long(error) from None
        match event:
            case Text() as text:
                self._ready.extend(conversation.heard(text))
            case Finished(completion):
                self._turn = None
                events, calls = conversation.ended(completion)
                self._ready.extend(events)
                self._calls.extend(calls)
            case _:
                self._ready.append(event)

    async def _look_up(self, call: Lookup) -> LookupResult | None:
        """Ask memory; return none if the answer is no longer needed."""
        assert self._store is not None
        self._store.refresh_nowait()
        try:
            lookup = replace(call, as_of=self._conversation.as_of)
            with anyio.CancelScope() as self._lookup:
                return only_result(await self._store.lookup_many([lookup]))
            return None
        finally:
            self._lookup = None
            self._store.refresh_nowait()  # hold no snapshot that would delay an erasure

    def _end_lookup(self) -> None:
        """Cancel what memory is being asked; from any thread."""

        def cancel() -> None:
            if self._lookup is not None:
                self._lookup.cancel()

        self._loop.post(cancel)
