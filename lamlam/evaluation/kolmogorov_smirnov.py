"""The two-sample Kolmogorov-Smirnov test: may two samples come from one distribution?"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence


def ks_statistic(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the largest distance between two empirical distributions; 0 where one is empty.

    >>> ks_statistic([1.0, 2.0], [1.0, 2.0]), ks_statistic([1.0, 2.0], [3.0, 4.0])
    (0.0, 1.0)
    """
    if not a or not b:
        return 0.0
    first, second = sorted(a), sorted(b)
    return max(
        abs(bisect_right(first, x) / len(first) - bisect_right(second, x) / len(second))
        for x in {*first, *second}
    )


def ks_p_value(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the probability of so large a statistic if both samples come from one distribution.

    The asymptotic form, with a correction for small samples; good from about ten values each.
    Source: Stephens 1970, as in Press et al., Numerical Recipes, section 14.3.
    """
    if not a or not b:
        return 1.0
    root = math.sqrt(len(a) * len(b) / (len(a) + len(b)))
    x = (root + 0.12 + 0.11 / root) * ks_statistic(a, b)
    if x < 0.2:  # the series is 1 to twelve digits there, and slow
        return 1.0
    terms = ((1 if k % 2 else -1) * math.exp(-2 * (k * x) ** 2) for k in range(1, 101))
    return min(1.0, max(0.0, 2 * sum(terms)))
