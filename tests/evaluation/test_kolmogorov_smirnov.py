"""The two-sample test agrees with published values."""

from __future__ import annotations

import pytest

from lamlam.evaluation.kolmogorov_smirnov import ks_p_value, ks_statistic


def test_equal_samples_are_not_told_apart() -> None:
    """Order and ties do not matter."""
    assert ks_statistic([3.0, 1.0, 1.0], [1.0, 3.0, 1.0]) == 0.0
    assert ks_p_value([3.0, 1.0, 1.0], [1.0, 3.0, 1.0]) == 1.0
    assert ks_p_value([], [1.0]) == 1.0


def test_the_statistic_is_the_largest_distance() -> None:
    """Between the two empirical distributions, ties on both sides included."""
    assert ks_statistic([1.0, 2.0, 3.0, 4.0], [2.5, 3.5, 4.5, 5.5]) == pytest.approx(0.5)
    assert ks_statistic([1.0, 1.0, 2.0], [1.0, 2.0, 2.0]) == pytest.approx(1 / 3)


def test_p_at_the_tabled_points() -> None:
    """For large samples, 5 % lies at 1.358 and 1 % at 1.628 of sqrt(2 / n)."""
    n = 20_000
    base = [float(i) for i in range(n)]
    for critical, p in ((1.3581, 0.05), (1.6276, 0.01)):
        shift = critical * (2 / n) ** 0.5 * n
        moved = [x + shift for x in base]
        assert ks_p_value(base, moved) == pytest.approx(p, rel=0.05)


def test_p_falls_as_samples_part() -> None:
    """It stays a probability."""
    base = [i / 20 for i in range(20)]
    ps = [ks_p_value(base, [x + shift for x in base]) for shift in (0.0, 0.2, 0.5, 2.0)]
    assert ps == sorted(ps, reverse=True)
    assert 0.0 <= ps[-1] < 1e-6
