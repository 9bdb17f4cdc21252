"""`SyncEngine` from many threads, inside running event loops, and cell by cell."""

from __future__ import annotations

import ast
import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
import trio

from lamlam.errors import EngineClosed, EngineElsewhere, UsageError
from lamlam.runtime.decoding.events import Finished
from lamlam.runtime.engine import Engine
from lamlam.runtime.sync import SyncEngine
from tests.limits import HANG_S
from tests.runtime.chat.chat_support import TINY
from tests.tiny_model import write_tiny_model

N_THREADS = 16
MESSAGES = [{"role": "user", "content": "Where?"}]


@pytest.fixture(scope="module")
def chat_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plain random model with a chat template."""
    return write_tiny_model(
        tmp_path_factory.mktemp("chat") / "chat.gguf",
        with_lookup_tokens=False,
        metadata={"tokenizer.chat_template": TINY},
    )


def by_generate(engine: SyncEngine, n: int) -> str:
    return engine.generate(f"{n} ", max_tokens=8).text


def by_stream(engine: SyncEngine, n: int) -> str:
    with engine.stream(f"{n} ", max_tokens=8) as events:
        last = list(events)[-1]
    assert isinstance(last, Finished)
    return last.completion.text


def by_chat(engine: SyncEngine, n: int) -> str:
    return engine.chat(MESSAGES, max_tokens=8).text


def by_stream_chat(engine: SyncEngine, n: int) -> str:
    with engine.stream_chat(MESSAGES, max_tokens=8) as events:
        last = list(events)[-1]
    assert isinstance(last, Finished)
    return last.completion.text


WAYS: list[Callable[[SyncEngine, int], str]] = [by_generate, by_stream, by_chat, by_stream_chat]


def test_sixteen_threads_get_the_texts_that_one_gets(chat_model: Path) -> None:
    """Whatever way each of them asks, all at once."""
    with SyncEngine(chat_model, reproducible=True, threads=1) as engine:
        alone = [WAYS[n % 4](engine, n) for n in range(N_THREADS)]
        with ThreadPoolExecutor(N_THREADS) as pool:
            together = list(pool.map(lambda n: WAYS[n % 4](engine, n), range(N_THREADS)))
    assert together == alone


@pytest.mark.parametrize("n_before", [0, 1, 20])
def test_closing_while_threads_write(chat_model: Path, n_before: int) -> None:
    """Each text is whole or ends with `EngineClosed`; no thread waits for ever."""
    engine = SyncEngine(chat_model, threads=1).__enter__()
    enough = threading.Semaphore(0)
    ended = []

    def write(n: int) -> None:
        try:
            while True:
                assert WAYS[n % 4](engine, n)
                enough.release()
        except EngineClosed:
            ended.append(n)

    threads = [threading.Thread(target=write, args=(n,), daemon=True) for n in range(N_THREADS)]
    for thread in threads:
        thread.start()
    for _ in range(n_before):
        assert enough.acquire(timeout=HANG_S)
    engine.close()
    for thread in threads:
        thread.join(HANG_S)
    assert sorted(ended) == list(range(N_THREADS))


def test_many_may_close_at_once(tiny_model: Path) -> None:
    """All of them return when it is closed."""
    engine = SyncEngine(tiny_model, None, threads=1).__enter__()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: engine.close(), range(8)))
    with pytest.raises(EngineClosed):
        engine.generate("a")
    with pytest.raises(UsageError, match="opened only once"):
        engine.__enter__()


def test_closing_inside_a_stream(endless_model: Path) -> None:
    """The thread that reads a text may close the engine and does not wait for itself."""
    with SyncEngine(endless_model, None, threads=1, context=100_000) as engine:
        with engine.stream("a", max_tokens=10**6, ignore_eos=True) as events:
            next(events)
            engine.close()
            with pytest.raises(EngineClosed):
                list(events)


def test_opened_by_one_of_many(tiny_model: Path) -> None:
    """Two threads that open the same engine: one does, the other gets an error."""
    engine = SyncEngine(tiny_model, None, threads=1)

    def enter(_: int) -> str:
        try:
            engine.__enter__()
        except UsageError as error:
            return str(error)
        return "opened"

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(enter, range(4)))
    assert said == ["an engine can be opened only once"] * 3 + ["opened"]
    assert engine.generate("a", max_tokens=2).n_text_tokens > 0
    engine.close()


@pytest.mark.parametrize("run", [asyncio.run, trio.run], ids=["asyncio", "trio"])
def test_inside_a_running_loop(tiny_model: Path, run: Callable[..., Any]) -> None:
    """A notebook's thread runs a loop already: the blocking engine works in it all the same."""
    texts = []

    async def cell() -> None:
        with SyncEngine(tiny_model, None, threads=1) as engine:
            texts.append(engine.generate("a", max_tokens=4).text)
            with engine.stream("a", max_tokens=4) as events:
                texts.append(list(events)[-1].completion.text)  # type: ignore[union-attr]

    if run is asyncio.run:
        run(cell())
    else:
        run(cell)
    assert texts[0] == texts[1] and len(texts[0]) > 1


