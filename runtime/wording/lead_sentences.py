"""The beginning of a sentence that a value ends: "The capital of France is"."""

from __future__ import annotations

from collections.abc import Sequence

from lamlam.runtime.wording.value_kinds import kind_of_value

_ENDINGS = frozenset("of by in at on for from with to as after about".split())
_IS = frozenset("located situated based part known named used written spoken".split())
_ACTS = frozenset("played served worked represented starred lived studied fought sang".split())
_DONE = frozenset("written built born sung won held made begun founded led sold".split())
_PLAIN = frozenset("borders stars founded".split())
"""Of one word that is no noun: the label form suits them best, but for dates."""


def lead_of(name: str, relation: str, values: Sequence[str]) -> str:
    """Return the words before the value of a relation of an entity.

    Args:
        name: of the entity, as it is to be written.
        values: what memory holds, by whose kind a date is told; empty where it holds none.

    >>> lead_of("France", "capital", ["Paris"]), lead_of("Berlin", "capital of", ["Germany"])
    ('The capital of France is', 'Berlin is the capital of')
    >>> lead_of("radium", "discovered by", ["Marie Curie"]), lead_of("radium", "discovered", ["1898"])
    ('Radium was discovered by', 'Radium was discovered in')
    """
    name = name.partition(" (")[0]
    words = relation.split()
    begun = name[:1].upper() + name[1:]
    first, last = words[0].casefold(), words[-1].casefold()
    if len(words) > 1 and last in _ENDINGS:
        if last == "of":
            return f"{begun} is {'' if first == 'part' else 'the '}{relation}"
        if first in _ACTS:
            return f"{begun} {relation}"
        if first in _IS:
            return f"{begun} is {relation}"
        if _is_participle(first):
            return f"{begun} was {relation}"
        return f"{begun}, {relation}:"
    if len(words) == 1 and (_is_participle(first) or first in _PLAIN):
        kind = kind_of_value(values[0]) if values else ""
        if kind in ("day", "year") or (not values and _is_participle(first)):
            return f"{begun} was {relation} {'on' if kind == 'day' else 'in'}"
        return f"{begun}, {relation}:"
    return f"The {relation} of {name} is"


def lacking_of(name: str, relation: str) -> str:
    """Return the words before "not in memory".

    >>> lacking_of("Lyon", "mayor"), lacking_of("radium", "discovered by")
    ('The mayor of Lyon is', 'What radium was discovered by is')
    """
    name = name.partition(" (")[0]
    lead = lead_of(name, relation.removesuffix(" of"), ())
    if lead.startswith("The ") and lead.endswith(" is"):
        return lead
    begun = name[:1].upper() + name[1:]
    if lead.endswith(":"):
        return f"The entry “{relation}” of {name} is"
    return f"What {name}{lead.removeprefix(begun)} is"


def _is_participle(word: str) -> bool:
    return word in _DONE or (word.endswith("ed") and len(word) > 4)
