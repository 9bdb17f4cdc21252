"""What an `apply` needs of a store in Neo4j, loaded at once under the lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from lamlam.memory_backends.commits.commit_plan import Page
from lamlam.memory_backends.commits.merges import MergeRecord
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.neo4j_graph.driver import Transaction
from lamlam.memory_backends.neo4j_graph.queries import Queries
from lamlam.memory_backends.neo4j_graph.rows import merge_record, parts, stored_fact

_NOTHING = Page(None, ())
_PART = 5_000


class LoadedDesk:
    """Pages, aliases and merges of the entities that operations name (a `Desk`)."""

    def __init__(self, rules: RelationRules) -> None:
        self._rules = rules
        self.pages: dict[str, Page] = {}
        self._holders: dict[str, str] = {}
        self._aliases: dict[str, list[str]] = {}
        self._merges: dict[str, list[MergeRecord]] = {}

    @property
    def rules(self) -> RelationRules:
        """What the store knows about relations."""
        return self._rules

    def page(self, key: str) -> Page:
        """The entity with exactly this key."""
        return self.pages.get(key, _NOTHING)

    def alias(self, key: str) -> str | None:
        """The key of the entity that has this alias."""
        return self._holders.get(key)

    def aliases_of(self, key: str) -> Sequence[str]:
        """The aliases of an entity."""
        return self._aliases.get(key, ())

    def merges_of(self, kept: str) -> Sequence[MergeRecord]:
        """The merges into an entity that stand, oldest first."""
        return self._merges.get(kept, ())

    async def load(
        self, transaction: Transaction, queries: Queries, keys: Iterable[str], ids: FactIds
    ) -> None:
        """Everything about the entities with these keys or aliases is here."""
        wanted = [ids.of_entity(key) for key in keys]
        for part in parts(wanted, _PART):
            for row in await transaction.rows(queries.desk, ids=part):
                key, name, alias, facts, aliases, merges = row
                if alias is not None:
                    self._holders[alias] = key
                self._aliases[key] = aliases
                for held in aliases:
                    self._holders[held] = key
                self._merges[key] = [merge_record(merge) for merge in merges]
                self.pages[key] = Page(name if facts else None, [stored_fact(f) for f in facts])

    def overlay(self, pages: Mapping[str, Page]) -> None:
        """What an earlier part of the transaction is about to write replaces what was loaded."""
        self.pages.update(pages)
