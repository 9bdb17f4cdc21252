"""`Engine`: texts with facts, from a model file and a memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, get_args

import anyio
import anyio.to_thread

from lamlam.errors import EngineClosed, UsageError
from lamlam.runtime.answers import Query
from lamlam.runtime.completion import Completion
from lamlam.runtime.events import Event, Finished
from lamlam.runtime.grounding import Constraint
from lamlam.runtime.mailbox import Mailbox
from lamlam.runtime.option_checks import check_choice, check_names, check_number
from lamlam.runtime.owner_thread import LoadedModel, ModelSettings, OwnerThread
from lamlam.runtime.policies import (
    GenerateKeywords,
    TextSettings,
    Verbalise,
    text_settings,
)

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from lamlam.memory_backends.protocol import FactStore


class EngineKeywords(TypedDict, total=False):
    """Keywords of `Engine`; ``None`` leaves a setting at its default."""

    threads: int | None
    context: int | None
    gpu_layers: int
    max_sequences: int
    max_waiting: int
    cache_tokens: int | None
    reproducible: bool
    batch: int
    plain: bool
    verbose: bool
    verbalise: Verbalise | None
    lookup_bias: float | None
    constrain: bool | Constraint


@dataclass(frozen=True, slots=True)
class _Failure:
    error: BaseException


class _State(Enum):
    UNOPENED = auto()
    OPENING = auto()
    OPENED = auto()
    CLOSED = auto()


class Engine:
    """Writes texts with one model and one memory; opened by ``async with``.

    One thread owns the model and runs the whole step loop, so any number of tasks may
    call `generate` and `stream`; texts beyond ``max_sequences`` wait their turn.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = "bundled",
        memory: str | FactStore | None = "bundled",
        **options: Unpack[EngineKeywords],
    ) -> None:
        """Take note of what to open; nothing is opened yet.

        Args:
            model: path of a GGUF file, or ``bundled``.
            memory: URL of a store, ``bundled``, an open store (which stays open when the
                engine closes), or ``None``: no lookup is ever made.
            options: ``threads`` (default: usable processors), ``context`` (tokens of one
                text; default: what the model was trained on), ``gpu_layers``,
                ``max_sequences`` (texts written at the same time; default 4), ``max_waiting``
                (texts that wait for their turn; default 4096), ``cache_tokens`` (tokens that
                all texts hold together, for many short texts in little memory; default:
                ``context`` for each text, which is faster), ``reproducible`` (texts depend on
                nothing that runs beside them; they take turns, with no gain in speed),
                ``batch``, ``plain`` (run any GGUF model, without
                lookups), ``verbose``; ``verbalise`` and ``lookup_bias`` (defaults: what
                the model file says); ``constrain`` (false: keys are not drawn towards
                what memory holds; a `Constraint` sets how strongly).

        Raises:
            UnknownOption: an option that does not exist.
            UsageError: a value that makes no sense.
        """
        check_names(options, EngineKeywords.__annotations__)
        given: dict[str, Any] = {name: v for name, v in options.items() if v is not None}
        self._constraint = _constraint(given.pop("constrain", True))
        self._verbalise: Verbalise | None = given.pop("verbalise", None)
        if self._verbalise is not None:
            check_choice("verbalise", self._verbalise, get_args(Verbalise))
        self._lookup_bias: float | None = given.pop("lookup_bias", None)
        if self._lookup_bias is not None:
            check_number("lookup_bias", self._lookup_bias)
        self._settings = ModelSettings(**given)
        if not isinstance(model, str | os.PathLike):
            raise UsageError(f"model must be a path or 'bundled', not {model!r}")
        if not (memory is None or isinstance(memory, str) or hasattr(memory, "capabilities")):
            raise UsageError(f"memory must be a URL, an open store or None, not {memory!r}")
        self._model = model
        self._memory = memory
        self._state = _State.UNOPENED
        self._stack = AsyncExitStack()
        self._owner: OwnerThread | None = None
        self._loaded: LoadedModel | None = None

    @property
    def context(self) -> int:
        """Tokens that one text may hold, prompt and lookups included."""
        return self._open_model().context

    @property
    def verbalise(self) -> Verbalise:
        """Who writes fetched values where a text does not say otherwise."""
        return self._verbalise or self._open_model().verbalise

    @property
    def lookup_bias(self) -> float:
        """What is added to the logit that opens a lookup, unless a text says otherwise."""
        loaded = self._open_model()
        return loaded.lookup_bias if self._lookup_bias is None else self._lookup_bias

    @property
    def metadata(self) -> dict[str, Any]:
        """What the model file says about itself."""
        return self._open_model().file.metadata

    async def __aenter__(self) -> Self:
        """Open the memory and load the model.

        Raises:
            ModelError: the file cannot be used; see its subclasses.
            FactStoreError: the memory cannot be used; see its subclasses.
            EngineClosed: it was closed while it was opening.
        """
        if self._state is not _State.UNOPENED:
            raise UsageError("an engine is opened once", hint="make another Engine")
        self._state = _State.OPENING
        try:
            path = self._model_path()
            store = await self._open_store()
            self._still_opening()
            ready: Mailbox[LoadedModel | BaseException] = Mailbox()
            owner = OwnerThread(path, self._settings, store, self._constraint, ready.put)
            # Pushed after the store: the model goes first, then the memory it may be asking.
            self._stack.push_async_callback(_end_thread, owner)
            loaded = await ready.get()
            if isinstance(loaded, BaseException):
                raise loaded
            self._still_opening()
        except BaseException:
            self._state = _State.CLOSED
            await self._stack.aclose()
            raise
        self._owner, self._loaded, self._store = owner, loaded, store
        self._state = _State.OPENED
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the engine."""
        await self.aclose()

    async def aclose(self) -> None:
        """Open texts end with `EngineClosed`; model and memory are freed."""
        self._state = _State.CLOSED
        await self._stack.aclose()

    async def generate(self, prompt: str, **options: Unpack[GenerateKeywords]) -> Completion:
        """Return the finished text.

        Args:
            options: ``max_tokens`` (visible ones; default 64), ``temperature`` (default 0:
                greedy), ``top_p``, ``min_p``, ``repeat_penalty``, ``seed``, ``stop``
                (string or strings), ``ignore_eos``, ``policy`` (what a miss does:
                ``continue``, ``ask_again``, ``unknown``, ``nearest``, ``stop``, ``raise``,
                or ``paper`` for the paper's settings), ``verbalise`` (``copy`` or
                ``model``), ``lookup_bias``, ``max_lookups``, ``max_lookup_tokens``.

        Raises:
            UnknownOption: an option, policy or mode that does not exist.
            PromptTooLong: the prompt does not fit the context.
            LookupFailed: a miss under the policy ``raise``.
            EngineBusy: as many texts wait as may.
            EngineClosed: the engine is not open.
        """
        request = self._submit(prompt, dict(options), wants_events=False)
        with request.cancelled_on_exit():
            while True:
                match await request.mailbox.get():
                    case Completion() as completion:
                        return completion
                    case _Failure(error):
                        raise error
                    case Query() as query:
                        await request.look(query)

    @asynccontextmanager
    async def stream(
        self, prompt: str, **options: Unpack[GenerateKeywords]
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """Give the events of a text as it is written; leaving early ends the text.

        Options and errors as for `generate`; errors are raised by the iterator. Events that
        were not read inside the block are gone: reading on raises `EngineClosed`.
        """
        request = self._submit(prompt, dict(options), wants_events=True)
        events = _Events(request)
        with request.cancelled_on_exit():
            try:
                yield events
            finally:
                events.leave()

    def _submit(self, prompt: str, options: dict[str, Any], *, wants_events: bool) -> _Request:
        self._open_model()
        assert self._owner is not None
        if not isinstance(prompt, str):
            raise UsageError(f"a prompt is text, not {type(prompt).__name__}")
        settings = text_settings(
            options,
            verbalise=self.verbalise,
            lookup_bias=self.lookup_bias,
        )
        request = _Request(prompt, settings, wants_events, self._owner, self._store)
        self._owner.submit(request)
        return request

    def _still_opening(self) -> None:
        if self._state is not _State.OPENING:
            raise EngineClosed("the engine was closed while it was opening")

    def _open_model(self) -> LoadedModel:
        if self._state is not _State.OPENED or self._loaded is None:
            what = "closed" if self._state is _State.CLOSED else "not open yet"
            raise EngineClosed(f"the engine is {what}", hint="use it inside: async with Engine(…)")
        return self._loaded

    def _model_path(self) -> Path:
        if self._model != "bundled":
            return Path(self._model)
        from lamlam.bundled import model_path

        return model_path()

    async def _open_store(self) -> FactStore | None:
        if self._memory is None or self._settings.plain:
            return None
        if not isinstance(self._memory, str):
            return self._memory
        from lamlam.memory_backends.urls import open_store

        return await self._stack.enter_async_context(
            open_store(self._memory, create=False, read_only=True)
        )


class _Request:
    """One text, between the task that waits for it and the owner thread."""

    def __init__(
        self,
        prompt: str,
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
        self.mailbox: Mailbox[Completion | list[Event] | Query | _Failure] = Mailbox()
        self._owner = owner
        self._store = store

    # Called by the owner thread ----------------------------------------------------------

    def tell(self, events: list[Event]) -> None:
        self.mailbox.put(events)

    def ask(self, query: Query) -> None:
        self.mailbox.put(query)

    def finish(self, completion: Completion) -> None:
        self.is_over = True
        if not self.wants_events:
            self.mailbox.put(completion)

    def fail(self, error: BaseException) -> None:
        self.is_over = True
        self.mailbox.put(_Failure(error))

    # Called by the task --------------------------------------------------------------------

    async def look(self, query: Query) -> None:
        """Ask a slow memory on the event loop and hand its answer to the owner thread."""
        from lamlam.memory_backends.lookups import Lookup

        assert self._store is not None
        try:
            (result,) = await self._store.lookup_many([Lookup(query.entity, query.relation)])
        except Exception as error:  # the store's failure ends this text, not the engine
            self._owner.answer(self, error)
        else:
            self._owner.answer(self, result)

    def cancelled_on_exit(self) -> _CancelledOnExit:
        return _CancelledOnExit(self)

    def cancel(self) -> None:
        if not self.is_over:
            self.is_cancelled = True
            self._owner.wake()


class _CancelledOnExit:
    """Whoever leaves early frees the sequence at the next token boundary."""

    def __init__(self, request: _Request) -> None:
        self._request = request

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._request.cancel()


class _Events:
    """The events of one text. A class, since a generator that is left early must be closed."""

    def __init__(self, request: _Request) -> None:
        self._request = request
        self._ready: deque[Event] = deque()
        self._is_finished = False
        self._is_left = False

    def leave(self) -> None:
        """Nobody waits for an event that will not come."""
        self._is_left = True
        self._ready.clear()
        self._request.mailbox.put(_Failure(_left()))  # for a task that waits at this moment

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._ready:
            if self._is_finished:
                raise StopAsyncIteration
            if self._is_left:
                raise _left()
            match await self._request.mailbox.get():
                case list() as events:
                    self._ready.extend(events)
                case _Failure(error):
                    self._is_finished = True
                    raise error
                case Query() as query:
                    await self._request.look(query)
        event = self._ready.popleft()
        self._is_finished = isinstance(event, Finished)
        return event


def _constraint(constrain: bool | Constraint) -> Constraint | None:
    if isinstance(constrain, Constraint):
        return constrain
    if not isinstance(constrain, bool):
        raise UsageError(f"constrain must be True, False or a Constraint, not {constrain!r}")
    return Constraint() if constrain else None


def _left() -> EngineClosed:
    return EngineClosed(
        "the stream was left before its end", hint="read its events inside its with block"
    )


async def _end_thread(owner: OwnerThread) -> None:
    owner.stop()
    # Shielded: whoever is cancelled while closing still leaves nothing behind.
    with anyio.CancelScope(shield=True):
        await anyio.to_thread.run_sync(owner.join)
