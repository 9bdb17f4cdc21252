"""Items of TOFU: questions on invented authors, with the facts that a rule finds in the answers."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lamlam.errors import BadDocument
from lamlam.evaluation.set_files import read_items
from lamlam.evaluation.tofu_facts import (
    AnswerFact,
    AnswerText,
    author_of,
    facts_in,
    people_in,
    with_values,
)

FORGET, RETAIN = "forget10", "retain"
INVENTED = (FORGET, RETAIN)
"""Sets of invented authors; the others ask about the world."""
MOST_PERTURBED = 3


@dataclass(frozen=True, slots=True)
class TofuItem:
    """A question with its answer and wrong answers."""

    set_name: str
    question: str
    answer: str
    perturbed: tuple[AnswerText, ...]
    """Of the file; where it has none, the answer with values of other authors."""
    facts: tuple[AnswerFact, ...]
    """Of the answer; only in the two sets of invented authors."""

    @property
    def asked(self) -> tuple[AnswerFact, ...]:
        """The facts that the question asks for."""
        return tuple(fact for fact in self.facts if fact.is_asked)

    @property
    def gold(self) -> AnswerText:
        """The answer with the places of its facts."""
        return with_values(self.answer, self.facts, [fact.value for fact in self.facts])


def read_tofu(path: Path | str, seed: int = 0) -> list[TofuItem]:
    """Return the items of a file by set, in each set those with facts first, then in random order.

    Args:
        path: JSON lines with ``set``, ``question``, ``answer`` and, where there are, wrong
            answers in ``perturbed_answer``.
        seed: of the order, and of the wrong values.

    Raises:
        BadDocument: the file cannot be read, a line has a wrong field, or no item is of the set
            to forget.
    """
    raw = [
        TofuItem(
            line.text("set"),
            line.text("question"),
            line.text("answer"),
            tuple(map(AnswerText, line.texts("perturbed_answer"))),
            (),
        )
        for line in read_items(path)
    ]
    if not any(item.set_name == FORGET for item in raw):
        raise BadDocument(
            f"no item of {path} has the set {FORGET!r}",
            hint='give lines with set, question and answer, some of the set "forget10"',
        )
    texts = [(i.question, i.answer) for i in raw if i.set_name in INVENTED]
    counts = people_in(text for pair in texts for text in pair)
    items = [_with_facts(item, counts) if item.set_name in INVENTED else item for item in raw]
    rng = random.Random(seed)
    values = _values_by_relation(items)
    items = [item if item.perturbed else _perturbed(item, values, rng) for item in items]
    rng.shuffle(items)
    return sorted(items, key=lambda item: (item.set_name, not item.facts))


def first_of_each(items: Sequence[TofuItem], n: int | None) -> dict[str, list[TofuItem]]:
    """Return the first n items of every set; all with None."""
    sets: dict[str, list[TofuItem]] = {}
    for item in items:
        one = sets.setdefault(item.set_name, [])
        if n is None or len(one) < n:
            one.append(item)
    return sets


def _with_facts(item: TofuItem, counts: Counter[str]) -> TofuItem:
    author = author_of(item.question, item.answer, counts)
    found = facts_in(item.question, item.answer, author) if author else []
    return replace(item, facts=tuple(found))


def _values_by_relation(items: Sequence[TofuItem]) -> dict[str, list[AnswerFact]]:
    values: dict[str, list[AnswerFact]] = {}
    for item in items:
        for fact in item.facts:
            values.setdefault(fact.relation, []).append(fact)
    return values


def _perturbed(
    item: TofuItem, values: Mapping[str, Sequence[AnswerFact]], rng: random.Random
) -> TofuItem:
    """Return the item with wrong answers: values of other authors stand in the places of its own."""
    columns = []
    for fact in item.facts:
        others = dict.fromkeys(
            one.value
            for one in values[fact.relation]
            if one.entity != fact.entity and one.value.casefold() != fact.value.casefold()
        )
        columns.append(rng.sample(list(others), len(others))[:MOST_PERTURBED])
    wrong = [with_values(item.answer, item.facts, row) for row in zip(*columns, strict=False)]
    return replace(item, perturbed=tuple(wrong))
