"""The spelling index of a file against a set."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.memory_backends.sqlite import near_blocks
from lamlam.memory_backends.sqlite.near_blocks import (
    TABLE,
    add_numbers,
    all_numbers,
    near_number,
    numbers_of,
    places_of,
    remove_numbers,
    used_among,
)

_EDGE = st.sampled_from([-(2**63), -1, 0, 1, 2**63 - 1])
_PLACES = st.integers(-(2**63), 2**63 - 1) | _EDGE
_CODES = st.integers(-3, 3) | st.sampled_from([-(2**31), 2**31 - 1])
_NUMBERS = st.builds(near_number, _CODES, _PLACES)


@pytest.fixture(scope="module")
def connection() -> Iterator[sqlite3.Connection]:
    """A table that each example empties."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        opened.execute(TABLE)
        yield opened


@given(
    st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.lists(_NUMBERS, max_size=30))),
    st.integers(1, 5),
)
def test_numbers_are_those_of_a_set(
    connection: sqlite3.Connection,
    changes: list[tuple[Literal["add", "remove"], list[int]]],
    full: int,
) -> None:
    """However they are added and removed, and how many a row may have."""
    connection.execute("DELETE FROM near_block")
    known: set[int] = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_blocks, "_FULL", full)
        patch.setattr(near_blocks, "_MOST", 2 * full)
        patch.setattr(near_blocks, "_AT_ONCE", 7)
        for how, numbers in changes:
            if how == "add":
                known.update(numbers)
                add_numbers(connection, sorted(numbers))
            else:
                known.difference_update(numbers)
                remove_numbers(connection, numbers)
            assert list(all_numbers(connection)) == sorted(known)
    cursor = connection.cursor()
    codes = [-(2**31), *range(-4, 5), 2**31 - 1]
    for code in codes:
        its = [one for one in sorted(known) if one >> 32 == code]
        for most in (1, 3, 1000):
            assert numbers_of(cursor, code, most) == its[:most]
    assert used_among(cursor, codes) == {one >> 32 for one in known}


@given(_CODES, _PLACES)
def test_a_number_means_the_places_that_begin_alike(code: int, place: int) -> None:
    """Its own among them."""
    number = near_number(code, place)
    first, last = places_of(number)
    assert number >> 32 == code and first <= place <= last
    assert {near_number(code, first), near_number(code, last)} == {number}


def test_a_code_of_very_many_is_read_as_far_as_asked(connection: sqlite3.Connection) -> None:
    """And found to be used by one row, whichever others there are."""
    connection.execute("DELETE FROM near_block")
    numbers = [near_number(0, place << 40) for place in range(5_000)]
    add_numbers(connection, [*numbers, near_number(1, 0)])
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection.set_progress_handler(count, 10)
    cursor = connection.cursor()
    assert numbers_of(cursor, 0, 10) == numbers[:10]
    assert used_among(cursor, [0, 1, 2]) == {0, 1}
    assert steps < 300
    (n_rows,) = cursor.execute("SELECT count(*) FROM near_block").fetchone()
    assert n_rows < 5_001 / 70
