"""What is compared runs in processes of its own, one at a time.

OpenMP's threads wait for each other busily as long as a process has no more of them than
processors, and it counts those of all threads that ever computed with several. Where a second
one does (an engine beside a bare loop), all of them sleep at each of the 300 times that they meet
in a step instead, and a step takes two to five times as long. Nobody writes like that, so nobody is
measured like that.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import anyio

from lamlam.errors import EngineError

Work = Callable[..., Any]
"""Returns what it has to say, or a coroutine that does."""
Opener = Callable[..., AbstractAsyncContextManager[dict[str, Work]]]
"""Opens what the works need; a function at the top of a module, so that its name says which."""
_END_S = 20.0


class Done(NamedTuple):
    """What a work returned, and how long it took in its process."""

    result: Any
    seconds: float


class Works:
    """The works of a process, by name."""

    def __init__(self, connection: Connection, process: Any) -> None:  # Any: of a start method
        self._connection = connection
        self._process = process
        self.names: list[str] = self._answer()

    def run(self, name: str, *args: object) -> Done:
        """Have a work done.

        Raises:
            EngineError: it failed, or the process ended.
        """
        self._connection.send((name, args))
        return Done(*self._answer())

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
def in_own_process(opener: Opener, *args: object) -> Iterator[Works]:
    """The opener's works are ready in a new process, which ends with the block.

    Raises:
        EngineError: they could not be opened.
    """
    context = multiprocessing.get_context("spawn")  # a fork would share the engine's threads
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, opener, args), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Works(ours, process)
    finally:
        ours.close()
        process.join(_END_S)
        if process.is_alive():
            process.kill()
            process.join()


def _serve(connection: Connection, opener: Opener, args: tuple[object, ...]) -> None:
    anyio.run(_serve_works, connection, opener, args)


async def _serve_works(connection: Connection, opener: Opener, args: tuple[object, ...]) -> None:
    try:
        async with opener(*args) as works:
            connection.send((True, list(works)))
            while True:
                try:
                    name, arguments = connection.recv()
                except EOFError:  # nobody wants more
                    return
                began = time.perf_counter()
                result = works[name](*arguments)
                if hasattr(result, "__await__"):
                    result = await result
                connection.send((True, (result, time.perf_counter() - began)))
    except Exception as error:
        connection.send((False, f"{type(error).__name__}: {error}"))
