"""How fast one sequence decodes, beside a bare low-level loop and `llama_cpp.Llama`.

All three read the same file with the same threads, greedily, and take turns, each in a worker
process, since machines drift: compare ratios of medians, not single figures. The two baselines use
nothing but llama-cpp-python's public interface.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from lamlam.benchmarks.bare_batch import bare_batch
from lamlam.benchmarks.one_value import OneValue
from lamlam.benchmarks.rounds import in_turns, median_ratio
from lamlam.benchmarks.worker_process import Task, start_worker
from lamlam.errors import EngineError
from lamlam.runtime.engine import Engine
from lamlam.runtime.llama.native_log import silence_log
from lamlam.runtime.llama.probe import check_model
from lamlam.usable_cpus import usable_cpus

if TYPE_CHECKING:
    from lamlam.memory_backends.protocol import FactStore

PROMPT = "The river rises in the hills above the town and flows"
LONG_PROMPT = (PROMPT + " through the valley to the sea. ") * 60
N_REPREFILL = 200
N_HELD, N_LATE = 950, 50
"""The last tokens of a text of a thousand are timed by themselves."""
_CONTEXT = 1024
_ALWAYS = 1000.0  # a bias that no logit outweighs

_FIRST_TOKEN_PROGRAM = """
import sys
from lamlam.benchmarks.peak_memory import peak_rss_mb
from lamlam.runtime.sync import SyncEngine
with SyncEngine(sys.argv[1], sys.argv[2] or None, max_sequences=1) as engine:
    with engine.stream(sys.argv[3], max_tokens=64, ignore_eos=True) as events:
        next(events)
        print("first", flush=True)
        for _ in events:
            pass
print(peak_rss_mb())
"""


def decode_benchmark(
    model: Path,
    *,
    memory: str | None = None,
    pairs: int = 9,
    tokens: int = 128,
    threads: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Return medians of alternating runs.

    Args:
        model: a GGUF file with lookup tokens.
        memory: URL of the store that the first-token process opens.
        pairs: how often each of the three runs.
        tokens: sampled in each run.
        on_progress: called with (rounds done, rounds in all).

    Returns:
        Tokens per second, prompt included: ``bare_tokens_per_s``, ``lamlam_tokens_per_s``,
        ``llama_cpp_python_tokens_per_s``, and the medians of each round's ratios,
        ``lamlam_to_bare`` and ``lamlam_to_llama_cpp_python``. ``value_step_ms``: from
        ``<|db_return|>`` to the next sampled token; ``reprefill_step_ms``: the same by
        evaluating 200 tokens again. ``late_token_ms`` and ``bare_late_token_ms``: a token where
        950 stand before it, with ``late_token_to_bare``. ``time_to_first_token_s`` from the start
        of a process that writes one text, ``peak_rss_mb`` of that process.

    Raises:
        BadModelFile: the file cannot be loaded.
        FactStoreError: the memory cannot be opened; see its subclasses.
        EngineError: the first-token process did not end well.
    """
    check_model(model)
    _check_memory(memory)
    threads = threads or usable_cpus()
    rates: dict[str, list[float]] = {"bare": [], "lamlam": [], "llama_cpp_python": []}
    value_steps, prefills = [], []
    late: dict[str, list[float]] = {"bare": [], "lamlam": []}
    with (
        start_worker(_bare_works, model, threads) as bare,
        start_worker(_lamlam_works, model, threads) as lamlam,
        start_worker(_llama_works, model, threads) as llama,
        start_worker(_value_works, model, threads) as value,
    ):
        works = {"bare": bare, "lamlam": lamlam, "llama_cpp_python": llama}
        for work in works.values():  # pages are read and caches filled before the first turn
            work.run("generate", tokens)
        long_text = bare.run("late_text").result
        for n in range(pairs):
            for name in in_turns(works, n):
                n_tokens, seconds = works[name].run("generate", tokens)
                rates[name].append(n_tokens / seconds)
            value_steps.append(value.run("value_step").result)
            prefills.append(bare.run("prefill", N_REPREFILL).result)
            late["bare"].append(bare.run("late_token").result)
            late["lamlam"].append(lamlam.run("late_token", long_text).result)
            if on_progress:
                on_progress(n + 1, pairs)
    starts = [_first_token(model, memory) for _ in range(3)]
    return {
        **{f"{name}_tokens_per_s": round(statistics.median(r), 1) for name, r in rates.items()},
        "lamlam_to_bare": median_ratio(rates["lamlam"], rates["bare"]),
        "lamlam_to_llama_cpp_python": median_ratio(rates["lamlam"], rates["llama_cpp_python"]),
        "value_step_ms": round(1e3 * statistics.median(value_steps), 2),
        "reprefill_step_ms": round(1e3 * statistics.median(prefills), 2),
        "late_token_ms": round(1e3 * statistics.median(late["lamlam"]), 3),
        "bare_late_token_ms": round(1e3 * statistics.median(late["bare"]), 3),
        "late_token_to_bare": median_ratio(late["lamlam"], late["bare"]),
        "time_to_first_token_s": round(statistics.median(s for s, _ in starts), 3),
        "peak_rss_mb": round(statistics.median(mb for _, mb in starts), 1),
        "pairs": pairs,
        "tokens": tokens,
        "threads": threads,
    }


