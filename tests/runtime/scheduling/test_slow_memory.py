"""A memory that takes its time: who waits, who gives up waiting, and who never reads."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from lamlam.errors import BadAnswer, EngineClosed, Unavailable
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.runtime.decoding.events import Event, Finished, LookupStarted
from lamlam.runtime.decoding.lookup_answers import PendingLookup
from lamlam.runtime.decoding.settings import text_settings
from lamlam.runtime.engine import Engine
from lamlam.runtime.scheduling.owner_thread import OwnerThread
from lamlam.runtime.scheduling.request import GenerationRequest
from lamlam.runtime.sync import SyncEngine
from tests.limits import HANG_S
from tests.runtime.fake_store import FAST, SLOW, FakeStore, as_store

ALWAYS = 1000.0
FACTS = {"marie curie": {"birth place": ["Warsaw"]}}
_who: ContextVar[str] = ContextVar("_who", default="nobody")


class Waiting(FakeStore):
    """Takes so many seconds for an answer; tells when a question began, and when it was over."""

    def __init__(self, seconds: float) -> None:
        super().__init__(FACTS, capabilities=SLOW)
        self.seconds = seconds
        self.asked_by = ""
        self.opened, self.ended = threading.Event(), threading.Event()

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        self.asked_by = _who.get()
        self.opened.set()
        try:
            await anyio.sleep(self.seconds)
        finally:
            self.ended.set()
        return await super().lookup_many(queries)


async def seen(event: threading.Event) -> None:
    assert await anyio.to_thread.run_sync(event.wait, HANG_S)


@pytest.mark.anyio
async def test_a_reader_that_gives_up_waiting_may_read_on(tiny_model: Path) -> None:
    """Its question is asked all the same, once."""
    store = Waiting(0.2)
    told: list[Event] = []
    async with (
        Engine(tiny_model, as_store(store), max_sequences=1) as engine,
        engine.stream("Marie", lookup_bias=ALWAYS, max_lookups=1, max_tokens=8) as events,
    ):
        with anyio.fail_after(HANG_S):
            while not (told and isinstance(told[-1], Finished)):
                with anyio.move_on_after(0.03):
                    told.append(await events.__anext__())
    assert len(store.asked) == 1


@pytest.mark.anyio
async def test_streams_that_nobody_reads_hold_up_no_other(tiny_model: Path) -> None:
    """More of them than places; memory is asked for them, so they end by themselves."""
    async with Engine(tiny_model, as_store(Waiting(0.01)), max_sequences=1) as engine:
        options: dict[str, Any] = {"lookup_bias": ALWAYS, "max_lookups": 2, "max_tokens": 4}
        async with (
            engine.stream("Ada", **options),
            engine.stream("Bob", **options),
        ):
            with anyio.fail_after(HANG_S):
                done = await engine.generate("Cid", max_tokens=4, lookup_bias=-ALWAYS)
    assert done.text.startswith("Cid")


@pytest.mark.anyio
async def test_closing_does_not_wait_for_memory(tiny_model: Path) -> None:
    """Nor does a caller that waits for a text, and the lookup ends."""
    store = Waiting(math.inf)
    engine = Engine(tiny_model, as_store(store))
    errors: list[BaseException] = []

    async def write() -> None:
        try:
            await engine.generate("Marie", lookup_bias=ALWAYS)
        except EngineClosed as error:
            errors.append(error)

    with anyio.fail_after(HANG_S):
        async with engine, anyio.create_task_group() as group:
            group.start_soon(write)
            await seen(store.opened)
            await engine.aclose()
    assert len(errors) == 1
    await seen(store.ended)


@pytest.mark.anyio
async def test_leaving_does_not_wait_for_memory(tiny_model: Path) -> None:
    """By another task, while the reader waits."""
    store = Waiting(math.inf)
    errors: list[BaseException] = []
    async with Engine(tiny_model, as_store(store)) as engine:
        events = await engine._text_events("Marie", {"lookup_bias": ALWAYS})

        async def read() -> None:
            try:
                async for _ in events:
                    pass
            except EngineClosed as error:
                errors.append(error)

        with anyio.fail_after(HANG_S):
            async with anyio.create_task_group() as group:
                group.start_soon(read)
                await seen(store.opened)
                events.leave()
            await seen(store.ended)
        done = await engine.generate("Cid", max_tokens=4, lookup_bias=-ALWAYS)
    assert len(errors) == 1 and done.text.startswith("Cid")


class Owner:
    """In place of the thread that writes: keeps what memory has answered."""

    def __init__(self, n_expected: int) -> None:
        self.answered: dict[str, object] = {}
        self.all = anyio.Event()
        self._n_expected = n_expected

    def answer(self, question: PendingLookup, result: object) -> None:
        self.answered[question.lookup.relation] = result
        if len(self.answered) == self._n_expected:
            self.all.set()

    def wake(self) -> None:
        """Do nothing: there is no model."""


class SlowToSome(Waiting):
    """Takes its time where the relation is said to be slow; tells in which context it is asked."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.asked_in: list[str] = []

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        self.asked_in.append(_who.get())
        _who.set(queries[0].relation)
        self.seconds = 60.0 if queries[0].relation == "slow" else 0.0
        return await super().lookup_many(queries)


def pending(owner: Owner, store: FakeStore) -> GenerationRequest:
    options = text_settings({}, verbalise="copy", lookup_bias=0.0)
    return GenerationRequest("a", options, False, cast("OwnerThread", owner), as_store(store))


