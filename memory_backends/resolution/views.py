"""One reader seen as another: one namespace of a store, or the store at an earlier revision."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from lamlam.memory_backends.model.entity_reader import EntityReader, EntityRecord, StoredEntity
from lamlam.memory_backends.model.facts import Namespace, check_namespace
from lamlam.memory_backends.model.lookups import EntityFact
from lamlam.memory_backends.model.namespaces import only, salted, scoped, split
from lamlam.memory_backends.model.relation_rules import RelationRules


class _View(EntityReader):
    def __init__(self, reader: EntityReader) -> None:
        self._reader = reader

    @property
    def rules(self) -> RelationRules:
        """What the store knows about relations, now."""
        return self._reader.rules

    @property
    def has_aliases(self) -> bool:
        """True unless `alias` finds nothing anyway."""
        return self._reader.has_aliases


class NamespaceView(_View):
    """The entities of one namespace, found by their plain canonical keys.

    The records keep their scoped keys: fact ids are made from those, and `referring` takes them.
    """

    def __init__(self, reader: EntityReader, namespace: Namespace) -> None:
        """See the entities of a namespace.

        Raises:
            BadFact: there can be no such namespace: one part with a slash would be read as two.
        """
        super().__init__(reader)
        self.namespace = check_namespace(namespace)

    def record(self, key: str) -> EntityRecord | None:
        """Return the entity with exactly this canonical key."""
        return self._reader.record(scoped(self.namespace, key))

    def alias(self, key: str) -> str | None:
        """Return the canonical key of the entity that has this one as an alias."""
        found = self._reader.alias(scoped(self.namespace, key))
        return split(found)[1] if found is not None else None

    def candidates(self, codes: Collection[int]) -> Sequence[str]:
        """Return the canonical keys of the entities indexed under any of these codes."""
        return only(self.namespace, self._reader.candidates(salted(self.namespace, codes)))

    def known(self, keys: Collection[str]) -> set[str]:
        """Return those of the canonical keys that are an entity's here, or an alias of one."""
        found = self._reader.known([scoped(self.namespace, key) for key in keys])
        return {split(key)[1] for key in found}

    def used_codes(self, codes: Collection[int]) -> set[int]:
        """Return the codes under which any entity may be indexed."""
        own = dict(zip(salted(self.namespace, codes), codes, strict=True))
        return {own[code] for code in self._reader.used_codes(own)}

    def values_among(self, keys: Collection[str]) -> set[str]:
        """Return those of the scoped keys that may be a value's."""
        return self._reader.values_among(keys)

    def referring(
        self, key: str, relation: str | None = None, most: int | None = None
    ) -> Sequence[EntityFact]:
        """Return facts whose value is the entity with this scoped key."""
        return self._reader.referring(key, relation, most)


class PastView(_View):
    """A store as it stood at a revision, whose names are found as they are found now.

    An entity that has no facts any more is found by its own name only.
    """

    def __init__(self, reader: EntityReader, revision: int) -> None:
        super().__init__(reader)
        self._revision = revision

    def record(self, key: str) -> StoredEntity | None:
        """Return the entity with exactly this scoped key, with the facts that it had."""
        history = self._reader.history(key)
        facts = history.at(self._revision)
        return StoredEntity(history.name, key, facts) if facts and history.name else None

    def alias(self, key: str) -> str | None:
        """Return the scoped key of the entity that has this one as an alias."""
        return self._reader.alias(key)

    def aliases(self, key: str) -> list[str]:
        """Return the scoped keys of the aliases that were not entities then."""
        # Before a merge, what has been merged since was an entity itself.
        return [one for one in self._reader.aliases(key) if self.record(one) is None]

    def candidates(self, codes: Collection[int]) -> Sequence[str]:
        """Return the scoped keys of the entities indexed under any of these codes."""
        return self._reader.candidates(codes)

    def known(self, keys: Collection[str]) -> set[str]:
        """Return those of the scoped keys that were an entity's with facts, or an alias of one."""
        return super().known(self._reader.used_keys(keys))

    def used_codes(self, codes: Collection[int]) -> set[int]:
        """Return the codes under which any entity may be indexed."""
        return self._reader.used_codes(codes)

    def owners(self, key: str) -> Iterable[str]:
        """Return the scoped keys of entities that have, or once had, this one as a value."""
        return self._reader.owners(key)

    def values_among(self, keys: Collection[str]) -> set[str]:
        """Return those of the scoped keys that are, or once were, a value's."""
        return self._reader.values_among(keys)
