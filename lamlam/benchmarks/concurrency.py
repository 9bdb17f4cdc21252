"""How fast many generations run at the same time, beside llama.cpp's own ways to do it.

All read the same file with the same threads, greedily, and take turns, each in a worker process,
since machines drift: compare the medians of each round's ratios, not single figures.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import anyio

from lamlam.benchmarks.bare_batch import BareBatch, bare_batch
from lamlam.benchmarks.llama_server import find_server, llama_server
from lamlam.benchmarks.many_users import users_of_one_engine
from lamlam.benchmarks.one_value import OneValue, SlowOneValue
from lamlam.benchmarks.reference_way import reciter, write_the_reference_way
from lamlam.benchmarks.rounds import in_turns, median_ratio
from lamlam.benchmarks.worker_process import Task, start_worker
from lamlam.lookup_tokens import LOOKUP_TOKENS
from lamlam.runtime.decoding.events import Text
from lamlam.runtime.decoding.vocabulary import Vocabulary
from lamlam.runtime.engine import Engine
from lamlam.runtime.llama.context import open_model
from lamlam.runtime.llama.model_file import check_file
from lamlam.runtime.llama.native_log import silence_log
from lamlam.runtime.llama.probe import check_model
from lamlam.usable_cpus import usable_cpus

if TYPE_CHECKING:
    from lamlam.memory_backends.protocol import FactStore

SLOW_S = 0.020
"""Seconds that the slow memory takes to answer."""
N_REQUESTS = 64
N_LONG = 300
"""Tokens of every eighth request's prompt."""
N_STEADY = 3
"""Generations that each steady client asks for, one after another, as agents do."""
_CONTEXT = 512
_REFERENCE_CONTEXT = 1024
_SUBJECTS = (
    "Ada Lovelace", "The Danube", "Marie Curie", "The town of Bath", "Alan Turing", "Lake Como",
    "Emmy Noether", "The Rhine", "Kurt Gödel", "The city of Lyon", "Lise Meitner", "Mont Blanc",
    "Max Planck", "The river Po", "Sofia Kovalevskaya", "The isle of Skye",
)  # fmt: skip
_LONG = " It was first written about by those who came over the hills in the spring." * 18


