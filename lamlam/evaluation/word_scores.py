"""When an answer to other people's words counts as right, or as false."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamlam.evaluation.scoring import Score, score
from lamlam.evaluation.statistics import Share

if TYPE_CHECKING:
    from lamlam.evaluation.word_items import WordItem
    from lamlam.runtime.decoding.completion import Completion

NEAR = 12
"""A value that begins within so many characters of the prompt's end answers the prompt."""


@dataclass(frozen=True, slots=True)
class WordScore:
    """One item: what was written with the fact in memory, and whether without it a value was."""

    item: WordItem
    score: Score
    is_false: bool = False
    """With the wanted fact retracted, a lookup was answered near the prompt's end."""


def score_next(item: WordItem, completion: Completion) -> Score:
    """Return the score where the value is due right after the prompt."""
    return score(item.prompt, completion, item.fact.values[0])


def score_line(item: WordItem, completion: Completion) -> Score:
    """Return the score of a question: an answer in the first line written, letter case apart."""
    written = completion.text[len(item.prompt) :]
    line = written.lstrip().partition("\n")[0]
    end = len(item.prompt) + len(written) - len(written.lstrip()) + len(line)
    answers = {value.casefold() for value in item.fact.values}
    lookups = [lookup for lookup in completion.lookups if lookup.at <= end]
    value = lookups[0].value if lookups else None
    return Score(
        exact=any(answer in line.casefold() for answer in answers),
        lookup_issued=bool(lookups),
        right_value=value is not None and value.casefold() in answers,
        missed=bool(lookups) and value is None,
    )


def is_answered_near(prompt: str, completion: Completion) -> bool:
    """Return whether a lookup was answered whose value begins near the prompt's end."""
    return any(
        lookup.value is not None and lookup.at - len(prompt) <= NEAR
        for lookup in completion.lookups
    )


def share_of(scores: Sequence[WordScore], is_so: Callable[[WordScore], bool]) -> Share:
    """Return how many of the items have a property."""
    return Share(sum(map(is_so, scores)), len(scores))


def word_figures(scores: Sequence[WordScore]) -> dict[str, float]:
    """Return the shares of each property with the intervals of the two that matter."""
    exact = share_of(scores, lambda one: one.score.exact)
    false = share_of(scores, lambda one: one.is_false)
    return {
        "n": len(scores),
        "exact": exact.value,
        "low": exact.interval[0],
        "high": exact.interval[1],
        "right_value": share_of(scores, lambda one: one.score.right_value).value,
        "missed": share_of(scores, lambda one: one.score.missed).value,
        "asked_nothing": share_of(scores, lambda one: not one.score.lookup_issued).value,
        "false_when_absent": false.value,
        "false_low": false.interval[0],
        "false_high": false.interval[1],
    }


def figures_by_relation(scores: Sequence[WordScore]) -> dict[str, dict[str, float]]:
    """Return the same for the items of each relation of the set."""
    groups: dict[str, list[WordScore]] = {}
    for one in scores:
        groups.setdefault(one.item.fact.group, []).append(one)
    return {group: word_figures(groups[group]) for group in sorted(groups)}
