"""The one thread that owns the model: it loads it, runs the step loop, and frees it."""

from __future__ import annotations

import atexit
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

import anyio
import anyio.to_thread

from lamlam.errors import UnknownOption
from lamlam.runtime.chat.grammar_sampler import Samplers
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.entity_names import EntityNames
from lamlam.runtime.decoding.lookup_answers import PendingLookup
from lamlam.runtime.decoding.settings import Verbalise
from lamlam.runtime.decoding.vocabulary import Vocabulary
from lamlam.runtime.llama.context_size import check_context
from lamlam.runtime.llama.model_file import CheckpointFile, check_file
from lamlam.runtime.llama.probe import LoadingTrial
from lamlam.runtime.scheduling.model_settings import LoadedModel, ModelSettings, closed
from lamlam.runtime.scheduling.scheduler import Scheduler
from lamlam.runtime.scheduling.sequence import Request
from lamlam.runtime.scheduling.stats import SchedulerStats
from lamlam.usable_cpus import usable_cpus

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import LookupResult
    from lamlam.memory_backends.protocol import FactStore

# Third-party models may be trained on such long sequences that their KV cache would fill memory.
_LARGEST_DEFAULT_CONTEXT = 2048


@dataclass(frozen=True, slots=True)
class _Begin:
    """A generation request."""

    request: Request


class _Stop:
    """The last message."""


# The callable is done between two steps.
_Message = _Begin | Callable[[Scheduler], None] | _Stop


