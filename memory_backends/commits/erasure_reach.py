"""What of an entity an erasure takes: all of it, a relation, one value, or where it is a name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from lamlam.memory_backends.commits.entity_edit import is_value
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.model.synonyms import same_relation
from lamlam.memory_backends.model.values import Value

_ENTITY = "e:"


class ErasureReach(NamedTuple):
    """Which facts of an entity are meant."""

    relation: str | None = None
    """Of this relation, or of its synonyms, only."""
    value: Value | None = None
    """With a relation: only this value of it; a text also names a typed value by its surface."""
    names: Collection[str] = ()
    """Canonical keys: only facts whose value is an entity, or a text, of one of these names."""

    @property
    def is_whole(self) -> bool:
        """All facts are meant."""
        return self.relation is None and not self.names

    @property
    def is_by_value(self) -> bool:
        """The value of a fact decides."""
        return self.value is not None or bool(self.names)

    def means(self, fact: StoredFact) -> bool:
        """Return whether the value of a fact is one that is meant, whatever its relation."""
        if self.value is not None:
            return is_value(fact, self.value)
        return not self.names or is_one_of(fact, self.names)


class TakenFacts:
    """Decides for versions of facts; those of one content go together, however they are written.

    A version that stayed would have the id of facts that the change log says are gone.
    """

    def __init__(self, reach: ErasureReach) -> None:
        self._reach = reach
        self._wanted = relation_key(reach.relation) if reach.relation is not None else None
        self._covered: dict[str, bool] = {}
        self._contents: set[tuple[str, str]] = set()

    def and_of(self, facts: Iterable[StoredFact]) -> TakenFacts:
        """Return the same for another entity, that has these versions."""
        if not self._reach.is_by_value:
            return self
        other = TakenFacts(self._reach)
        other._contents |= self._contents
        other.learn(facts)
        return other

    def learn(self, facts: Iterable[StoredFact]) -> None:
        """Take versions into account, of an entity that has all of these."""
        if self._reach.is_by_value:
            self._contents.update(
                fact.content for fact in facts if self._covers(fact) and self._reach.means(fact)
            )

    def __contains__(self, fact: StoredFact) -> bool:
        """Return whether a version goes."""
        if not self._covers(fact):
            return False
        return not self._reach.is_by_value or fact.content in self._contents

    def _covers(self, fact: StoredFact) -> bool:
        if self._wanted is None:
            return True
        found = self._covered.get(fact.key)
        if found is None:
            found = self._covered[fact.key] = same_relation(fact.key, self._wanted)
        return found


def is_one_of(fact: StoredFact, names: Collection[str]) -> bool:
    """Return whether the value of a fact is an entity, or a text, of one of these canonical keys."""
    if fact.code.startswith(_ENTITY) and fact.code[len(_ENTITY) :] in names:
        return True
    text = fact.code[2:] if fact.code.startswith("s:") else ""
    return canonical_key(fact.value) in names or (bool(text) and canonical_key(text) in names)
