"""`Engine`: generates text with facts, from a model file and a memory."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, get_args
from weakref import WeakSet

import anyio
import anyio.to_thread

from lamlam.blocks import OnlyAsyncWith
from lamlam.errors import EngineClosed, TraceFailed, UsageError
from lamlam.event_loop import EventLoop
from lamlam.one_process import OneProcess, engine_elsewhere
from lamlam.runtime.decoding.completion import ChatCompletion, Completion
from lamlam.runtime.decoding.constraint import Constraint, read_constraint
from lamlam.runtime.decoding.events import Event, EventSource
from lamlam.runtime.decoding.option_checks import check_choice, check_names, check_number, stated
from lamlam.runtime.decoding.settings import (
    CHAT_DEFAULTS,
    ChatKeywords,
    GenerateKeywords,
    TextSettings,
    Verbalise,
    check_prompt,
    text_settings,
)
from lamlam.runtime.decoding.stream_blocks import StreamBlock
from lamlam.runtime.memory import AskedAboutTexts, DefaultMemory, EngineMemory
from lamlam.runtime.observers.observer import BegunText
from lamlam.runtime.observers.observer_set import ObserverSet
from lamlam.runtime.observers.trace import Trace
from lamlam.runtime.scheduling.event_channel import EventChannel
from lamlam.runtime.scheduling.model_settings import LoadedModel, ModelSettings, closed
from lamlam.runtime.scheduling.owner_start import start
from lamlam.runtime.scheduling.request import GenerationRequest, TextEvents, last_of
from lamlam.runtime.scheduling.stats import SchedulerStats

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from pydantic import BaseModel

    from lamlam.memory_backends.protocol import FactStore
    from lamlam.runtime.chat.prompt import ChatFormat
    from lamlam.runtime.decoding.vocabulary import ChatPrompt
    from lamlam.runtime.observers.telemetry import Telemetry
    from lamlam.runtime.scheduling.owner_thread import OwnerThread


class EngineKeywords(TypedDict, total=False):
    """Keywords of `Engine`; ``None`` means the default."""

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
    trace: str | os.PathLike[str] | Trace | None
    telemetry: bool | Telemetry


class _State(Enum):
    UNOPENED = auto()
    OPENING = auto()
    OPENED = auto()
    CLOSED = auto()


class Engine(AskedAboutTexts, OneProcess, OnlyAsyncWith):
    """Generates text with one model and one memory; opened by ``async with``.

    A model with lookup tokens looks up in memory while it writes. A model without them is
    *plain* (any GGUF file): `generate` and `stream` make no lookups, `chat` and `stream_chat`
    make them by tool calls, in a memory that was named. A model with only some of the tokens, or
    with a type by which text could yield them, is refused unless ``plain=True``.

    One thread owns the model and runs the step loop, so any number of tasks may call `generate`
    and `stream`; generations beyond ``max_sequences`` wait their turn. The tasks must belong to the
    event loop that opened the engine; on another loop, and in a forked process, methods raise
    `EngineElsewhere`.
    """

    _what = "an Engine"
    _use = "async with Engine(...) as engine: ... (or with SyncEngine(...) where there is no async)"

    def __init__(
        self,
        model: str | os.PathLike[str] = "bundled",
        memory: str | FactStore | None | DefaultMemory = DefaultMemory.OWN,
        **options: Unpack[EngineKeywords],
    ) -> None:
        """Store the arguments; open nothing yet.

        Args:
            model: path of a GGUF file, or ``bundled``.
            memory: URL of a store, ``bundled``, an open store (which stays open when the
                engine closes), or ``None``: no lookups. By default ``bundled`` for a model with
                lookup tokens, and ``None`` for a plain one.
            options: ``threads`` (default: usable processors), ``context`` (tokens of one
                generation; default: as the model was trained), ``gpu_layers``, ``max_sequences``
                (generations at the same time; default 4), ``max_waiting`` (requests that wait for
                their turn; default 4096), ``cache_tokens`` (size of a unified KV cache, for many
                short generations in little memory; default: ``context`` for each, which is
                faster), ``reproducible`` (no generation depends on others beside it; they gain no
                speed), ``batch``, ``plain`` (ignore the lookup tokens of the model), ``verbose``;
                ``verbalise`` and ``lookup_bias`` (default: as the model file says); ``constrain``
                (false: keys are not constrained to what memory holds; a `Constraint` sets how
                strongly, up to ``strict``); ``trace`` (a file to which JSON lines are appended,
                or an open `Trace`); ``telemetry`` (true for OpenTelemetry spans, or a `Telemetry`
                with settings; extra ``otel``).

        Raises:
            UnknownOption: an option that does not exist.
            UsageError: a value that makes no sense.
            MissingExtra: the engine is not installed; or ``telemetry`` without OpenTelemetry.
        """
        check_names(options, ["model", "memory", *EngineKeywords.__annotations__])
        given = stated(options)
        self._constraint = read_constraint(given.pop("constrain", True))
        self._verbalise: Verbalise | None = given.pop("verbalise", None)
        self._lookup_bias: float | None = given.pop("lookup_bias", None)
        if self._verbalise is not None:
            check_choice("verbalise", self._verbalise, get_args(Verbalise))
        if self._lookup_bias is not None:
            check_number("lookup_bias", self._lookup_bias)
        self._observers = ObserverSet(given.pop("trace", None), given.pop("telemetry", False))
        self._settings = ModelSettings(**given)
        if not isinstance(model, str | os.PathLike):
            raise UsageError(f"model must be a path or 'bundled', got {model!r}")
        self._model = model
        self._memory = EngineMemory(memory, self._constraint)
        self._state = _State.UNOPENED
        self._stack = AsyncExitStack()
        self._freed: anyio.Event | None = None
        self._open_events: WeakSet[EventSource] = WeakSet()
        self._owner: OwnerThread | None = None
        self._loaded: LoadedModel | None = None
        self._format: ChatFormat | None = None
        self._loop: EventLoop | None = None

    @property
    def context(self) -> int:
        """Tokens that one sequence may hold, prompt and lookups included."""
        return self._open_model().context

    @property
    def verbalise(self) -> Verbalise:
        """Who writes fetched values, unless a generation has another setting."""
        return self._verbalise or self._open_model().verbalise

    @property
    def lookup_bias(self) -> float:
        """Added to the logit that opens a lookup, unless a generation has another setting."""
        loaded = self._open_model()
        return loaded.lookup_bias if self._lookup_bias is None else self._lookup_bias

    @property
    def metadata(self) -> dict[str, Any]:
        """Metadata of the model file."""
        return self._open_model().file.metadata

    async def __aenter__(self) -> Self:
        """Open the memory and load the model.

        Raises:
            ModelError: the file cannot be used; see its subclasses.
            TraceFailed: the trace cannot be written.
            FactStoreError: the memory cannot be used; see its subclasses.
            TooManyEntities: memory holds too many names for a strict constraint.
            EngineClosed: it was closed while it was opening.
        """
        from lamlam.bundled.model_names import hint_at_pull, model_file

        if self.is_forked:
            raise engine_elsewhere()
        if self._state is not _State.UNOPENED:
            raise UsageError("an engine can be opened only once", hint="make another Engine")
        self._state = _State.OPENING
        self._loop = EventLoop()
        self.belongs_here()
        try:
            self._observers.open(self._stack)
            path = model_file(self._model)
            ready: EventChannel[LoadedModel | BaseException] = EventChannel()
            opened: Future[FactStore | None] = Future()
            names = self._memory.entity_names
            owner = start(path, self._settings, opened, self._constraint, ready.put, names)
            try:
                is_plain = self._settings.plain or (False if self._model == "bundled" else None)
                await self._memory.open(path, self._stack, is_plain=is_plain)
                self._check_opening()
                opened.set_result(self._memory.store)
            finally:
                opened.cancel()  # does nothing where there is a store
                # Pushed after the store, so that the thread ends before the store is closed.
                self._stack.push_async_callback(owner.aclose)
            loaded = await ready.get()
            if isinstance(loaded, BaseException):
                raise loaded
            has_lookup_tokens = loaded.vocabulary.lookup is not None
            await self._memory.check_strict(has_lookup_tokens=has_lookup_tokens)
            self._check_opening()
        except BaseException as error:
            hint_at_pull(error, self._model)
            self._state = _State.CLOSED
            await self._free()
            raise
        self._owner, self._loaded = owner, loaded
        self._state = _State.OPENED
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the engine; an error of its trace is added to one that is being raised."""
        try:
            await self.aclose()
        except TraceFailed as failure:
            if error is None:
                raise
            error.add_note(str(failure))

    async def aclose(self) -> None:
        """End open generations with `EngineClosed`, and free model and memory.

        In a forked process this does nothing, since they belong to the parent.

        Raises:
            TraceFailed: a line of the trace that the engine opened could not be written.
        """
        self._state = _State.CLOSED
        if self.is_forked:
            return
        for events in list(self._open_events):
            events.end(closed())  # before the trace is closed
        await self._free()

    def stats(self) -> SchedulerStats:
        """Return how many generations run and wait, and how many more could begin at once."""
        return SchedulerStats(0, 0, 0) if self._owner is None else self._owner.stats()

    async def generate(self, prompt: str, **options: Unpack[GenerateKeywords]) -> Completion:
        """Return the completion of a prompt.

        Args:
            options: ``max_tokens`` (visible ones; default 64), ``temperature`` (default 0:
                greedy), ``top_p``, ``min_p``, ``repeat_penalty``, ``seed``, ``stop``
                (string or strings), ``ignore_eos``, ``policy`` (what a miss does:
                ``continue``, ``ask_again``, ``unknown``, ``nearest``, ``stop``, ``raise``,
                ``memory_only``, or ``paper`` for the paper's settings), ``verbalise`` (``copy``
                or ``model``), ``lookup_bias``, ``max_lookups``, ``max_lookup_tokens``, ``logprobs``
                (0 to 20: `Completion.logprobs` lists each token of the text with its log
                probability and so many of the likeliest), ``as_of`` (memory answers as it stood
                at this revision), ``namespace`` (a tuple, as ``("users", "7")``: whose facts are
                read), ``shared_namespace`` (behind it; default ``()``, ``None``: none).

        Raises:
            UnknownOption: an option, policy or mode that does not exist.
            UsageError: the prompt is empty, or a value makes no sense.
            PromptTooLong: the prompt does not fit the context.
            LookupFailed: a miss under the policy ``raise``.
            BadLogits, UnknownToken: the model file is damaged; other generations go on.
            TooManyEntities: memory has too many names for a strict constraint now.
            NotSupported: ``as_of``, and the memory keeps no history; ``namespace`` likewise.
            BadFact, OverlayCycle: not a namespace, or both are the same.
            Conflict: ``as_of``, and the memory has not reached the revision.
            EngineBusy: ``max_waiting`` requests wait already.
            EngineClosed: the engine is not open.
        """
        if self._observers:
            return await last_of(await self._text_events(prompt, dict(options)))
        check_prompt(prompt)
        settings = await self._prepared(dict(options))
        return await self._submit(prompt, settings, is_streamed=False).completion()

    def stream(
        self, prompt: str, **options: Unpack[GenerateKeywords]
    ) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """Yield the events of a generation as they happen; leaving the block ends it.

        Write ``async with engine.stream(...) as events:`` and in it ``async for event in events:``.
        Options and errors as for `generate`; errors are raised by the iterator. Reading on
        after the block raises `StreamLeft`.
        """
        return StreamBlock(partial(self._text_events, prompt, dict(options)))

    async def chat(
        self,
        messages: Iterable[Mapping[str, Any] | BaseModel],
        **options: Unpack[ChatKeywords],
    ) -> ChatCompletion:
        """Return the answer to a conversation, using the chat template of the model.

        A plain model with a memory is offered ``look_up_fact`` beside the caller's tools; values
        that it fetched and wrote unchanged are spans of origin ``fact``.

        Args:
            messages: dictionaries or pydantic models with a ``role`` (``system``, ``user``,
                ``assistant``, ``tool``) and a text as ``content``, or as an OpenAI client has them.
            options: as for `generate`, with ``max_tokens`` of each turn (default 256) and
                ``max_lookups`` (default 8; each takes one turn); ``tools``; ``tool_choice``
                (``auto``, ``none``, ``required`` or one tool); ``parallel_tool_calls``;
                ``response_format`` (``json_object``, a JSON schema or a pydantic model).

        Raises:
            NoChatTemplate: the model file has no chat template.
            BadChatTemplate: its template fails, or refuses the messages.
            BadMessages: the messages are not a valid conversation.
            PromptTooLong: the conversation does not fit the context.
            BadTools, BadSchema: tools that cannot be offered; a schema that no mask is made of.
            UnknownOption, LookupFailed, NotSupported, Conflict, EngineClosed: as for `generate`.
        """
        completion = await last_of(await self._chat_events(messages, dict(options)))
        assert isinstance(completion, ChatCompletion)
        return completion

    def stream_chat(
        self,
        messages: Iterable[Mapping[str, Any] | BaseModel],
        **options: Unpack[ChatKeywords],
    ) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """Yield the events of an answer as they happen; leaving the block ends it.

        The last is `Finished` with a `ChatCompletion`. Options and errors as for `chat`; reading
        on after the block as for `stream`.
        """
        return StreamBlock(partial(self._chat_events, messages, dict(options)))

    async def _text_events(self, prompt: str, options: dict[str, Any]) -> EventSource:
        check_prompt(prompt)
        settings = await self._prepared(options)
        return self._observed(self._begin(prompt, settings), "text", prompt, settings)

    async def _chat_events(
        self, messages: Iterable[Mapping[str, Any] | BaseModel], options: dict[str, Any]
    ) -> EventSource:
        from lamlam.runtime.chat.chat_events import ChatEvents
        from lamlam.runtime.chat.chat_options import read_chat_options
        from lamlam.runtime.chat.conversation import Conversation
        from lamlam.runtime.chat.messages import read_messages
        from lamlam.runtime.chat.prompt import ChatFormat

        loaded = self._open_here()
        check_names(options, ChatKeywords.__annotations__)
        chat_options = await anyio.to_thread.run_sync(read_chat_options, options)
        settings = await self._prepared(CHAT_DEFAULTS | options)
        read = read_messages(messages)
        if self._format is None:
            self._format = await anyio.to_thread.run_sync(
                ChatFormat, loaded.file, loaded.vocabulary.eog_tokens, loaded.vocabulary
            )
        conversation = Conversation(
            read,
            self._format,
            settings,
            has_lookup_tokens=loaded.vocabulary.lookup is not None,
            has_memory=self._memory.store is not None,
            options=chat_options,
        )
        events = ChatEvents(conversation, self._begin, self._memory.view(settings))
        return self._observed(events, "chat", tuple(read), settings)

    def _observed(
        self,
        events: EventSource,
        kind: Literal["text", "chat"],
        prompt: str | tuple[dict[str, Any], ...],
        settings: TextSettings,
    ) -> EventSource:
        self._open_events.add(events)
        if not self._observers:
            return events
        model = "bundled" if self._model == "bundled" else Path(self._model).name
        begun = BegunText(kind, prompt, settings, model, self._memory.name)
        observed = self._observers.observed(events, begun)
        self._open_events.add(observed)
        return observed

    async def _prepared(self, options: dict[str, Any]) -> TextSettings:
        """Return the settings of a generation, once memory can answer it."""
        self._open_model()
        settings = text_settings(options, verbalise=self.verbalise, lookup_bias=self.lookup_bias)
        await self._memory.prepare(settings)
        self._open_model()
        return settings

    def _begin(self, prompt: str | ChatPrompt, settings: TextSettings) -> TextEvents:
        return TextEvents(self._submit(prompt, settings, is_streamed=True))

    def _submit(
        self, prompt: str | ChatPrompt, settings: TextSettings, *, is_streamed: bool
    ) -> GenerationRequest:
        self._open_here()
        assert self._owner is not None
        view = self._memory.view(settings)
        request = GenerationRequest(prompt, settings, is_streamed, self._owner, view)
        self._owner.submit(request)
        return request

    async def _free(self) -> None:
        """Close what was opened; concurrent calls wait for that."""
        if self._freed is not None:
            await self._freed.wait()
        freed = self._freed = anyio.Event()
        try:
            await self._stack.aclose()  # an engine that is opening may have filled it since
        finally:
            freed.set()

    def _check_opening(self) -> None:
        if self._state is not _State.OPENING:
            raise EngineClosed("the engine was closed while it was opening")

    def _open_here(self) -> LoadedModel:
        loaded = self._open_model()
        assert self._loop is not None
        self._loop.check()
        return loaded

    def _open_model(self) -> LoadedModel:
        if self.is_forked:
            raise engine_elsewhere()
        if self._state is not _State.OPENED or self._loaded is None:
            what = "closed" if self._state is _State.CLOSED else "not open yet"
            raise EngineClosed(f"the engine is {what}", hint="use it inside: async with Engine(…)")
        return self._loaded
