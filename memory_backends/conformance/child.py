"""A child process that works on a store, for laws about several processes and their end."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from subprocess import PIPE
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.text import TextReceiveStream

from lamlam.errors import Conflict
from lamlam.memory_backends.conformance.backend import Backend
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Replace, Retract

BATCH = 20
"""Facts of one commit of the job ``write``."""


@asynccontextmanager
async def working(backend: Backend, url: str, job: str, *arguments: Any) -> AsyncIterator[Process]:
    """Run a job on the store in a child process; kill it after the block if it still runs."""
    command = [sys.executable, "-m", __name__, job]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    async with await anyio.open_process(
        command, stdin=PIPE, stdout=PIPE, stderr=None, env=environment
    ) as process:
        try:
            assert process.stdin is not None  # it is a pipe
            await process.stdin.send(pickle.dumps((backend, url, arguments)))
            await process.stdin.aclose()
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            with anyio.CancelScope(shield=True):
                await process.wait()


async def lines(process: Process) -> AsyncIterator[str]:
    """Yield what the process prints, line by line, until it ends."""
    assert process.stdout is not None  # it is a pipe
    rest = ""
    async for text in TextReceiveStream(process.stdout):
        *whole, rest = (rest + text).split("\n")
        for line in whole:
            yield line


async def output(backend: Backend, url: str, job: str, *arguments: Any) -> list[str]:
    """Return the lines that a process printed for a job, and check that it succeeded."""
    async with working(backend, url, job, *arguments) as process:
        printed = [line async for line in lines(process)]
        assert await process.wait() == 0, "the process that worked on the store failed"
    return printed


def _work(value: str, entity: str = "Ada Lovelace", relation: str = "work") -> Fact:
    return Fact(entity=entity, relation=relation, value=value)


async def write(backend: Backend, url: str) -> None:
    """Commit batches of facts for ever; print the number of each when it is committed."""
    async with backend.open(url) as store:
        n = 0
        while True:
            batch = [Assert(_work(f"{n} {m}", f"Name {m}")) for m in range(BATCH)]
            ended = [Retract(f"Name {m}", "work", f"{n - 1} {m}") for m in range(BATCH)]
            await store.apply([*batch, *ended])
            print(n, flush=True)  # noqa: T201 (the parent reads it)
            n += 1


async def assert_each(backend: Backend, url: str, name: str, count: int) -> None:
    """Assert facts one by one, of an entity that others write to as well."""
    async with backend.open(url) as store:
        for n in range(count):
            await store.apply([Assert(_work(f"{name} {n}"))])


async def count_up(backend: Backend, url: str, count: int) -> None:
    """Increase a number by one so many times, each time from the value that was read."""
    async with backend.open(url) as store:
        for _ in range(count):
            while True:
                (value,) = (await store.lookup("Counter", "score")).values
                raised = _work(str(int(value) + 1), "Counter", "score")
                try:
                    await store.apply([Replace(raised, expected=(value,))])
                    break
                except Conflict:
                    await anyio.sleep(0.001)


async def read(backend: Backend, url: str) -> None:
    """Print the values of a relation."""
    async with backend.open(url, create=False) as store:
        for value in (await store.lookup("Ada Lovelace", "work")).values:
            print(value)  # noqa: T201 (the parent reads it)


JOBS: dict[str, Callable[..., Awaitable[None]]] = {
    job.__name__: job for job in (write, assert_each, count_up, read)
}

if __name__ == "__main__":
    _backend, _url, _arguments = pickle.load(sys.stdin.buffer)
    anyio.run(JOBS[sys.argv[1]], _backend, _url, *_arguments, backend=_backend.event_loop)
