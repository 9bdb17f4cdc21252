"""What a guess would reach: the commonest value of each relation, and values seen in training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import inf
from pathlib import Path

from lamlam.errors import BadDocument
from lamlam.evaluation.set_files import read_items
from lamlam.evaluation.word_items import WordFact, WordItem
from lamlam.evaluation.word_scores import WordScore, exact_figures, share_of

_BINS = {"0": 0, "1-9": 9, "10-99": 99, "100+": inf}
"""The most that each group holds."""


def commonest_values(facts: Sequence[WordFact]) -> dict[str, str]:
    """Return the commonest value of each relation of the set; of several the first."""
    counts: dict[str, Counter[str]] = {}
    for fact in facts:
        counts.setdefault(fact.group, Counter()).update(set(fact.values))
    return {
        # Not `most_common`: of equals it takes the first met, and sets have no order.
        group: min(count, key=lambda value: (-count[value], value))
        for group, count in counts.items()
        if count
    }


def prior_figures(scores: Sequence[WordScore], facts: Sequence[WordFact]) -> dict[str, float]:
    """Return what always naming the relation's commonest value reaches on these items.

    ``exact_beyond_prior``: right items whose value is another one.
    """
    commonest = commonest_values(facts)

    def is_commonest(item: WordItem) -> bool:
        return commonest.get(item.fact.group) in item.fact.values

    return {
        "class_prior": share_of(scores, lambda one: is_commonest(one.item)).value,
        "exact_beyond_prior": share_of(
            scores, lambda one: one.score.exact and not is_commonest(one.item)
        ).value,
    }


def count_values(training: Path, items: Sequence[WordItem]) -> Counter[str]:
    """Return how often each value of the items is one of a fact of the corpus.

    Args:
        training: documents as `trainer.documents` reads them; only their facts are looked at.

    Raises:
        BadDocument: the file cannot be read, or its facts are not triples.
    """
    wanted = {value for item in items for value in item.fact.values}
    counts: Counter[str] = Counter()
    for line in read_items(training):
        facts = line.fields.get("facts")
        if not isinstance(facts, list):
            raise BadDocument(
                f"{line.where}: facts must be a list of [entity, relation, value], "
                f"got {type(facts).__name__}"
            )
        for fact in facts:
            if not isinstance(fact, list) or len(fact) != 3:
                raise BadDocument(f"{line.where}: a fact must be [entity, relation, value]")
            if isinstance(fact[2], str) and fact[2] in wanted:
                counts[fact[2]] += 1
    return counts


def by_training_count(
    scores: Sequence[WordScore], facts: Sequence[WordFact], counts: Counter[str]
) -> dict[str, dict[str, float]]:
    """Return the figures of the items whose value training has never, sometimes, often."""
    bins: dict[str, list[WordScore]] = {name: [] for name in _BINS}
    for one in scores:
        bins[_bin(max((counts[v] for v in one.item.fact.values), default=0))].append(one)
    return {
        name: {**exact_figures(group), **prior_figures(group, facts)}
        for name, group in bins.items()
    }


def _bin(count: int) -> str:
    return next(name for name, most in _BINS.items() if count <= most)
