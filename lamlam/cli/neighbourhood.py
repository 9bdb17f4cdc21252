"""An entity's neighbourhood: its facts, the facts of entities that they name, and so on, as a tree."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.values import MAX_NAME_CHARACTERS, EntityRef

if TYPE_CHECKING:
    from lamlam.memory_backends.sync import SyncFactStore


@dataclass(slots=True)
class Branch:
    """A fact, and the facts of the entity that is its value."""

    fact: Fact
    branches: list[Branch] = field(default_factory=list)
    is_entity: bool = False
    """The value is an entity, by its type or because the store has facts of one so called."""
    is_repeat: bool = False
    """The value is an entity that is in the tree already."""


@dataclass(slots=True)
class Neighbourhood:
    """An entity with its branches."""

    name: str
    """As stored."""
    branches: list[Branch]
    left_out: int
    """Facts that the limit left out."""


def neighbourhood(
    store: SyncFactStore,
    entity: str,
    *,
    depth: int = 1,
    limit: int = 60,
    namespace: Namespace = (),
) -> Neighbourhood | None:
    """Return an entity's neighbourhood; ``None`` if the store has no facts of it.

    Args:
        store: an open store.
        entity: by its name or an alias; no other spelling is tried.
        depth: how many facts it goes away from the entity; 1: its own facts.
        limit: most facts; those that are near come first.
        namespace: where the entity is.
    """
    own = list(store.scan(entity, namespace=namespace))
    if not own:
        return None
    found = Neighbourhood(own[0].entity, [], 0)
    known = {canonical_key(entity), canonical_key(found.name)}
    waiting = deque([(found.branches, own, 1)])
    n_facts = 0
    while waiting:
        branches, facts, away = waiting.popleft()
        for fact in facts:
            if n_facts == limit:
                found.left_out += 1
                continue
            n_facts += 1
            branch = Branch(fact, is_entity=isinstance(fact.value, EntityRef))
            branches.append(branch)
            name = fact.value.name if isinstance(fact.value, EntityRef) else fact.surface
            key = canonical_key(name)
            if key in known:
                branch.is_entity = branch.is_repeat = True
            elif away < depth and len(name) <= MAX_NAME_CHARACTERS:
                further = list(store.scan(name, namespace=namespace))
                if further:
                    known |= {key, canonical_key(further[0].entity)}
                    branch.is_entity = True
                    waiting.append((branch.branches, further, away + 1))
    return found
