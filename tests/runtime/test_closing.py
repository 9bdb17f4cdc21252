"""An engine that is closed, left or cancelled: what callers get, and what is freed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from lamlam.errors import (
    EngineClosed,
    UsageError,
)
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.runtime.decoding.events import Finished, Text
from lamlam.runtime.engine import Engine
from lamlam.runtime.llama.model_file import CheckpointFile, check_file
from lamlam.runtime.sync import SyncEngine
from tests.limits import HANG_S
from tests.runtime.engine_support import ALWAYS, FACTS
from tests.runtime.fake_store import FakeStore, as_store
from tests.tiny_model import write_tiny_model


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
async def test_a_stream_that_was_left_says_so(endless_model: Path) -> None:
    """A reader after the block, or in another task, does not wait for ever."""
    endless: dict[str, Any] = {"max_tokens": 10**6, "ignore_eos": True}
    async with Engine(endless_model, None, context=100_000, max_sequences=1) as engine:
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
    """The caller that opens it gets `EngineClosed`; the memory that opened too late is closed."""
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
async def test_a_cancelled_text_frees_the_engine(endless_model: Path) -> None:
    """Cancelling the task that waits is enough."""
    async with Engine(endless_model, None, context=100_000) as engine:
        async with anyio.create_task_group() as group:

            async def endless() -> None:
                await engine.generate("a", max_tokens=10**6, ignore_eos=True)

            group.start_soon(endless)
            group.start_soon(endless)  # queued behind the first
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        assert (await engine.generate("a", max_tokens=2, ignore_eos=True)).n_text_tokens == 2


@pytest.mark.anyio
async def test_closing_ends_open_texts(endless_model: Path) -> None:
    """A caller that waits gets `EngineClosed`, as does one that comes later or too early."""
    engine = Engine(endless_model, None, context=100_000)
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
