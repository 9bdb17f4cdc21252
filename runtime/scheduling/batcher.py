"""Composes the llama_batch of each step (continuous batching, chunked prefill).

Where the KV cache is full it evicts unused prefixes, then preempts the youngest sequences.
"""

from __future__ import annotations

from lamlam.runtime.scheduling.kv_slots import KvSlots
from lamlam.runtime.scheduling.sequence import InferenceContext, RunningSequence
from lamlam.runtime.scheduling.token_budget import gaps, level_shares, split_token_budget

_SPARE = 16
"""Tokens for each running sequence that stay free when a paused one goes on."""


class Batcher:
    """Evaluates what running sequences have pending, in one context."""

    def __init__(
        self,
        evaluator: InferenceContext,
        slots: KvSlots,
        *,
        padding_token: int,
        is_reproducible: bool,
    ) -> None:
        """Store the arguments.

        Args:
            padding_token: evaluated in idle sequences between busy ones, and removed again.
            is_reproducible: each sequence is evaluated in a separate batch.
        """
        self._evaluator = evaluator
        self._slots = slots
        self._padding_token = padding_token
        self._is_reproducible = is_reproducible

    def evaluate(self, ready: list[RunningSequence], running: list[RunningSequence]) -> None:
        """Evaluate as much of what is pending as a batch and the KV cache take.

        Args:
            ready: sequences that need logits to go on.
            running: all sequences in the context.
        """
        if self._evaluator.unified_kv:
            ready = self._with_cells(ready, running)
        if self._is_reproducible:
            self._evaluate_each(ready)
        elif len(ready) == 1:  # the common case, and nothing to share out
            self._add_pending(ready[0], min(len(ready[0].pending), self._evaluator.free_tokens))
            self._evaluator.decode()
        elif ready:
            self._evaluate_together(ready, running)

    def _evaluate_together(
        self, ready: list[RunningSequence], running: list[RunningSequence]
    ) -> None:
        """Evaluate one batch for several sequences.

        A sequence in decoding does not wait for the prompt of another. But none is first in every
        batch, so in a batch too small for a token of each they take turns.
        """
        evaluator = self._evaluator
        pending = [len(sequence.pending) for sequence in ready]
        first_prompt = _first_prompt(ready) if max(pending) > 1 else None
        shares = split_token_budget(pending, evaluator.free_tokens, first_prompt)
        if not evaluator.unified_kv and sum(shares) > len(shares):
            values = [one.n_evaluated >= one.decoder.n_prompt_tokens for one in ready]
            shares = level_shares(shares, values)
        in_batch = {
            sequence.slot: (sequence, n) for sequence, n in zip(ready, shares, strict=True) if n
        }
        slots = sorted(in_batch)
        between = [] if evaluator.unified_kv else gaps(slots)
        if sum(shares) + len(between) > evaluator.free_tokens:
            between = []
        padded: list[tuple[int, int]] = []
        for slot in sorted([*slots, *between]) if between else slots:
            if slot in in_batch:
                self._add_pending(*in_batch[slot])
            else:
                padded += self._pad(slot, running)
        try:
            evaluator.decode()
        finally:
            for slot, n_held in padded:
                if n_held:
                    evaluator.truncate(slot, n_held)
                else:
                    evaluator.free(slot)

    def _evaluate_each(self, ready: list[RunningSequence]) -> None:
        for sequence in ready:
            self._add_pending(sequence, min(len(sequence.pending), self._evaluator.free_tokens))
            self._evaluator.decode()
            if sequence.row is not None:
                sequence.restored = self._evaluator.logits(sequence.row).copy()

    def _pad(self, slot: int, running: list[RunningSequence]) -> list[tuple[int, int]]:
        """Give an idle sequence a token; return what it held before, if that must be restored.

        If it waits for memory it gets what it will need anyway, which may stay.
        """
        parked = next((sequence for sequence in running if sequence.slot == slot), None)
        if parked is not None and parked.pending:
            self._add_pending(parked, 1)
            return []
        n_held = self._slots.n_held(slot) if parked is None else parked.n_evaluated
        can_go_back = not n_held or self._evaluator.can_truncate
        if n_held >= self._evaluator.n_context or not can_go_back:
            return []
        self._evaluator.add(slot, [self._padding_token], n_held, is_last=False)
        return [(slot, n_held)]

    def _with_cells(
        self, ready: list[RunningSequence], running: list[RunningSequence]
    ) -> list[RunningSequence]:
        """Return those for which the unified KV cache has cells, the oldest above all.

        Cached prefixes are removed first, then the youngest sequence is paused.
        """
        if not ready:
            return ready
        evaluator = self._evaluator
        by_age = sorted(running, key=lambda sequence: sequence.age)
        oldest = min(ready, key=lambda sequence: sequence.age)
        oldest.is_preempted = False
        while True:
            n_held = sum(sequence.n_evaluated for sequence in by_age) + self._slots.n_cached
            going = [sequence for sequence in ready if not sequence.is_preempted]
            n_new = sum(
                split_token_budget(
                    [len(sequence.pending) for sequence in going], evaluator.free_tokens
                )
            )
            if n_held + n_new <= evaluator.n_cells:
                break
            if self._slots.evict_oldest():
                continue
            # The oldest alone has cells: a sequence is at most as long as the cache.
            others = [t for t in by_age if t is not oldest and (t.n_evaluated or t in going)]
            evaluator.free(others[-1].slot)
            others[-1].pause()
        for sequence in by_age:
            # Cells for all of it and some steps of the others, or it would be paused again.
            n_held += len(sequence.pending)
            if sequence.is_preempted and n_held + _SPARE * len(by_age) <= evaluator.n_cells:
                sequence.is_preempted = False
        return going

    def _add_pending(self, sequence: RunningSequence, n: int) -> None:
        """Put the first ``n`` pending tokens into the batch."""
        tokens = sequence.pending[:n]
        del sequence.pending[:n]
        sequence.row = self._evaluator.add(
            sequence.slot,
            tokens,
            sequence.n_evaluated,
            is_last=not sequence.pending and not sequence.awaits_lookup,
        )
        sequence.n_evaluated += n


def _first_prompt(ready: list[RunningSequence]) -> int | None:
    """Return which sequence was admitted first of those whose prompt is not evaluated yet."""
    prompts = [
        n
        for n, sequence in enumerate(ready)
        if sequence.n_evaluated < sequence.decoder.n_prompt_tokens
    ]
    return min(prompts, key=lambda n: ready[n].age, default=None)
