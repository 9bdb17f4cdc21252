"""General names of relations, such as "location", and what a store may call what they mean.

A model that writes "state" or "location" behind "a band formed in" says which kind of value is
due. Memory may hold it under a name that says more: the location where the band was formed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.synonyms import group_of


class _Family(NamedTuple):
    general: tuple[str, ...]
    """Names that claim nothing but the kind of the value."""
    meant: tuple[str, ...]
    """Relations of which each gives such a value, and a sentence that is true with it."""
    behind: frozenset[str] = frozenset()
    """Words behind which such a value stands, and a comma; with none, behind any."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split("|"))


_FAMILIES = (
    # Where a thing is. "Founded in", "based in", "born in" claim more: they are asked as they are.
    # A "state" or "city" may be a person's, who is not always there: none of them is meant.
    _Family(
        _names(
            "location|located in|state|province|region|county|district|municipality|city|town"
            "|territory|situated in|place|whereabouts|locale|locality|village|area|city or town"
            "|administrative division|country"
        ),
        _names(
            "location|located in|located in the administrative territorial entity|country"
            "|continent|headquarters location|location of formation|country of origin"
        ),
        frozenset("in at from of".split()),
    ),
    # What somebody is.
    _Family(
        _names("occupation|profession|job|career|line of work|trade|vocation"),
        _names("occupation|position held|position played on team"),
    ),
)


def meant_by_general(asked: str, able: Sequence[str], last_word: str) -> str | None:
    """Return the only one of an entity's relations that a general name may mean.

    None where the name is not general, or where several fit: nothing tells which is meant.

    Args:
        asked: the name, as a model wrote it.
        able: keys of the relations whose values can stand in the text.
        last_word: the word behind which the value is due, in lower case.

    >>> meant_by_general("state", ["genre", "location of formation"], "in")
    'location of formation'
    >>> meant_by_general("state", ["country", "location of formation"], "in") is None
    True
    >>> meant_by_general("country", ["location of formation"], "a") is None
    True
    """
    name = _kind(canonical_key(asked))
    meant = [
        meant
        for general, meant, behind in _families()
        if name in general and (not behind or last_word in behind or last_word.endswith(","))
    ]
    fitting = [key for key in able if any(_kind(key) in kinds for kinds in meant)]
    return fitting[0] if len(fitting) == 1 else None


_Kinds: TypeAlias = frozenset[str | int]


@lru_cache(maxsize=1)
def _families() -> tuple[tuple[_Kinds, _Kinds, frozenset[str]], ...]:
    return tuple((_kinds(one.general), _kinds(one.meant), one.behind) for one in _FAMILIES)


def _kinds(names: Iterable[str]) -> _Kinds:
    return frozenset(map(_kind, names))


def _kind(key: str) -> str | int:
    """Return the group of synonyms of a relation, or its own name where it is in none."""
    group = group_of(key)
    return key if group is None else group