# Each in a worker process ----------------------------------------------------------------------------


@asynccontextmanager
async def _bare_works(model: Path, threads: int) -> AsyncIterator[dict[str, Task]]:
    silence_log()
    with bare_batch(
        model, sequences=1, context=_CONTEXT, threads=threads, kv_unified=False
    ) as bare:
        prompt, long_prompt = bare.prompt_tokens(PROMPT), bare.prompt_tokens(LONG_PROMPT)
        late = long_prompt[:N_HELD]

        def prefill(n_tokens: int) -> float:
            tokens = long_prompt[:n_tokens]
            assert len(tokens) == n_tokens
            began = time.perf_counter()
            bare.next_token(tokens, 0)
            return time.perf_counter() - began

        def late_token() -> float:
            token = bare.next_token(late, 0)
            began = time.perf_counter()
            bare.go_on([token], np.array([len(late)]), N_LATE)
            return (time.perf_counter() - began) / N_LATE

        yield {
            "generate": lambda n_tokens: bare.generate([prompt], n_tokens),
            "late_text": lambda: bare.text(late[1:]).decode(),
            "prefill": prefill,
            "late_token": late_token,
        }


@asynccontextmanager
async def _llama_works(model: Path, threads: int) -> AsyncIterator[dict[str, Task]]:
    silence_log()
    with _llama(model, threads) as generate:
        yield {"generate": generate}


@asynccontextmanager
async def _lamlam_works(model: Path, threads: int) -> AsyncIterator[dict[str, Task]]:
    async with Engine(model, None, threads=threads, context=_CONTEXT) as engine:

        async def generate(n_tokens: int) -> int:
            return (await engine.generate(PROMPT, max_tokens=n_tokens, ignore_eos=True)).n_tokens

        async def late_token(prompt: str) -> float:
            """Return the seconds of a token after a prompt of ``N_HELD``."""
            async with engine.stream(prompt, max_tokens=N_LATE + 1, ignore_eos=True) as events:
                await anext(events)  # the first token, and with it the end of the prompt
                began = time.perf_counter()
                async for _ in events:
                    pass
                return (time.perf_counter() - began) / N_LATE

        yield {"generate": generate, "late_token": late_token}


@contextmanager
def _llama(path: Path, threads: int) -> Iterator[Callable[[int], int]]:
    from llama_cpp import Llama

    llama: Any = Llama(  # Any: hardly typed
        str(path), n_ctx=_CONTEXT, n_threads=threads, n_threads_batch=threads, verbose=False
    )

    def run(n_tokens: int) -> int:
        llama.reset()  # else it would find the prompt evaluated from the run before
        tokens = llama.tokenize(PROMPT.encode(), add_bos=False, special=False)
        n = 0
        for _ in llama.generate(
            [llama.token_bos(), *tokens], top_k=1, temp=0.0, repeat_penalty=1.0
        ):
            n += 1
            if n == n_tokens:
                break
        return n

    try:
        yield run
    finally:
        llama.close()


@asynccontextmanager
async def _value_works(model: Path, threads: int) -> AsyncIterator[dict[str, Task]]:
    """Measure from a sampled ``<|db_return|>`` to the next token."""
    memory = OneValue()
    async with Engine(
        model,
        cast("FactStore", memory),
        threads=threads,
        context=_CONTEXT,
        constrain=False,
        lookup_bias=_ALWAYS,
    ) as engine:
        prompt = LONG_PROMPT[: 4 * N_REPREFILL]

        async def run(max_tokens: int) -> int:
            done = await engine.generate(
                prompt, max_tokens=max_tokens, max_lookups=1, ignore_eos=True
            )
            return done.n_text_tokens

        n_value_tokens = await run(1)  # a fetched value is written whole, whatever the limit

        async def value_step() -> float:
            # One token more than the value: it ends right after the next one is sampled.
            await run(n_value_tokens + 1)
            return time.perf_counter() - memory.asked_at

        yield {"value_step": value_step}


def _check_memory(memory: str | None) -> None:
    """Raise unless the first-token process can open the memory."""
    if not memory:
        return
    from lamlam.memory_backends.sync import SyncFactStore

    with SyncFactStore(memory, create=False, read_only=True):
        pass


def _first_token(model: Path, memory: str | None) -> tuple[float, float]:
    """Return seconds from a process's start to its first token, and its peak memory in MB.

    Raises:
        EngineError: the process did not give both, with its last line.
    """
    # A file and not a pipe: a pipe would not be emptied while the process is timed.
    with tempfile.TemporaryFile() as complaints:
        began = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-c", _FIRST_TOKEN_PROGRAM, str(model), memory or "", PROMPT],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        ) as process:
            assert process.stdout is not None
            is_first = process.stdout.readline() == "first\n"
            seconds = time.perf_counter() - began
            peak = process.stdout.readline().strip()
        if process.returncode != 0 or not is_first or not peak:
            complaints.seek(0)
            lines = complaints.read().decode("utf-8", "replace").strip().splitlines()
            said = f": {lines[-1]}" if lines else ""
            raise EngineError(
                "the process that measures the first token ended with "
                f"status {process.returncode}{said}"
            )
    return seconds, float(peak)
