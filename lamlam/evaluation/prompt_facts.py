"""Prompts with facts above them: how a model without a memory is told what memory would hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lamlam.evaluation.word_items import Triple, WordItem

IN_PROMPT = "the entity's facts, in the prompt"


def with_facts(prompt: str, facts: Iterable[Triple]) -> str:
    """Return a prompt with facts above it, one a line, and an empty line between.

    A prompt that ends with a question mark is marked as a question, and ends where its answer is
    due: a model that was not trained on conversations needs it.

    Args:
        facts: entity, relation and value of each.

    >>> with_facts("Pelt lies in", [("Pelt", "country", "Lowmere")])
    'Pelt, country: Lowmere\\n\\nPelt lies in'
    """
    lines = [f"{entity}, {relation}: {value}" for entity, relation, value in facts]
    is_question = prompt.rstrip().endswith("?")
    asked = f"Question: {prompt}\nAnswer:" if is_question else prompt
    return "\n".join([*lines, "", asked])


def told_items(items: Sequence[WordItem], facts: Sequence[Triple]) -> list[WordItem]:
    """Return the items, each with the facts of its entity above its prompt."""
    of: dict[str, list[Triple]] = {}
    for fact in facts:
        of.setdefault(fact[0], []).append(fact)
    return [
        replace(item, prompt=with_facts(item.prompt, of.get(item.fact.entity, ())))
        for item in items
    ]