def concurrency_benchmark(
    model: Path,
    *,
    sequences: int = 16,
    pairs: int = 9,
    tokens: int = 32,
    threads: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Return medians of alternating runs.

    Args:
        model: a GGUF file; without lookup tokens the figures of lookups are ``None``.
        sequences: generations that run at the same time.
        pairs: number of rounds.
        tokens: sampled for each generation.
        on_progress: called with (rounds done, rounds in all).

    Returns:
        Tokens per second, prompts included: ``bare_tokens_per_s``, the faster of
        ``bare_split_tokens_per_s`` and ``bare_unified_tokens_per_s`` (a loop over the low-level
        API with llama.cpp's two layouts of the KV cache); ``lamlam_tokens_per_s``;
        ``serial_tokens_per_s`` (the same generations one after another);
        ``instant_memory_tokens_per_s`` and ``slow_memory_tokens_per_s`` (with lookups), and with
        ``_steady`` in the name where each client asks for three generations in a row, so that
        the last of a turn, which run beside few others, count less;
        ``served_tokens_per_s`` and ``llama_server_tokens_per_s`` (64 requests, each client
        sending its next when it has its answer; every eighth prompt is long, and no prompt comes
        twice);
        ``p99_between_tokens_ms`` and ``llama_server_p99_between_tokens_ms`` (the same requests,
        streamed); ``lookups_text_s`` and ``reference_way_s`` (one generation with 8 lookups, see
        `lamlam.benchmarks.reference_way`); ``one_namespace_tokens_per_s`` and
        ``many_namespaces_tokens_per_s`` (64 texts from one store, all of one namespace, and each
        of another user, see `lamlam.benchmarks.many_users`); and the medians of each round's ratios.

    Raises:
        BadModelFile: the file cannot be loaded.
        EngineError: llama-server was found and does not answer, or a process did not end well.
    """
    file = check_model(model)
    has_lookups = set(LOOKUP_TOKENS) <= set(file.metadata["tokenizer.ggml.tokens"])
    setup = _Setup(model, sequences, tokens, threads or usable_cpus())
    with ExitStack() as stack:
        works = _open_all(stack, setup, has_lookups)
        for work in works.values():  # pages are read and caches filled before the first turn
            work()
        rates: dict[str, list[float]] = {name: [] for name in works}
        pauses: dict[str, list[float]] = {name: [] for name in works}
        for n in range(pairs):
            for name in in_turns(works, n):
                written, seconds = works[name]()
                rates[name].append(written.n_tokens / seconds)
                pauses[name] += written.pauses
            if on_progress:
                on_progress(n + 1, pairs)
    return _figures(rates, pauses) | {
        "sequences": sequences,
        "pairs": pairs,
        "tokens": tokens,
        "threads": setup.threads,
    }


@dataclass(frozen=True, slots=True)
class _Setup:
    """What all ways of writing share."""

    model: Path
    sequences: int
    tokens: int
    threads: int

    def prompts(self) -> list[str]:
        return [
            f"{_SUBJECTS[n % len(_SUBJECTS)]} was{' once' * (n // len(_SUBJECTS))}"
            for n in range(self.sequences)
        ]


class _Written(NamedTuple):
    """The result of one turn."""

    n_tokens: int
    pauses: Sequence[float] = ()
    """Seconds between the tokens of one generation, where it was streamed."""


def _open_all(
    stack: ExitStack, setup: _Setup, has_lookups: bool
) -> dict[str, Callable[[], tuple[_Written, float]]]:
    """Return the ways of writing, by name, each opened; each gives what it wrote and its seconds."""
    processes = [start_worker(_bare, setup), start_worker(_engine, setup)]
    if has_lookups:
        processes += [start_worker(_with_memory, setup, seconds) for seconds in (0.0, SLOW_S)]
        processes.append(start_worker(_one_text, setup))
        processes.append(
            start_worker(
                users_of_one_engine, setup.model, setup.sequences, setup.tokens, setup.threads
            )
        )
    works: dict[str, Callable[[], tuple[_Written, float]]] = {}
    for process in processes:
        opened = stack.enter_context(process)
        works |= {name: partial(opened.run, name) for name in opened.names}
    if binary := find_server():
        server = stack.enter_context(
            llama_server(
                binary,
                setup.model,
                sequences=setup.sequences,
                context=_CONTEXT,
                threads=setup.threads,
            )
        )
        requests = _Requests(setup, _long_text(setup.model))

        def serve(*, is_streamed: bool) -> tuple[_Written, float]:
            began = time.perf_counter()
            n, pauses = server.serve(requests.next(), setup.sequences, is_streamed=is_streamed)
            return _Written(n, pauses), time.perf_counter() - began

        works["llama_server"] = partial(serve, is_streamed=False)
        works["llama_server_streamed"] = partial(serve, is_streamed=True)
    return works


class _Requests:
    """Requests with different beginnings: a server caches what it has evaluated."""

    def __init__(self, setup: _Setup, long: str) -> None:
        self._prompts = setup.prompts()
        self._tokens = setup.tokens
        self._long = long
        self._n = 0

    def next(self) -> list[tuple[str, int]]:
        """Return the next `N_REQUESTS` requests: (prompt, tokens)."""
        self._n += N_REQUESTS
        return [
            (
                f"In {self._n + n}, {self._prompts[n % len(self._prompts)]}"
                + (self._long if n % 8 == 7 else ""),
                self._tokens,
            )
            for n in range(N_REQUESTS)
        ]


# Each in a worker process ----------------------------------------------------------------------------


@asynccontextmanager
async def _bare(setup: _Setup) -> AsyncIterator[dict[str, Task]]:
    """Open bare loops with llama.cpp's two layouts of the KV cache."""
    silence_log()
    with ExitStack() as stack:
        works: dict[str, Task] = {}
        for name, is_unified in (("bare_split", False), ("bare_unified", True)):
            bare = stack.enter_context(
                bare_batch(
                    setup.model,
                    sequences=setup.sequences,
                    context=_CONTEXT,
                    threads=setup.threads,
                    kv_unified=is_unified,
                )
            )
            with _vocabulary(setup.model) as vocabulary:
                prompts = [vocabulary.prompt_tokens(prompt) for prompt in setup.prompts()]
            works[name] = partial(_bare_turn, bare, prompts, setup.tokens)
        yield works


def _bare_turn(bare: BareBatch, prompts: Sequence[list[int]], tokens: int) -> _Written:
    return _Written(bare.generate(prompts, tokens))


@asynccontextmanager
async def _engine(setup: _Setup) -> AsyncIterator[dict[str, Task]]:
    """Open lamlam without a memory."""
    async with _opened(setup, None) as engine:
        requests = _Requests(setup, _long_text(setup.model))
        yield {
            "lamlam": partial(_together, engine, setup),
            "serial": partial(_one_by_one, engine, setup),
            "served": lambda: _served(engine, setup, requests.next()),
            "served_streamed": lambda: _streamed(engine, setup, requests.next()),
        }


@asynccontextmanager
async def _with_memory(setup: _Setup, seconds: float) -> AsyncIterator[dict[str, Task]]:
    """Open lamlam with a memory that takes so many seconds to answer."""
    memory = SlowOneValue(seconds) if seconds else OneValue()
    async with _opened(setup, memory) as engine:
        name = "slow_memory" if seconds else "instant_memory"
        yield {
            name: partial(_together, engine, setup),
            f"{name}_steady": partial(_together, engine, setup, n_each=N_STEADY),
        }


@asynccontextmanager
async def _one_text(setup: _Setup) -> AsyncIterator[dict[str, Task]]:
    """Open both ways of writing one text with lookups: lamlam's and the reference."""
    silence_log()
    context, threads = _REFERENCE_CONTEXT, setup.threads
    with (
        reciter(setup.model, context=context, threads=threads) as ours,
        bare_batch(
            setup.model, sequences=1, context=context, threads=threads, kv_unified=False
        ) as bare,
    ):
        n_picks = len(ours.script.picks)

        def write() -> _Written:
            ours.write()
            return _Written(n_picks)

        def write_again() -> _Written:
            write_the_reference_way(bare, ours.script)
            return _Written(n_picks)

        yield {"lookups_text": write, "reference_way": write_again}


def _opened(setup: _Setup, memory: object) -> Engine:
    return Engine(
        setup.model,
        cast("FactStore | None", memory),
        threads=setup.threads,
        context=_CONTEXT,
        max_sequences=setup.sequences,
        constrain=False,
        plain=memory is None,
    )


async def _together(engine: Engine, setup: _Setup, n_each: int = 1) -> _Written:
    """Write at the same time; each writer starts at another prompt and goes on to the next ones."""
    n_tokens = 0
    prompts = setup.prompts()

    async def write(first: int) -> None:
        nonlocal n_tokens
        for n in range(first, first + n_each):
            prompt = prompts[n % len(prompts)]
            done = await engine.generate(prompt, max_tokens=setup.tokens, ignore_eos=True)
            n_tokens += done.n_tokens

    async with anyio.create_task_group() as group:
        for first in range(len(prompts)):
            group.start_soon(write, first)
    return _Written(n_tokens)


async def _one_by_one(engine: Engine, setup: _Setup) -> _Written:
    n_tokens = 0
    for prompt in setup.prompts():
        done = await engine.generate(prompt, max_tokens=setup.tokens, ignore_eos=True)
        n_tokens += done.n_tokens
    return _Written(n_tokens)


async def _served(engine: Engine, setup: _Setup, requests: list[tuple[str, int]]) -> _Written:
    n_tokens = 0

    async def answer(prompt: str, tokens: int) -> None:
        nonlocal n_tokens
        done = await engine.generate(prompt, max_tokens=tokens, ignore_eos=True)
        n_tokens += done.n_tokens

    await _by_clients(setup.sequences, requests, answer)
    return _Written(n_tokens)


async def _streamed(engine: Engine, setup: _Setup, requests: list[tuple[str, int]]) -> _Written:
    n_tokens = 0
    pauses: list[float] = []

    async def answer(prompt: str, tokens: int) -> None:
        nonlocal n_tokens
        async with engine.stream(prompt, max_tokens=tokens, ignore_eos=True) as events:
            pauses.extend([pause async for pause in _pauses(events)])
        n_tokens += tokens

    await _by_clients(setup.sequences, requests, answer)
    return _Written(n_tokens, pauses)


async def _by_clients(
    n_clients: int, requests: list[tuple[str, int]], answer: Callable[[str, int], Any]
) -> None:
    """Send all requests from so many clients, each its next one after its answer."""
    waiting = iter(requests)

    async def client() -> None:
        for prompt, tokens in waiting:
            await answer(prompt, tokens)

    async with anyio.create_task_group() as group:
        for _ in range(n_clients):
            group.start_soon(client)


@contextmanager
def _vocabulary(model: Path) -> Iterator[Vocabulary]:
    """Open the model's vocabulary for texts without lookups."""
    with open_model(check_file(model)) as opened:
        yield Vocabulary(opened, plain=True)


def _long_text(model: Path) -> str:
    """Return the end of a prompt, at most `N_LONG` tokens long."""
    long = _LONG
    with _vocabulary(model) as vocabulary:
        while len(vocabulary.tokenize(long)) > N_LONG:
            long = long[: int(0.9 * len(long))]
    return long


# Figures ------------------------------------------------------------------------------------------


def _figures(rates: dict[str, list[float]], pauses: dict[str, list[float]]) -> dict[str, Any]:
    medians = {name: statistics.median(found) for name, found in rates.items()}
    bare = max("bare_split", "bare_unified", key=medians.__getitem__)
    shown = (
        "bare_split", "bare_unified", "lamlam", "serial", "instant_memory", "slow_memory",
        "instant_memory_steady", "slow_memory_steady", "served", "llama_server", "lookups_text",
        "reference_way", "one_namespace", "many_namespaces",
    )  # fmt: skip
    return {
        "bare_tokens_per_s": _rounded(medians[bare], 1),
        **{f"{name}_tokens_per_s": _rounded(medians.get(name), 1) for name in shown},
        "p99_between_tokens_ms": _p99_ms(pauses["served_streamed"]),
        "llama_server_p99_between_tokens_ms": _p99_ms(pauses.get("llama_server_streamed", ())),
        "lamlam_to_bare": _ratio(rates, "lamlam", bare),
        "lamlam_to_serial": _ratio(rates, "lamlam", "serial"),
        "slow_to_instant_memory": _ratio(rates, "slow_memory", "instant_memory"),
        "slow_to_instant_memory_steady": _ratio(
            rates, "slow_memory_steady", "instant_memory_steady"
        ),
        "many_to_one_namespace": _ratio(rates, "many_namespaces", "one_namespace"),
        "lamlam_to_reference_way": _ratio(rates, "lookups_text", "reference_way"),
        "served_to_llama_server": _ratio(rates, "served", "llama_server"),
    }


async def _pauses(events: AsyncIterator[object]) -> AsyncIterator[float]:
    """Yield the seconds between one text event and the next."""
    last = 0.0
    async for event in events:
        if isinstance(event, Text):
            now = time.perf_counter()
            if last:
                yield now - last
            last = now


def _ratio(rates: dict[str, list[float]], ours: str, theirs: str) -> float | None:
    if not (ours in rates and theirs in rates):
        return None
    return median_ratio(rates[ours], rates[theirs])


def _p99_ms(pauses: Sequence[float]) -> float | None:
    if len(pauses) < 100:
        return None
    return round(1e3 * statistics.quantiles(pauses, n=100)[-1], 2)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
