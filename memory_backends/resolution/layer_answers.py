"""The answer of two layers to one question, as steps: what is asked next, whoever asks it.

The entity first, as everywhere: the layer that knows the name more surely says which entity is
meant, the user's own where both know it alike. Then the relation among what both layers hold of
that entity: a fact of the user hides those of the same relation behind it.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from lamlam.memory_backends.model.lookups import LookupResult, LookupStatus
from lamlam.memory_backends.resolution.layer_names import (
    ALIKE,
    UNKNOWN,
    VERY,
    Strength,
    is_same_entity,
    is_very_name,
    strength_of_result,
)

if TYPE_CHECKING:
    from lamlam.memory_backends.model.candidates import Candidate
    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.memory_backends.model.lookups import Lookup
    from lamlam.memory_backends.resolution.layers import Layers

_SURE = ("exact", "alias", "synonym", "inverse")
_MOST_CANDIDATES = 5


class AsksAlias(NamedTuple):
    """A step: is a name an entity's own, or an alias that it was given, in a namespace?"""

    name: str
    stored: str
    """The entity that was found by it."""
    namespace: Namespace


Steps = Generator["list[Lookup] | AsksAlias", Any, LookupResult]
"""Yields what is to be asked; is sent a list of results, or a truth value."""


def is_decided(mine: LookupResult) -> bool:
    """Return whether the answer of the user's own layer stands, whatever lies behind it."""
    match = mine.match
    return (
        mine.status == LookupStatus.HIT
        and match.entity.kind == "exact"
        and match.relation.kind in _SURE
    )


def all_answers(
    queries: Sequence[tuple[Lookup, Layers]],
) -> Generator[list[Lookup] | AsksAlias, Any, list[LookupResult]]:
    """Return one result per question; yield what is to be asked, for all of them together."""
    asked = [replace(query, namespace=space) for query, layers in queries for space in layers.all()]
    found = iter((yield asked) if asked else ())
    answers: dict[int, LookupResult] = {}
    steps: dict[int, Steps] = {}
    for n, (query, layers) in enumerate(queries):
        mine = next(found)
        theirs = None if layers.shared is None else next(found)
        if theirs is None or is_decided(mine):
            answers[n] = mine
        elif is_plainly_behind(mine, theirs):
            answers[n] = theirs
        else:
            steps[n] = merged_answer(query, layers, mine, theirs)
    sent: dict[int, Any] = dict.fromkeys(steps)
    while sent:
        wanted: dict[int, list[Lookup]] = {}
        following: dict[int, Any] = {}
        for n, answer in sent.items():
            try:
                step = steps[n].send(answer)
            except StopIteration as end:
                answers[n] = end.value
                continue
            if isinstance(step, AsksAlias):
                following[n] = yield step
            else:
                wanted[n] = step
        if wanted:
            more = iter((yield [one for some in wanted.values() for one in some]))
            following |= {n: [next(more) for _ in some] for n, some in wanted.items()}
        sent = following
    return [answers[n] for n in range(len(queries))]


def is_plainly_behind(mine: LookupResult, theirs: LookupResult) -> bool:
    """Return whether the shared layer answers by the very name what the user's own lacks."""
    return (
        is_decided(theirs)
        and mine.status == LookupStatus.MISS
        and mine.match.entity.kind in ("exact", "none")
    )


def merged_answer(query: Lookup, layers: Layers, mine: LookupResult, theirs: LookupResult) -> Steps:
    """Return the answer of both layers to a question.

    Args:
        query: in any namespace.
        mine: what the user's own layer answers to it.
        theirs: what the shared layer answers to it.
    """
    assert layers.shared is not None
    asked = query.entity
    my, their = strength_of_result(mine, asked), strength_of_result(theirs, asked)
    if my == ALIKE and their >= ALIKE:
        if their == ALIKE and (yield _alias_of(theirs, asked, layers.shared)):
            their = VERY
        if their == VERY and (yield _alias_of(mine, asked, layers.own)):
            my = VERY
    if my == their == UNKNOWN:
        return _miss(mine, mine, theirs)
    is_mine = my >= their
    first, other = (mine, theirs) if is_mine else (theirs, mine)
    name = first.match.entity.matched
    if name is None:  # it is ambiguous
        return first
    behind: LookupResult | None = other
    if not _is_of(name, asked, other, their if is_mine else my):
        behind = None
        if not is_very_name(name, asked):
            space = layers.shared if is_mine else layers.own
            (again,) = yield [replace(query, entity=name, namespace=space)]
            if _is_of(name, name, again, strength_of_result(again, name)):
                behind = again
    answer = _of_relation(first, behind) if is_mine else _of_relation(behind, first)
    return answer or _miss(first, mine, theirs)


def _alias_of(result: LookupResult, asked: str, namespace: Namespace) -> AsksAlias:
    return AsksAlias(asked, result.match.entity.matched or "", namespace)


def _is_of(name: str, asked: str, result: LookupResult, strength: Strength) -> bool:
    """Return whether a layer that was asked by one name speaks of the entity of another."""
    matched = result.match.entity.matched
    if matched is None:
        return False
    return is_same_entity(name, matched) or (strength == VERY and is_very_name(name, asked))


def _of_relation(mine: LookupResult | None, theirs: LookupResult | None) -> LookupResult | None:
    """Return the answer to be given about one entity; ``None``: neither layer has one."""
    first, second = _sureness(mine), _sureness(theirs)
    if first and first >= second:
        return mine
    if second:
        return theirs
    for one in (mine, theirs):
        if one is not None and one.status == LookupStatus.NOT_VALID_AT:
            return one
    return None


def _sureness(result: LookupResult | None) -> float:
    """Return how surely a layer answers with a relation that was asked for; 0: it does not."""
    if result is None or result.status != LookupStatus.HIT:
        return 0.0
    part = result.match.relation
    return 1.0 if part.kind in _SURE else part.score


def _miss(first: LookupResult, mine: LookupResult, theirs: LookupResult) -> LookupResult:
    """Return a miss, with what either layer has that is near.

    Args:
        first: the answer of the layer that knows the entity.
    """
    if first.status == LookupStatus.AMBIGUOUS:
        return first
    near: dict[tuple[str, str], Candidate] = {}
    for one in (*mine.candidates, *theirs.candidates):
        near.setdefault((one.entity, one.relation), one)
    best = sorted(near.values(), key=lambda one: -one.score)[:_MOST_CANDIDATES]
    return LookupResult(
        LookupStatus.MISS,
        first.match,
        first.revision,
        mine.elapsed_ns + theirs.elapsed_ns,
        entity=first.match.entity.matched or "",
        namespace=first.namespace,
        candidates=tuple(best),
    )
