"""What a write needs of a store in Neo4j, loaded ahead, at once, under the lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lamlam.memory_backends.model.entity_reader import (
    EntityHistory,
    EntityReader,
    MergeRecord,
    StoredEntity,
)
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.neo4j_graph.driver import Transaction
from lamlam.memory_backends.neo4j_graph.queries import Queries
from lamlam.memory_backends.neo4j_graph.rows import merge_record, parts, stored_entity

_PART = 5_000


class LoadedEntities(EntityReader):
    """Facts, aliases and merges of the entities that a write names."""

    has_aliases = True
    rules = RelationRules()

    def __init__(self, rules: RelationRules) -> None:
        self.rules = rules
        self.records: dict[str, StoredEntity | None] = {}
        """By scoped key; ``None`` where an entity that was asked for has no facts."""
        self.histories: dict[str, EntityHistory] = {}
        """By scoped key; loaded by erasures alone."""
        self._holders: dict[str, str] = {}
        self._aliases: dict[str, list[str]] = {}
        self._merges: dict[str, list[MergeRecord]] = {}
        self.all_merges: dict[str, MergeRecord] | None = None
        """By the ids of their nodes; loaded, all at once, by erasures alone."""
        self._all_by_key: dict[str, list[MergeRecord]] | None = None

    def record(self, key: str) -> StoredEntity | None:
        """Return the entity with exactly this scoped key."""
        return self.records.get(key)

    def history(self, key: str) -> EntityHistory:
        """Return every version of the facts of an entity."""
        return self.histories.get(key, EntityHistory())

    def alias(self, key: str) -> str | None:
        """Return the scoped key of the entity that has this one as an alias."""
        return self._holders.get(key)

    def aliases(self, key: str) -> Sequence[str]:
        """Return the scoped keys of the aliases of an entity."""
        return self._aliases.get(key, ())

    def merges(self, key: str) -> Sequence[MergeRecord]:
        """Return the merges into an entity that stand, and in an erasure all that it was part of."""
        if self.all_merges is None:
            return self._merges.get(key, ())
        if self._all_by_key is None:
            self._all_by_key = {}
            for record in self.all_merges.values():
                for one in {record.kept, record.merged}:
                    self._all_by_key.setdefault(one, []).append(record)
        return self._all_by_key.get(key, ())

    async def load(
        self, transaction: Transaction, queries: Queries, keys: Iterable[str], ids: FactIds
    ) -> None:
        """Load everything about the entities with these keys or aliases."""
        wanted = [ids.of_entity(key) for key in keys]
        for part in parts(wanted, _PART):
            for row in await transaction.rows(queries.named_entities, ids=part):
                key, name, alias, facts, aliases, merges = row
                if alias is not None:
                    self._holders[alias] = key
                self._aliases[key] = aliases
                for one in aliases:
                    self._holders[one] = key
                self._merges[key] = [merge_record(merge) for merge in merges]
                self.records[key] = stored_entity(key, name, facts)

    def overlay(self, records: Mapping[str, StoredEntity | None]) -> None:
        """Replace what was loaded by what an earlier part of the transaction is about to write."""
        self.records.update(records)
