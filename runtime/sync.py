"""`SyncEngine`: the engine for code without an event loop."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Unpack

from anyio.from_thread import BlockingPortal, start_blocking_portal

from lamlam.errors import EngineClosed, UsageError
from lamlam.runtime.completion import ChatCompletion, Completion
from lamlam.runtime.engine import DefaultMemory, Engine, EngineKeywords
from lamlam.runtime.events import Event
from lamlam.runtime.policies import ChatKeywords, GenerateKeywords, Verbalise

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from pydantic import BaseModel

    from lamlam.memory_backends.protocol import FactStore


class SyncEngine:
    """`Engine` with blocking methods; any thread may call them. Opened by ``with``."""

    def __init__(
        self,
        model: str | os.PathLike[str] = "bundled",
        memory: str | FactStore | None | DefaultMemory = DefaultMemory.OWN,
        **options: Unpack[EngineKeywords],
    ) -> None:
        """Take note of what to open; arguments and errors as for `Engine`."""
        self._engine = Engine(model, memory, **options)
        self._portal: BlockingPortal | None = None
        self._stack = ExitStack()
        self._is_closed = False

    @property
    def context(self) -> int:
        """Tokens that one text may hold, prompt and lookups included."""
        return self._engine.context

    @property
    def verbalise(self) -> Verbalise:
        """Who writes fetched values where a text does not say otherwise."""
        return self._engine.verbalise

    @property
    def lookup_bias(self) -> float:
        """What is added to the logit that opens a lookup, unless a text says otherwise."""
        return self._engine.lookup_bias

    @property
    def metadata(self) -> dict[str, Any]:
        """What the model file says about itself."""
        return self._engine.metadata

    def __enter__(self) -> Self:
        """Open the memory and load the model; errors as for `Engine`."""
        if self._portal is not None or self._is_closed:
            raise UsageError("an engine is opened once", hint="make another SyncEngine")
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal())
            stack.enter_context(portal.wrap_async_context_manager(self._engine))
            self._stack = stack.pop_all()
        self._portal = portal
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
        """Open texts end with `EngineClosed`; model and memory are freed."""
        self._is_closed = True
        self._portal = None
        self._stack.close()

    def generate(self, prompt: str, **options: Unpack[GenerateKeywords]) -> Completion:
        """Return the finished text; options and errors as for `Engine.generate`."""

        async def run() -> Completion:
            return await self._engine.generate(prompt, **options)

        return self._open_portal().call(run)

    @contextmanager
    def stream(self, prompt: str, **options: Unpack[GenerateKeywords]) -> Iterator[Iterator[Event]]:
        """Give the events of a text as it is written, as `Engine.stream` does."""
        with self._iterated(self._engine.stream(prompt, **options)) as events:
            yield events

    def chat(
        self,
        messages: Iterable[Mapping[str, Any] | BaseModel],
        **options: Unpack[ChatKeywords],
    ) -> ChatCompletion:
        """Return the answer to a conversation; options and errors as for `Engine.chat`."""

        async def run() -> ChatCompletion:
            return await self._engine.chat(messages, **options)

        return self._open_portal().call(run)

    @contextmanager
    def stream_chat(
        self,
        messages: Iterable[Mapping[str, Any] | BaseModel],
        **options: Unpack[ChatKeywords],
    ) -> Iterator[Iterator[Event]]:
        """Give the events of an answer as it is written, as `Engine.stream_chat` does."""
        with self._iterated(self._engine.stream_chat(messages, **options)) as events:
            yield events

    @contextmanager
    def _iterated(
        self, manager: AbstractAsyncContextManager[AsyncIterator[Event]]
    ) -> Iterator[Iterator[Event]]:
        portal = self._open_portal()
        with portal.wrap_async_context_manager(manager) as events:

            def iterate() -> Iterator[Event]:
                while True:
                    try:
                        yield self._open_portal().call(events.__anext__)
                    except StopAsyncIteration:
                        return

            yield iterate()

    def _open_portal(self) -> BlockingPortal:
        if self._portal is None:
            what = "closed" if self._is_closed else "not open yet"
            raise EngineClosed(f"the engine is {what}", hint="use it inside: with SyncEngine(…)")
        return self._portal
