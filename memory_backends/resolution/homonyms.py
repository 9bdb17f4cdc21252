"""Homonyms: several entities of one name, each with its qualifier and a few facts to choose by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from lamlam.cut_text import cut_text
from lamlam.memory_backends.model.candidates import Candidate
from lamlam.memory_backends.model.entity_reader import EntityReader, EntityRecord
from lamlam.memory_backends.model.keys import canonical_key, written_qualifier
from lamlam.memory_backends.model.lookups import StoredFact

MAX_FACTS = 3
"""Facts that a candidate carries."""
_MAX_RELATIONS = 12
"""Relations of an entity that are looked at."""
_MAX_VALUE = 100
"""Characters of a value that are shown."""

_Fact = tuple[str, str, str]  # key of the relation, the relation as written, the value


def told_apart(
    reader: EntityReader,
    near: Iterable[tuple[str, float]],
    relation: str,
    holds: Callable[[StoredFact], bool],
) -> tuple[Candidate, ...]:
    """Return the entities that a name may mean, each with what tells it from the others.

    Args:
        reader: has the entities.
        near: names of entities as stored, and how alike they are to what was asked.
        relation: that was asked for.
        holds: returns whether a fact holds at the moment that was asked about.
    """
    known = {name: _facts(reader.record(canonical_key(name)), holds) for name, _ in near}
    n_with = Counter(key for facts in known.values() for key, _, _ in facts)
    n_saying = Counter((key, value) for facts in known.values() for key, _, value in facts)

    def telling(facts: Sequence[_Fact]) -> tuple[tuple[str, str], ...]:
        own = [fact for fact in facts if n_saying[fact[0], fact[2]] < len(known)]
        own.sort(key=lambda fact: n_with[fact[0]] == 1)  # what the others have too, first
        return tuple([(written, _cut(value)) for _, written, value in own[:MAX_FACTS]])

    return tuple(
        [
            Candidate(name, relation, score, written_qualifier(name), telling(known[name]))
            for name, score in near
        ]
    )


def _facts(record: EntityRecord | None, holds: Callable[[StoredFact], bool]) -> list[_Fact]:
    """Return the first fact that holds of each of the first relations."""
    found: list[_Fact] = []
    for key in record.relation_keys()[:_MAX_RELATIONS] if record is not None else ():
        assert record is not None
        fact = next(filter(holds, record.of(key)), None)
        if fact is not None:
            found.append((key, fact.relation, fact.value))
    return found


def _cut(value: str) -> str:
    return cut_text(value, _MAX_VALUE)
