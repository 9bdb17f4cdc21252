"""`Engine` and `SyncEngine` on a real, tiny model: texts, events, cancelling, closing."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from lamlam.errors import (
    BadModelFile,
    EngineClosed,
    LamLamError,
    PromptTooLong,
    StreamInUse,
    UnknownOption,
    UsageError,
)
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.events import Finished, LookupAnswered, LookupStarted, Text
from lamlam.runtime.decoding.key_constraint import Constraint
from lamlam.runtime.engine import Engine
from lamlam.runtime.llama.model_file import CheckpointFile, check_file
from lamlam.runtime.sync import SyncEngine
from tests.limits import HANG_S
from tests.programs import run_python
from tests.runtime.fake_store import SLOW, FakeStore, as_store
from tests.tiny_model import write_tiny_model

ALWAYS = 1000.0
"""A bias that no logit outweighs: the model looks up wherever it may."""
CERTAIN = Constraint(entity_floor=0.0, relation_floor=0.0)
"""Keys are always what memory holds: a random model would never write one."""
FACTS = {
    "marie curie": {"birth place": ["Warsaw"], "field": ["physics", "chemistry"]},
    "london": {"country": ["England"]},
}


def store(**options: Any) -> FakeStore:
    return FakeStore(FACTS, **options)


async def everything(engine: Engine, prompt: str, **options: Any) -> list[Any]:
    async with engine.stream(prompt, **options) as events:
        return [event async for event in events]


@pytest.mark.anyio
async def test_texts_and_their_facts(tiny_model: Path) -> None:
    """A looked-up value stands in the text, with the fact that it came from."""
    memory = store()
    async with Engine(
        tiny_model, as_store(memory), lookup_bias=ALWAYS, constrain=CERTAIN
    ) as engine:
        done = await engine.generate("Marie Curie likes", max_tokens=16, max_lookups=2)
        told = await everything(engine, "Marie Curie likes", max_tokens=16, max_lookups=2)
    assert {record.entity for record in done.lookups} == {"Marie Curie"}
    assert [record.status for record in done.lookups] == ["hit", "hit"]
    facts = [s for s in done.spans if s.origin == "fact"]
    assert [done.text[s.start : s.end] for s in facts] == [r.value for r in done.lookups]
    assert [s.fact_id for s in facts] == [r.fact_id for r in done.lookups]
    # The stream tells the same text, and ends with the same completion.
    assert "".join(e.text for e in told if isinstance(e, Text)) == done.text[17:]
    assert sum(isinstance(event, LookupStarted | LookupAnswered) for event in told) == 4
    assert isinstance(told[-1], Finished)
    assert told[-1].completion.text == done.text
    assert done.as_dict()["spans"][0]["origin"] == "prompt"


@pytest.mark.anyio
async def test_a_slow_memory_is_asked_on_the_event_loop(tiny_model: Path) -> None:
    """Without fast lookups the same facts come by `lookup_many`."""
    slow = store(capabilities=SLOW)
    options: dict[str, Any] = {"max_tokens": 12, "max_lookups": 1, "policy": "unknown"}
    async with Engine(tiny_model, as_store(slow), lookup_bias=ALWAYS) as engine:
        done = await engine.generate("Marie Curie", **options)
        told = await everything(engine, "Marie Curie", **options)
    assert len(done.lookups) == 1 and len(slow.asked) == 2
    assert told[-1].completion.text == done.text


@pytest.mark.anyio
async def test_an_idle_engine_lets_the_memory_go(tiny_model: Path) -> None:
    """When it is open and when a text is over: else another process could erase nothing."""
    let_go = threading.Semaphore(0)

    class Noting(FakeStore):
        def refresh_nowait(self) -> None:
            super().refresh_nowait()
            let_go.release()

    memory = Noting(FACTS)
    async with Engine(tiny_model, as_store(memory)) as engine:

        async def seen() -> bool:
            return await anyio.to_thread.run_sync(lambda: let_go.acquire(timeout=HANG_S))

        assert await seen(), "idle"
        await engine.generate("a", max_tokens=2)
        assert await seen() and await seen(), "begun, over"
        assert memory.n_refreshed == 3


@pytest.mark.anyio
async def test_a_failing_memory_is_an_error_of_its_text(tiny_model: Path) -> None:
    """Fast or slow, its error reaches the caller, and the engine lives on."""
    for capabilities in (store().capabilities, SLOW):
        broken = store(capabilities=capabilities, error=OSError("gone"))
        async with Engine(tiny_model, as_store(broken), lookup_bias=ALWAYS) as engine:
            with pytest.raises(OSError, match="gone"):
                await engine.generate("Marie Curie", max_tokens=5)
            broken.error = None
            await engine.generate("Marie Curie", max_tokens=5, max_lookups=1)


@pytest.mark.anyio
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_thread_that_dies_leaves_nobody_waiting(tiny_model: Path) -> None:
    """Running, queued and later texts end with `EngineClosed`, and closing works."""

    class Deadly(FakeStore):
        def lookup_nowait(self, query: Lookup) -> LookupResult:
            raise SystemExit  # no error of a text: it ends the thread

    failures: list[str] = []
    async with Engine(tiny_model, as_store(Deadly(FACTS)), lookup_bias=ALWAYS) as engine:

        async def write(prompt: str) -> None:
            with pytest.raises(EngineClosed):
                await engine.generate(prompt, max_tokens=5)
            failures.append(prompt)

        with anyio.fail_after(HANG_S):
            async with anyio.create_task_group() as group:
                group.start_soon(write, "running")
                group.start_soon(write, "queued")
            await write("later")
    assert sorted(failures) == ["later", "queued", "running"]


@pytest.mark.anyio
async def test_leaving_a_stream_early_frees_the_engine(tiny_model: Path) -> None:
    """A text of endless length stops when nobody listens any more."""
    async with Engine(tiny_model, None) as engine:
        async with engine.stream("a", max_tokens=10**6, ignore_eos=True) as events:
            async for event in events:
                assert isinstance(event, Text)
                break
        assert (await engine.generate("a", max_tokens=2, ignore_eos=True)).n_text_tokens == 2


@pytest.mark.anyio
async def test_a_stream_that_was_left_says_so(tiny_model: Path) -> None:
    """Whoever reads on after the block, or still waits in another task, is not kept waiting."""
    endless: dict[str, Any] = {"max_tokens": 10**6, "ignore_eos": True}
    async with Engine(tiny_model, None, context=100_000, max_sequences=1) as engine:
        with anyio.fail_after(HANG_S):
            async with engine.stream("a", **endless) as events:
                await anext(events)
            with pytest.raises(EngineClosed, match="left"):
                await anext(events)
            async with engine.stream("a", **endless):  # keeps the next one waiting
                async with anyio.create_task_group() as group:

                    async def read() -> None:
                        with pytest.raises(EngineClosed, match="left"):
                            await anext(waiting)

                    async with engine.stream("a") as waiting:
                        group.start_soon(read)
                        await anyio.wait_all_tasks_blocked()
            async with engine.stream("a", max_tokens=2) as events:
                assert isinstance([event async for event in events][-1], Finished)
            assert [event async for event in events] == [], "read to its end, it just ends"


def test_a_blocking_stream_that_was_left_says_so(tiny_model: Path) -> None:
    """After the block, and after the engine."""
    with SyncEngine(tiny_model, None) as engine:
        with engine.stream("a", max_tokens=10**6, ignore_eos=True) as events:
            next(events)
        with engine.stream("a", max_tokens=10**6, ignore_eos=True) as others:
            next(others)
        with pytest.raises(EngineClosed, match="left"):
            next(events)
    with pytest.raises(EngineClosed, match="closed"):
        next(others)


class _SlowToOpen:
    """A stand-in for `open_store` that waits for a signal."""

    def __init__(self) -> None:
        self.go_on = anyio.Event()
        self.n_open = 0

    @asynccontextmanager
    async def __call__(self, url: str, **_: bool) -> AsyncIterator[FakeStore]:
        self.n_open += 1
        await self.go_on.wait()
        try:
            yield FakeStore(FACTS)
        finally:
            self.n_open -= 1


async def _open_in_vain(engine: Engine) -> None:
    with pytest.raises(EngineClosed, match="while it was opening"):
        await engine.__aenter__()


@pytest.mark.anyio
async def test_closing_while_the_memory_opens(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever opens it gets `EngineClosed`; the memory that opened too late is closed."""
    slow = _SlowToOpen()
    monkeypatch.setattr("lamlam.memory_backends.open.open_store", slow)
    engine = Engine(tiny_model, "memory:")
    async with anyio.create_task_group() as group:
        group.start_soon(_open_in_vain, engine)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(UsageError, match="once"):
            await engine.__aenter__()
        with pytest.raises(EngineClosed, match="not open yet"):
            await engine.generate("a")
        await engine.aclose()
        slow.go_on.set()
    assert slow.n_open == 0
    with pytest.raises(EngineClosed, match="closed"):
        await engine.generate("a")


