"""Work on very many documents, shared by forks of this process, which see them without a copy."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

from lamlam.ending_signals import leave_to_parent
from lamlam.usable_cpus import usable_cpus

Result = TypeVar("Result")

LEAST = 20_000
"""Items of a slice, below which a process more is not worth its start."""
_MOST = 8
_work: Callable[[int, int], Any] | None = None
"""What the forks do: they have it from their parent."""


def in_slices(work: Callable[[int, int], Result], n: int) -> list[Result]:
    """Return what work gives for slices of so many items, in order.

    In this process where there are few items or one processor, or where it cannot be forked.

    Args:
        work: gets the first item's number and that behind the last; what it returns is pickled.
        n: number of items.
    """
    global _work
    processes = min(_MOST, n // LEAST, usable_cpus() // int(os.environ.get("WORLD_SIZE", "1")))
    if processes < 2 or sys.platform != "linux":
        return [work(0, n)]
    edges = [n * i // processes for i in range(processes + 1)]
    _work = work
    pool = ProcessPoolExecutor(processes, get_context("fork"), initializer=_begin)
    try:
        return list(pool.map(_do, edges[:-1], edges[1:]))
    except BrokenProcessPool:  # killed, perhaps for want of memory: one process needs less
        return [work(0, n)]
    finally:
        _work = None
        pool.shutdown(cancel_futures=True)


def _begin() -> None:
    gc.freeze()
    gc.disable()
    leave_to_parent()


def _do(start: int, stop: int) -> Any:
    assert _work is not None
    return _work(start, stop)
