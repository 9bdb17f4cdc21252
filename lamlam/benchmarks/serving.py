"""How much of an engine's speed a server passes on to clients that read streams.

One process has the engine and the server around it, another one the clients. In turns, the engine
writes for as many tasks of its own process, and for as many clients: the same texts, by the same
engine. Compare the medians of each round's ratios, not single figures.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from lamlam.benchmarks.rounds import in_turns, median_ratio
from lamlam.benchmarks.stream_clients import StreamedTurn, stream_clients, stream_prompts
from lamlam.benchmarks.worker_process import Task, WorkerProcess, start_worker
from lamlam.runtime.decoding.events import Finished, Text
from lamlam.usable_cpus import usable_cpus

if TYPE_CHECKING:
    from lamlam.serving.state.served import Served

_CONTEXT = 512


def serving_benchmark(
    model: Path,
    *,
    clients: int = 16,
    pairs: int = 9,
    tokens: int = 128,
    threads: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Return medians of alternating runs.

    Args:
        clients: streams that are read at the same time.
        pairs: number of rounds.
        tokens: of each text.
        on_progress: called with (rounds done, rounds in all).

    Returns:
        ``engine_tokens_per_s``; ``served_tokens_per_s``; ``served_to_engine``, the median of each
        round's ratio; ``engine_first_ms``, ``served_first_ms``: from a request to its first text;
        ``first_byte_over_engine_ms``: the median of each round's difference of medians.

    Raises:
        BadModelFile: the file cannot be loaded.
        EngineError: a process did not end well.
    """
    # As `lamlam serve` itself runs; other benchmarks leave the threads of llama.cpp as they are.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    turns: dict[str, list[StreamedTurn]] = {"engine": [], "served": []}
    setup = (model, clients, tokens, threads or usable_cpus())
    with (
        start_worker(_server, *setup) as server,
        start_worker(stream_clients, clients, tokens) as reader,
    ):
        url = str(server.run("address").result)
        works: dict[str, Callable[[], StreamedTurn]] = {
            "engine": lambda: StreamedTurn(*server.run("engine").result),
            "served": partial(_served, server, reader, url, clients),
        }
        for work in works.values():  # pages are read and caches filled before the first turn
            work()
        for n in range(pairs):
            for name in in_turns(works, n):
                turns[name].append(works[name]())
            if on_progress:
                on_progress(n + 1, pairs)
    return _figures(turns) | {
        "clients": clients, "pairs": pairs, "tokens": tokens, "threads": setup[3],
    }  # fmt: skip


def _served(server: WorkerProcess, reader: WorkerProcess, url: str, clients: int) -> StreamedTurn:
    """Let the server answer while the clients read."""
    answering = threading.Thread(target=server.run, args=("answer", clients))
    answering.start()
    read = StreamedTurn(*reader.run("read", url).result)
    answering.join()
    return read


def _figures(turns: dict[str, list[StreamedTurn]]) -> dict[str, Any]:
    rates = {name: [one.n_tokens / one.seconds for one in found] for name, found in turns.items()}
    firsts = {
        name: [1e3 * statistics.median(one.first_s) for one in found]
        for name, found in turns.items()
    }
    over = [ours - its for ours, its in zip(firsts["served"], firsts["engine"], strict=True)]
    return {
        "engine_tokens_per_s": round(statistics.median(rates["engine"]), 1),
        "served_tokens_per_s": round(statistics.median(rates["served"]), 1),
        "served_to_engine": median_ratio(rates["served"], rates["engine"]),
        "engine_first_ms": round(statistics.median(firsts["engine"]), 1),
        "served_first_ms": round(statistics.median(firsts["served"]), 1),
        "first_byte_over_engine_ms": round(statistics.median(over), 1),
    }


# In the process of the server ---------------------------------------------------------------------


@asynccontextmanager
async def _server(
    model: Path, clients: int, tokens: int, threads: int
) -> AsyncIterator[dict[str, Task]]:
    """Open an engine without a memory, and a server around it."""
    # Here, since the module is read without the extra too.
    from lamlam.serving.server import opened, serve
    from lamlam.serving.state.settings import ServerSettings

    settings = ServerSettings(port=0)
    addresses: list[str] = []
    stop = anyio.Event()
    async with (
        opened(
            str(model),
            None,
            settings,
            engine_options={
                "max_sequences": clients,
                "threads": threads,
                "context": _CONTEXT,
            },  # fmt: skip
            model_name="model",
        ) as served,
        anyio.create_task_group() as group,
    ):
        listens = anyio.Event()

        def on_ready(url: str) -> None:
            addresses.append(url)
            listens.set()

        group.start_soon(partial(serve, served, on_ready=on_ready, stop=stop))
        await listens.wait()
        yield {
            "address": lambda: addresses[0],
            "engine": partial(_by_tasks, served, clients, tokens),
            "answer": partial(_answer, served),
        }
        stop.set()


async def _answer(served: Served, clients: int) -> None:
    """Answer until so many generations have come and gone."""
    await served.traffic.have_ended(clients)


async def _by_tasks(served: Served, clients: int, tokens: int) -> StreamedTurn:
    """Write for tasks of this process."""
    n_tokens, first_s = 0, []
    began = time.perf_counter()

    async def read(prompt: str) -> None:
        nonlocal n_tokens
        first = 0.0
        async with served.engine.stream(prompt, max_tokens=tokens, ignore_eos=True) as events:
            async for event in events:
                if isinstance(event, Text) and not first:
                    first = time.perf_counter() - began
                elif isinstance(event, Finished):
                    n_tokens += event.completion.n_tokens
        first_s.append(first)

    async with anyio.create_task_group() as group:
        for prompt in stream_prompts(clients):
            group.start_soon(read, prompt)
    return StreamedTurn(n_tokens, time.perf_counter() - began, first_s)
