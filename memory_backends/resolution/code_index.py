"""Blocking index in memory: entities by the codes of their names, in eight bytes a code."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from lamlam.memory_backends.model.entity_reader import MOST_OF_A_CODE
from lamlam.memory_backends.resolution.blocking_codes import index_codes

_MIN_DELTA = 1024
_NUMBER_BITS = 32
_NUMBER_MASK = (1 << _NUMBER_BITS) - 1
_REMOVED = ""


class CodeIndex:
    """Keys of entities, found by their codes (`blocking_codes.index_codes`).

    A sorted array of codes and numbers of entities, and beside it a delta: what was added since
    the array was built. It is rebuilt when the delta is a sixteenth of it, or a quarter was
    removed (tombstones).
    """

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._sorted: NDArray[np.int64] = np.empty(0, np.int64)
        self._delta: dict[int, list[int]] = {}
        self._n_delta = 0
        self._tombstones: list[int] = []
        self._free: list[int] = []

    def add(self, key: str) -> None:
        """Add the scoped key of an entity that is not in the index yet."""
        codes = index_codes(key)
        if not codes:
            return
        if self._free:
            number = self._free.pop()
            self._keys[number] = key
        else:
            number = len(self._keys)
            self._keys.append(key)
        for code in codes:
            self._delta.setdefault(code, []).append(number)
        self._n_delta += len(codes)
        if self._n_delta > max(_MIN_DELTA, len(self._sorted) // 16):
            self.compact()

    def remove(self, key: str) -> None:
        """Remove the scoped key of an entity."""
        for code in index_codes(key):
            for number in self._numbers(code):
                if self._keys[number] == key:
                    self._keys[number] = _REMOVED
                    self._tombstones.append(number)
                    if len(self._tombstones) > max(_MIN_DELTA, len(self._keys) // 4):
                        self.compact()
                    return

    def of(self, codes: Collection[int]) -> list[str]:
        """Return the keys under any of these codes, each once."""
        found = {
            self._keys[number]: None
            for code in codes
            for number in islice(self._numbers(code), MOST_OF_A_CODE)
        }
        found.pop(_REMOVED, None)
        return list(found)

    def used(self, codes: Collection[int]) -> set[int]:
        """Return the codes under which there is a key, or was one since the last `compact`."""
        asked = np.fromiter(codes, np.int64, len(codes))
        lowest = asked << _NUMBER_BITS
        begin = np.searchsorted(self._sorted, lowest)
        end = np.searchsorted(self._sorted, lowest + _NUMBER_MASK)
        return {*asked[begin < end].tolist(), *[code for code in codes if code in self._delta]}

    def compact(self) -> None:
        """Rebuild the array: with all that was added, without all that was removed."""
        delta = [
            (code << _NUMBER_BITS) + number
            for code, numbers in self._delta.items()
            for number in numbers
        ]
        merged = np.concatenate([self._sorted, np.sort(np.array(delta, np.int64))])
        if self._tombstones:
            alive = np.ones(len(self._keys), np.bool_)
            alive[self._tombstones] = False
            merged = merged[alive[merged & _NUMBER_MASK]]
            self._free += self._tombstones
        merged.sort(kind="stable")  # fast, for it is two sorted runs
        self._sorted = merged
        self._delta = {}
        self._n_delta = 0
        self._tombstones = []

    def _numbers(self, code: int) -> Iterator[int]:
        lowest = code << _NUMBER_BITS
        begin, end = np.searchsorted(self._sorted, (lowest, lowest + _NUMBER_MASK))
        for entry in self._sorted[begin:end].tolist():
            yield entry & _NUMBER_MASK
        yield from self._delta.get(code, ())
