"""Texts by the hundred, cancelled, failing, hanging and timed out: nothing is left behind.

A small share always runs; ``--soak`` (or ``LAMLAM_SOAK=1``) runs a thousand texts.
"""

from __future__ import annotations

import gc
import math
import os
import random
import sys
import threading
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from lamlam.errors import EngineBusy, LamLamError
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.runtime.engine import Engine
from lamlam.runtime.llama.context import LlamaContext
from lamlam.runtime.scheduling.owner_thread import OwnerThread
from lamlam.runtime.scheduling.scheduler import Scheduler
from lamlam.runtime.scheduling.stats import SchedulerStats
from tests.limits import HANG_S
from tests.runtime.fake_store import FAST, SLOW, FakeStore, as_store
from tests.tiny_model import write_tiny_model

FACTS = {"marie curie": {"birth place": ["Warsaw"], "field": ["physics", "chemistry"]}}
N_SHARE, N_SOAK = 60, 1000
N_CALLERS = 200
MOST_GROWTH_MB = 48
"""Of resident memory, after the first tenth: the allocator's own, and llama.cpp's buffers."""
_is_patient: ContextVar[bool] = ContextVar("_is_patient", default=False)


class _Troubled(FakeStore):
    """Answers, fails, answers nonsense, or never answers; a patient text always gets nonsense."""

    def __init__(self, seed: int, **options: Any) -> None:
        super().__init__(FACTS, **options)
        self._random = random.Random(seed)

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        match self._random.randrange(6):
            case 0:
                raise OSError("gone")
            case 1:
                return None  # type: ignore[return-value]  # the nonsense
            case _:
                return super().lookup_nowait(query)

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        if _is_patient.get():
            return []
        match self._random.randrange(8):
            case 0:
                await anyio.sleep_forever()
            case 1:
                return []
            case _:
                await anyio.sleep(self._random.random() / 200)
        return await super().lookup_many(queries)


@pytest.fixture
def n_texts(pytestconfig: pytest.Config) -> int:
    is_soak = pytestconfig.getoption("--soak", default=False) or os.environ.get("LAMLAM_SOAK")
    return N_SOAK if is_soak else N_SHARE


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("soak") / "tiny.gguf")


@pytest.mark.parametrize("is_fast", [True, False])
@pytest.mark.parametrize("options", [{}, {"cache_tokens": 700}, {"reproducible": True}])
def test_nothing_is_left_behind(
    model: Path, n_texts: int, is_fast: bool, options: dict[str, Any]
) -> None:
    """Two hundred callers: every one hears an end, and slots, cells, threads and memory return."""
    before = set(threading.enumerate())
    anyio.run(_soak, model, n_texts, is_fast, options)
    left = [thread for thread in threading.enumerate() if thread not in before]
    assert not [thread for thread in left if thread.name.startswith("lamlam")]


async def _soak(model: Path, n_texts: int, is_fast: bool, options: dict[str, Any]) -> None:
    store = _Troubled(1, capabilities=FAST if is_fast else SLOW)
    ends = {"done": 0, "cancelled": 0, "failed": 0, "busy": 0}
    after_a_tenth = 0.0
    async with Engine(
        model, as_store(store), max_sequences=6, max_waiting=N_CALLERS, lookup_bias=8.0, **options
    ) as engine:
        owner = engine._owner
        assert owner is not None
        waiting = iter(range(n_texts))

        async def caller() -> None:
            nonlocal after_a_tenth
            for n in waiting:
                await _one_text(engine, n, ends)
                if n == n_texts // 10:
                    after_a_tenth = _resident_mb()

        async with anyio.create_task_group() as group:
            for _ in range(N_CALLERS):
                group.start_soon(caller)
        assert sum(ends.values()) == n_texts
        assert all(ends[kind] for kind in ("done", "cancelled", "failed")), ends
        # The engine is as good as new: as many texts as have a place run at once, to their ends.
        store.lookup_nowait = FakeStore(FACTS).lookup_nowait  # type: ignore[method-assign]
        store.lookup_many = FakeStore(FACTS).lookup_many  # type: ignore[method-assign]
        with anyio.fail_after(HANG_S):
            async with anyio.create_task_group() as group:
                for n in range(12):
                    group.start_soon(_whole_text, engine, n)
        assert await anyio.to_thread.run_sync(_left_in, owner) == []
        gc.collect()
        assert _resident_mb() - after_a_tenth < MOST_GROWTH_MB


def _left_in(owner: OwnerThread) -> list[str]:
    """Return what an idle engine should not hold, looked up on its own thread."""
    found: list[str] = []
    is_done = threading.Event()

    def look(scheduler: Scheduler) -> None:
        from llama_cpp import llama_memory_seq_pos_max

        context, slots = scheduler._evaluator, scheduler._slots
        assert isinstance(context, LlamaContext)
        if scheduler.stats() != SchedulerStats(n_running=0, n_waiting=0, n_free_slots=6):
            found.append(str(scheduler.stats()))
        # The last position of an empty sequence is -1.
        found.extend(
            f"cells of {slot}"
            for slot in range(6)
            if llama_memory_seq_pos_max(context._kv_cache, slot) != slots.n_held(slot) - 1
        )
        is_done.set()

    owner._inbox.put(look)
    assert is_done.wait(HANG_S)
    return found


async def _whole_text(engine: Engine, n: int) -> None:
    done = await engine.generate(f"Text {n}", max_tokens=20, ignore_eos=True, max_lookups=1)
    assert done.n_text_tokens >= 20


async def _one_text(engine: Engine, n: int, ends: dict[str, int]) -> None:
    draw = random.Random(n)
    prompt = draw.choice(["", "You are one of many agents. " * 4]) + draw.choice(["Ada", "Bo"])
    options: dict[str, Any] = {
        "max_tokens": draw.randrange(1, 30),
        "policy": draw.choice(["continue", "unknown", "ask_again"]),
        "max_lookups": draw.randrange(4),
        "temperature": draw.choice([0.0, 0.8]),
        "seed": n,
    }
    # Of a hanging memory only a time limit frees a text; some limits are shorter than a text.
    limit = draw.choice([0.0, 0.01, 0.1, 1.0])
    # On any machine, however slow, some texts come to their ends, and some fail.
    _is_patient.set(n % 6 == 0)
    if n % 6 == 0:
        limit = math.inf
        options |= {"max_lookups": n % 4, "lookup_bias": 1000.0}
    try:
        with anyio.move_on_after(limit) as scope:
            if draw.random() < 0.5:
                await engine.generate(prompt, **options)
            else:
                leaves_after = draw.choice([1, 3, 10**6])
                async with engine.stream(prompt, **options) as events:
                    async for _ in events:
                        leaves_after -= 1
                        if leaves_after == 0:
                            break
            ends["done"] += 1
        if scope.cancelled_caught:
            ends["cancelled"] += 1
    except EngineBusy:
        ends["busy"] += 1
    except (OSError, LamLamError, AttributeError, ValueError, TypeError):  # what nonsense leads to
        ends["failed"] += 1


def _resident_mb() -> float:
    if not sys.platform.startswith("linux"):
        return 0.0
    n_pages = int(Path("/proc/self/statm").read_text().split()[1])
    return n_pages * os.sysconf("SC_PAGE_SIZE") / 1e6