@pytest.mark.anyio
async def test_closing_while_the_model_loads(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same, and the thread that loads has ended."""
    loading, go_on = threading.Event(), threading.Event()

    def slow_check(path: Path) -> CheckpointFile:
        loading.set()
        go_on.wait(HANG_S)
        return check_file(path)

    monkeypatch.setattr("lamlam.runtime.scheduling.owner_thread.check_file", slow_check)
    engine = Engine(tiny_model, None)
    async with anyio.create_task_group() as group:
        group.start_soon(_open_in_vain, engine)
        await anyio.to_thread.run_sync(loading.wait)
        group.start_soon(engine.aclose)
        await anyio.wait_all_tasks_blocked()
        go_on.set()
    with pytest.raises(EngineClosed, match="closed"):
        await engine.generate("a")
    assert not any(thread.name == "lamlam-engine" for thread in threading.enumerate())


@pytest.mark.anyio
async def test_a_cancelled_text_frees_the_engine(tiny_model: Path) -> None:
    """Cancelling the task that waits is enough."""
    async with Engine(tiny_model, None, context=100_000) as engine:
        async with anyio.create_task_group() as group:

            async def endless() -> None:
                await engine.generate("a", max_tokens=10**6, ignore_eos=True)

            group.start_soon(endless)
            group.start_soon(endless)  # queued behind the first
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        assert (await engine.generate("a", max_tokens=2, ignore_eos=True)).n_text_tokens == 2


@pytest.mark.anyio
async def test_many_tasks_share_one_engine(tiny_model: Path) -> None:
    """Texts at the same time are the texts of one after the other."""
    prompts = ["one", "two", "three", "four", "five"]
    texts: dict[str, str] = {}
    async with Engine(tiny_model, None, max_sequences=3, threads=1) as engine:

        async def write(prompt: str) -> None:
            texts[prompt] = (await engine.generate(prompt, max_tokens=8)).text

        alone = {p: (await engine.generate(p, max_tokens=8)).text for p in prompts}
        async with anyio.create_task_group() as group:
            for prompt in prompts:
                group.start_soon(write, prompt)
    assert texts == alone
    assert len(set(alone.values())) == len(prompts)


@pytest.mark.anyio
async def test_closing_ends_open_texts(tiny_model: Path) -> None:
    """Whoever waits gets `EngineClosed`, as does whoever comes later or too early."""
    engine = Engine(tiny_model, None, context=100_000)
    with pytest.raises(EngineClosed, match="not open"):
        await engine.generate("a")
    failures: list[BaseException] = []
    async with engine, anyio.create_task_group() as group:

        async def endless() -> None:
            try:
                await engine.generate("a", max_tokens=10**6, ignore_eos=True)
            except EngineClosed as error:
                failures.append(error)

        group.start_soon(endless)
        await anyio.wait_all_tasks_blocked()
        await engine.aclose()
    assert len(failures) == 1
    with pytest.raises(EngineClosed, match="closed"):
        await engine.generate("a")
    await engine.aclose()
    with pytest.raises(UsageError):
        await engine.__aenter__()


@pytest.mark.anyio
async def test_what_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    """Mistakes are named, with what was probably meant, and cost no open engine."""
    with pytest.raises(UnknownOption, match="contxt") as caught:
        Engine(tiny_model, None, contxt=5)  # type: ignore[call-arg]  # the mistake
    assert caught.value.hint == "did you mean 'context'?"
    with pytest.raises(UsageError, match="threads"):
        Engine(tiny_model, None, threads=0)
    with pytest.raises(BadModelFile):
        async with Engine(tmp_path / "none.gguf", None):
            pass
    async with Engine(tiny_model, None, context=32) as engine:
        assert engine.context == 32
        mistakes: list[tuple[dict[str, Any], str]] = [
            ({"max_token": 5}, "max_token"),
            ({"policy": "contnue"}, "contnue"),
            ({"verbalise": "shout"}, "shout"),
        ]
        for options, said in mistakes:
            with pytest.raises(UnknownOption, match=said):
                await engine.generate("a", **options)
        values: tuple[dict[str, Any], ...] = (
            {"temperature": -1}, {"top_p": 2}, {"max_tokens": -1}, {"stop": [""]},
        )  # fmt: skip
        for options in values:
            with pytest.raises(UsageError):
                await engine.generate("a", **options)
        with pytest.raises(PromptTooLong):
            await engine.generate("a" * 32)
        with pytest.raises(UsageError):
            await engine.generate(5)  # type: ignore[arg-type]  # the mistake
        full = await engine.generate("a" * 20, max_tokens=50, ignore_eos=True)
        assert full.finish_reason == "context"


def test_sampling_is_repeatable_by_its_seed(tiny_model: Path) -> None:
    """Equal seeds, equal texts; other seeds, other texts."""
    with SyncEngine(tiny_model, None, threads=1) as engine:

        def text(seed: int) -> str:
            return engine.generate("a", temperature=1.5, top_p=0.95, min_p=0.01, seed=seed).text

        assert text(1) == text(1)
        assert len({text(seed) for seed in range(4)}) > 1


def test_the_blocking_engine_serves_many_threads(tiny_model: Path) -> None:
    """Each thread gets its own text; one-thread results are the same."""
    with SyncEngine(tiny_model, as_store(store()), threads=1) as engine:
        alone = {p: engine.generate(p, max_tokens=6).text for p in ("x", "y", "z")}
        found: dict[str, Completion] = {}

        def write(prompt: str) -> None:
            found[prompt] = engine.generate(prompt, max_tokens=6)

        threads = [threading.Thread(target=write, args=(prompt,)) for prompt in alone]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {prompt: done.text for prompt, done in found.items()} == alone
        with engine.stream("x", max_tokens=6) as events:
            told = list(events)
        assert isinstance(told[-1], Finished) and told[-1].completion.text == alone["x"]
    with pytest.raises(EngineClosed):
        engine.generate("x")
    engine.close()


def test_the_two_engines_offer_the_same() -> None:
    """Whatever `Engine` can do, `SyncEngine` can."""
    names = {name for name in vars(Engine) if not name.startswith("_")} - {"aclose"}
    assert names <= set(vars(SyncEngine))


def test_a_damaged_default_is_named(tmp_path: Path) -> None:
    """A model file that wants an unknown way to write values is refused."""
    path = write_tiny_model(tmp_path / "m.gguf", metadata={"lamlam.verbalise": "shout"})
    with pytest.raises(LamLamError, match="shout"), SyncEngine(path, None):
        pass


def test_llama_cpp_is_silent_and_importing_is_light(tiny_model: Path) -> None:
    """Nothing on standard error; llama.cpp and numpy's consumers load at first use only."""
    program = (
        "import sys, lamlam.runtime.engine\n"
        "assert 'llama_cpp' not in sys.modules and 'trio' not in sys.modules\n"
        "import lamlam\n"
        "with lamlam.SyncEngine(sys.argv[1], None) as engine:\n"
        "    engine.generate('a', max_tokens=2)\n"
    )
    done = run_python("-c", program, str(tiny_model))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.anyio
async def test_whoever_closes_too_waits_until_all_is_freed(tiny_model: Path) -> None:
    """No memory is closed under the thread that asks it."""
    engine = Engine(tiny_model, None)
    await engine.__aenter__()
    owner = engine._owner
    assert owner is not None
    release = threading.Event()
    n_alive: list[bool] = []

    def wait(_: object) -> None:
        release.wait(HANG_S)

    owner._inbox.put(wait)

    async def close() -> None:
        await engine.aclose()
        n_alive.append(owner._thread.is_alive())

    async with anyio.create_task_group() as group:
        group.start_soon(close)
        group.start_soon(close)
        await anyio.wait_all_tasks_blocked()
        assert not n_alive
        release.set()
    assert n_alive == [False, False]


@pytest.mark.anyio
async def test_one_stream_is_read_by_one_task(tiny_model: Path) -> None:
    """A second one is told; the first reads on to the end."""
    ends: list[object] = []
    async with (
        Engine(tiny_model, None, context=100_000, max_sequences=1) as engine,
        AsyncExitStack() as ahead,
    ):
        # Nothing is there to read before this one is left, so both readers have to wait.
        await ahead.enter_async_context(engine.stream("a", max_tokens=10**6, ignore_eos=True))
        async with engine.stream("a", max_tokens=200, ignore_eos=True) as events:

            async def read() -> None:
                try:
                    last: object = None
                    async for event in events:
                        last = event
                    ends.append(last)
                except StreamInUse as error:
                    ends.append(error)

            with anyio.fail_after(HANG_S):
                async with anyio.create_task_group() as group:
                    group.start_soon(read)
                    group.start_soon(read)
                    await anyio.wait_all_tasks_blocked()
                    await ahead.aclose()
    assert {type(end) for end in ends} == {StreamInUse, Finished}


@pytest.mark.parametrize(
    "program",
    [
        "from lamlam import SyncEngine\n"
        "engine = SyncEngine(sys.argv[1], None)\n"
        "engine.__enter__()\n"
        "stream = engine.stream('a', max_tokens=10**6, ignore_eos=True)\n"
        "next(stream.__enter__())\n",
        "import asyncio\n"
        "from lamlam import Engine\n"
        "async def main():\n"
        "    engine = await Engine(sys.argv[1], None).__aenter__()\n"
        "    task = asyncio.create_task("
        "engine.generate('a', max_tokens=10**6, ignore_eos=True))\n"
        "    await asyncio.sleep(0.2)\n"
        "asyncio.run(main())\n",
    ],
)
def test_a_program_that_closes_nothing_ends_cleanly(tmp_path: Path, program: str) -> None:
    """Even while the model computes: a crash at the end looks like one in the middle."""
    model = write_tiny_model(tmp_path / "endless.gguf", context=100_000, n_layers=8)
    for _ in range(3):
        command = [sys.executable, "-c", f"import sys\n{program}", str(model)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_S)
        assert done.returncode == 0, done.stderr[-1000:]
