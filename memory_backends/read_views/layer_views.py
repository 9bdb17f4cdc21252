"""What two layers hold of one entity, as one description; which relations are hidden."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from lamlam.memory_backends.model.lookups import EntityView
from lamlam.memory_backends.resolution.relation_matching import is_hidden

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Namespace


def one_view(first: EntityView, mine: EntityView, theirs: EntityView, own: Namespace) -> EntityView:
    """Return the description of one entity that both layers have.

    Args:
        first: the one of the two by which the entity is called.
    """
    values = {key: mine.values(key) for key in mine.relations}
    for key in visible(theirs.relations, mine.relations):
        values[key] = theirs.values(key)
    return EntityView.of_values(first.name, first.key, first.match, values, own)


def visible(relations: Iterable[str], held: Collection[str]) -> list[str]:
    """Return the relations of the shared layer that none of the user's hides."""
    return [key for key in relations if not is_hidden(key, held)]
