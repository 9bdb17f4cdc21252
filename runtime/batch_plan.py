"""Who gets how many tokens into the next batch, and which gaps are filled."""

from __future__ import annotations

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