def run_cells(cells: list[str], names: dict[str, Any]) -> None:
    """Run code as notebooks do: one loop, top-level ``await``, each cell a separate task."""

    async def kernel() -> None:
        for cell in cells:
            code = compile(cell, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            result = eval(code, names)
            if inspect.isawaitable(result):
                await asyncio.create_task(_awaited(cast("Awaitable[None]", result)))

    asyncio.run(kernel())


async def _awaited(result: Awaitable[None]) -> None:
    await result


def test_cells_of_a_notebook(tiny_model: Path) -> None:
    """An engine opened in one cell is used and closed in others, by ``await`` and without."""
    names: dict[str, Any] = {"model": tiny_model}
    run_cells(
        [
            "import lamlam\nengine = await lamlam.Engine(model, None, threads=1).__aenter__()",
            "first = (await engine.generate('a', max_tokens=4)).text",
            "async with engine.stream('a', max_tokens=4) as events:\n"
            "    told = [event async for event in events]",
            "await engine.aclose()",
            "async with lamlam.Engine(model, None, threads=1) as other:\n"
            "    second = (await other.generate('a', max_tokens=4)).text",
            "blocking = lamlam.SyncEngine(model, None, threads=1).__enter__()",
            "third = blocking.generate('a', max_tokens=4).text\nblocking.close()",
        ],
        names,
    )
    assert names["first"] == names["second"] == names["third"]
    assert names["told"][-1].completion.text == names["first"]


@pytest.mark.parametrize("elsewhere", ["asyncio", "trio"])
@pytest.mark.anyio
async def test_another_loop_is_told_at_once(chat_model: Path, elsewhere: str) -> None:
    """Nobody would wake its tasks; the engine and the texts of its loop go on."""
    async with Engine(chat_model, threads=1) as engine:
        async with engine.stream("a", max_tokens=40, ignore_eos=True) as events:
            await anext(events)

            async def abroad() -> int:
                n = 0
                for use in (
                    lambda: engine.generate("a"),
                    lambda: engine.chat(MESSAGES),
                    lambda: engine.stream("a").__aenter__(),
                    lambda: engine.stream_chat(MESSAGES).__aenter__(),
                    lambda: _all_of(events),
                ):
                    with pytest.raises(EngineElsewhere, match="another event loop"):
                        await use()
                    n += 1
                return n

            def run() -> int:
                return anyio.run(abroad, backend=elsewhere)

            assert await anyio.to_thread.run_sync(run) == 5
        assert (await engine.generate("a", max_tokens=4)).n_text_tokens > 0


async def _all_of(events: Any) -> None:
    async for _ in events:
        pass
