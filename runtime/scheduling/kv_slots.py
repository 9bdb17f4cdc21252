"""The slots of the KV cache (kv_cache), one for each sequence, and the prefix cache.

A sequence that begins like another one (agents share long instructions, a conversation repeats
all earlier messages) takes over the cells of the common prefix and evaluates only the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lamlam.runtime.scheduling.sequence import InferenceContext, RunningSequence

MIN_REUSED = 8
"""Shortest prefix, in tokens, that is reused in place."""
MIN_COPIED = 64
"""Shortest prefix that is copied if a copy moves all cells of a sequence (not unified)."""
MIN_AWAITED = 64
"""Shortest prefix that a request waits for while a sequence evaluates it."""


class KvSlots:
    """The slots of one context, numbered as its sequences."""

    def __init__(self, evaluator: InferenceContext, n_slots: int, *, keeps_prefixes: bool) -> None:
        """Begin with all slots free and empty."""
        self._evaluator = evaluator
        self._keeps_prefixes = keeps_prefixes and evaluator.can_truncate
        self._most_kept = max(1, n_slots // 2)
        self._free = list(range(n_slots))
        self._kept: dict[int, list[int]] = {}
        """The prefix cache: tokens in free slots, least recently used first."""

    @property
    def n_free(self) -> int:
        """Number of free slots."""
        return len(self._free)

    @property
    def n_cached(self) -> int:
        """Number of tokens in the prefix cache."""
        return sum(map(len, self._kept.values()))

    def n_held(self, slot: int) -> int:
        """Return how many tokens a free slot holds."""
        return len(self._kept.get(slot, ()))

    def is_worth_waiting(self, tokens: Sequence[int], running: Iterable[RunningSequence]) -> bool:
        """Return true if a running sequence is about to evaluate a long common prefix."""
        if not self._keeps_prefixes:
            return False
        here = coming = 0
        for sequence in running:
            n_prompt = sequence.decoder.n_prompt_tokens
            shared = n_shared(tokens, sequence.decoder.tokens[:n_prompt])
            here = max(here, min(shared, sequence.n_evaluated))
            if sequence.n_evaluated < n_prompt and not sequence.is_preempted:
                coming = max(coming, shared)
        here = max([here, *(n_shared(tokens, kept) for kept in self._kept.values())])
        return coming - here >= MIN_AWAITED

    def acquire(self, tokens: Sequence[int], running: Iterable[RunningSequence]) -> tuple[int, int]:
        """Return a slot and how many of the tokens it holds; at least one is left over."""
        # The logits after the last token are needed, so it is always evaluated.
        source, n = self._longest_match(tokens[:-1], running)
        kept = self._kept.get(source)
        if n < MIN_REUSED:
            return self._empty_slot(), 0
        if kept is not None and (2 * n >= len(kept) or self._free == [source]):
            if n < len(kept):
                self._evaluator.truncate(source, n)
            self._free.remove(source)
            del self._kept[source]
            return source, n
        slot = self._empty_slot(spared=source)
        is_worth_it = self._evaluator.unified_kv or n >= MIN_COPIED
        if not is_worth_it:
            return slot, 0
        try:
            self._evaluator.copy(source, slot, n)
        except BaseException:
            self.release(slot, [])
            raise
        return slot, n

    def release(self, slot: int, tokens: list[int]) -> None:
        """Free a slot, whose first cells hold the tokens; keep them in the prefix cache."""
        self._free.append(slot)
        self._free.sort()  # low numbers first, so that those in use are consecutive
        if not (self._keeps_prefixes and tokens):
            self._evaluator.free(slot)
            return
        self._evaluator.truncate(slot, len(tokens))
        self._kept[slot] = tokens
        while len(self._kept) > self._most_kept:
            self.evict_oldest()

    def evict_oldest(self) -> bool:
        """Empty the least recently used free slot; return false if all are empty."""
        if not self._kept:
            return False
        slot = next(iter(self._kept))
        del self._kept[slot]
        self._evaluator.free(slot)
        return True

    def _longest_match(
        self, tokens: Sequence[int], running: Iterable[RunningSequence]
    ) -> tuple[int, int]:
        best, most = -1, 0
        if self._keeps_prefixes:
            held = [*self._kept.items(), *((one.slot, one.reusable_prefix) for one in running)]
            for slot, others in held:
                n = n_shared(tokens, others)
                if n > most:
                    best, most = slot, n
        return best, most

    def _empty_slot(self, spared: int = -1) -> int:
        empty = [slot for slot in self._free if slot not in self._kept]
        if not empty:
            oldest = next(slot for slot in self._kept if slot != spared)
            del self._kept[oldest]
            self._evaluator.free(oldest)
            empty = [oldest]
        self._free.remove(empty[0])
        return empty[0]


def n_shared(a: Sequence[int], b: Sequence[int]) -> int:
    """Return how many tokens both begin with."""
    n = 0
    for left, right in zip(a, b, strict=False):
        if left != right:
            break
        n += 1
    return n
