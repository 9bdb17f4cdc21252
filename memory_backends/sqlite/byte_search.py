"""Byte search for the residue of an erasure (secure delete), reading a file once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

_READ_BYTES = 1 << 20
_PREFIX = 4
_BETWEEN = b"\xff"
"""Between texts: no UTF-8 text has this byte, so nothing is found across two of them."""
_FEW = 32
"""Up to so many, one search each is faster than looking at every position once."""


def found_in(file: Path, needles: Collection[bytes]) -> set[bytes]:
    """Return those of the needles that the file holds.

    Where there are many, the positions at which any of them could begin are found by the first
    four bytes, all at once: the time grows with the file, hardly with the needles.

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
    starts = _Starts(remaining) if len(remaining) > _FEW else None
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


class _Starts:
    """The needles by what they begin with."""

    def __init__(self, needles: Collection[bytes]) -> None:
        import numpy as np  # a tenth of a second, for many texts alone

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
