"""Texts that become references to entities, for a relation that gets an inverse."""

from __future__ import annotations

from collections.abc import Iterable

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Op, Retract
from lamlam.memory_backends.model.values import MAX_NAME_CHARACTERS, EntityRef, text_fault


def can_name(fact: Fact) -> bool:
    """Return whether the value of a fact is a text that an entity may have as its name."""
    value = fact.value
    return isinstance(value, str) and text_fault(value, MAX_NAME_CHARACTERS) is None


def references_for(facts: Iterable[Fact]) -> list[Op]:
    """Return the operations of one commit that end facts and assert them with entities as values.

    Args:
        facts: as a store gives them, each with a text as its value (`can_name`).
    """
    ended: list[Op] = []
    begun: list[Op] = []
    for fact in facts:
        ended.append(
            Retract(
                fact.entity,
                fact.relation,
                fact.value,
                fact.namespace,
                exact=True,
                valid_from=fact.valid_from,
            )
        )
        begun.append(
            Assert(
                Fact(
                    entity=fact.entity,
                    relation=fact.relation,
                    value=EntityRef(str(fact.value)),
                    sources=fact.sources,
                    confidence=fact.confidence,
                    valid_from=fact.valid_from,
                    valid_to=fact.valid_to,
                    namespace=fact.namespace,
                )
            )
        )
    return [*ended, *begun]
