"""The spelling index of a fact file: a sorted set of numbers, many in a row.

A number is a code of near spellings (`blocking_codes`), 32 bits, and behind it the first 32 bits of
the place of an entity with that code. Several places may begin alike: names are compared afterwards,
as they are where a code is that of other names. A row has up to `_MOST` numbers, the first as its key
and the others as what they are above it, all of as many bytes as the last one needs; so a number costs
six or seven bytes instead of twenty, and a search reads one row.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from lamlam.memory_backends.sqlite.many_keys import for_each, rows_of

TABLE = "CREATE TABLE near_block (first INTEGER PRIMARY KEY, entries BLOB NOT NULL)"
_OFFSET = 1 << 63
_LOW = (1 << 32) - 1
_FULL = 78
"""Numbers of a row that is written in order: seven such rows fill a page."""
_MOST = 2 * _FULL
_AT_ONCE = 100_000
_ROWS_TO = (
    "SELECT first, entries FROM near_block WHERE first BETWEEN"
    " coalesce((SELECT max(first) FROM near_block WHERE first <= ?1), ?1) AND ?2 ORDER BY first"
)
_ROW_OF = "SELECT first, entries FROM near_block WHERE first <= ? ORDER BY first DESC LIMIT 1"
# Of the numbers up to the last one with a code, the greatest is in the last row that begins there.
_LAST_ROWS = for_each(
    "WITH asked (code) AS (VALUES {})"
    " SELECT code, first, entries FROM asked JOIN near_block ON first ="
    f" (SELECT max(first) FROM near_block WHERE first <= (code << 32) + {_LOW})",
    "(?)",
)


def near_number(code: int, place: int) -> int:
    """Return the number of a code and of the place of an entity (both signed)."""
    return (code << 32) + ((place + _OFFSET) >> 32)


def places_of(number: int) -> tuple[int, int]:
    """Return the first and the last place that a number means."""
    first = ((number & _LOW) << 32) - _OFFSET
    return first, first + _LOW


def numbers_of(cursor: sqlite3.Cursor, code: int, most: int) -> list[int]:
    """Return the first numbers of a code, in order, at most so many."""
    first, last = code << 32, (code << 32) + _LOW
    found: list[int] = []
    for begin, entries in cursor.execute(_ROWS_TO, (first, last)):
        found += _between(begin, entries, first, last)
        if len(found) >= most:
            break
    return found[:most]


def used_among(cursor: sqlite3.Cursor, codes: Collection[int]) -> set[int]:
    """Return those of the codes that any number has."""
    return {
        code
        for code, first, entries in {*rows_of(cursor, _LAST_ROWS, list(codes))}
        if _has_any(first, entries, code << 32, (code << 32) + _LOW)
    }


def add_numbers(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Add numbers to those of the file.

    Args:
        numbers: in ascending order; one may come twice.
    """
    remaining = iter(numbers)
    while part := list(islice(remaining, _AT_ONCE)):
        begin = 0
        while begin < len(part):
            begin = _add_to_row(connection, part, begin)


def packed_rows_of(numbers: Sequence[int]) -> list[tuple[int, bytes]]:
    """Return the rows of ascending numbers for a part of the table that is empty."""
    unique = list(dict.fromkeys(numbers))
    return [
        (part[0], pack_block(part))
        for begin in range(0, len(unique), _FULL)
        for part in [unique[begin : begin + _FULL]]
    ]


def has_numbers(connection: sqlite3.Connection) -> bool:
    """Return whether the table has any."""
    return connection.execute("SELECT 1 FROM near_block LIMIT 1").fetchone() is not None


def add_rows(connection: sqlite3.Connection, rows: Iterable[tuple[int, bytes]]) -> None:
    """Add rows behind all that the table has."""
    connection.executemany("INSERT INTO near_block VALUES (?, ?)", rows)


