"""Facts as tuples, as programs have them that load very many."""

from __future__ import annotations

from typing import Any, TypeAlias

from lamlam.errors import BadFact
from lamlam.memory_backends.model.facts import Fact

FactTuple: TypeAlias = tuple[Any, ...]  # Any: a value of any type
"""Entity, relation, value and, as wanted, source."""
Loadable: TypeAlias = Fact | FactTuple


def fact_of(given: Loadable) -> Fact:
    """Return the fact of a tuple; a fact as it is.

    Raises:
        BadFact: a tuple has too few fields or too many, or one is wrong.
    """
    if not isinstance(given, tuple):
        return given
    if not 3 <= len(given) <= 4:
        raise BadFact(
            f"invalid fact: a tuple has entity, relation, value and source, got {len(given)} fields",
            hint="leave out the source, or make facts by lamlam.Fact(…)",
        )
    entity, relation, value, *source = given
    return Fact(entity=entity, relation=relation, value=value, source=source[0] if source else None)