class OwnerThread:
    """A thread that takes requests until it is stopped."""

    def __init__(
        self,
        path: Path,
        settings: ModelSettings,
        store: Future[FactStore | None],
        constraint: Constraint | None,
        on_ready: Callable[[LoadedModel | BaseException], None],
        entity_names: EntityNames | None = None,
    ) -> None:
        """Start the thread; it calls ``on_ready`` once, with the model or with what went wrong.

        The model is loaded while the store is opened; without a store it is freed again.
        """
        self._path = path
        self._settings = settings
        self._store = store
        self._constraint = constraint
        self._entity_names = entity_names
        self._on_ready = on_ready
        self._inbox: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._trial = LoadingTrial(path, unified_kv=settings.cache_tokens is not None)
        self._scheduler: Scheduler | None = None
        self._is_stopped = False
        self._is_over = False
        self._ending = threading.Lock()
        # A daemon, or a program that forgot to close its engine would wait for it and never end.
        self._thread = threading.Thread(target=self._run, name="lamlam-engine", daemon=True)
        self._thread.start()
        _OPEN.add(self)

    def submit(self, request: Request) -> None:
        """Queue a request; it fails with `EngineClosed` if the thread has ended."""
        with self._ending:
            if not self._is_over:
                self._inbox.put(_Begin(request))
                return
        request.fail(closed())

    def answer(self, asked: PendingLookup, result: LookupResult | BaseException) -> None:
        """Queue the answer of a slow memory."""
        self._inbox.put(lambda scheduler: scheduler.answer(asked, result))

    def stats(self) -> SchedulerStats:
        """Return how many requests run and wait now; from any thread, between or amid two steps."""
        scheduler = self._scheduler
        return SchedulerStats(0, 0, 0) if scheduler is None else scheduler.stats()

    def wake(self) -> None:
        """Make the thread notice cancelled requests now."""
        self._inbox.put(lambda scheduler: None)

    def stop(self) -> None:
        """End the thread soon, also while it loads; open requests fail with `EngineClosed`."""
        self._is_stopped = True
        self._trial.cancel()
        self._inbox.put(_Stop())

    def join(self, timeout_s: float | None = None) -> None:
        """Wait until model and context are freed, or until the timeout."""
        self._thread.join(timeout_s)

    async def aclose(self) -> None:
        """Stop the thread and wait for its end, even in a task that is cancelled meanwhile."""
        self.stop()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self.join)

    def _run(self) -> None:
        try:
            with ExitStack() as stack:
                try:
                    scheduler, loaded = self._load(stack)
                except BaseException as error:  # for the task that waits for the model
                    self._on_ready(error)
                    return
                self._scheduler = scheduler
                self._on_ready(loaded)
                try:
                    self._serve(scheduler)
                finally:
                    self._scheduler = None
                    scheduler.fail_all(closed())
        finally:
            self._fail_queued()

    def _load(self, stack: ExitStack) -> tuple[Scheduler, LoadedModel]:
        settings = self._settings
        file = check_file(self._path)
        verbalise: Verbalise
        match file.verbalise:
            case "copy" | "model" as verbalise:
                pass
            case other:
                raise UnknownOption(f"unknown verbalise {other!r} in the model file")
        context, n_cells = self._sizes(file)
        if not file.is_sealed:
            self._trial.run()
        # Hashing releases the interpreter: it runs while llama.cpp maps the file.
        pool = ThreadPoolExecutor(1, thread_name_prefix="lamlam-checksum")
        weights = pool.submit(file.verify_weights)
        pool.shutdown(wait=False)  # it ends with its one task
        from lamlam.runtime.llama.context import open_context, open_model

        model = stack.enter_context(
            open_model(
                file,
                gpu_layers=settings.gpu_layers,
                verbose=settings.verbose,
                goes_on=lambda: not self._is_stopped,
            )
        )
        vocabulary = Vocabulary(model, plain=settings.plain, suppressed=file.suppressed_tokens)
        opened = stack.enter_context(
            open_context(
                model,
                context=context,
                n_sequences=settings.max_sequences,
                n_batch=min(settings.batch, n_cells),
                threads=settings.threads or usable_cpus(),
                unified_cells=settings.cache_tokens,
                always_all_threads=settings.reproducible,
            )
        )
        weights.result()
        store = self._store.result()
        if vocabulary.lookup is None:
            store = None
        scheduler = Scheduler(
            opened,
            vocabulary,
            store,
            is_fast=store is not None and "fast_lookup" in store.capabilities,
            constraint=self._constraint,
            n_sequences=settings.max_sequences,
            entity_names=self._entity_names,
            make_sampler=Samplers(vocabulary),
            max_waiting=settings.max_waiting,
            keeps_prefixes=True,
            is_reproducible=settings.reproducible,
        )
        return scheduler, LoadedModel(context, verbalise, file.lookup_bias, vocabulary, file)

    def _sizes(self, file: CheckpointFile) -> tuple[int, int]:
        """Return the tokens of one sequence and of all together; raise where that cannot be."""
        settings, trained = self._settings, file.n_context_trained
        if "lamlam.format_version" not in file.metadata:
            trained = min(trained, _LARGEST_DEFAULT_CONTEXT)
        context = settings.context or trained
        n_cells = context * settings.max_sequences
        if settings.cache_tokens is not None:
            n_cells = settings.cache_tokens
            context = min(context, n_cells)
        check_context(
            file,
            context=context,
            n_sequences=settings.max_sequences,
            n_cells=n_cells,
            n_batch=min(settings.batch, n_cells),
        )
        return context, n_cells

    def _serve(self, scheduler: Scheduler) -> None:
        while True:
            try:
                while (message := self._next_message(scheduler)) is not None:
                    match message:
                        case _Stop():
                            return
                        case _Begin(request):
                            scheduler.submit(request)
                        case _:
                            message(scheduler)
                scheduler.step()
            except Exception as error:  # a failed batch concerns every sequence in it
                scheduler.fail_all(error)

    def _fail_queued(self) -> None:
        """Fail the requests that the thread will not take any more."""
        with self._ending:
            self._is_over = True
        while True:
            try:
                message = self._inbox.get(block=False)
            except queue.Empty:
                return
            if isinstance(message, _Begin):
                with suppress(Exception):
                    message.request.fail(closed())

    def _next_message(self, scheduler: Scheduler) -> _Message | None:
        """Return the next message; none if there is work to do first."""
        # No other thread takes messages, so a message that is there stays there.
        if self._inbox.empty():
            if scheduler.has_work:
                return None
            scheduler.rest()
        return self._inbox.get()


_OPEN: WeakSet[OwnerThread] = WeakSet()
_LONGEST_END_S = 10.0
"""One batch of a large model on a slow processor may take so long."""


@atexit.register
def _end_all() -> None:
    """End all threads before the interpreter frees what they compute with."""
    owners = list(_OPEN)
    for owner in owners:
        owner.stop()
    for owner in owners:
        owner.join(_LONGEST_END_S)
