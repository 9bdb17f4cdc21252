"""Results of lookups as records for a decoder, and the values that a sequence already has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

from lamlam.errors import BadAnswer
from lamlam.memory_backends.model.lookup_status import LookupStatus
from lamlam.runtime.decoding.spans import LookupRecord

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import Answer, Lookup, LookupResult

_GENERAL_SCORE = 0.9
"""How surely a general name ("location") means the one relation that fits it."""


def checked_result(result: LookupResult) -> LookupResult:
    """Return the result; check that it is one.

    Raises:
        BadAnswer: a third-party backend returned something else.
    """
    if not hasattr(result, "status"):
        raise BadAnswer(
            f"invalid answer of memory: must be a LookupResult, got {type(result).__name__}",
            hint="a backend returns one LookupResult for each lookup",
        )
    return result


def only_result(results: Iterable[LookupResult]) -> LookupResult:
    """Return the only result.

    Raises:
        BadAnswer: a third-party backend returned none, several, or something else.
    """
    try:
        (result,) = results
    except (TypeError, ValueError):
        n = f"{len(results)} results" if isinstance(results, list) else type(results).__name__
        raise BadAnswer(
            f"invalid answer of memory: must be one LookupResult, got {n}",
            hint="lookup_many returns a list with one LookupResult for each lookup",
        ) from None
    return checked_result(result)


@dataclass(eq=False, slots=True)
class PendingLookup:
    """A lookup that a slow memory is asked for one sequence; equal to no other."""

    lookup: Lookup
    is_answered: bool = False
    result: LookupResult | BaseException = field(init=False)


def status_of(result: LookupResult) -> LookupStatus:
    """Return how a lookup ended, for a generation that is about the present."""
    if result.status == LookupStatus.HIT:  # the text, where another package's store gave it
        return LookupStatus.HIT
    if result.status == LookupStatus.AMBIGUOUS:
        return LookupStatus.AMBIGUOUS
    return LookupStatus.MISS


def record_of(
    lookup: Lookup | LookupRecord,
    result: LookupResult,
    status: LookupStatus,
    elapsed_s: float,
    taken: Answer | None = None,
) -> LookupRecord:
    """Return how a lookup ended.

    Args:
        taken: which value of the result is taken; ``None``: none of them.
    """
    return LookupRecord(
        lookup.entity,
        lookup.relation,
        status,
        value=None if taken is None else taken.value,
        fact_id=None if taken is None else taken.fact_id,
        source=None if taken is None else taken.source,
        elapsed_s=elapsed_s,
        match=result.match,
        revision=result.revision,
        namespace=getattr(result, "namespace", ()),
    )


@dataclass(slots=True)
class GivenOut:
    """The values that one sequence has already received, so that a repeated key gets the next."""

    seen: set[str] = field(default_factory=set)
    values: dict[str, set[str]] = field(default_factory=dict)
    """Values by the key of the entity that holds them."""

    def next_record(
        self, lookup: Lookup | LookupRecord, result: LookupResult, holder: str, elapsed_s: float
    ) -> LookupRecord:
        """Return the first value of the result that this sequence has not had, and note it.

        Args:
            holder: key of the entity that was asked about.
        """
        status = status_of(result)
        if status is not LookupStatus.HIT:
            return record_of(lookup, result, status, elapsed_s)
        # One by one: there may be very many, and other sequences wait.
        for answer in iter(map(result.answer, count()).__next__, None):
            # A store without ids is remembered by what it said.
            token = answer.fact_id or f"{holder}\0{result.match.relation.matched}\0{answer.value}"
            if token not in self.seen:
                self.seen.add(token)
                self.values.setdefault(holder, set()).add(answer.value)
                return record_of(lookup, result, LookupStatus.HIT, elapsed_s, answer)
        return record_of(lookup, result, LookupStatus.EXHAUSTED, elapsed_s)


def by_general_name(record: LookupRecord) -> LookupRecord:
    """Return the record of a value under a relation that a general name was taken to mean."""
    if record.match is None or record.value is None:
        return record
    relation = replace(record.match.relation, kind="synonym", score=_GENERAL_SCORE)
    return replace(record, match=replace(record.match, relation=relation))


def nearest_record(
    candidate_score: float, result: LookupResult, miss: LookupRecord, given: GivenOut
) -> LookupRecord:
    """Return the next value of a candidate's own lookup, marked as below the threshold.

    Args:
        miss: how the lookup as the model wrote it ended, with the time of both lookups.
    """
    match = result.match
    record = given.next_record(miss, result, match.entity.matched or "", miss.elapsed_s)
    if record.status not in (LookupStatus.HIT, LookupStatus.EXHAUSTED):
        return miss
    entity = replace(match.entity, score=min(candidate_score, match.entity.score))
    is_hit = record.status is LookupStatus.HIT
    status = LookupStatus.NEAREST if is_hit else LookupStatus.EXHAUSTED
    return replace(record, status=status, match=replace(match, entity=entity))
