"""Where the facts of a store are, by their ids: noted in memory alone, eight bytes a fact.

An id is a keyed hash and says nothing of its fact: without a note every fact has to be hashed until
one fits. A note in the file would cost each fact bytes; this one is made by the second read by id, and
kept as long as the store is open.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable

PLACE_BITS = 24
"""Of a place so many are noted: what is there is looked at again."""
_ID_DIGITS = 10
"""Of an id so many are noted, 40 bits: among a billion facts a thousandth has a neighbour."""
_ID = re.compile(r"[0-9a-f]{20}")


def is_fact_id(text: str) -> bool:
    """Return whether a text has the form of an id of `FactIds`."""
    return _ID.fullmatch(text) is not None


class FactPlaces:
    """The places of all facts at one revision. A place may be wrong by now, and is looked at."""

    __slots__ = ("_entries", "revision")

    def __init__(self, revision: int, facts: Iterable[tuple[str, int]]) -> None:
        """Note places.

        Args:
            revision: of the state in which they were looked up.
            facts: the id of each, and its place, a number of 24 bits.
        """
        self.revision = revision
        self._entries = array("Q", sorted([_entry(ident, place) for ident, place in facts]))

    def of(self, fact_id: str) -> list[int]:
        """Return the places where the fact with an id may be, most often one."""
        entries, begin = self._entries, _entry(fact_id, 0)
        at, found = bisect_left(entries, begin), list[int]()
        while at < len(entries) and entries[at] >> PLACE_BITS == begin >> PLACE_BITS:
            found.append(entries[at] - begin)
            at += 1
        return found


def _entry(ident: str, place: int) -> int:
    return (int(ident[:_ID_DIGITS], 16) << PLACE_BITS) + place


class PlacesKept:
    """What a store keeps of the places of its facts between two reads by id."""

    __slots__ = ("_n_looks", "places")

    def __init__(self) -> None:
        self.places: FactPlaces | None = None
        self._n_looks = 0

    def is_noting(self) -> bool:
        """Return whether the look at all facts that begins is to note them: not the first one.

        A command that reads one fact is not to wait for a note that nobody uses.
        """
        self._n_looks += 1
        return self._n_looks > 1
