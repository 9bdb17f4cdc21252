"""Blocking index in memory: entities by the codes of their names, in eight bytes a code."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator
from itertools import islice

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
    removed (tombstones). What stays is copied in runs, so the time is that of what changes.
    """

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._sorted: array[int] = array("q")
        self._delta: dict[int, list[int]] = {}
        self._n_delta = 0
        self._tombstones: dict[int, Collection[int]] = {}
        """Numbers of what was removed, with their codes."""
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
        codes = index_codes(key)
        for code in codes:
            for number in self._numbers(code):
                if self._keys[number] == key:
                    self._keys[number] = _REMOVED
                    self._tombstones[number] = codes
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
        return {code for code in codes if code in self._delta or self._is_sorted(code)}

    def compact(self) -> None:
        """Rebuild the array: with all that was added, without all that was removed."""
        added = sorted(
            (code << _NUMBER_BITS) + number
            for code, numbers in self._delta.items()
            for number in numbers
        )
        gone = {
            (code << _NUMBER_BITS) + number
            for number, codes in self._tombstones.items()
            for code in codes
        }
        self._sorted = _merged(
            self._sorted, [one for one in added if one not in gone], sorted(gone)
        )
        self._free += self._tombstones
        self._delta = {}
        self._n_delta = 0
        self._tombstones = {}

    def _is_sorted(self, code: int) -> bool:
        lowest = code << _NUMBER_BITS
        place = bisect_left(self._sorted, lowest)
        return place < len(self._sorted) and self._sorted[place] <= lowest + _NUMBER_MASK

    def _numbers(self, code: int) -> Iterator[int]:
        lowest = code << _NUMBER_BITS
        begin = bisect_left(self._sorted, lowest)
        end = bisect_left(self._sorted, lowest + _NUMBER_MASK, begin)
        for entry in self._sorted[begin:end]:
            yield entry & _NUMBER_MASK
        yield from self._delta.get(code, ())


def _merged(base: array[int], added: list[int], gone: list[int]) -> array[int]:
    """Return a sorted array with some entries more and some fewer.

    Args:
        base: sorted.
        added: sorted.
        gone: sorted; those that the array lacks are passed over.
    """
    merged: array[int] = array("q")
    begin = 0
    for entry, is_new in sorted([*((one, True) for one in added), *((one, False) for one in gone)]):
        end = bisect_left(base, entry, begin)
        merged += base[begin:end]
        begin = end
        if is_new:
            merged.append(entry)
        elif begin < len(base) and base[begin] == entry:
            begin += 1
    return merged + base[begin:]
