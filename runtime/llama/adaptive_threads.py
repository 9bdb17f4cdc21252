"""How many threads the next step computes with: all of them, or one.

llama.cpp's threads meet some 300 times in a step of a small model and wait for each
other busily. Where another program holds one of the processors, each meeting lasts a
time slice, and a step of 3 ms takes a second (measured: two threads on two busy cores
1,010 ms, one thread 2.7 ms). So steps are timed, and where together is slower than
alone, the next ones run alone; together is tried again after ever longer pauses.

A step of sixteen texts takes longer than one of a single text, and gains more from a
second thread. So steps are compared with steps of about their own size.

Prompts are rarer and differ more, so what they cost alone is reckoned by the token. What
meeting costs hardly grows with the batch, what is computed does: where small steps are slower
together, a prompt still runs together if half its computing outweighs the meetings. Where it
does not, after all (two busy processors: 1.4 s for 80 tokens that take 0.1 s alone), the next
prompts run alone, ever more of them.
"""

from __future__ import annotations

from collections import deque
from statistics import median

SMALL_BATCH = 64
"""Tokens up to which a batch runs alone as long as nothing is known."""
FIRST_PAUSE, LONGEST_PAUSE = 64, 4096
"""Steps alone before together is tried again."""
FIRST_PROMPTS, MOST_PROMPTS = 4, 256
"""The same of prompts."""
_N_FIRST = 2
_N_KEPT = 5
_MUCH_SLOWER = 6.0
_SLOWER = 1.2


class ThreadCount:
    """Learns from the seconds that steps take."""

    def __init__(self, most: int, *, is_fixed: bool = False) -> None:
        """Start knowing nothing.

        Args:
            most: threads that may be used together.
            is_fixed: as many are always used, since llama.cpp's results depend on their number.
        """
        self.most = most
        self._is_fixed = is_fixed or most == 1
        self._by_size: dict[int, _Learned] = {}
        self._last: _Learned | None = None
        self._prompts: deque[float] = deque(maxlen=_N_KEPT)  # seconds a token, computed alone
        self._n_prompts_left_alone = 0
        self._prompt_pause = FIRST_PROMPTS

    def choose(self, n_tokens: int) -> int:
        """Return the number of threads for a batch of ``n_tokens``."""
        if self._is_fixed:
            return self.most
        if n_tokens > SMALL_BATCH:
            return self._choose_for_prompt(n_tokens)
        return 1 if self._of(n_tokens).n_left_alone else self.most

    def measured(self, n_tokens: int, n_threads: int, seconds: float) -> None:
        """A batch took this long."""
        if self._is_fixed:
            return
        if n_tokens > SMALL_BATCH:
            self._measured_prompt(n_tokens, n_threads, seconds)
            return
        learned = self._last = self._of(n_tokens)
        if n_threads == 1:
            learned.ran_alone(seconds / n_tokens)
        else:
            learned.ran_together(seconds / n_tokens)

    def _choose_for_prompt(self, n_tokens: int) -> int:
        if self._n_prompts_left_alone:
            return 1
        last = self._last
        if last is None or not last.is_slower_together:
            return self.most
        spared_s = n_tokens * self._prompt_token_s * (1 - 1 / self.most)
        return self.most if spared_s > last.meeting_s else 1

    def _measured_prompt(self, n_tokens: int, n_threads: int, seconds: float) -> None:
        last = self._last
        if n_threads == 1:
            self._prompts.append(seconds / n_tokens)
            self._n_prompts_left_alone = max(0, self._n_prompts_left_alone - 1)
        elif last is None:
            pass  # nobody knows yet what meeting cost
        elif seconds > _SLOWER * n_tokens * self._prompt_token_s:
            self._n_prompts_left_alone = self._prompt_pause
            self._prompt_pause = min(2 * self._prompt_pause, MOST_PROMPTS)
        else:
            self._prompt_pause = FIRST_PROMPTS
            computed_s = seconds - (last.meeting_s if last.is_slower_together else 0.0)
            # Never more than a token of a small step, should the meetings have taken longer.
            token_s = max(0.0, computed_s) * n_threads / n_tokens
            self._prompts.append(min(token_s, last.alone_s) if last.alone_s else token_s)

    @property
    def _prompt_token_s(self) -> float:
        """What a token of a prompt takes alone, as far as anybody knows."""
        if self._prompts:
            return median(self._prompts)
        # A token of a small step takes longer, and has to stand in.
        return self._last.alone_s if self._last is not None else 0.0

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
        self.n_left_alone = _N_FIRST
        self.is_slower_together = False
        self.meeting_s = 0.0
        """Seconds of a step together that were not spent on computing, where it was slower."""
        self.alone_s = 0.0
        self._size = size
        self._most = most
        self._alone: deque[float] = deque(maxlen=_N_KEPT)
        self._together: deque[float] = deque(maxlen=_N_KEPT)
        self._pause = FIRST_PAUSE
        self._n_since_alone = 0
        self._usual_s = 0.0
        """Up to here a step together says nothing new; 0 until all that are kept are like that."""

    def ran_alone(self, seconds: float) -> None:
        self._alone.append(seconds)
        self._usual_s = 0.0
        self.alone_s = median(self._alone)
        self._n_since_alone = 0
        self.n_left_alone = max(0, self.n_left_alone - 1)

    def ran_together(self, seconds: float) -> None:
        if seconds <= self._usual_s:
            return
        self._usual_s = 0.0
        self._together.append(seconds)
        self._n_since_alone += 1
        if not self._alone:
            return
        alone = self.alone_s
        if seconds > _MUCH_SLOWER * alone and self._costs_more_than_parting(seconds):
            self._part(seconds)
        elif len(self._together) < _N_KEPT:
            return
        elif median(self._together) <= _SLOWER * alone:
            self.is_slower_together = False
            self._pause = FIRST_PAUSE
            if max(self._together) <= _SLOWER * alone:
                self._usual_s = _SLOWER * alone
        elif self._n_since_alone > _N_KEPT:
            # The steps of a text grow with it: only steps alone of now can be compared.
            self._alone.clear()
            self.n_left_alone = _N_FIRST
        else:
            self._part(seconds)

    def _costs_more_than_parting(self, seconds: float) -> bool:
        """True where one such step outweighs what a pause alone would lose.

        A single step may be interrupted by anything; that says little of the next.
        """
        if self.is_slower_together:  # as it was before the pause
            return True
        is_known = len(self._together) == _N_KEPT
        usual = median(self._together) if is_known else self.alone_s / self._most
        return seconds - self.alone_s > self._pause * max(0.0, self.alone_s - usual)

    def _part(self, seconds: float) -> None:
        """The next steps run alone, more of them each time."""
        self.is_slower_together = True
        self.meeting_s = self._size * (seconds - self.alone_s / self._most)
        self.n_left_alone = self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._together.clear()
        self._together.append(seconds)
