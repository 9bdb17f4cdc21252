"""How fast many texts are written at the same time, beside llama.cpp's own ways to do it.

All read the same file with the same threads, greedily, and take turns in one process, since
machines drift: compare the medians of each round's ratios, not single figures.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio

from lamlam.benchmarks.bare_batch import bare_batch
from lamlam.benchmarks.llama_server import find_server, llama_server
from lamlam.benchmarks.one_value import OneValue, SlowOneValue
from lamlam.benchmarks.reference_way import reciter, write_the_reference_way
from lamlam.runtime.checkpoint_file import check_file
from lamlam.runtime.engine import Engine
from lamlam.runtime.events import Text
from lamlam.runtime.trial_load import try_loading
from lamlam.runtime.usable_cpus import usable_cpus
from lamlam.runtime.vocabulary import LOOKUP_TEXTS

if TYPE_CHECKING:
    from lamlam.memory_backends.protocol import FactStore

SLOW_S = 0.020
"""What the slow memory takes to answer."""
N_REQUESTS = 64
N_LONG = 300
"""Tokens of every eighth request's prompt."""
_CONTEXT = 512
_REFERENCE_CONTEXT = 1024
_SUBJECTS = (
    "Ada Lovelace", "The Danube", "Marie Curie", "The town of Bath", "Alan Turing", "Lake Como",
    "Emmy Noether", "The Rhine", "Kurt Gödel", "The city of Lyon", "Lise Meitner", "Mont Blanc",
    "Max Planck", "The river Po", "Sofia Kovalevskaya", "The isle of Skye",
)  # fmt: skip
_LONG = " It was first written about by those who came over the hills in the spring." * 18

