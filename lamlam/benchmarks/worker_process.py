"""Each way of writing runs in a worker process, one at a time.

OpenMP's threads spin while they wait for each other as long as a process has no more of them than
processors, and it counts those of all threads that ever computed with several. Where a second
thread computes (an engine beside a bare loop), all of them sleep instead at each of the 300 barriers
of a step, and a step takes two to five times as long. No program runs like that.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import anyio

from lamlam.ending_signals import leave_to_parent
from lamlam.errors import EngineError

Task = Callable[..., Any]
"""Returns a result, or a coroutine that does."""
Opener = Callable[..., AbstractAsyncContextManager[dict[str, Task]]]
"""Opens what the tasks need; a function at the top of a module, since it is sent by name."""
_END_S = 20.0


class TimedResult(NamedTuple):
    """What a task returned, and how long it took in its process."""

    result: Any
    seconds: float


class WorkerProcess:
    """A process that runs tasks by name."""

    def __init__(self, connection: Connection, process: Any) -> None:  # Any: of a start method
        self._connection = connection
        self._process = process
        self.names: list[str] = self._answer()

    def run(self, name: str, *args: object) -> TimedResult:
        """Run a task and wait for its result.

        Raises:
            EngineError: the task failed, or the process ended.
        """
        self._connection.send((name, args))
        return TimedResult(*self._answer())

    def _answer(self) -> Any:
        try:
            is_well, answer = self._connection.recv()
        except EOFError:
            self._process.join(_END_S)
            raise EngineError(
                f"a process of the benchmark ended with status {self._process.exitcode}"
            ) from None
        if not is_well:
            raise EngineError(f"the benchmark failed: {answer}")
        return answer


@contextmanager
def start_worker(opener: Opener, *args: object) -> Iterator[WorkerProcess]:
    """Start a process with the opener's tasks and end it with the block.

    Raises:
        EngineError: the opener failed.
    """
    context = multiprocessing.get_context("spawn")  # a fork would share the engine's threads
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, opener, args), daemon=True)
    process.start()
    theirs.close()
    try:
        yield WorkerProcess(ours, process)
    except BaseException:
        process.terminate()  # it may be amid a long task, and does not hear Ctrl-C
        raise
    finally:
        ours.close()
        process.join(_END_S)
        if process.is_alive():
            process.kill()
            process.join()


def _serve(connection: Connection, opener: Opener, args: tuple[object, ...]) -> None:
    leave_to_parent()
    anyio.run(_serve_tasks, connection, opener, args)


async def _serve_tasks(connection: Connection, opener: Opener, args: tuple[object, ...]) -> None:
    try:
        async with opener(*args) as tasks:
            connection.send((True, list(tasks)))
            while True:
                try:
                    name, arguments = connection.recv()
                except EOFError:  # the other end is closed
                    return
                began = time.perf_counter()
                result = tasks[name](*arguments)
                if hasattr(result, "__await__"):
                    result = await result
                connection.send((True, (result, time.perf_counter() - began)))
    except Exception as error:
        connection.send((False, f"{type(error).__name__}: {error}"))
