"""What memory said, in the form that a decoder needs, and what was given out before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lamlam.errors import BadAnswer
from lamlam.runtime.decoding.spans import AnswerStatus

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import LookupResult, Match


@dataclass(frozen=True, slots=True)
class Query:
    """One question, as the model wrote it."""

    entity: str
    relation: str


def checked_result(result: LookupResult) -> LookupResult:
    """Return the result, if it is one.

    Raises:
        BadAnswer: a backend of someone else's gave something else.
    """
    if not hasattr(result, "status"):
        raise BadAnswer(
            f"memory answered with {type(result).__name__}, which is no LookupResult",
            hint="a backend gives one LookupResult for each question",
        )
    return result


def only_result(results: Iterable[LookupResult]) -> LookupResult:
    """Return the result of one question.

    Raises:
        BadAnswer: a backend of someone else's gave none, several, or something else.
    """
    try:
        (result,) = results
    except (TypeError, ValueError):
        n = f"{len(results)} results" if isinstance(results, list) else type(results).__name__
        raise BadAnswer(
            f"memory answered one question with {n}",
            hint="lookup_many gives a list with one LookupResult for each question",
        ) from None
    return checked_result(result)


@dataclass(eq=False, slots=True)
class Question:
    """What a slow memory is asked for one text; equal to no other question."""

    query: Query
    is_answered: bool = False
    result: LookupResult | BaseException = field(init=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """One value for one query, or none."""

    status: AnswerStatus
    value: str | None = None
    fact_id: str | None = None
    source: str | None = None
    revision: int | None = None
    match: Match | None = None
    elapsed_s: float = 0.0
    is_fact: bool = True
    """False for a word that stands in for a value ("unknown")."""

    @property
    def knows_entity(self) -> bool:
        """True where memory knew the entity, whatever it knew of the relation."""
        return self.match is not None and self.match.entity.kind != "none"


@dataclass(slots=True)
class GivenOut:
    """The values that one text has already received, so that a repeated key gets the next."""

    seen: set[str] = field(default_factory=set)
    values: dict[str, set[str]] = field(default_factory=dict)
    """Values by the key of the entity that holds them."""

    def next_answer(self, result: LookupResult, holder: str, elapsed_s: float) -> Answer:
        """Return the first value of the result that this text has not had, and note it.

        Args:
            holder: key of the entity that was asked about.
        """
        status = str(result.status)
        if status != "hit":
            return Answer(
                "ambiguous" if status == "ambiguous" else "miss",
                match=result.match,
                elapsed_s=elapsed_s,
                revision=result.revision,
            )
        fact_ids = result.fact_ids
        for n, value in enumerate(result.values):
            fact_id = fact_ids[n] if n < len(fact_ids) else None
            # A store without ids is remembered by what it said.
            token = fact_id or f"{holder}\0{result.match.relation.matched}\0{value}"
            if token in self.seen:
                continue
            self.seen.add(token)
            self.values.setdefault(holder, set()).add(value)
            return Answer(
                "hit",
                value=value,
                fact_id=fact_id,
                source=result.sources[n] if n < len(result.sources) else None,
                revision=result.revision,
                match=result.match,
                elapsed_s=elapsed_s,
            )
        return Answer(
            "exhausted", match=result.match, elapsed_s=elapsed_s, revision=result.revision
        )


def nearest_answer(
    candidate_score: float, result: LookupResult, miss: Answer, given: GivenOut
) -> Answer:
    """Return the next value of a candidate's own lookup, marked as below the threshold.

    Args:
        miss: the answer to the question as it was asked, with the time of both lookups.
    """
    answer = given.next_answer(result, result.match.entity.matched or "", miss.elapsed_s)
    if answer.status not in ("hit", "exhausted"):
        return miss
    entity = replace(result.match.entity, score=min(candidate_score, result.match.entity.score))
    status: AnswerStatus = "nearest" if answer.status == "hit" else "exhausted"
    return replace(answer, status=status, match=replace(result.match, entity=entity))
