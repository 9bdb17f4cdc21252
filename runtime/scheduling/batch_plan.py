"""Who gets how many tokens into the next batch, and which gaps are filled."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence

MOST_BESIDE = 64
"""Tokens of prompts and values in a batch in which some text gets its next token, where no more
texts are read than written. More would make those wait: a long prompt is evaluated over several
steps. Where more are read, those would wait for the few, so as many times more are taken in."""
WIDEST_GAP = 2
"""Free or waiting sequences in a row that are given a token which is forgotten again. Where
each sequence has cells of its own, llama.cpp evaluates together only sequences that follow
each other by number; one pass more costs as much as some tokens in the same pass."""


def share_out(pending: list[int], room: int) -> list[int]:
    """Return how many of each text's pending tokens go into the batch.

    Each gets one, where there is room; what is left goes to the shortest first, so that a
    value is whole before a prompt. Where room is short, those that come first get it.
    """
    shares = [1 if n < room else 0 for n in range(len(pending))]
    left = room - len(pending)
    n_written = pending.count(1)
    if n_written == len(pending):  # most batches, and nothing is left to share
        return shares
    if n_written:
        n_read = len(pending) - n_written
        left = min(left, MOST_BESIDE * max(1, n_read // n_written))
    for n in sorted(range(len(pending)), key=pending.__getitem__):
        more = min(pending[n] - 1, left)
        if more <= 0:
            continue
        shares[n] += more
        left -= more
    return shares


def evened(shares: Sequence[int], is_value: Sequence[bool]) -> list[int]:
    """Return shares of which those of values differ less, for sequences with cells of their own.

    llama.cpp evaluates such sequences together as long as all of them have tokens left, then
    those with more once again, and so on: each number that occurs is a pass of its own, for which
    every text waits. A pass of fewer tokens than there are other texts is left to later steps, in
    which these tokens go along. Prompts are left as they are: texts that begin together would part.

    Args:
        shares: tokens of each text, 0 for those that have no place in the batch.
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
        if high - low - 1 <= WIDEST_GAP:
            found += range(low + 1, high)
    return found
