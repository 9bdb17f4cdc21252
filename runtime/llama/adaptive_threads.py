"""The number of threads for the next step: all of them, or one.

llama.cpp's threads synchronise some 300 times in a step of a small model, by busy
waiting. If another program uses one of the processors, each barrier lasts a time
slice, and a step of 3 ms takes a second (measured: two threads on two busy cores
1,010 ms, one thread 2.7 ms). So steps are timed, and if all threads are slower than
one, the next steps use one; all are tried again after longer and longer pauses.

A step of sixteen sequences takes longer than one of a single sequence, and gains more from a
second thread. So steps are compared with steps of about their own size.

Prompts are rarer and differ more, so their cost with one thread is estimated by the token. The
cost of barriers hardly grows with the batch, that of computing does: if small steps are slower
with all threads, a prompt still uses all if half its computing outweighs the barriers. If that
proves wrong (two busy processors: 1.4 s for 80 tokens that take 0.1 s with one thread), the next
prompts use one thread, more of them each time.
"""

from __future__ import annotations

from collections import deque
from statistics import median

SMALL_BATCH = 64
"""Largest batch, in tokens, that counts as a step and not as a prompt."""
FIRST_PAUSE, LONGEST_PAUSE = 64, 4096
"""Steps with one thread before all are tried again."""
FIRST_PROMPTS, MOST_PROMPTS = 4, 256
"""The same for prompts."""
_N_FIRST = 2
_N_KEPT = 5
_MUCH_SLOWER = 6.0
_SLOWER = 1.2


class ThreadCount:
    """Learns from the seconds that steps take."""

    def __init__(self, most: int, *, is_fixed: bool = False) -> None:
        """Start knowing nothing.

        Args:
            most: threads that may be used.
            is_fixed: as many are always used, since llama.cpp's results depend on their number.
        """
        self.most = most
        self._is_fixed = is_fixed or most == 1
        self._by_size: dict[int, _Learned] = {}
        self._last: _Learned | None = None
        self._prompts: deque[float] = deque(maxlen=_N_KEPT)  # seconds a token with one thread
        self._n_single_prompts = 0
        self._prompt_pause = FIRST_PROMPTS

    def choose(self, n_tokens: int) -> int:
        """Return the number of threads for a batch of ``n_tokens``."""
        if self._is_fixed:
            return self.most
        if n_tokens > SMALL_BATCH:
            return self._choose_for_prompt(n_tokens)
        return 1 if self._of(n_tokens).n_single else self.most

    def measured(self, n_tokens: int, n_threads: int, seconds: float) -> None:
        """Learn how long a batch took."""
        if self._is_fixed:
            return
        if n_tokens > SMALL_BATCH:
            self._measured_prompt(n_tokens, n_threads, seconds)
            return
        learned = self._last = self._of(n_tokens)
        if n_threads == 1:
            learned.ran_single(seconds / n_tokens)
        else:
            learned.ran_all(seconds / n_tokens)

    def _choose_for_prompt(self, n_tokens: int) -> int:
        if self._n_single_prompts:
            return 1
        last = self._last
        if last is None or not last.is_slower_with_all:
            return self.most
        spared_s = n_tokens * self._prompt_token_s * (1 - 1 / self.most)
        return self.most if spared_s > last.barrier_s else 1

    def _measured_prompt(self, n_tokens: int, n_threads: int, seconds: float) -> None:
        last = self._last
        if n_threads == 1:
            self._prompts.append(seconds / n_tokens)
            self._n_single_prompts = max(0, self._n_single_prompts - 1)
        elif last is None:
            pass  # the cost of barriers is not known yet
        elif seconds > _SLOWER * n_tokens * self._prompt_token_s:
            self._n_single_prompts = self._prompt_pause
            self._prompt_pause = min(2 * self._prompt_pause, MOST_PROMPTS)
        else:
            self._prompt_pause = FIRST_PROMPTS
            computed_s = seconds - (last.barrier_s if last.is_slower_with_all else 0.0)
            # At most as long as a token of a small step, if the barriers took longer.
            token_s = max(0.0, computed_s) * n_threads / n_tokens
            self._prompts.append(min(token_s, last.single_s) if last.single_s else token_s)

    @property
    def _prompt_token_s(self) -> float:
        """Estimated seconds of a token of a prompt with one thread."""
        if self._prompts:
            return median(self._prompts)
        # A token of a small step takes longer; it is the best estimate there is.
        return self._last.single_s if self._last is not None else 0.0

    def _of(self, n_tokens: int) -> _Learned:
        """Return what is known of sizes up to the same power of two."""
        size = (n_tokens - 1).bit_length()
        learned = self._by_size.get(size)
        if learned is None:
            learned = self._by_size[size] = _Learned(2**size, self.most)
        return learned


class _Learned:
    """What is known of steps of one size, in seconds a token."""

    def __init__(self, size: int, most: int) -> None:
        self.n_single = _N_FIRST
        self.is_slower_with_all = False
        self.barrier_s = 0.0
        """Seconds of a step with all threads that were spent on barriers, if it was slower."""
        self.single_s = 0.0
        self._size = size
        self._most = most
        self._single: deque[float] = deque(maxlen=_N_KEPT)
        self._all: deque[float] = deque(maxlen=_N_KEPT)
        self._pause = FIRST_PAUSE
        self._n_since_single = 0
        self._usual_s = 0.0
        """A step of up to this time changes nothing; 0 until all that are kept are like that."""

    def ran_single(self, seconds: float) -> None:
        self._single.append(seconds)
        self._usual_s = 0.0
        self.single_s = median(self._single)
        self._n_since_single = 0
        self.n_single = max(0, self.n_single - 1)

    def ran_all(self, seconds: float) -> None:
        if seconds <= self._usual_s:
            return
        self._usual_s = 0.0
        self._all.append(seconds)
        self._n_since_single += 1
        if not self._single:
            return
        single = self.single_s
        if seconds > _MUCH_SLOWER * single and self._is_worth_a_pause(seconds):
            self._pause_all(seconds)
        elif len(self._all) < _N_KEPT:
            return
        elif median(self._all) <= _SLOWER * single:
            self.is_slower_with_all = False
            self._pause = FIRST_PAUSE
            if max(self._all) <= _SLOWER * single:
                self._usual_s = _SLOWER * single
        elif self._n_since_single > _N_KEPT:
            # Steps grow with a sequence: only recent steps with one thread can be compared.
            self._single.clear()
            self.n_single = _N_FIRST
        else:
            self._pause_all(seconds)

    def _is_worth_a_pause(self, seconds: float) -> bool:
        """Return true if one such step outweighs what a pause with one thread would lose.

        A single step may be interrupted by anything, which says little about the next.
        """
        if self.is_slower_with_all:  # as it was before the pause
            return True
        is_known = len(self._all) == _N_KEPT
        usual = median(self._all) if is_known else self.single_s / self._most
        return seconds - self.single_s > self._pause * max(0.0, self.single_s - usual)

    def _pause_all(self, seconds: float) -> None:
        """Use one thread for the next steps, more of them each time."""
        self.is_slower_with_all = True
        self.barrier_s = self._size * (seconds - self.single_s / self._most)
        self.n_single = self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._all.clear()
        self._all.append(seconds)
