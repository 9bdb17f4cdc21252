"""What is under way: requests, and generations, of which only so many may wait."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from lamlam.serving.answers.refusals import Refusal


class Traffic:
    """Counts requests and generations, refuses those beyond the queue, and ends all at the end."""

    def __init__(self, most_generations: int, at_a_time: int) -> None:
        """Start empty.

        Args:
            most_generations: that run or wait; others are refused.
            at_a_time: how many of them run.
        """
        self.most_generations = most_generations
        self.n_requests = 0
        self.n_generations = 0
        self.n_done = 0
        """Generations that have come to an end, whichever."""
        self.is_stopping = False
        self.is_cut_off = False
        """Generations were ended before their end."""
        self._at_a_time = at_a_time
        self._drained: anyio.Event | None = None
        self._ended: anyio.Event | None = None
        self._scopes: set[anyio.CancelScope] = set()
        self._seconds = 1.0
        """Of a generation, about: the mean of the last ones."""

    def begin(self, is_counted: bool) -> None:
        """Note a request."""
        self.n_requests += is_counted

    def end(self, is_counted: bool) -> None:
        """Note that it is answered."""
        self.n_requests -= is_counted
        if not self.n_requests and self._drained is not None:
            self._drained.set()

    @contextmanager
    def generation(self, scope: anyio.CancelScope, n: int = 1) -> Iterator[None]:
        """Count generations as long as the block runs; the scope is cancelled if they must end.

        Raises:
            Refusal: too many wait already.
        """
        if self.n_generations and self.n_generations + n > self.most_generations:
            raise Refusal(
                429,
                f"the queue is full: {self.n_generations} generations run or wait",
                "queue_full",
                headers={"Retry-After": str(self.retry_after_s())},
            )
        began = time.monotonic()
        self.n_generations += n
        self._scopes.add(scope)
        try:
            yield
        finally:
            self._scopes.discard(scope)
            self.n_generations -= n
            self.n_done += n
            if self._ended is not None:
                self._ended.set()
            self._seconds += (time.monotonic() - began - self._seconds) / 8

    def retry_after_s(self) -> int:
        """Return after how many seconds there may be room: when the next generation has ended."""
        return min(60, max(1, math.ceil(self._seconds / max(1, self._at_a_time))))

    def cut_off(self) -> None:
        """End every generation that is under way."""
        self.is_cut_off = True
        for scope in list(self._scopes):
            scope.cancel()

    async def have_ended(self, n: int) -> None:
        """Wait until so many more generations have come to an end."""
        wanted = self.n_done + n
        while self.n_done < wanted:
            self._ended = anyio.Event()
            await self._ended.wait()

    async def drained(self, longest_s: float) -> bool:
        """Wait until nothing is under way; return false if something still is after so long."""
        if self.n_requests:
            self._drained = anyio.Event()
            with anyio.move_on_after(longest_s):
                await self._drained.wait()
        return not self.n_requests
