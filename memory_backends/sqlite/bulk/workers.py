"""Worker processes of a bulk load: as many as there are processors, started when there is much to do.

They are started anew (no fork, whose child would have the locks and connections of threads that it
lacks), and without the main module of the program, which need not expect to be imported twice.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import LifoQueue
from typing import Any, TypeVar

from lamlam.errors import Unavailable

T = TypeVar("T")
R = TypeVar("R")
_PROGRAM = "from lamlam.memory_backends.sqlite.bulk.worker import serve; serve()"
_END_S = 20.0


class Workers:
    """Processes that run functions; a context manager, which ends them."""

    def __init__(self, n: int) -> None:
        """Take note of how many there may be; with one the work is done in this process."""
        self._n = n if sys.executable else 1
        self._threads: ThreadPoolExecutor | None = None
        self._idle: LifoQueue[_Worker] = LifoQueue()
        self._all: list[_Worker] = []

    def __enter__(self) -> Workers:
        """Return this; processes are started with the first work."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the processes."""
        for worker in self._all:
            worker.end()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        for worker in self._all:
            worker.wait()

    def start(self) -> None:
        """Start the processes, so that they are ready when there is work."""
        if self._n > 1:
            self._started()

    def each(self, function: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """Yield the result of each task, in their order; a few are worked at ahead.

        Args:
            function: at the top of a module, since it is sent by name.
            tasks: taken as they are needed.

        Raises:
            Unavailable: a process ended in the middle of its work.
        """
        if self._n < 2:
            yield from map(function, tasks)
            return
        threads = self._started()
        waiting: deque[Future[R]] = deque()
        try:
            for task in tasks:
                waiting.append(threads.submit(self._call, function, task))
                if len(waiting) >= 2 * self._n:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _started(self) -> ThreadPoolExecutor:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._n, "bulk load")
            for _ in range(self._n):
                self._all.append(_Worker())
                self._idle.put(self._all[-1])
        return self._threads

    def _call(self, function: Callable[[T], R], task: T) -> R:
        worker = self._idle.get()
        try:
            answer: R = worker.call(function, task)
            return answer
        finally:
            self._idle.put(worker)


class _Worker:
    def __init__(self) -> None:
        path = os.pathsep.join(one or os.getcwd() for one in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C is for this process, which ends the others
        )

    def call(self, function: Callable[..., Any], task: object) -> Any:  # Any: what it returns
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            pickle.dump((function, task), self._process.stdin, protocol=5)
            self._process.stdin.flush()
            is_well, answer = pickle.load(self._process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError, ValueError):
            status = self._process.wait(_END_S)
            raise Unavailable(
                f"a process of the import ended in its work (status {status})",
                hint="see whether the machine has too little memory, and try again",
            ) from None
        if not is_well:
            raise answer
        return answer

    def end(self) -> None:
        self._process.kill()

    def wait(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._process.wait()
