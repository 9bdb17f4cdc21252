"""Coroutines that never wait, run without an event loop; the same ones give way where a loop runs."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from anyio.lowlevel import checkpoint

from lamlam.errors import NotSupported

T = TypeVar("T")
_TURN = 500
"""Items after which other tasks, and a cancellation, get their turn."""
_thread = threading.local()


def run_inline(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that never waits.

    Raises:
        NotSupported: it does wait, although its store is a `LocalStore`.
    """
    try:
        with _inline():
            coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise NotSupported(
        "this store has to wait for its answers", hint="derive it from FactStore, not LocalStore"
    )


def iterate_inline(items: AsyncIterator[T]) -> Iterator[T]:
    """Yield what an async iterator that never waits gives."""
    iterator = items.__aiter__()
    while True:
        try:
            yield run_inline(awaited(iterator.__anext__))
        except StopAsyncIteration:
            return


async def awaited(method: Callable[[], Any]) -> Any:  # Any: any awaitable
    """Return what the awaitable of a method gives."""
    return await method()


def is_inline() -> bool:
    """Return whether this thread is running a coroutine that must not wait."""
    return bool(getattr(_thread, "is_inline", False))


async def in_turns(items: Iterator[T]) -> AsyncGenerator[T, None]:
    """Yield what a generator gives, while other tasks and cancellations get their turn."""
    try:
        for n, item in enumerate(items):
            if n % _TURN == 0 and not is_inline():
                await checkpoint()
            yield item
    finally:
        if isinstance(items, Generator):
            items.close()


async def give_way() -> None:
    """Let other tasks, and a cancellation, have their turn; do nothing where no event loop runs."""
    if not getattr(_thread, "is_inline", False):
        await checkpoint()


async def done_in_steps(steps: Generator[None, None, T]) -> T:
    """Return what a generator returns, while others get their turn after each of its steps."""
    try:
        while True:
            try:
                next(steps)
            except StopIteration as done:
                result: T = done.value
                return result
            await give_way()
    finally:
        steps.close()


@contextmanager
def _inline() -> Iterator[None]:
    before = getattr(_thread, "is_inline", False)
    _thread.is_inline = True
    try:
        yield
    finally:
        _thread.is_inline = before
