"""Which facts hold at a moment of world time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from heapq import nsmallest
from itertools import islice

from lamlam.cut_text import cut_text
from lamlam.memory_backends.model.candidates import Candidate
from lamlam.memory_backends.model.clock import microseconds as microseconds
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.lazy_facts import LongFacts
from lamlam.memory_backends.model.lookups import EntityFact, Identify, StoredFact
from lamlam.memory_backends.model.timestamps import from_us, holds_at

_MOST_CANDIDATES = 5
_MOST_COMPARED = 1024
"""Facts among which the nearest in time are looked for: generation waits for it."""
_MAX_VALUE = 100
"""Characters of a value that a candidate shows."""


def facts_holding(stored: Sequence[StoredFact], moment: Instant | None) -> Sequence[StoredFact]:
    """Return the facts of an entity that hold at a moment of world time, each content once."""
    if is_timeless(stored):
        return stored
    if isinstance(stored, LongFacts):
        return LongFacts(_each_holding(stored, moment), is_timeless=False)
    return list(_each_holding(stored, moment))


def _each_holding(stored: Iterable[StoredFact], moment: Instant | None) -> Iterator[StoredFact]:
    wanted = microseconds(moment)
    seen: set[tuple[str, ...]] = set()
    for fact in stored:
        said = (fact.value, *fact.content)
        if said not in seen and holds_at(fact.valid_from, fact.valid_to, wanted):
            seen.add(said)
            yield fact


def valid_at(facts: Sequence[EntityFact], moment: Instant | None) -> list[EntityFact]:
    """Return the facts that hold at a moment of world time, each content once."""
    if all(one.fact.valid_from is None and one.fact.valid_to is None for one in facts):
        return list(facts)
    wanted = microseconds(moment)
    once: dict[tuple[str, ...], EntityFact] = {}
    for one in facts:
        if holds_at(one.fact.valid_from, one.fact.valid_to, wanted):
            once.setdefault((one.key, one.value, *one.fact.content), one)
    return list(once.values())


def holds(moment: Instant | None, fact: StoredFact) -> bool:
    """Return whether a fact holds at a moment of world time; ``None`` is now."""
    if fact.valid_from is None and fact.valid_to is None:
        return True
    return holds_at(fact.valid_from, fact.valid_to, microseconds(moment))


def is_timeless(stored: Sequence[StoredFact]) -> bool:
    """Return whether none of the facts is bound to a period of world time."""
    if isinstance(stored, LongFacts):
        return stored.is_timeless
    return all(fact.valid_from is None and fact.valid_to is None for fact in stored)


def at_other_times(
    facts: Iterable[EntityFact], moment: Instant | None, identify: Identify | None
) -> tuple[Candidate, ...]:
    """Return facts that do not hold at a moment as candidates, those nearest in time first.

    Args:
        facts: none of which holds then.
        moment: of world time; ``None`` is now.
        identify: gives the ids of facts.
    """
    at = microseconds(moment)

    def distance(one: EntityFact) -> int:
        begin, end = one.fact.valid_from, one.fact.valid_to
        return at - end if end is not None and end <= at else (begin or at) - at

    return tuple(
        [
            Candidate(
                one.name,
                one.fact.relation,
                1.0,
                facts=((one.fact.relation, cut_text(one.fact.value, _MAX_VALUE)),),
                valid_from=from_us(one.fact.valid_from),
                valid_to=from_us(one.fact.valid_to),
                fact_id=identify(one.key, one.fact) if identify is not None else None,
            )
            for one in nsmallest(_MOST_CANDIDATES, islice(facts, _MOST_COMPARED), key=distance)
        ]
    )
