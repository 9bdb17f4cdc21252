"""Fetch entities on demand: resolution runs on what is here, names what is missing, runs again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from lamlam.memory_backends.model.entity_reader import EntityReader, StoredEntity
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.lookups import EntityFact
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.model.synonyms import same_relation
from lamlam.memory_backends.neo4j_graph.driver import Transaction
from lamlam.memory_backends.neo4j_graph.queries import HELD, Queries
from lamlam.memory_backends.neo4j_graph.rows import (
    code_of_word,
    code_word,
    stored_entity,
    stored_fact,
)

T = TypeVar("T")
_FEW_NEAR = 50
_HAS_FACTS = f"WHERE EXISTS {{ MATCH (e)<-[:ABOUT]-(f) WHERE {HELD} }} RETURN id"
# Those of `$ids` that are entities with facts at `$at` (or now), and those that are aliases of one.
_KNOWN = (
    "MATCH (s:@Store {id: 'store'})"
    " WITH s.revision AS revision, s.rules_at AS rules_at, coalesce($at, s.revision) AS at"
    " RETURN revision, rules_at,"
    f" COLLECT {{ UNWIND $ids AS id MATCH (e:@Entity {{id: id}}) {_HAS_FACTS} }},"
    f" COLLECT {{ UNWIND $ids AS id MATCH (:@Alias {{id: id}})-[:NAMES]->(e:@Entity) {_HAS_FACTS} }}"
)


class NotFetched(Exception):
    """Resolution asked for what was not fetched yet; the reader has noted it."""


@dataclass(slots=True)
class FetchRequest:
    """What to fetch before resolution can go on."""

    keys: dict[str, None] = field(default_factory=dict)
    aliases: dict[str, None] = field(default_factory=dict)
    codes: dict[int, None] = field(default_factory=dict)
    referring: dict[str, None] = field(default_factory=dict)
    known: dict[str, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.keys or self.aliases or self.codes or self.referring or self.known)


class FetchedEntities(EntityReader):
    """The part of a store at one revision that was fetched: what lookups ask, on demand.

    `try_to` runs resolution; where it comes back empty-handed, `fetch` gets what was missing.
    """

    has_aliases = True
    """Whether there are any is asked together with the alias itself."""

    def __init__(self, queries: Queries, ids: FactIds, at: int | None) -> None:
        """Begin with nothing.

        Args:
            at: the revision; ``None``: the one that the first fetch finds.
        """
        self._queries = queries
        self._ids = ids
        self.at = at
        self.revision: int = 0
        """Of the store, when it was first asked."""
        self.rules_at = 0
        self._rules: RelationRules | None = None
        self._records: dict[str, StoredEntity | None] = {}
        self._aliases: dict[str, str | None] = {}
        self._candidates: dict[int, list[str]] = {}
        self._referring: dict[str, list[EntityFact]] = {}
        self._known: dict[str, bool] = {}
        self.wanted = FetchRequest()

    def try_to(self, resolve: Callable[[FetchedEntities], T]) -> T | None:
        """Return what resolution finds, or ``None`` where something has to be fetched first."""
        try:
            return resolve(self)
        except NotFetched:
            return None

    async def fetch(self, transaction: Transaction) -> None:
        """Fetch what was missing, in one round trip for each kind."""
        wanted, self.wanted = self.wanted, FetchRequest()
        if wanted.known:
            await self._fetch_known(transaction, wanted.known)
        if wanted.keys or wanted.aliases or self.at is None:
            await self._fetch_records(transaction, wanted)
        if wanted.codes:
            words = [code_word(code) for code in wanted.codes]
            for word, keys in await transaction.rows(self._queries.candidates, codes=words):
                self._candidates[code_of_word(word)] = keys
            for code in wanted.codes:
                self._candidates.setdefault(code, [])
            await self._fetch_candidates(transaction, wanted.codes)
        if wanted.referring:
            await self._fetch_referring(transaction, wanted.referring)

    def set_rules(self, rules: RelationRules) -> None:
        """Take the rules of the store."""
        self._rules = rules

    async def _fetch_records(self, transaction: Transaction, wanted: FetchRequest) -> None:
        row = await transaction.row(
            self._queries.entities,
            at=self.at,
            ids=[self._ids.of_entity(key) for key in wanted.keys],
            alias_ids=[self._ids.of_entity(key) for key in wanted.aliases],
        )
        if row is None:
            raise StoreGone
        revision, rules_at, records, aliases = row
        self._begin_at(revision, rules_at)
        for key in wanted.keys:
            self._records.setdefault(key, None)
        for key in wanted.aliases:
            self._aliases.setdefault(key, None)
        for key, name, facts in records:
            self._records[key] = stored_entity(key, name, facts)
        for alias, key, name, facts in aliases:
            self._aliases[alias] = key
            self._records[key] = stored_entity(key, name, facts)

    async def _fetch_known(self, transaction: Transaction, keys: Iterable[str]) -> None:
        by_id = {self._ids.of_entity(key): key for key in keys}
        row = await transaction.row(self._queries._(_KNOWN), at=self.at, ids=list(by_id))
        if row is None:
            raise StoreGone
        revision, rules_at, entities, aliases = row
        self._begin_at(revision, rules_at)
        found = {by_id[one] for one in (*entities, *aliases)}
        for key in by_id.values():
            self._known[key] = key in found
            if key not in found:  # this need not be asked again
                self._records.setdefault(key, None)
                self._aliases.setdefault(key, None)

    def _begin_at(self, revision: int, rules_at: int) -> None:
        if self.at is None or not self.revision:
            self.revision, self.rules_at = revision, rules_at
        if self.at is None:
            self.at = revision

    async def _fetch_candidates(self, transaction: Transaction, codes: Iterable[int]) -> None:
        """Fetch the records of candidates where they are few: some of them will be asked for."""
        near = {key: None for code in codes for key in self._candidates[code]}
        wanted = FetchRequest({key: None for key in near if key not in self._records})
        if 0 < len(wanted.keys) <= _FEW_NEAR:
            await self._fetch_records(transaction, wanted)

    async def _fetch_referring(self, transaction: Transaction, keys: Iterable[str]) -> None:
        by_id = {self._ids.of_entity(key): key for key in keys}
        for key in by_id.values():
            self._referring[key] = []
        rows = await transaction.rows(self._queries.referring, at=self.at, ids=list(by_id))
        for entity, owner, name, fact in rows:
            stored = stored_fact(fact)
            self._referring[by_id[entity]].append(EntityFact(name, owner, stored, stored.value))

    # `EntityReader` ---------------------------------------------------------------------------------

    def record(self, key: str) -> StoredEntity | None:
        """Return the entity with exactly this scoped key."""
        try:
            return self._records[key]
        except KeyError:
            self.wanted.keys[key] = None
            raise NotFetched from None

    def alias(self, key: str) -> str | None:
        """Return the scoped key of the entity that has this one as an alias."""
        if key not in self._aliases:
            self.wanted.aliases[key] = None
            raise NotFetched
        return self._aliases[key]

    def candidates(self, codes: Collection[int]) -> Sequence[str]:
        """Return the scoped keys of the entities indexed under any of these codes, each once."""
        missing = [code for code in codes if code not in self._candidates]
        if missing:
            self.wanted.codes.update(dict.fromkeys(missing))
            raise NotFetched
        return list(dict.fromkeys(key for code in codes for key in self._candidates[code]))

    def known(self, keys: Collection[str]) -> set[str]:
        """Return those of the scoped keys that are an entity's with facts, or an alias of one."""
        missing = [key for key in keys if key not in self._known]
        if missing:
            self.wanted.known.update(dict.fromkeys(missing))
            raise NotFetched
        return {key for key in keys if self._known[key]}

    def used_codes(self, codes: Collection[int]) -> set[int]:
        """Return the codes under which any entity is indexed."""
        self.candidates(codes)
        return {code for code in codes if self._candidates[code]}

    @property
    def rules(self) -> RelationRules:
        """What the store knows about relations."""
        if self._rules is None:
            raise NotFetched
        return self._rules

    def values_among(self, keys: Collection[str]) -> set[str]:
        """Return those of the scoped keys that are a value's; all are fetched together."""
        missing = [key for key in keys if key not in self._referring]
        if missing:
            self.wanted.referring.update(dict.fromkeys(missing))
            raise NotFetched
        return {key for key in keys if self._referring[key]}

    def referring(
        self, key: str, relation: str | None = None, most: int | None = None
    ) -> Sequence[EntityFact]:
        """Return facts whose value is the entity with this (scoped) key."""
        if key not in self._referring:
            self.wanted.referring[key] = None
            raise NotFetched
        found = self._referring[key]
        if relation is None:
            return found
        return [one for one in found if same_relation(one.fact.key, relation)]


class StoreGone(Exception):
    """The database has no store node any more."""
