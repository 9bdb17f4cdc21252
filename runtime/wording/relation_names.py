"""From what a sentence asks for to the relations that an entity holds, best first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from lamlam.runtime.wording.lexicon import Target, name_stems
from lamlam.runtime.wording.phrases import phrase_table
from lamlam.runtime.wording.sentence_line import PREPOSITIONS

WIDE_KINDS = ("country", "continent")
_LIGHT = frozenset("or and number count no the official current total name full main s".split())
_OWN_WORDS = 30
"""Rank of a relation outside the synonym table whose words are all among those that are wanted."""
_WIDER = 20
"""Rank of a relation that is wider than the one that is asked for: an award, where a medal is."""


def ranked(
    held: tuple[str, ...], targets: frozenset[Target], most: int | None = None
) -> dict[str, int]:
    """Return the held relations that any of the targets asks for with their ranks, best first.

    Args:
        most: the last rank that counts; ``None``: all.
    """
    ranks: dict[str, int] = {}
    for target in targets:
        if target.kind == "own":
            ranks[held[target.number]] = -1
            continue
        accepted = _accepted(target)
        for key in held:
            rank = _rank(key, accepted)
            if rank is not None and (most is None or rank <= most):
                ranks[key] = min(rank, ranks.get(key, rank))
    return dict(sorted(ranks.items(), key=lambda one: (one[1], held.index(one[0]))))


def usual_name(targets: frozenset[Target], held: tuple[str, ...]) -> str:
    """Return the name under which to ask for what the targets mean; empty without any."""
    from lamlam.memory_backends.model.synonyms import relation_groups

    order = ("own", "group", "family")
    best = min(targets, key=lambda one: (order.index(one.kind), one.number), default=None)
    if best is None:
        return ""
    if best.kind == "own":
        return held[best.number]
    if best.kind == "group":
        return relation_groups()[best.number][0]
    return phrase_table().families[best.number].names[0]


@lru_cache(maxsize=4096)
def kind_of(key: str) -> str:
    """Return the kind of a relation's values by the phrase table; empty where it is not there."""
    from lamlam.memory_backends.model.synonyms import group_of

    group = group_of(key)
    best: tuple[int, str] | None = None
    for family in phrase_table().families:
        for rank, name in enumerate(family.names):
            if name == key or (group is not None and group_of(name) == group):
                if best is None or rank < best[0]:
                    best = (rank, family.kind)
                break
    return best[1] if best else ""


class _Accepted(NamedTuple):
    keys: Mapping[str, int]
    groups: Mapping[int, int]
    words: frozenset[frozenset[str]]
    """Of each of these names."""


@lru_cache(maxsize=4096)
def _accepted(target: Target) -> _Accepted:
    """Return relations and groups that a target accepts, with their ranks."""
    from lamlam.memory_backends.model.synonyms import group_of, relation_groups

    names: Sequence[str]
    if target.kind == "family":
        names = words = phrase_table().families[target.number].names
    else:
        words = relation_groups()[target.number]
        names = words[:1]
    stems = frozenset(map(name_words, words))
    keys = {name: rank for rank, name in reversed(list(enumerate(names)))}
    groups: dict[int, int] = {}
    for rank, name in enumerate(names):
        group = group_of(name)
        if group is not None:
            groups.setdefault(group, rank)
    return _Accepted(keys, groups, stems)


@lru_cache(maxsize=8192)
def name_words(name: str) -> frozenset[str]:
    """Return the stems of a relation's name, without words that say nothing of their own."""
    return frozenset(
        one for one in name_stems(name) if one not in PREPOSITIONS and one not in _LIGHT
    )


def _rank(key: str, accepted: _Accepted) -> int | None:
    from lamlam.memory_backends.model.synonyms import group_of, may_answer, relation_groups

    if key in accepted.keys:
        return accepted.keys[key]
    group = group_of(key)
    if group is None:  # a name of its own, such as "students count" beside "number of students"
        words = name_words(key)
        known = [one for one in accepted.words if one and one <= words]
        is_known = bool(known) and words <= frozenset[str]().union(*accepted.words)
        return _OWN_WORDS if is_known else None
    if group in accepted.groups:
        return accepted.groups[group]
    for asked, rank in accepted.groups.items():
        name = relation_groups()[asked][0]
        if rank == 0 and may_answer(key, name):
            return rank
        if rank == 0 and may_answer(name, key):
            return _WIDER
    return None
