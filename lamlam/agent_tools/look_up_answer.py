"""The answer to a lookup, as tools and chats give it to a model."""

from __future__ import annotations

from typing import Literal, TypeAlias

from lamlam.agent_tools.fitting import MAX_RESULT_CHARACTERS, Fitting, stored_details
from lamlam.agent_tools.results import FoundValue, LookUpResult, NearName
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.lookup_status import LookupStatus
from lamlam.memory_backends.model.lookups import LookupResult
from lamlam.memory_backends.model.namespaces import written

_Status: TypeAlias = Literal["hit", "miss", "ambiguous", "not_valid_at"]
MAX_VALUES, _MAX_CANDIDATES = 50, 5
_NOTES: dict[LookupStatus, tuple[_Status, str | None]] = {
    LookupStatus.HIT: ("hit", None),
    LookupStatus.MISS: ("miss", "memory does not hold this; say so instead of guessing"),
    LookupStatus.NOT_VALID_AT: (
        "not_valid_at",
        "memory holds no value for now, only for other times: the candidates; say so",
    ),
    LookupStatus.AMBIGUOUS: (
        "ambiguous",
        "several entities have this name; ask for the candidate whose facts fit, by its full name",
    ),
}
"""What a store may answer, as tools say it, and what a model is told besides."""


def look_up_answer(
    result: LookupResult, most_characters: int = MAX_RESULT_CHARACTERS
) -> LookUpResult:
    """Return the result of a lookup; a miss is said to be one."""
    entity, relation = result.names
    status, note = _NOTES[result.status]
    is_hit = status == "hit"
    n_all = len(result.values) if is_hit else 0
    fitting = Fitting(most_characters, max(n_all, 1))
    values = _values(result, fitting, n_all) if is_hit else []
    return LookUpResult(
        status=status,
        entity=fitting.maybe(entity),
        relation=fitting.maybe(relation),
        values=values,
        more=n_all - len(values),
        note=note,
        candidates=_candidates(result, fitting),
        namespace=written(result.namespace),
        left_out=fitting.said("values", len(values), n_all),
    )


def _values(result: LookupResult, fitting: Fitting, n_all: int) -> list[FoundValue]:
    shown: list[FoundValue] = []
    for number in range(min(n_all, MAX_VALUES)):
        stated = result.stated(number)
        if stated is None:
            break
        (_, _, fact, value), fact_id = stated
        said = stored_details(fact)
        if value != fact.value:  # the fact of another entity answers the inverse
            said["type"] = "entity"
        one = FoundValue(
            value=fitting.text(value),
            fact_id=fact_id,
            source=fitting.maybe(fact.source),
            **said,
        )
        if fitting.is_full and shown:
            break
        shown.append(one)
    return shown


def _written(moment: Instant | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _candidates(result: LookupResult, fitting: Fitting) -> list[NearName]:
    return [
        NearName(
            entity=fitting.text(near.entity),
            relation=fitting.maybe(near.relation),
            facts={fitting.text(key): fitting.text(one) for key, one in near.facts or ()},
            valid_from=_written(near.valid_from),
            valid_to=_written(near.valid_to),
        )
        for near in result.candidates[:_MAX_CANDIDATES]
    ]
