"""A stretch of a text that may be a name, and which of those that overlap are taken."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lamlam.memory_backends.model.name_spellings import spellings


class KnownName(NamedTuple):
    """A stretch of a text that is a name in memory."""

    name: str
    """As the text writes it."""
    start: int
    end: int


def spelt(text: str, start: int, first_end: int, end: int) -> list[KnownName]:
    """Return the ways to read a stretch of words as a name; arguments as for `spellings`."""
    return [KnownName(text[a:b], a, b) for a, b in spellings(text, start, first_end, end)]


def longest(names: Iterable[KnownName]) -> list[KnownName]:
    """Return names of which none overlaps another, in order: the longest first, then the first."""
    taken: list[KnownName] = []
    for one in sorted(names, key=lambda one: (one.start - one.end, one.start)):
        if all(one.end <= other.start or one.start >= other.end for other in taken):
            taken.append(one)
    return sorted(taken, key=lambda one: one.start)