@pytest.mark.anyio
async def test_questions_of_a_text_may_overlap() -> None:
    """One that was put ahead in vain keeps no other waiting, and leaves it no context variable."""
    owner, store = Owner(2), SlowToSome()
    _who.set("caller")
    text = pending(owner, store)
    with anyio.fail_after(HANG_S):
        for relation in ("slow", "birth place"):
            text.ask(PendingLookup(Lookup("Marie Curie", relation)))
        while "birth place" not in owner.answered:
            await anyio.lowlevel.checkpoint()
        assert isinstance(owner.answered["birth place"], LookupResult)
        text.cancel()
        await owner.all.wait()
    assert isinstance(owner.answered["slow"], Unavailable)
    assert store.asked_in == ["caller", "caller"]


@pytest.mark.parametrize("has_begun", [False, True])
@pytest.mark.anyio
async def test_no_question_outlives_its_text(has_begun: bool) -> None:
    """Put one after the other; whether or not the memory has heard of them yet."""
    owner, store = Owner(2), Waiting(math.inf)
    text = pending(owner, store)
    for relation in ("birth", "birth place"):
        text.ask(PendingLookup(Lookup("Marie Curie", relation)))
    with anyio.fail_after(HANG_S):
        if has_begun:
            await seen(store.opened)
        text._end_lookups()
        await anyio.wait_all_tasks_blocked()
        if has_begun:
            await owner.all.wait()
    assert all(isinstance(result, Unavailable) for result in owner.answered.values())
    assert store.opened.is_set() == store.ended.is_set()


@pytest.mark.parametrize("answer", [None, [], ["x"], [None, None]])
@pytest.mark.parametrize("is_fast", [False, True])
@pytest.mark.anyio
async def test_a_memory_that_answers_nonsense(tiny_model: Path, answer: Any, is_fast: bool) -> None:
    """Its author learns what is wrong; the engine lives on."""

    class Nonsense(FakeStore):
        async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
            return cast("list[LookupResult]", answer)

        def lookup_nowait(self, query: Lookup) -> LookupResult:
            return cast("LookupResult", answer)

    store = Nonsense(FACTS, capabilities=FAST if is_fast else SLOW)
    async with Engine(tiny_model, as_store(store)) as engine:
        with anyio.fail_after(HANG_S), pytest.raises(BadAnswer, match="invalid answer of memory"):
            await engine.generate("Marie", lookup_bias=ALWAYS)
        done = await engine.generate("Cid", max_tokens=4, lookup_bias=-ALWAYS)
    assert done.text.startswith("Cid")


def test_a_blocking_engine_closes_beside_a_question(tiny_model: Path) -> None:
    """From another thread than the one that waits."""
    store = Waiting(math.inf)
    engine = SyncEngine(tiny_model, as_store(store))
    errors: list[BaseException] = []

    def write() -> None:
        try:
            engine.generate("Marie", lookup_bias=ALWAYS)
        except EngineClosed as error:
            errors.append(error)

    with engine:
        thread = threading.Thread(target=write)
        thread.start()
        assert store.opened.wait(HANG_S)
    thread.join(HANG_S)
    assert len(errors) == 1 and not thread.is_alive()


@pytest.mark.anyio
async def test_memory_is_asked_in_the_callers_context(tiny_model: Path) -> None:
    """What instruments a store finds the span, or the user, of the caller that asked for the text."""
    store = Waiting(0.0)
    async with Engine(tiny_model, as_store(store)) as engine:
        _who.set("Ada")
        await engine.generate("Marie", lookup_bias=ALWAYS, max_lookups=1, max_tokens=4)
    assert store.asked_by == "Ada"


@pytest.mark.parametrize("has_loop", [False, True])
def test_a_blocking_stream_is_left_beside_a_question(tiny_model: Path, has_loop: bool) -> None:
    """In a plain thread and where a loop runs, as in a notebook; the question ends."""
    store = Waiting(math.inf)

    def leave() -> None:
        with (
            SyncEngine(tiny_model, as_store(store)) as engine,
            engine.stream("Marie", lookup_bias=ALWAYS, max_lookups=1) as events,
        ):
            for event in events:
                if isinstance(event, LookupStarted):
                    assert store.opened.wait(HANG_S)
                    break
        assert store.ended.wait(HANG_S)

    async def notebook() -> None:
        leave()

    if has_loop:
        anyio.run(notebook)
    else:
        leave()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "error", [None, OSError("gone"), BaseExceptionGroup("several", [SystemExit(1)])]
)
async def test_whatever_ends_a_question_is_told(
    tiny_model: Path, error: BaseException | None, anyio_backend_name: str
) -> None:
    """An error, something worse, or a cancellation that nobody asked for; the loop goes on."""

    class Failing(FakeStore):
        async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
            await anyio.lowlevel.checkpoint()
            if error is not None:
                raise error
            # As where a connection that several use was given up by another.
            future = asyncio.get_running_loop().create_future()
            future.cancel()
            await future
            raise AssertionError

    if error is None and anyio_backend_name == "trio":
        pytest.skip("trio's tasks are cancelled by scopes alone")
    async with Engine(tiny_model, as_store(Failing(FACTS, capabilities=SLOW))) as engine:
        with anyio.fail_after(HANG_S), pytest.raises(type(error) if error else Unavailable):
            await engine.generate("Marie", lookup_bias=ALWAYS, max_lookups=1)
        done = await engine.generate("Cid", max_tokens=4, lookup_bias=-ALWAYS)
    assert done.text.startswith("Cid")
