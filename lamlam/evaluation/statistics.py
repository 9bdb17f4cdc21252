"""Shares with their uncertainty, and paired differences between two runs of the same items."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

_Z = 1.959963984540054  # 95 % of a normal distribution lies within so many standard deviations


@dataclass(frozen=True, slots=True)
class Share:
    """How many of n items have a property."""

    k: int
    n: int

    @property
    def value(self) -> float:
        """The share; 0 where there are no items."""
        return self.k / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval."""
        return wilson_interval(self.k, self.n)


def wilson_interval(k: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of k in n; (0, 1) where nothing was counted.

    Source: Wilson 1927, the score interval.

    >>> [round(end, 3) for end in wilson_interval(9, 10)]
    [0.596, 0.982]
    """
    if n <= 0:
        return 0.0, 1.0
    share = k / n
    middle = share + _Z**2 / (2 * n)
    spread = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    scale = 1 + _Z**2 / n
    low, high = (middle - spread) / scale, (middle + spread) / scale
    return max(0.0, min(low, share)), min(1.0, max(high, share))  # but for rounding


@dataclass(frozen=True, slots=True)
class PairedDifference:
    """Two runs over the same items, each item right or wrong."""

    n: int
    """Items of both runs."""
    gained: int
    """Right now, wrong before."""
    lost: int
    """Wrong now, right before."""

    @property
    def difference(self) -> float:
        """How much larger the share of right items is now."""
        return (self.gained - self.lost) / self.n if self.n else 0.0

    @property
    def p_value(self) -> float:
        """Probability of so uneven a count of gains and losses if both runs were equally good.

        Source: McNemar 1947, the exact (binomial) form.
        """
        n = self.gained + self.lost
        if n == 0:
            return 1.0
        fewer = min(self.gained, self.lost)
        tail: float = sum(math.comb(n, i) for i in range(fewer + 1)) / 2**n
        return min(1.0, 2 * tail)


def paired_difference(now: Mapping[str, bool], before: Mapping[str, bool]) -> PairedDifference:
    """Return how two runs differ on the items that both have, by the ids of the items.

    >>> paired_difference({"a": True, "b": True}, {"a": False, "c": True})
    PairedDifference(n=1, gained=1, lost=0)
    """
    both = now.keys() & before.keys()
    return PairedDifference(
        len(both),
        gained=sum(now[one] and not before[one] for one in both),
        lost=sum(before[one] and not now[one] for one in both),
    )
