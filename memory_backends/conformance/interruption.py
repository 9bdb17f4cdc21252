"""Cancelling an awaitable at its n-th wait, wherever that is."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any

import anyio


class Interrupted:
    """How an interrupted call ended."""

    def __init__(self) -> None:
        self.was_reached = False
        """The call waited that often, so the interruption took place."""
        self.result: Any = None  # Any: whatever the call gives
        """What it gave, where it gave anything all the same."""
        self.is_done = False


async def cancelled_at(wait: int, call: Coroutine[Any, Any, Any]) -> Interrupted:
    """Run a call, and cancel it when it waits for the n-th time (counted from 1).

    Returns:
        How it ended: it may have come to its end before, or in spite of, the cancellation.
    """
    ended = Interrupted()
    with anyio.CancelScope() as scope:

        def interrupt() -> None:
            ended.was_reached = True
            scope.cancel()

        ended.result = await _watched(call, wait, interrupt)
        ended.is_done = True
    return ended


@coroutine
def _watched(call: Coroutine[Any, Any, Any], wait: int, interrupt: Any) -> Generator[Any, Any, Any]:
    """Pass everything that the call waits for on to the event loop, and count."""
    waits = 0
    sent: Any = None
    thrown: BaseException | None = None
    while True:
        try:
            if thrown is None:
                waited_for = call.send(sent)
            else:
                waited_for = call.throw(thrown)
        except StopIteration as done:
            return done.value
        sent, thrown = None, None
        waits += 1
        if waits == wait:
            interrupt()
        try:
            sent = yield waited_for
        except BaseException as error:  # a cancellation, which is the call's to handle
            thrown = error
