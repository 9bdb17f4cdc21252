"""The spelling index of a fact file: a sorted set of numbers, many in a row.

A number is a code of near spellings (`blocking_codes`), 32 bits, and behind it the first 32 bits of
the place of an entity with that code. Several places may begin alike: names are compared afterwards,
as they are where a code is that of other names. A row has up to `_MOST` numbers, the first as its key:
how many bytes a code takes, the first code, what all codes are above it, and the places. So a number
costs six or seven bytes instead of twenty, and a search reads one row and looks for bytes in it.
"""

from __future__ import annotations

import sqlite3
import struct
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
# The last number with a code, if there is any, is in the last row that begins up to it. That bound is
# given: computed in the statement from the code, it took ten times as long.
_LAST_ROWS = for_each(
    "WITH asked (last) AS (VALUES {}) SELECT last,"
    " (SELECT entries FROM near_block WHERE first <= last ORDER BY first DESC LIMIT 1) FROM asked",
    "(?)",
)
_HEAD = struct.Struct(">Bi")
_PLACE_BYTES = 4


def near_number(code: int, place: int) -> int:
    """Return the number of a code and of the place of an entity (both signed)."""
    return (code << 32) + ((place + _OFFSET) >> 32)


def places_of(number: int) -> tuple[int, int]:
    """Return the first and the last place that a number means."""
    first = ((number & _LOW) << 32) - _OFFSET
    return first, first + _LOW


def numbers_of(cursor: sqlite3.Cursor, code: int, most: int) -> list[int]:
    """Return the first numbers of a code, in order, at most so many."""
    first = code << 32
    found: list[int] = []
    for _, entries in cursor.execute(_ROWS_TO, (first, first + _LOW)):
        begin, end = _span(entries, code)
        found += [first + place for place in _places(entries, begin, end)]
        if len(found) >= most:
            break
    return found[:most]


def used_among(cursor: sqlite3.Cursor, codes: Collection[int]) -> set[int]:
    """Return those of the codes that any number has."""
    asked = [(code << 32) + _LOW for code in codes]
    return {
        last >> 32
        for last, entries in rows_of(cursor, _LAST_ROWS, asked)
        if entries is not None and _index_of(entries, last >> 32) >= 0
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
        before = unpack_block(row[1])
        after = [one for one in before if one != number]
        if len(after) < len(before):
            _rewrite(connection, row[0], after)


def unpack_block(entries: bytes) -> list[int]:
    """Return the numbers of a row, in order.

    Raises:
        ValueError: the row is damaged.
    """
    if len(entries) < _HEAD.size or (len(entries) - _HEAD.size) % (entries[0] + _PLACE_BYTES):
        raise ValueError("a row of the spelling index is cut")
    width, first = _HEAD.unpack_from(entries)
    n = _n_of(entries)
    begin = _HEAD.size
    codes = [
        first + int.from_bytes(entries[at : at + width], "big")
        for at in range(begin, begin + n * width, width)
    ]
    places = _places(entries, 0, n)
    return [(code << 32) + place for code, place in zip(codes, places, strict=True)]


def pack_block(numbers: Sequence[int]) -> bytes:
    """Return the numbers of a row, which are in order."""
    first = numbers[0] >> 32
    base = first << 32
    n = len(numbers)
    width = max(1, (((numbers[-1] - base) >> 32).bit_length() + 7) // 8)
    # Eight bytes each, of which the last ones of a code and those of the place are taken by columns.
    whole = struct.pack(f">{n}Q", *[number - base for number in numbers])
    codes, places = bytearray(n * width), bytearray(n * _PLACE_BYTES)
    for at in range(width):
        codes[at::width] = whole[4 - width + at :: 8]
    for at in range(_PLACE_BYTES):
        places[at::_PLACE_BYTES] = whole[4 + at :: 8]
    return b"".join((_HEAD.pack(width, first), codes, places))


def all_numbers(connection: sqlite3.Connection) -> Iterator[int]:
    """Yield every number of the file, in order."""
    for (entries,) in connection.execute("SELECT entries FROM near_block ORDER BY first"):
        yield from unpack_block(entries)


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
    merged = sorted({*unpack_block(row[1]), *group}) if row is not None else sorted(set(group))
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


def _n_of(entries: bytes) -> int:
    """Return how many numbers a row has."""
    return (len(entries) - _HEAD.size) // (entries[0] + _PLACE_BYTES)


def _index_of(entries: bytes, code: int) -> int:
    """Return which of the numbers of a row is the first one of a code, or -1."""
    width, first = _HEAD.unpack_from(entries)
    above = code - first
    if above < 0 or above >> (8 * width):
        return -1
    sought = above.to_bytes(width, "big")
    begin = _HEAD.size
    end = begin + _n_of(entries) * width
    at = entries.find(sought, begin, end)
    while at >= 0 and (at - begin) % width:  # of two codes, an end and a beginning
        at = entries.find(sought, at + 1, end)
    return (at - begin) // width if at >= 0 else -1


def _span(entries: bytes, code: int) -> tuple[int, int]:
    """Return where the numbers of a code begin and end among those of a row."""
    begin = _index_of(entries, code)
    if begin < 0:
        return 0, 0
    width, n = entries[0], _n_of(entries)
    at = _HEAD.size + begin * width
    sought = entries[at : at + width]
    end = begin + 1
    while end < n and entries[_HEAD.size + end * width : _HEAD.size + (end + 1) * width] == sought:
        end += 1
    return begin, end


def _places(entries: bytes, begin: int, end: int) -> tuple[int, ...]:
    """Return the beginnings of the places of some numbers of a row."""
    at = _HEAD.size + _n_of(entries) * entries[0] + begin * _PLACE_BYTES
    return struct.unpack_from(f">{end - begin}I", entries, at)
