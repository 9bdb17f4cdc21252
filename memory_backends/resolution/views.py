"""One shelf seen as another: a namespace of it, or the whole as it stood at an earlier revision."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lamlam.memory_backends.model.facts import Namespace, check_namespace
from lamlam.memory_backends.model.lookups import Owned, PastVersion, StoredFact
from lamlam.memory_backends.model.namespaces import only, salted, scoped, split
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.model.synonyms import same_relation
from lamlam.memory_backends.resolution.resolver import Holding, Shelf


class NamespaceShelf:
    """The entities of one namespace, under their plain canonical keys.

    The holdings that it gives keep their scoped keys: fact ids are made from those.
    """

    def __init__(self, shelf: Shelf, namespace: Namespace) -> None:
        """See the entities of a namespace.

        Raises:
            BadFact: there can be no such namespace: one part with a slash would be read as two.
        """
        self._shelf = shelf
        self._namespace = check_namespace(namespace)

    def holding(self, key: str) -> Holding | None:
        """The entity with exactly this canonical key."""
        return self._shelf.holding(scoped(self._namespace, key))

    def alias(self, key: str) -> Holding | None:
        """The entity that has this canonical key as an alias."""
        return self._shelf.alias(scoped(self._namespace, key))

    def near(self, codes: Collection[int]) -> Sequence[str]:
        """Canonical keys of the entities indexed under any of these codes, each once."""
        return only(self._namespace, self._shelf.near(salted(self._namespace, codes)))

    @property
    def has_aliases(self) -> bool:
        """True unless `alias` finds nothing anyway."""
        return self._shelf.has_aliases

    @property
    def rules(self) -> RelationRules:
        """What the store knows about relations."""
        return self._shelf.rules

    def referring(self, key: str, relation: str) -> Sequence[Owned]:
        """Facts of a relation whose value is the entity with this (scoped) key."""
        return self._shelf.referring(key, relation)


class Versions(Protocol):
    """What an earlier state is made of."""

    def versions(self, key: str) -> tuple[str | None, Sequence[StoredFact], Sequence[PastVersion]]:
        """Name as stored, facts that hold and versions that have ended, of a scoped key."""
        ...

    def former_references(self, key: str) -> Iterable[str]:
        """Scoped keys of entities that have, or once had, a fact whose value has this key."""
        ...

    def aliases_of(self, key: str) -> Sequence[str]:
        """Scoped keys of the other names that the entity has now."""
        ...


class PastShelf:
    """A store as it stood at a revision, whose names are found as they are found now.

    An entity that has no facts any more is found by its own name only.
    """

    def __init__(self, shelf: Shelf, versions: Versions, revision: int) -> None:
        self._shelf = shelf
        self._versions = versions
        self._revision = revision

    def holding(self, key: str) -> Holding | None:
        """The entity with exactly this scoped key, with the facts that it had."""
        name, now, past = self._versions.versions(key)
        facts = facts_at(now, past, self._revision)
        return PlainHolding(name, key, tuple(facts)) if facts and name is not None else None

    def alias(self, key: str) -> Holding | None:
        """The entity that has this scoped key as an alias."""
        found = self._shelf.alias(key)
        return self.holding(found.key) if found is not None else None

    def near(self, codes: Collection[int]) -> Sequence[str]:
        """Scoped keys of the entities indexed under any of these codes, each once."""
        return self._shelf.near(codes)

    @property
    def has_aliases(self) -> bool:
        """True unless `alias` finds nothing anyway."""
        return self._shelf.has_aliases

    @property
    def rules(self) -> RelationRules:
        """What the store knows about relations, now."""
        return self._shelf.rules

    def referring(self, key: str, relation: str) -> Sequence[Owned]:
        """Facts of a relation whose value was the entity with this scoped key."""
        # Before a merge, what has been merged since was an entity of its own.
        others = [one for one in self._versions.aliases_of(key) if self.holding(one) is None]
        keys = [key, *others]
        owners = {owner for one in keys for owner in self._versions.former_references(one)}
        return references(map(self.holding, sorted(owners)), keys, relation)


@dataclass(frozen=True, slots=True)
class PlainHolding:
    """An entity and its facts (a `Holding`)."""

    name: str
    key: str
    facts: tuple[StoredFact, ...]

    def relation_keys(self) -> list[str]:
        """Keys of its relations in stored order, each once."""
        return list(dict.fromkeys(fact.key for fact in self.facts))

    def of(self, relation_key: str) -> list[StoredFact]:
        """The facts of one relation, in stored order."""
        return [fact for fact in self.facts if fact.key == relation_key]

    def stored(self) -> tuple[StoredFact, ...]:
        """Every fact, in stored order."""
        return self.facts


def facts_at(
    now: Iterable[StoredFact], past: Iterable[PastVersion], revision: int
) -> list[StoredFact]:
    """Return the facts of an entity that held at a revision, in stored order."""
    held = [fact for fact in now if fact.revision <= revision]
    held += [fact for fact, end in past if fact.revision <= revision < end]
    return sorted(held, key=lambda fact: fact.seq)


def references(
    holdings: Iterable[Holding | None], keys: Collection[str], relation: str
) -> list[Owned]:
    """Return the facts of entities, of a relation, whose value is the entity with these keys."""
    codes = {entity_code(key) for key in keys}
    return [
        Owned(holding.name, holding.key, fact, fact.value)
        for holding in holdings
        if holding is not None
        for fact in holding.stored()
        if fact.code in codes and same_relation(fact.key, relation)
    ]


def entity_code(key: str) -> str:
    """Return the code of a value that is the entity with this scoped key (`values.code_of`)."""
    return f"e:{split(key)[1]}"
