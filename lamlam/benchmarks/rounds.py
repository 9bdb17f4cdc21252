"""Shared parts of the benchmarks of writing: alternating turns, medians of ratios."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence


def in_turns(names: Iterable[str], n: int) -> list[str]:
    """Return the names in the order of round ``n``: every other round is reversed.

    No way of writing then always runs after the same other one.
    """
    return list(names)[:: 1 if n % 2 == 0 else -1]


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of each round's ratio."""
    return round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 3)
