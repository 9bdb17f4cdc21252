"""`BackgroundLoop` serves threads, asyncio and trio, and ends with all that it runs."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import pytest

from lamlam.background_loop import BackgroundLoop
from lamlam.errors import StoreClosed
from tests.limits import HANG_S


def _loop() -> BackgroundLoop:
    return BackgroundLoop("lamlam-test-loop", lambda: StoreClosed("closed"))


async def _double(number: int) -> int:
    await anyio.lowlevel.checkpoint()
    return 2 * number


async def _numbers(n: int) -> AsyncIterator[int]:
    for number in range(n):
        await anyio.lowlevel.checkpoint()
        yield number


def test_it_starts_at_the_first_call_and_ends_with_close() -> None:
    loop = _loop()
    assert "lamlam-test-loop" not in {thread.name for thread in threading.enumerate()}
    assert loop.call(_double, 4) == 8
    assert "lamlam-test-loop" in {thread.name for thread in threading.enumerate()}
    loop.close()
    loop.close()
    assert not loop.is_running
    assert "lamlam-test-loop" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(StoreClosed):
        loop.call(_double, 4)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_other_loops_wait_for_it() -> None:
    loop = _loop()
    try:
        assert await loop.run(_double, 4) == 8
        assert [number async for number in loop.run_each(_numbers(3))] == [0, 1, 2]
    finally:
        loop.close()


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_cancelling_the_wait_cancels_the_work() -> None:
    loop, ended = _loop(), threading.Event()

    async def endless() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()

    try:
        with anyio.move_on_after(0.01):
            await loop.run(endless)
        assert await anyio.to_thread.run_sync(ended.wait, HANG_S)
    finally:
        loop.close()


def test_closing_leaves_iterators_and_contexts_then_does_the_last_work() -> None:
    loop, said = _loop(), list[str]()

    @asynccontextmanager
    async def context() -> AsyncIterator[str]:
        try:
            yield "view"
        finally:
            said.append("left")

    async def last() -> None:
        said.append("last")

    numbers = loop.iterate(lambda: _numbers(1000))
    assert next(numbers) == 0
    with loop.enter(context()) as view:
        assert view == "view"
        loop.close(last)
        assert said == ["left", "last"]
    with pytest.raises(StoreClosed):
        next(numbers)
