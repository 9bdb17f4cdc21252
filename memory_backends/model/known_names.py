"""Which of many names a store holds: what may be asked, and the answer by other questions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from lamlam.errors import BadFact
from lamlam.memory_backends.model.capabilities import Capability, HasCapabilities
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import Lookup, LookupResult, LookupStatus, checked_lookup
from lamlam.memory_backends.model.relation_rules import RelationRule, RelationRules
from lamlam.memory_backends.model.values import MAX_NAME_CHARACTERS

MAX_NAMES = 10_000
"""Names that may be asked for at once."""
MAX_HOMONYMS = 32
"""Entities that an ambiguous name is told to mean, at most."""


def checked_names(names: Iterable[str]) -> list[str]:
    """Return the names that are asked for.

    Raises:
        BadFact: it is not a list of strings, or there are more than `MAX_NAMES`.
    """
    if isinstance(names, str | bytes) or not hasattr(names, "__iter__"):
        raise BadFact(
            f"names must be a list, got {type(names).__name__}",
            hint='give a list: known_names(["Ada Lovelace"])',
        )
    given: list[str] = []
    for name in names:
        if not isinstance(name, str):
            raise BadFact(f"names must be strings, got {type(name).__name__}")
        if len(given) == MAX_NAMES:
            raise BadFact(
                f"names must be at most {MAX_NAMES:,} at once, got more", hint="ask in parts"
            )
        given.append(name)
    return given


def names_that(names: Iterable[str], is_known: Callable[[str], bool]) -> frozenset[str]:
    """Return those names of which something holds; it is not asked about longer ones than can be."""
    return frozenset(
        [
            name
            for name in dict.fromkeys(checked_names(names))
            if len(name) <= MAX_NAME_CHARACTERS and is_known(name)
        ]
    )


def names_by_lookups(names: Iterable[str], namespace: Namespace, as_of: int | None) -> list[Lookup]:
    """Return questions about a relation that nothing has: the answers tell which names are known."""
    return [
        checked_lookup(name, "", namespace, None, as_of)
        for name in dict.fromkeys(checked_names(names))
        if len(name) <= MAX_NAME_CHARACTERS
    ]


def names_found(
    lookups: Sequence[Lookup], results: Sequence[LookupResult], *, loosely: bool
) -> frozenset[str]:
    """Return the names that the answers to such questions show to be known."""
    return frozenset(
        [
            asked.entity
            for asked, found in zip(lookups, results, strict=True)
            if found.match.entity.score == 1.0
            or (
                loosely
                and found.status is LookupStatus.AMBIGUOUS
                and found.candidates[0].score == 1.0
            )
        ]
    )


class _NameSource(HasCapabilities, Protocol):
    async def rules(self) -> list[RelationRule]: ...

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]: ...


async def names_of_values(
    store: _NameSource, lookups: Sequence[Lookup], *, loosely: bool
) -> frozenset[str]:
    """Return the names of which facts of other entities tell, by a relation with an inverse.

    Args:
        lookups: questions about the names that have no facts themselves.
    """
    rules = await store.rules() if Capability.RULES in store.capabilities else ()
    relations = list(RelationRules(rules).turned)
    asked = [replace(one, relation=relation) for one in lookups for relation in relations]
    results = await store.lookup_many(asked) if asked else []
    return names_found(asked, results, loosely=loosely)
