"""Byte search for the residue of an erasure (secure delete), reading a file once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from struct import calcsize
from typing import Literal

_READ_BYTES = 1 << 20
_PREFIX = 4
_Size = Literal["I", "Q"]
"""Codes of `struct` for four and for eight bytes as a number."""
_NEAR = 1 << 15
_BETWEEN = b"\xff"
"""Between texts: no UTF-8 text has this byte, so nothing is found across two of them."""
_FEW = 32
"""Up to so many, one search each is faster than looking at every position once."""


def found_in(file: Path, needles: Collection[bytes]) -> set[bytes]:
    """Return those of the needles that the file holds.

    Where there are many, those are searched for whose first bytes stand anywhere in a part of the
    file, all of which is compared at once: the time grows with the file, hardly with the needles.

    Args:
        needles: of four bytes or more.
    """
    if not needles:
        return set()
    return _found_in(_windows(file, max(map(len, needles)) - 1), needles)


def found_in_texts(texts: Iterable[str], needles: Collection[bytes]) -> set[bytes]:
    """Return those of the needles that one of the texts holds; each text is read at most once.

    Args:
        needles: of four bytes or more, UTF-8.
    """
    return _found_in(_joined(texts), needles)


def _found_in(windows: Iterable[bytes], needles: Collection[bytes]) -> set[bytes]:
    remaining = set(needles)
    found: set[bytes] = set()
    starts = _starts(remaining) if len(remaining) > _FEW else None
    for window in windows:
        if not remaining:
            break
        here = starts.found_in(window) if starts else {one for one in remaining if one in window}
        found |= here
        remaining -= here
    return found


def _windows(file: Path, overlap: int) -> Iterator[bytes]:
    """Yield the file in parts, of which each begins with the end of the one before."""
    tail = b""
    with file.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            window = tail + block
            yield window
            tail = window[-overlap:] if overlap else b""


def _joined(texts: Iterable[str]) -> Iterator[bytes]:
    """Yield the texts, many at a time."""
    waiting: list[bytes] = []
    size = 0
    for text in texts:
        waiting.append(text.encode())
        size += len(waiting[-1])
        if size >= _READ_BYTES:
            yield _BETWEEN.join(waiting)
            waiting, size = [], 0
    if waiting:
        yield _BETWEEN.join(waiting)


def _starts(needles: Collection[bytes]) -> _Starts | _FastStarts:
    try:
        return _FastStarts(needles)
    except ImportError:
        return _Starts(needles)


class _Starts:
    """The needles by what they begin with: eight bytes, or four of the shorter ones."""

    def __init__(self, needles: Collection[bytes]) -> None:
        self._overlap = max(map(len, needles)) - 1
        self._of_size: dict[_Size, dict[int, list[bytes]]] = {}
        for needle in needles:
            size: _Size = "Q" if len(needle) >= 2 * _PREFIX else "I"
            number = memoryview(needle[: calcsize(size)]).cast(size)[0]
            self._of_size.setdefault(size, {}).setdefault(number, []).append(needle)
        self._numbers = {size: frozenset(by_start) for size, by_start in self._of_size.items()}

    def found_in(self, window: bytes) -> set[bytes]:
        """Return the needles that stand in a window."""
        found: set[bytes] = set()
        # A needle whose beginning stands somewhere is searched for near there only.
        step = max(_NEAR, 4 * self._overlap)
        for first in range(0, len(window), step):
            part = window[first : first + step + self._overlap]
            for size, by_start in self._of_size.items():
                for number in _numbers_among(part, size, self._numbers[size]):
                    found.update([needle for needle in by_start[number] if needle in part])
        return found


def _numbers_among(window: bytes, size: _Size, numbers: frozenset[int]) -> set[int]:
    """Return those of the numbers that a window has at any place, as so many bytes."""
    view, n_bytes = memoryview(window), calcsize(size)
    found: set[int] = set()
    for first in range(min(n_bytes, len(view) - n_bytes + 1)):
        n_whole = (len(view) - first) // n_bytes
        found |= numbers.intersection(view[first : first + n_whole * n_bytes].cast(size))
    return found


class _FastStarts:
    """The same by NumPy, which the engine brings: all positions at once, in a third of the time."""

    def __init__(self, needles: Collection[bytes]) -> None:
        import numpy as np

        self._np = np
        self._needles = frozenset(needles)
        self._lengths: dict[bytes, list[int]] = {}
        for length, start in sorted({(len(one), one[:_PREFIX]) for one in needles}):
            self._lengths.setdefault(start, []).append(length)
        self._numbers = np.array(
            [int.from_bytes(start, "little") for start in self._lengths], np.uint32
        )
        # Most positions are ruled out by their first two bytes.
        self._may_begin = np.zeros(1 << 16, np.bool_)
        self._may_begin[self._numbers & 0xFFFF] = True

    def found_in(self, window: bytes) -> set[bytes]:
        """Return the needles that stand in a window."""
        np = self._np
        letters = np.frombuffer(window, np.uint8)
        if len(letters) < _PREFIX:
            return set()
        pairs = letters[:-1].astype(np.uint16) | (letters[1:].astype(np.uint16) << 8)
        places = np.flatnonzero(self._may_begin[pairs[:-2]])
        numbers = pairs[places].astype(np.uint32) | (pairs[places + 2].astype(np.uint32) << 16)
        found: set[bytes] = set()
        for place in places[np.isin(numbers, self._numbers)].tolist():
            for length in self._lengths[window[place : place + _PREFIX]]:
                piece = window[place : place + length]
                if piece in self._needles:
                    found.add(piece)
        return found
