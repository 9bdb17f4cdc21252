"""`SyncEngine`: the engine for code without an event loop."""

from __future__ import annotations

import os
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from lamlam.background_loop import BackgroundLoop
from lamlam.blocks import OnlyWith
from lamlam.errors import EngineClosed, UsageError
from lamlam.one_process import OneProcess, engine_elsewhere
from lamlam.runtime.decoding.completion import ChatCompletion, Completion
from lamlam.runtime.decoding.events import Event, EventSource
from lamlam.runtime.decoding.settings import ChatKeywords, GenerateKeywords, Verbalise
from lamlam.runtime.decoding.stream_blocks import SyncStreamBlock
from lamlam.runtime.engine import Engine, EngineKeywords
from lamlam.runtime.memory import DefaultMemory
from lamlam.runtime.scheduling.stats import SchedulerStats

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from pydantic import BaseModel

    from lamlam.memory_backends.model.facts_about import AboutOptions, FactsAbout
    from lamlam.memory_backends.protocol import FactStore


T = TypeVar("T")


class SyncEngine(OneProcess, OnlyWith):
    """`Engine` with blocking methods, for any thread; opened by ``with``.

    It runs an event loop in a background thread, so it also works in a thread that runs an
    event loop, as in a notebook (that loop is blocked meanwhile). A forked process must open
    another engine: there the methods raise `EngineElsewhere`.
    """

    _what = "a SyncEngine"
    _use = "with SyncEngine(...) as engine: ... (or async with Engine(...) in async code)"

    def __init__(
        self,
        model: str | os.PathLike[str] = "bundled",
        memory: str | FactStore | None | DefaultMemory = DefaultMemory.OWN,
        **options: Unpack[EngineKeywords],
    ) -> None:
        """Store the arguments; open nothing yet. Arguments and errors as for `Engine`."""
        self._engine = Engine(model, memory, **options)
        self._loop: BackgroundLoop | None = None
        self._stack = ExitStack()
        self._is_entered = False
        self._is_closed = False
        self._state = threading.Lock()  # of what follows, and of `_loop`
        self._closing = threading.RLock()

    @property
    def context(self) -> int:
        """Tokens that one generation may hold, prompt and lookups included."""
        return self._opened().context

    @property
    def verbalise(self) -> Verbalise:
        """Who writes fetched values, unless a generation has another setting."""
        return self._opened().verbalise

    @property
    def lookup_bias(self) -> float:
        """Added to the logit that opens a lookup, unless a generation has another setting."""
        return self._opened().lookup_bias

    @property
    def metadata(self) -> dict[str, Any]:
        """Metadata of the model file."""
        return self._opened().metadata

    def stats(self) -> SchedulerStats:
        """Return how many generations run and wait, and how many more could begin at once."""
        return self._engine.stats()

    def __enter__(self) -> Self:
        """Open the memory and load the model; errors as for `Engine`."""
        self._check_process()
        with self._state:
            if self._is_entered or self._is_closed:
                raise UsageError(
                    "an engine can be opened only once", hint="make another SyncEngine"
                )
            self._is_entered = True
            self.belongs_here()
        with ExitStack() as stack:
            loop = BackgroundLoop("lamlam-engine-loop", _engine_closed)
            stack.callback(loop.close)
            # Before it opens: an interrupt may come when the wait for it has not begun, and the loop
            # ends after its tasks only.
            stack.callback(loop.call, self._engine.aclose)
            loop.call(self._engine.__aenter__)
            with self._state:
                if self._is_closed:
                    raise EngineClosed("the engine was closed while it was opening")
                self._loop = loop
                self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the engine."""
        self.close()

    def close(self) -> None:
        """End open generations with `EngineClosed`, and free model and memory.

        Any thread may close it; closing again waits for the first call. In a forked process
        this does nothing, since model and memory belong to the parent.
        """
        if self.is_forked:
            return
        with self._closing:
            with self._state:
                self._is_closed = True
                self._loop = None
                stack = self._stack.pop_all()
            stack.close()

    def generate(self, prompt: str, **options: Unpack[GenerateKeywords]) -> Completion:
        """Return the completion; options and errors as for `Engine.generate`."""
        return self._call(partial(self._engine.generate, prompt, **options))

    def stream(
        self, prompt: str, **options: Unpack[GenerateKeywords]
    ) -> AbstractContextManager[Iterator[Event]]:
        """Yield the events of a generation as they happen, as `Engine.stream` does.

        One thread reads them at a time; another one gets `StreamInUse`.
        """
        return self._streamed(partial(self._engine._text_events, prompt, dict(options)))

    def chat(
        self,
        messages: Iterable[Mapping[str, Any] | BaseModel],
        **options: Unpack[ChatKeywords],
    ) -> ChatCompletion:
        """Return the answer to a conversation; options and errors as for `Engine.chat`."""
        return self._call(partial(self._engine.chat, messages, **options))

    def stream_chat(
        self,
        messages: Iterable[Mapping[str, Any] | BaseModel],
        **options: Unpack[ChatKeywords],
    ) -> AbstractContextManager[Iterator[Event]]:
        """Yield the events of an answer as it is generated, as `Engine.stream_chat` does."""
        return self._streamed(partial(self._engine._chat_events, messages, dict(options)))

    def facts_about(self, text: str, **options: Unpack[AboutOptions]) -> FactsAbout:
        """Return what memory holds about the names in a text, as `Engine.facts_about` does."""
        return self._call(partial(self._engine.facts_about, text, **options))

    def _streamed(self, begin: Callable[[], Awaitable[EventSource]]) -> SyncStreamBlock:
        # Not `async with` of the engine: a task inside it would keep the loop running until this
        # block is left, and `close` inside the block would wait for it.
        return SyncStreamBlock(
            partial(self._call, begin),
            lambda events: self._call(partial(_next, events)),
            lambda events: None if self.is_forked else events.leave(),
        )

    def _call(self, method: Callable[[], Awaitable[T]]) -> T:
        """Return what a coroutine returns; it is cancelled where the wait for it is broken off."""
        return self._open_loop().call(method)

    def _opened(self) -> Engine:
        self._open_loop()
        return self._engine

    def _open_loop(self) -> BackgroundLoop:
        self._check_process()
        loop = self._loop
        if loop is None:
            raise _engine_closed("closed" if self._is_closed else "not open yet")
        return loop

    def _check_process(self) -> None:
        if self.is_forked:
            raise engine_elsewhere()


def _engine_closed(state: str = "closed") -> EngineClosed:
    return EngineClosed(f"the engine is {state}", hint="use it inside: with SyncEngine(…)")


async def _next(events: EventSource) -> Event | None:
    # A `StopAsyncIteration` does not come out of a task.
    try:
        return await events.__anext__()
    except StopAsyncIteration:
        return None
