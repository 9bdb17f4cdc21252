"""How surely a layer of an overlay knows a name, and whether two layers mean one entity by it."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from lamlam.memory_backends.model.capabilities import Capability
from lamlam.memory_backends.model.keys import canonical_key, fold
from lamlam.memory_backends.model.lookups import LookupStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.memory_backends.model.fast_lookups import FastLookups
    from lamlam.memory_backends.model.lookups import EntityView, LookupResult, MatchPart

Strength = tuple["Rank", float]
"""The rank, and among near names how alike they are."""


class Rank(IntEnum):
    """How a layer knows a name; the better one decides which entity a text means."""

    NONE = 0
    NEAR = 1
    """A misspelling, or the same person without a title."""
    ALIKE = 2
    """The same letters but for accents, marks, an article or a qualifier."""
    VERY = 3
    """The very name, or an alias."""


UNKNOWN: Strength = (Rank.NONE, 0.0)
VERY: Strength = (Rank.VERY, 1.0)
ALIKE: Strength = (Rank.ALIKE, 1.0)


def strength_of_result(result: LookupResult, asked: str) -> Strength:
    """Return how surely a layer that answered a lookup knows the entity."""
    part = result.match.entity
    if part.kind != "none":
        return _strength(part, asked)
    if result.status == LookupStatus.AMBIGUOUS and result.candidates:
        return _of_score(result.candidates[0].score)
    return UNKNOWN


def strength_of_view(view: EntityView | None, asked: str) -> Strength:
    """Return how surely a layer that described an entity knows its name."""
    return UNKNOWN if view is None else _strength(view.match, asked)


def strength_of_homonyms(homonyms: Sequence[EntityView]) -> Strength:
    """Return how surely a layer knows an ambiguous name."""
    return _of_score(homonyms[0].match.score) if homonyms else UNKNOWN


def is_same_entity(name: str, other: str) -> bool:
    """Return whether two layers mean one entity by two stored names.

    Accents, marks and articles may differ; a qualifier tells two things apart: "Mercury" of the
    user is not "Mercury (planet)".
    """
    first, second = canonical_key(name), canonical_key(other)
    if first == second:
        return True
    one, two = fold(first), fold(second)
    return (one.key, one.qualifier, one.signs) == (two.key, two.qualifier, two.signs)


def is_very_name(name: str, other: str) -> bool:
    """Return whether two names are equal but for case and spaces."""
    return canonical_key(name) == canonical_key(other)


def _strength(part: MatchPart, asked: str) -> Strength:
    if part.kind == "none":
        return UNKNOWN
    if part.kind == "exact":
        return VERY
    if part.kind == "alias":
        # Resolving calls both an alias: one that was given, and a spelling with other marks.
        is_spelling = fold(canonical_key(asked)).key == fold(canonical_key(part.matched or "")).key
        return ALIKE if is_spelling else VERY
    return Rank.NEAR, part.score


def _of_score(score: float) -> Strength:
    return ALIKE if score >= 1.0 else (Rank.NEAR, score)


def is_alias_nowait(
    store: FastLookups, name: str, space: Namespace, as_of: int | None = None
) -> bool:
    """Return whether a name that found an entity is one that it was given.

    Names are known by themselves: their qualifiers and misspellings are not. But a store
    without aliases may know names by `describe_nowait`, which reads them more loosely.
    """
    if Capability.ALIASES not in store.capabilities:
        return False
    return bool(store.known_names_nowait([name], namespace=space, as_of=as_of))
