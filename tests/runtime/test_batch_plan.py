"""Who gets how many tokens into a batch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lamlam.runtime.batch_plan import MOST_BESIDE, WIDEST_GAP, gaps, share_out

PENDING = st.lists(st.integers(1, 600), min_size=1, max_size=20)


@given(PENDING, st.integers(1, 512))
def test_no_more_than_is_pending_and_than_there_is_room(pending: list[int], room: int) -> None:
    """Each gets a token where that is possible, and none more than it has."""
    shares = share_out(pending, room)
    assert len(shares) == len(pending)
    assert all(0 <= n <= most for n, most in zip(shares, pending, strict=True))
    assert sum(shares) <= room
    n_served = min(room, len(pending))
    assert all(n > 0 for n in shares[:n_served])
    if 1 in pending:
        n_written = pending.count(1)
        times = max(1, (len(pending) - n_written) // n_written)
        assert sum(n - 1 for n in shares if n) <= times * MOST_BESIDE
    else:
        assert sum(shares) == min(room, sum(pending))


@given(PENDING, st.integers(20, 512))
def test_the_shortest_are_whole_first(pending: list[int], room: int) -> None:
    """Nobody gets a second token while a shorter one is left in pieces."""
    shares = share_out(pending, room)
    for n, most in zip(shares, pending, strict=True):
        if n < most:
            longer = [m for m, p in zip(shares, pending, strict=True) if p > most]
            assert all(m == 1 for m in longer)


@given(st.sets(st.integers(0, 40), min_size=1))
def test_small_gaps_are_filled_and_nothing_else(slots: set[int]) -> None:
    """Filled, the numbers follow each other, but where many in a row are missing."""
    found = gaps(sorted(slots))
    assert not slots & set(found)
    filled = sorted(slots | set(found))
    steps = [b - a for a, b in zip(filled, filled[1:], strict=False)]
    assert all(step == 1 or step > WIDEST_GAP + 1 for step in steps)
    assert len(found) == len(set(found))
