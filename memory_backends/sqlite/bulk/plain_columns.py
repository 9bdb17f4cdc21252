"""Plain facts of many entities by columns: so most of a load goes from process to process.

A column is one long text or one block of numbers, which is written and read several times as fast
as thousands of tuples are.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import compress
from operator import not_
from typing import NamedTuple, TypeAlias

from lamlam.memory_backends.model.keys import canonical_key

_BETWEEN = "\n"
"""No plain name or text has it: there are no control characters in them, but RS and US in texts."""

PackedColumns: TypeAlias = tuple[bytes, str, str]
"""Numbers, names and texts, as they are written."""


class PlainColumns(NamedTuple):
    """Entities of which each has another number: as many of all three."""

    numbers: Sequence[int]
    names: Sequence[str]
    """As rows have them."""
    texts: Sequence[str]
    """Of plain facts, each of them once: a row without its head."""

    def at(self, places: Sequence[int]) -> PlainColumns:
        """Return those at some places."""
        return PlainColumns(
            list(map(self.numbers.__getitem__, places)),
            list(map(self.names.__getitem__, places)),
            list(map(self.texts.__getitem__, places)),
        )

    def packed(self) -> PackedColumns:
        """Return what is written of them."""
        names, texts = map(_BETWEEN.join, self[1:])
        return array("q", self.numbers).tobytes(), names, texts


NO_COLUMNS = PlainColumns((), (), ())


def unpacked(columns: PackedColumns) -> PlainColumns:
    """Undo `PlainColumns.packed`."""
    if not columns[0]:
        return NO_COLUMNS
    numbers = array("q")
    numbers.frombytes(columns[0])
    return PlainColumns(numbers.tolist(), columns[1].split(_BETWEEN), columns[2].split(_BETWEEN))


def keys_of(names: Sequence[str]) -> list[str]:
    """Return the canonical keys of names that have no control characters.

    Nearly all are those of plain names, whose case is folded all at once.
    """
    others = list(compress(range(len(names)), map(not_, map(str.isascii, names))))
    plain = names
    if others:
        plain = list(names)
        for place in others:
            plain[place] = "x"
    text = _BETWEEN.join(plain)
    if not names or "_" in text or any([one in f"\n{text}\n" for one in ("  ", "\n ", " \n")]):
        return list(map(canonical_key, names))
    keys = text.casefold().split(_BETWEEN)
    for place in others:
        keys[place] = canonical_key(names[place])
    return keys
