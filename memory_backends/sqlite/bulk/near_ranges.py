"""The spelling index of a load: the numbers of all partitions, a range of them at a time, in order."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from lamlam.memory_backends.sqlite.bulk.number_files import numbers_in
from lamlam.memory_backends.sqlite.near_blocks import packed_rows_of

_AT_ONCE = 150_000
_BYTES = 8


@dataclass(frozen=True, slots=True)
class NearRange:
    """Numbers that are taken together."""

    paths: Sequence[str]
    """Files of sorted numbers."""
    low: int
    high: int
    """Above the last one."""


def ranges_of(paths: Sequence[str]) -> list[NearRange]:
    """Return the ranges of the numbers in files; codes are checksums, and so spread evenly."""
    n_numbers = sum(os.path.getsize(path) for path in paths) // _BYTES
    n_ranges = -(-n_numbers // _AT_ONCE)
    bounds = [-(1 << 63) + (n << 64) // max(n_ranges, 1) for n in range(n_ranges + 1)]
    return [NearRange(paths, *pair) for pair in zip(bounds, bounds[1:], strict=False)]


def numbers_of(one: NearRange) -> list[int]:
    """Return the numbers of a range, in order."""
    found: list[int] = []
    for path in one.paths:
        with numbers_in(path) as numbers:
            begin = bisect_left(numbers, one.low)
            found += numbers[begin : bisect_left(numbers, one.high, begin)]
    found.sort()  # what is sorted in parts already
    return found


def rows_of_range(one: NearRange) -> list[tuple[int, bytes]]:
    """Return the rows of a range for a table that is empty."""
    return packed_rows_of(numbers_of(one))