Work = Callable[[], Any]  # gives the tokens written, or a coroutine that does


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
        sequences: texts written at the same time.
        pairs: how often each way runs.
        tokens: sampled for each text.
        on_progress: called with (rounds done, rounds in all).

    Returns:
        Tokens per second, prompts included: ``bare_tokens_per_s``, the faster of
        ``bare_split_tokens_per_s`` and ``bare_unified_tokens_per_s`` (a loop over the low-level
        API in llama.cpp's two ways to keep cells); ``lamlam_tokens_per_s``;
        ``serial_tokens_per_s`` (the same texts one after another);
        ``instant_memory_tokens_per_s`` and ``slow_memory_tokens_per_s`` (with lookups);
        ``served_tokens_per_s`` and ``llama_server_tokens_per_s`` (64 requests, each client
        sending its next when it has its answer; every eighth prompt is long, and no prompt comes
        twice);
        ``p99_between_tokens_ms`` and ``llama_server_p99_between_tokens_ms`` (the same requests,
        streamed); ``lookups_text_s`` and ``reference_way_s`` (one text with 8 lookups, see
        `lamlam.benchmarks.reference_way`); and the medians of each round's ratios.

    Raises:
        BadModelFile: the file cannot be loaded.
        EngineError: llama-server was found and does not answer.
    """
    from lamlam.runtime.llama import silence_log

    file = check_file(model)
    # The baselines take a file on trust, and llama.cpp may end the process over a bad one.
    if not file.is_sealed:
        try_loading(model)
    silence_log()
    bench = _Bench(model, sequences, tokens, threads or usable_cpus())
    has_lookups = set(LOOKUP_TEXTS) <= set(file.metadata["tokenizer.ggml.tokens"])
    return anyio.run(bench.run, pairs, has_lookups, on_progress or (lambda done, rounds: None))


class _Bench:
    def __init__(self, model: Path, sequences: int, tokens: int, threads: int) -> None:
        self._model = model
        self._n = sequences
        self._tokens = tokens
        self._threads = threads
        self._prompts = [
            f"{_SUBJECTS[n % len(_SUBJECTS)]} was{' once' * (n // len(_SUBJECTS))}"
            for n in range(sequences)
        ]
        self._long = ""
        self._n_served = 0
        self._rates: dict[str, list[float]] = {}
        self._pauses: dict[str, list[float]] = {"lamlam": [], "llama_server": []}

    async def run(
        self, pairs: int, has_lookups: bool, on_progress: Callable[[int, int], None]
    ) -> dict[str, Any]:
        async with AsyncExitStack() as stack:
            works = await self._open(stack, has_lookups)
            for work in works.values():  # pages are read and caches filled before the first turn
                await _done(work)
            for pauses in self._pauses.values():
                pauses.clear()
            self._rates = {name: [] for name in works}
            for n in range(pairs):
                # Every other round goes the other way, so that no one always follows another.
                for name in list(works)[:: 1 if n % 2 == 0 else -1]:
                    began = time.perf_counter()
                    n_tokens = await _done(works[name])
                    self._rates[name].append(n_tokens / (time.perf_counter() - began))
                on_progress(n + 1, pairs)
        return self._figures() | {
            "sequences": self._n,
            "pairs": pairs,
            "tokens": self._tokens,
            "threads": self._threads,
        }

    async def _open(self, stack: AsyncExitStack, has_lookups: bool) -> dict[str, Work]:
        """Return the ways of writing, by name, each opened."""
        engine = await self._engine(stack, None)
        vocabulary = engine._open_model().vocabulary
        prompts = [vocabulary.prompt_tokens(prompt) for prompt in self._prompts]
        long = _LONG
        while len(vocabulary.tokens(long)) > N_LONG:
            long = long[: int(0.9 * len(long))]
        self._long = long
        works: dict[str, Work] = {}
        for name, is_unified in (("bare_split", False), ("bare_unified", True)):
            bare = stack.enter_context(
                bare_batch(
                    self._model,
                    sequences=self._n,
                    context=_CONTEXT,
                    threads=self._threads,
                    kv_unified=is_unified,
                )
            )
            works[name] = partial(bare.generate, prompts, self._tokens)
        works["lamlam"] = lambda: self._together(engine)
        works["serial"] = lambda: self._one_by_one(engine)
        if has_lookups:
            instant = await self._engine(stack, OneValue())
            slow = await self._engine(stack, SlowOneValue(SLOW_S))
            works["instant_memory"] = lambda: self._together(instant)
            works["slow_memory"] = lambda: self._together(slow)
            works |= self._reference(stack)
        works["served"] = lambda: self._served(engine)
        works["served_streamed"] = lambda: self._streamed(engine)
        if binary := find_server():
            server = stack.enter_context(
                llama_server(
                    binary,
                    self._model,
                    sequences=self._n,
                    context=_CONTEXT,
                    threads=self._threads,
                )
            )

            def serve(*, is_streamed: bool) -> int:
                n, pauses = server.serve(self._requests(), self._n, is_streamed=is_streamed)
                self._pauses["llama_server"] += pauses
                return n

            works["llama_server"] = lambda: serve(is_streamed=False)
            works["llama_server_streamed"] = lambda: serve(is_streamed=True)
        return works

    async def _engine(self, stack: AsyncExitStack, memory: object) -> Engine:
        return await stack.enter_async_context(
            Engine(
                self._model,
                cast("FactStore | None", memory),
                threads=self._threads,
                context=_CONTEXT,
                max_sequences=self._n,
                constrain=False,
                plain=memory is None,
            )
        )

    def _reference(self, stack: AsyncExitStack) -> dict[str, Work]:
        context, threads = _REFERENCE_CONTEXT, self._threads
        ours = stack.enter_context(reciter(self._model, context=context, threads=threads))
        bare = stack.enter_context(
            bare_batch(self._model, sequences=1, context=context, threads=threads, kv_unified=False)
        )
        n_picks = len(ours.script.picks)

        def write() -> int:
            ours.write()
            return n_picks

        def write_again() -> int:
            write_the_reference_way(bare, ours.script)
            return n_picks

        return {"lookups_text": write, "reference_way": write_again}

    def _requests(self) -> list[tuple[str, int]]:
        """Return requests of which none begins as another: a server keeps what it evaluated."""
        self._n_served += N_REQUESTS
        return [
            (
                f"In {self._n_served + n}, {self._prompts[n % self._n]}"
                + (self._long if n % 8 == 7 else ""),
                self._tokens,
            )
            for n in range(N_REQUESTS)
        ]

    async def _together(self, engine: Engine) -> int:
        n_tokens = 0

        async def write(prompt: str) -> None:
            nonlocal n_tokens
            done = await engine.generate(prompt, max_tokens=self._tokens, ignore_eos=True)
            n_tokens += done.n_tokens

        async with anyio.create_task_group() as group:
            for prompt in self._prompts:
                group.start_soon(write, prompt)
        return n_tokens

    async def _one_by_one(self, engine: Engine) -> int:
        n_tokens = 0
        for prompt in self._prompts:
            done = await engine.generate(prompt, max_tokens=self._tokens, ignore_eos=True)
            n_tokens += done.n_tokens
        return n_tokens

    async def _served(self, engine: Engine) -> int:
        n_tokens = 0

        async def answer(prompt: str, tokens: int) -> None:
            nonlocal n_tokens
            done = await engine.generate(prompt, max_tokens=tokens, ignore_eos=True)
            n_tokens += done.n_tokens

        await self._clients(answer)
        return n_tokens

    async def _streamed(self, engine: Engine) -> int:
        n_tokens = 0

        async def answer(prompt: str, tokens: int) -> None:
            nonlocal n_tokens
            async with engine.stream(prompt, max_tokens=tokens, ignore_eos=True) as events:
                self._pauses["lamlam"] += [pause async for pause in _pauses(events)]
            n_tokens += tokens

        await self._clients(answer)
        return n_tokens

    async def _clients(self, answer: Callable[[str, int], Any]) -> None:
        """As many clients as sequences send all requests, each its next after its answer."""
        waiting = iter(self._requests())

        async def client() -> None:
            for prompt, tokens in waiting:
                await answer(prompt, tokens)

        async with anyio.create_task_group() as group:
            for _ in range(self._n):
                group.start_soon(client)

    def _figures(self) -> dict[str, Any]:
        rates = self._rates
        medians = {name: statistics.median(found) for name, found in rates.items()}
        bare = max("bare_split", "bare_unified", key=medians.__getitem__)
        shown = (
            "bare_split", "bare_unified", "lamlam", "serial", "instant_memory", "slow_memory",
            "served", "llama_server",
        )  # fmt: skip
        n_picks_s = {
            f"{name}_tokens_per_s": _rounded(medians.get(name), 1)
            for name in ("lookups_text", "reference_way")
        }
        return {
            "bare_tokens_per_s": _rounded(medians[bare], 1),
            **{f"{name}_tokens_per_s": _rounded(medians.get(name), 1) for name in shown},
            **n_picks_s,
            "p99_between_tokens_ms": _p99_ms(self._pauses["lamlam"]),
            "llama_server_p99_between_tokens_ms": _p99_ms(self._pauses["llama_server"]),
            "lamlam_to_bare": _ratio(rates, "lamlam", bare),
            "lamlam_to_serial": _ratio(rates, "lamlam", "serial"),
            "slow_to_instant_memory": _ratio(rates, "slow_memory", "instant_memory"),
            "lamlam_to_reference_way": _ratio(rates, "lookups_text", "reference_way"),
            "served_to_llama_server": _ratio(rates, "served", "llama_server"),
        }


async def _done(work: Work) -> int:
    result = work()
    return int(result if isinstance(result, int) else await result)


async def _pauses(events: AsyncIterator[object]) -> AsyncIterator[float]:
    """Give the seconds between one text event and the next."""
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
    pairs = zip(rates[ours], rates[theirs], strict=True)
    return round(statistics.median(a / b for a, b in pairs), 3)


def _p99_ms(pauses: Sequence[float]) -> float | None:
    if len(pauses) < 100:
        return None
    return round(1e3 * statistics.quantiles(pauses, n=100)[-1], 2)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
