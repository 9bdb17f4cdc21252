"""Continuous batching: how many tokens of each sequence go into the next batch."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

MAX_PREFILL_BESIDE_DECODE = 64
"""Tokens of prompts and values in a batch that also has next tokens of other sequences
(decoding), if no more sequences are in prefill than in decoding. More would delay those: a long
prompt is evaluated over several steps. If more are in prefill, proportionally more are allowed."""
MAX_SLOT_GAP = 2
"""Idle sequences in a row that are given a token, which is removed again. Without a unified KV
cache, llama.cpp evaluates together only sequences with consecutive numbers; another pass costs
as much as some tokens in the same pass."""


def split_token_budget(
    pending: list[int], free_tokens: int, first_prompt: int | None = None
) -> list[int]:
    """Return how many of each sequence's pending tokens go into the batch.

    Each gets one, if the batch has space. Half of the rest is for the prompt that came first,
    as far as it needs it, and what is left goes to the shortest first, so that a value is complete
    before a prompt. If space is short, the first sequences get it.

    So a prompt is never held up by those that come after it: while it is the first, it gets half
    of what a batch has for prompts and values, however many short ones arrive.

    Args:
        first_prompt: which sequence has the prompt that came first; ``None``: no one has.
    """
    shares = [1 if n < free_tokens else 0 for n in range(len(pending))]
    left = free_tokens - len(pending)
    n_written = pending.count(1)
    if n_written == len(pending):  # most batches, and nothing is left to share
        return shares
    if n_written:
        n_read = len(pending) - n_written
        left = min(left, MAX_PREFILL_BESIDE_DECODE * max(1, n_read // n_written))
    if first_prompt is not None and left > 0:
        more = min(pending[first_prompt] - 1, (left + 1) // 2)
        shares[first_prompt] += more
        left -= more
    for n in sorted(range(len(pending)), key=pending.__getitem__):
        more = min(pending[n] - max(1, shares[n]), left)
        if more <= 0:
            continue
        shares[n] += more
        left -= more
    return shares


def level_shares(shares: Sequence[int], is_value: Sequence[bool]) -> list[int]:
    """Return shares in which those of values differ less, for a KV cache that is not unified.

    llama.cpp evaluates such sequences together as long as all of them have tokens left, then
    those with more again, and so on: each different number is a separate pass, for which every
    sequence waits. A pass of fewer tokens than there are other sequences is left to later steps,
    which include these tokens. Prompts are not changed: those that begin together would separate.

    Args:
        shares: tokens of each sequence, 0 for those that are not in the batch.
        is_value: true for those that are past their prompt.
    """
    n_others = sum(share > 0 for share in shares) - 1
    levels = sorted({0, *(n for n, short in zip(shares, is_value, strict=True) if not short)})
    for share in sorted(set(shares)):
        below = levels[bisect_right(levels, share) - 1]
        n_reaching = sum(other >= share for other in shares)
        if (share - below) * n_reaching >= n_others:
            insort(levels, share)
    return [levels[bisect_right(levels, share) - 1] for share in shares]


def gaps(slots: Sequence[int]) -> list[int]:
    """Return the numbers between those in use, where few are missing in a row.

    Args:
        slots: in ascending order.
    """
    found: list[int] = []
    if not slots or slots[-1] - slots[0] < len(slots):
        return found
    for low, high in zip(slots, slots[1:], strict=False):
        if high - low - 1 <= MAX_SLOT_GAP:
            found += range(low + 1, high)
    return found
