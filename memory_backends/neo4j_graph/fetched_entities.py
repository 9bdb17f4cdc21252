"""Resolution over what was fetched from a server: what is missing is named, fetched, tried again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.lookups import Owned
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.model.synonyms import same_relation
from lamlam.memory_backends.neo4j_graph.driver import Row, Transaction
from lamlam.memory_backends.neo4j_graph.queries import Queries
from lamlam.memory_backends.neo4j_graph.rows import code_of_word, code_word, stored_fact
from lamlam.memory_backends.resolution.resolver import Holding
from lamlam.memory_backends.resolution.views import PlainHolding

T = TypeVar("T")
_FEW_NEAR = 50


class Missing(Exception):
    """Resolution asked for what was not fetched yet; the shelf has noted it."""


@dataclass(slots=True)
class Wanted:
    """What to fetch before resolution can go on."""

    keys: dict[str, None] = field(default_factory=dict)
    aliases: dict[str, None] = field(default_factory=dict)
    codes: dict[int, None] = field(default_factory=dict)
    referring: dict[str, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.keys or self.aliases or self.codes or self.referring)


class FetchedShelf:
    """The part of a store at one revision that was fetched (a `Shelf`). All keys are scoped.

    `try_to` runs resolution; where it comes back empty-handed, `fetch` gets what was missing.
    """

    def __init__(self, queries: Queries, ids: FactIds, at: int | None) -> None:
        """Begin with nothing.

        Args:
            at: the revision; ``None``: the one that the first fetch finds.
        """
        self._queries = queries
        self._ids = ids
        self.at = at
        self.revision = 0
        """Of the store, when it was first asked."""
        self.rules_at = 0
        self._rules: RelationRules | None = None
        self._holdings: dict[str, Holding | None] = {}
        self._aliases: dict[str, str | None] = {}
        self._near: dict[int, list[str]] = {}
        self._referring: dict[str, list[Owned]] = {}
        self.wanted = Wanted()

    def try_to(self, resolve: Callable[[FetchedShelf], T]) -> T | None:
        """Return what resolution finds, or ``None`` where something has to be fetched first."""
        try:
            return resolve(self)
        except Missing:
            return None

    async def fetch(self, transaction: Transaction) -> None:
        """What was missing is here, in one round trip for each kind."""
        wanted, self.wanted = self.wanted, Wanted()
        if wanted.keys or wanted.aliases or self.at is None:
            await self._fetch_pages(transaction, wanted)
        if wanted.codes:
            words = [code_word(code) for code in wanted.codes]
            for word, keys in await transaction.rows(self._queries.near, codes=words):
                self._near[code_of_word(word)] = keys
            for code in wanted.codes:
                self._near.setdefault(code, [])
            await self._fetch_near_pages(transaction, wanted.codes)
        if wanted.referring:
            await self._fetch_referring(transaction, wanted.referring)

    def set_rules(self, rules: RelationRules) -> None:
        """The rules are those given."""
        self._rules = rules

    async def _fetch_pages(self, transaction: Transaction, wanted: Wanted) -> None:
        row = await transaction.row(
            self._queries.pages,
            at=self.at,
            ids=[self._ids.of_entity(key) for key in wanted.keys],
            alias_ids=[self._ids.of_entity(key) for key in wanted.aliases],
        )
        if row is None:
            raise StoreGone
        revision, rules_at, pages, aliases = row
        if self.at is None or not self.revision:
            self.revision, self.rules_at = revision, rules_at
        if self.at is None:
            self.at = revision
        for key in wanted.keys:
            self._holdings.setdefault(key, None)
        for key in wanted.aliases:
            self._aliases.setdefault(key, None)
        for key, name, facts in pages:
            self._holdings[key] = holding_of(key, name, facts)
        for alias, key, name, facts in aliases:
            self._aliases[alias] = key
            self._holdings[key] = holding_of(key, name, facts)

    async def _fetch_near_pages(self, transaction: Transaction, codes: Iterable[int]) -> None:
        """Of few near names all pages are fetched at once: some of them will be asked for."""
        near = {key: None for code in codes for key in self._near[code]}
        wanted = Wanted({key: None for key in near if key not in self._holdings})
        if 0 < len(wanted.keys) <= _FEW_NEAR:
            await self._fetch_pages(transaction, wanted)

    async def _fetch_referring(self, transaction: Transaction, keys: Iterable[str]) -> None:
        by_id = {self._ids.of_entity(key): key for key in keys}
        for key in by_id.values():
            self._referring[key] = []
        rows = await transaction.rows(self._queries.referring, at=self.at, ids=list(by_id))
        for entity, owner, name, fact in rows:
            stored = stored_fact(fact)
            self._referring[by_id[entity]].append(Owned(name, owner, stored, stored.value))

    # What resolution asks (`Shelf`) -----------------------------------------------------------------

    def holding(self, key: str) -> Holding | None:
        """The entity with exactly this canonical key."""
        try:
            return self._holdings[key]
        except KeyError:
            self.wanted.keys[key] = None
            raise Missing from None

    def alias(self, key: str) -> Holding | None:
        """The entity that has this canonical key as an alias."""
        if key not in self._aliases:
            self.wanted.aliases[key] = None
            raise Missing
        holder = self._aliases[key]
        return self.holding(holder) if holder is not None else None

    def near(self, codes: Collection[int]) -> Sequence[str]:
        """Canonical keys of the entities indexed under any of these codes, each once."""
        missing = [code for code in codes if code not in self._near]
        if missing:
            self.wanted.codes.update(dict.fromkeys(missing))
            raise Missing
        return list(dict.fromkeys(key for code in codes for key in self._near[code]))

    @property
    def has_aliases(self) -> bool:
        """True: whether there are any is asked together with the alias itself."""
        return True

    @property
    def rules(self) -> RelationRules:
        """What the store knows about relations."""
        if self._rules is None:
            raise Missing
        return self._rules

    def referring(self, key: str, relation: str) -> Sequence[Owned]:
        """Facts of a relation whose value is the entity with this (scoped) key."""
        if key not in self._referring:
            self.wanted.referring[key] = None
            raise Missing
        return [one for one in self._referring[key] if same_relation(one.fact.key, relation)]


class StoreGone(Exception):
    """The database has no store node any more."""


def holding_of(key: str, name: str, facts: Sequence[Row]) -> PlainHolding | None:
    """Return what an entity holds; ``None`` without facts."""
    return PlainHolding(name, key, tuple([stored_fact(fact) for fact in facts])) if facts else None
