"""Read a fact of a file by its id: where it is is noted in memory, never in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

from lamlam.memory_backends.model.fact_places import (
    PLACE_BITS,
    FactPlaces,
    PlacesKept,
    is_fact_id,
)
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Identify, as_fact
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.sqlite.placed_rows import EntityRow
from lamlam.memory_backends.sqlite.reader import SqliteReader
from lamlam.memory_backends.sqlite.search_index import part_of, places_of

_BATCH = 1000
Reading = Callable[[], AbstractContextManager[SqliteReader]]


def fact_of_id(reading: Reading, fact_id: str, identify: Identify, kept: PlacesKept) -> Fact | None:
    """Return the fact with this id; of one that ended the last version, with ``retracted``."""
    if not is_fact_id(fact_id):
        return None
    places = kept.places
    with reading() as reader:
        revision = reader.revision
        for part in places.of(fact_id) if places is not None else ():
            found = _among(reader.rows_between(*places_of(part, PLACE_BITS)), fact_id, identify)
            if found is not None:
                return found
    if places is None or places.revision != revision:
        found = _by_look(reading, fact_id, identify, kept, revision)
        if found is not None:
            return found
    return _ended(reading, fact_id, identify)


def _among(rows: Iterable[tuple[int, EntityRow]], fact_id: str, identify: Identify) -> Fact | None:
    for _, row in rows:
        for fact in row.stored() if row.name else ():
            if identify(row.key, fact) == fact_id:
                return as_fact(row.name, fact, fact_id, split(row.key)[0])
    return None


def _by_look(
    reading: Reading, fact_id: str, identify: Identify, kept: PlacesKept, revision: int
) -> Fact | None:
    """Return the fact that a look at all finds, and note where all are if that is worth it."""
    is_noting = kept.is_noting()
    noted: list[tuple[str, int]] = []
    found: Fact | None = None
    place: int | None = None
    while True:
        with reading() as reader:
            rows = reader.rows_after(place, _BATCH)
            if not is_noting:
                found = _among(rows, fact_id, identify)
                if found is not None:
                    return found
            else:
                for at, row in rows:
                    part = part_of(at, PLACE_BITS)
                    for fact in row.stored() if row.name else ():
                        ident = identify(row.key, fact)
                        noted.append((ident, part))
                        if ident == fact_id:
                            found = as_fact(row.name, fact, fact_id, split(row.key)[0])
        if not rows:
            break
        place = rows[-1][0]
    if is_noting:
        kept.places = FactPlaces(revision, noted)
    return found


def _ended(reading: Reading, fact_id: str, identify: Identify) -> Fact | None:
    before: int | None = None
    while True:  # the last ones first: of a fact that came and went its last version counts
        with reading() as reader:
            ended = reader.ended_before(before, _BATCH)
            for _, name, key, fact, retracted in ended:
                if identify(key, fact) == fact_id:
                    return as_fact(name, fact, fact_id, split(key)[0], retracted)
        if not ended:
            return None
        before = ended[-1][0]
