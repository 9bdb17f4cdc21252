"""Who gets how many tokens into a batch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lamlam.runtime.scheduling.token_budget import (
    MAX_PREFILL_BESIDE_DECODE,
    MAX_SLOT_GAP,
    gaps,
    level_shares,
    split_token_budget,
)

PENDING = st.lists(st.integers(1, 600), min_size=1, max_size=20)


@given(PENDING, st.integers(1, 512))
def test_no_more_than_is_pending_and_than_there_is_room(pending: list[int], room: int) -> None:
    """Each gets a token where that is possible, and none more than it has."""
    shares = split_token_budget(pending, room)
    assert len(shares) == len(pending)
    assert all(0 <= n <= most for n, most in zip(shares, pending, strict=True))
    assert sum(shares) <= room
    n_served = min(room, len(pending))
    assert all(n > 0 for n in shares[:n_served])
    if 1 in pending:
        n_written = pending.count(1)
        times = max(1, (len(pending) - n_written) // n_written)
        assert sum(n - 1 for n in shares if n) <= times * MAX_PREFILL_BESIDE_DECODE
    else:
        assert sum(shares) == min(room, sum(pending))


@given(PENDING, st.integers(20, 512))
def test_the_shortest_are_whole_first(pending: list[int], room: int) -> None:
    """Nobody gets a second token while a shorter one is left in pieces."""
    shares = split_token_budget(pending, room)
    for n, most in zip(shares, pending, strict=True):
        if n < most:
            longer = [m for m, p in zip(shares, pending, strict=True) if p > most]
            assert all(m == 1 for m in longer)


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=20))
def test_few_tokens_of_values_make_no_pass(texts: list[tuple[int, bool]]) -> None:
    """Prompts keep their tokens, nobody loses all, and what is put off is not worth a pass."""
    shares, is_value = [n for n, _ in texts], [short for _, short in texts]
    found = level_shares(shares, is_value)
    n_others = sum(n > 0 for n in shares) - 1
    for n, left, short in zip(shares, found, is_value, strict=True):
        assert left == n if not short else left <= n
        assert (left > 0) == (n > 0)
    for level in sorted({n for n, left in zip(shares, found, strict=True) if left < n}):
        below = max(left for left in found if left <= level)
        assert (level - below) * sum(n >= level for n in shares) < n_others


def test_a_value_beside_one_text_is_written_at_once() -> None:
    """So is a long one beside many, or many short ones; a short one goes along with the rest."""
    assert level_shares([1, 6], [True] * 2) == [1, 6]
    assert level_shares([1] * 15 + [20], [True] * 16) == [1] * 15 + [20]
    assert level_shares([1] * 8 + [4] * 8, [True] * 16) == [1] * 8 + [4] * 8
    assert level_shares([1] * 15 + [4], [True] * 16) == [1] * 16


@given(st.sets(st.integers(0, 40), min_size=1))
def test_small_gaps_are_filled_and_nothing_else(slots: set[int]) -> None:
    """Filled, the numbers follow each other, but where many in a row are missing."""
    found = gaps(sorted(slots))
    assert not slots & set(found)
    filled = sorted(slots | set(found))
    steps = [b - a for a, b in zip(filled, filled[1:], strict=False)]
    assert all(step == 1 or step > MAX_SLOT_GAP + 1 for step in steps)
    assert len(found) == len(set(found))
