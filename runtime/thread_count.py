"""How many threads the next step computes with: all of them, or one.

llama.cpp's threads meet some 300 times in a step of a small model and wait for each
other busily. Where another program holds one of the processors, each meeting lasts a
time slice, and a step of 3 ms takes a second (measured: two threads on two busy cores
1,010 ms, one thread 2.7 ms). So steps are timed, and where together is slower than
alone, the next ones run alone; together is tried again after ever longer pauses.
"""

from __future__ import annotations

from collections import deque
from statistics import median

SMALL_BATCH = 64
"""Tokens up to which a batch runs alone as long as nothing is known."""
FIRST_PAUSE, LONGEST_PAUSE = 64, 4096
"""Steps alone before together is tried again."""
_N_FIRST = 2
_N_KEPT = 5
_MUCH_SLOWER = 6.0
_SLOWER = 1.2


class ThreadCount:
    """Learns from the seconds of single-token steps."""

    def __init__(self, most: int) -> None:
        """Start knowing nothing.

        Args:
            most: threads that may be used together.
        """
        self.most = most
        self._alone: deque[float] = deque(maxlen=_N_KEPT)
        self._together: deque[float] = deque(maxlen=_N_KEPT)
        self._pause = FIRST_PAUSE
        self._n_left_alone = _N_FIRST

    def choose(self, n_tokens: int) -> int:
        """Return the number of threads for a batch of ``n_tokens``."""
        if self._n_left_alone == 0 or self.most == 1:
            return self.most
        is_unknown = not self._together
        return self.most if is_unknown and n_tokens > SMALL_BATCH else 1

    def measured(self, n_tokens: int, n_threads: int, seconds: float) -> None:
        """A batch took this long; only single tokens are comparable."""
        if n_tokens != 1 or self.most == 1:
            return
        if n_threads == 1:
            self._alone.append(seconds)
            self._n_left_alone = max(0, self._n_left_alone - 1)
            return
        self._together.append(seconds)
        if not self._alone:
            return
        alone = median(self._alone)
        is_slower = len(self._together) == _N_KEPT and median(self._together) > _SLOWER * alone
        if is_slower or seconds > _MUCH_SLOWER * alone:
            self._n_left_alone = self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            self._together.clear()
            self._together.append(seconds)
        elif len(self._together) == _N_KEPT:
            self._pause = FIRST_PAUSE
