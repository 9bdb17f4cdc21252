"""When an answer to other people's words counts as right, or as false."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from lamlam.evaluation.scoring import Score, score
from lamlam.evaluation.statistics import Share
from lamlam.evaluation.word_items import WordItem

if TYPE_CHECKING:
    from lamlam.runtime.decoding.completion import Completion

NEAR = 12
"""A value that begins within so many characters of the prompt's end answers the prompt."""
FIRST_WORDS = 5
"""Among so many words the paper looks for the value."""

Rule: TypeAlias = "Callable[[WordItem, Completion], Score]"


@dataclass(frozen=True, slots=True)
class WordScore:
    """One item: what was written with the fact in memory, and what without it."""

    item: WordItem
    score: Score
    held: Completion
    absent: Completion | None = None
    """With every fact of the item's entity and relation retracted."""
    is_followed: bool = False
    """The shuffled value was written."""

    @property
    def is_answered(self) -> bool:
        """With the fact in memory, a lookup was answered near the prompt's end."""
        return value_near(self.item.prompt, self.held) is not None

    @property
    def false_value(self) -> str | None:
        """What a lookup near the prompt's end answered without the fact."""
        return value_near(self.item.prompt, self.absent) if self.absent else None


def score_next(item: WordItem, completion: Completion) -> Score:
    """Return the score where the value is due right after the prompt."""
    return score(item.prompt, completion, item.fact.values[0])


def score_line(item: WordItem, completion: Completion) -> Score:
    """Return the score of a question: an answer in the first line written, letter case apart."""
    written = completion.text[len(item.prompt) :]
    line = written.lstrip().partition("\n")[0]
    end = len(completion.text) - len(written.lstrip()) + len(line)
    answers = {value.casefold() for value in item.fact.values}
    is_exact = any(answer in line.casefold() for answer in answers)
    return _scored(completion, end, answers, is_exact)


def score_first_words(item: WordItem, completion: Completion) -> Score:
    """Return the score of the paper (arXiv 2505.15962): the value among the first five words."""
    written = completion.text[len(item.prompt) :]
    words = written.split(maxsplit=FIRST_WORDS)
    rest = len(words[FIRST_WORDS]) if len(words) > FIRST_WORDS else 0
    is_exact = item.fact.values[0] in " ".join(words[:FIRST_WORDS])
    values = {value.casefold() for value in item.fact.values}
    return _scored(completion, len(completion.text) - rest, values, is_exact)


def _scored(completion: Completion, end: int, values: set[str], is_exact: bool) -> Score:
    lookups = [lookup for lookup in completion.lookups if lookup.at <= end]
    value = lookups[0].value if lookups else None
    return Score(
        exact=is_exact,
        lookup_issued=bool(lookups),
        right_value=value is not None and value.casefold() in values,
        missed=bool(lookups) and value is None,
    )


def wrote_any(rule: Rule, item: WordItem, values: Sequence[str], completion: Completion) -> bool:
    """Return whether one of these values was written where the item's own is due."""
    due = (replace(item, fact=replace(item.fact, values=(value,))) for value in values)
    return any(rule(one, completion).exact for one in due)


def value_near(prompt: str, completion: Completion) -> str | None:
    """Return the first value that a lookup answered near the prompt's end."""
    return next(
        (
            lookup.value
            for lookup in completion.lookups
            if lookup.value is not None and lookup.at - len(prompt) <= NEAR
        ),
        None,
    )


def share_of(scores: Sequence[WordScore], is_so: Callable[[WordScore], bool]) -> Share:
    """Return how many of the items have a property."""
    return Share(sum(map(is_so, scores)), len(scores))


def exact_figures(scores: Sequence[WordScore]) -> dict[str, float]:
    """Return how many items there are, and the share of right ones with its interval."""
    exact = share_of(scores, lambda one: one.score.exact)
    low, high = exact.interval
    return {"n": len(scores), "exact": exact.value, "low": low, "high": high}


def word_figures(scores: Sequence[WordScore]) -> dict[str, float]:
    """Return the shares of each property, with the intervals of the two that matter."""
    false = share_of(scores, lambda one: one.false_value is not None)
    low, high = false.interval
    return {
        **exact_figures(scores),
        "right_value": share_of(scores, lambda one: one.score.right_value).value,
        "missed": share_of(scores, lambda one: one.score.missed).value,
        "asked_nothing": share_of(scores, lambda one: not one.score.lookup_issued).value,
        "false_when_absent": false.value,
        "false_low": low,
        "false_high": high,
    }


def figures_by_relation(scores: Sequence[WordScore]) -> dict[str, dict[str, float]]:
    """Return the same for the items of each relation of the set."""
    groups: dict[str, list[WordScore]] = {}
    for one in scores:
        groups.setdefault(one.item.fact.group, []).append(one)
    return {group: word_figures(groups[group]) for group in sorted(groups)}


def own_values_stated(
    scores: Sequence[WordScore], stated: Mapping[str, set[str]]
) -> dict[str, float]:
    """Return how much of what counts as false or wrong is another fact of the set.

    Args:
        stated: the values that the set has of each entity.
    """

    def is_own(one: WordScore) -> bool:
        return one.false_value in stated.get(one.item.fact.entity, ())

    def is_other_true(one: WordScore) -> bool:
        near = value_near(one.item.prompt, one.held)
        return not one.score.exact and near in stated.get(one.item.fact.entity, ())

    return {
        "false_own_fact": share_of(scores, is_own).value,
        "wrong_own_fact": share_of(scores, is_other_true).value,
    }


def details_of(scores: Sequence[WordScore]) -> list[dict[str, Any]]:
    """Return what was written and asked for each item that is wrong or false."""
    return [
        {
            "prompt": one.item.prompt,
            "entity": one.item.fact.entity,
            "relation": one.item.fact.relation,
            "values": list(one.item.fact.values),
            "exact": one.score.exact,
            "held": _told(one.item, one.held),
            "absent": _told(one.item, one.absent) if one.absent else None,
            "false_value": one.false_value,
        }
        for one in scores
        if not one.score.exact or one.false_value is not None
    ]


def _told(item: WordItem, completion: Completion) -> dict[str, Any]:
    return {
        "written": completion.text[len(item.prompt) :],
        "lookups": [
            {
                "entity": lookup.entity,
                "relation": lookup.relation,
                "value": lookup.value,
                "at": lookup.at - len(item.prompt),
            }
            for lookup in completion.lookups
        ],
    }
