"""What lookups in a fact file take, in a process that does nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lamlam.benchmarks.lookup import anonymous_mb, cold, timed
from lamlam.benchmarks.worker_process import Task, start_worker
from lamlam.errors import BadStore
from lamlam.memory_backends.model.lookups import Lookup

_N_COLD = 200


def serving_figures(path: Path, questions: Sequence[Lookup]) -> dict[str, Any]:
    """Return figures of lookups in a file, all of whose questions have an answer.

    Returns:
        ``exact_us`` and ``cold_us`` with ``p50`` and ``p99``, and ``anonymous_mb`` of the process.
    """
    with start_worker(_tasks, str(path)) as worker:
        figures: dict[str, Any] = worker.run("figures", questions).result
        return figures


@asynccontextmanager
async def _tasks(path: str) -> AsyncIterator[dict[str, Task]]:
    def figures(questions: Sequence[Lookup]) -> dict[str, Any]:
        return _figures(Path(path), questions)

    yield {"figures": figures}


def _figures(path: Path, questions: Sequence[Lookup]) -> dict[str, Any]:
    from lamlam.memory_backends.sqlite.store import SqliteStore

    store = SqliteStore(path, read_only=True)
    if any(not store.lookup_nowait(query).value for query in questions[:1000]):
        raise BadStore("the store does not find what was put into it")
    exact = timed(store.lookup_nowait, questions)
    memory = anonymous_mb()
    store.close_nowait()
    return {
        "exact_us": exact,
        "cold_us": cold(path, questions[:_N_COLD]),
        "anonymous_mb": memory,
    }