def remove_numbers(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Remove numbers from those of the file; one that is not there is passed over."""
    for number in numbers:
        row = connection.execute(_ROW_OF, (number,)).fetchone()
        if row is None:
            continue
        before = unpack_block(*row)
        after = [one for one in before if one != number]
        if len(after) < len(before):
            _rewrite(connection, row[0], after)


def unpack_block(first: int, entries: bytes) -> list[int]:
    """Return the numbers of a row, in order."""
    width = entries[0]
    offsets = [
        int.from_bytes(entries[at : at + width], "big") for at in range(1, len(entries), width)
    ]
    return [first, *[first + offset for offset in offsets]]


def pack_block(numbers: Sequence[int]) -> bytes:
    """Return all numbers of a row but the first, which is its key."""
    first = numbers[0]
    width = max(1, ((numbers[-1] - first).bit_length() + 7) // 8)
    return b"".join(
        [bytes([width]), *[(number - first).to_bytes(width, "big") for number in numbers[1:]]]
    )


def all_numbers(connection: sqlite3.Connection) -> Iterator[int]:
    """Yield every number of the file, in order."""
    for first, entries in connection.execute(
        "SELECT first, entries FROM near_block ORDER BY first"
    ):
        yield from unpack_block(first, entries)


def _add_to_row(connection: sqlite3.Connection, numbers: list[int], begin: int) -> int:
    """Add the numbers that belong into the row of the first one; return where the others begin."""
    execute = connection.execute
    row = execute(_ROW_OF, (numbers[begin],)).fetchone()
    if row is None:  # before all others
        (following,) = execute("SELECT min(first) FROM near_block").fetchone()
    else:
        (following,) = execute(
            "SELECT min(first) FROM near_block WHERE first > ?", (row[0],)
        ).fetchone()
    end = len(numbers) if following is None else bisect_left(numbers, following, begin)
    group = numbers[begin:end]
    merged = sorted({*unpack_block(*row), *group}) if row is not None else sorted(set(group))
    _rewrite(connection, None if row is None else row[0], merged)
    return end


def _rewrite(connection: sqlite3.Connection, first: int | None, numbers: list[int]) -> None:
    """Write numbers in place of the row with this key."""
    if first is not None and (not numbers or numbers[0] != first):
        connection.execute("DELETE FROM near_block WHERE first = ?", (first,))
    if not numbers:
        return
    n_rows = 1 if len(numbers) <= _MOST else -(-len(numbers) // _FULL)
    size = -(-len(numbers) // n_rows)
    connection.executemany(
        "INSERT OR REPLACE INTO near_block VALUES (?, ?)",
        [
            (part[0], pack_block(part))
            for begin in range(0, len(numbers), size)
            for part in [numbers[begin : begin + size]]
        ],
    )


def _at_or_above(first: int, entries: bytes, wanted: int) -> int:
    """Return how many of the numbers of a row are below one."""
    if wanted <= first:
        return 0
    width = entries[0]
    low, high = 0, (len(entries) - 1) // width
    offset = wanted - first
    if offset >> (8 * width):
        return high + 1
    sought = offset.to_bytes(width, "big")
    while low < high:
        middle = (low + high) // 2
        if entries[1 + middle * width : 1 + (middle + 1) * width] < sought:
            low = middle + 1
        else:
            high = middle
    return low + 1


def _number_at(first: int, entries: bytes, n: int) -> int | None:
    if n == 0:
        return first
    width = entries[0]
    at = 1 + (n - 1) * width
    return first + int.from_bytes(entries[at : at + width], "big") if at < len(entries) else None


def _between(first: int, entries: bytes, low: int, high: int) -> list[int]:
    found = []
    n = _at_or_above(first, entries, low)
    while (number := _number_at(first, entries, n)) is not None and number <= high:
        found.append(number)
        n += 1
    return found


def _has_any(first: int, entries: bytes, low: int, high: int) -> bool:
    number = _number_at(first, entries, _at_or_above(first, entries, low))
    return number is not None and number <= high
