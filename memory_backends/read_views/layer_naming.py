"""What both layers of an overlay mean by one name, where the store answers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamlam.memory_backends.model.meanings import Meanings, meanings_of
from lamlam.memory_backends.read_views.layer_views import one_view
from lamlam.memory_backends.resolution.layer_names import (
    ALIKE,
    VERY,
    Strength,
    is_alias_nowait,
    is_same_entity,
    is_very_name,
    strength_of_homonyms,
    strength_of_view,
)

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Namespace
    from lamlam.memory_backends.model.lookups import EntityView
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.memory_backends.resolution.layers import Layers

_NOTHING = Meanings()


class Naming:
    """What both layers of a store that answers at once mean by one name."""

    def __init__(
        self, store: FactStore, layers: Layers, name: str, fuzzy: bool, as_of: int | None
    ) -> None:
        self._store = store
        self._layers = layers
        self._name = name
        self._fuzzy = fuzzy
        self._as_of = as_of

    def meanings(self) -> Meanings:
        """Return the entity that the name means, or those that it may mean."""
        own, shared = self._layers
        mine = self._asked(self._name, own, fuzzy=self._fuzzy)
        if shared is None:
            return mine
        theirs = self._asked(self._name, shared, fuzzy=self._fuzzy)
        if mine == theirs == _NOTHING:
            return _NOTHING
        my, their = self._strengths(mine, theirs)
        is_mine = my >= their
        first, other = (mine, theirs) if is_mine else (theirs, mine)
        if first.view is not None:
            return Meanings(self._with_other(first.view, other.view, is_mine=is_mine))
        space = shared if is_mine else own
        return Meanings(
            None, tuple([self._with_namesake(one, space, is_mine) for one in first.homonyms])
        )

    def _strengths(self, mine: Meanings, theirs: Meanings) -> tuple[Strength, Strength]:
        """Return how surely each layer knows the name."""
        own, shared = self._layers
        assert shared is not None
        my, their = (
            strength_of_view(one.view, self._name)
            if one.view
            else strength_of_homonyms(one.homonyms)
            for one in (mine, theirs)
        )
        if my == ALIKE and their >= ALIKE:
            if their == ALIKE and theirs.view is not None and self._is_alias(shared):
                their = VERY
            if their == VERY and mine.view is not None and self._is_alias(own):
                my = VERY
        return my, their

    def _with_other(
        self, first: EntityView, other: EntityView | None, *, is_mine: bool
    ) -> EntityView:
        """Return the entity that the name means, with what the other layer holds of it."""
        own, shared = self._layers
        assert shared is not None
        behind = None
        if other is not None and self._is_of(first, self._name, other):
            behind = other
        elif not is_very_name(first.name, self._name):
            again = self._asked(first.name, shared if is_mine else own, fuzzy=False).view
            if again is not None and self._is_of(first, first.name, again):
                behind = again
        if behind is None:
            return first
        mine, theirs = (first, behind) if is_mine else (behind, first)
        return one_view(first, mine, theirs, own)

    def _with_namesake(self, one: EntityView, space: Namespace, is_mine: bool) -> EntityView:
        """Return one of the entities of an ambiguous name, with what the other layer holds of it."""
        other = self._asked(one.name, space, fuzzy=False).view
        if other is None or not is_same_entity(one.name, other.name):
            return one
        mine, theirs = (one, other) if is_mine else (other, one)
        return one_view(one, mine, theirs, self._layers.own)

    @staticmethod
    def _is_of(first: EntityView, asked: str, other: EntityView) -> bool:
        """Return whether a layer that was asked by a name speaks of an entity of the other."""
        if first.match.kind == other.match.kind == "exact" or is_same_entity(
            first.name, other.name
        ):
            return True
        return is_very_name(first.name, asked) and strength_of_view(other, asked) == VERY

    def _asked(self, name: str, space: Namespace, *, fuzzy: bool) -> Meanings:
        return meanings_of(self._store, name, fuzzy=fuzzy, namespace=space, as_of=self._as_of)

    def _is_alias(self, space: Namespace) -> bool:
        return is_alias_nowait(self._store, self._name, space, self._as_of)
