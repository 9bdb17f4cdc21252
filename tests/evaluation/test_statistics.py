"""Shares, intervals and paired differences of evaluations."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.evaluation.statistics import Share, paired_difference, wilson_interval


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_interval_holds_the_share(k: int, n: int) -> None:
    share = Share(min(k, n), n)
    low, high = share.interval
    assert 0.0 <= low <= share.value <= high <= 1.0


def test_an_interval_solves_its_defining_equation() -> None:
    """The ends of the interval are the shares that lie just 1.96 standard errors from what came."""
    for end in wilson_interval(33, 100):
        assert abs(0.33 - end) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / 100))


def test_nothing_counted_leaves_everything_possible() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_paired_runs_are_compared_on_the_items_of_both() -> None:
    now = {"a": True, "b": True, "c": False, "d": True, "only now": True}
    before = {"a": False, "b": True, "c": True, "d": False, "only before": True}
    found = paired_difference(now, before)
    assert (found.n, found.gained, found.lost, found.difference) == (4, 2, 1, 0.25)
    assert found.p_value == 1.0


def test_five_gains_and_no_loss_are_worth_a_sixteenth() -> None:
    now = {str(n): True for n in range(5)}
    assert paired_difference(now, dict.fromkeys(now, False)).p_value == 2 / 2**5
    assert paired_difference(now, now).p_value == 1.0
