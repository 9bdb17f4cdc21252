"""When a completion counts as right, for all evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lamlam.runtime.decoding.completion import Completion

SLACK = 2
"""Characters that may stand before the value: an article's rest, a quotation mark."""


@dataclass(frozen=True, slots=True)
class Score:
    """The result of one item."""

    exact: bool
    """The value was written right away."""
    lookup_issued: bool
    """Memory was asked where the value is due."""
    right_value: bool
    """The first of these lookups answered the value."""
    missed: bool
    """The first of these lookups found nothing."""


def score(prompt: str, completion: Completion, value: str) -> Score:
    """Return the score of a completion against the value that is due.

    Exact: the value occurs within the first ``len(value) + 2`` characters of what
    was written, spaces at its ends apart. Lookups count as far as this stretch goes.
    """
    due = len(value) + SLACK
    written = completion.text[len(prompt) :].strip()
    lookups = [lookup for lookup in completion.lookups if lookup.at <= len(prompt) + due]
    first = lookups[0] if lookups else None
    return Score(
        exact=value in written[:due],
        lookup_issued=first is not None,
        right_value=first is not None and first.value == value,
        missed=first is not None and first.value is None,
    )


def shares(scores: Sequence[Score]) -> dict[str, float]:
    """Return the share of each property among the scores; all 0 where there are none."""
    n = max(len(scores), 1)
    return {
        "exact": round(sum(s.exact for s in scores) / n, 4),
        "lookup_issued": round(sum(s.lookup_issued for s in scores) / n, 4),
        "right_value": round(sum(s.right_value for s in scores) / n, 4),
        "missed": round(sum(s.missed for s in scores) / n, 4),
    }
