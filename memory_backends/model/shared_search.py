"""Search in two namespaces: what the first says of a relation hides what the shared one says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from lamlam.memory_backends.model.clock import microseconds
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import relation_key
from lamlam.memory_backends.model.search_rules import SearchQuery, SearchResult
from lamlam.memory_backends.model.synonyms import same_relation
from lamlam.memory_backends.model.timestamps import holds_at, to_us


class SearchedStore(Protocol):
    """What a search in two namespaces needs of a store."""

    async def search_one(self, query: SearchQuery) -> SearchResult:
        """Return what a search finds."""
        ...

    def scan(
        self, entity: str | None = None, *, namespace: Namespace | None = None
    ) -> AsyncIterator[Fact]:
        """Yield facts of an entity."""
        ...


async def search_both(store: SearchedStore, own: SearchQuery, shared: SearchQuery) -> SearchResult:
    """Return what is found in a namespace, then what is found in the shared one and not hidden."""
    first, second = await store.search_one(own), await store.search_one(shared)
    held: dict[str, set[str]] = {}
    left: list[Fact] = []
    for fact in second.facts:
        if fact.entity not in held:
            held[fact.entity] = await _relations(store, fact.entity, own)
        key = relation_key(fact.relation)
        if not any(same_relation(key, one) for one in held[fact.entity]):
            left.append(fact)
    facts = (*first.facts, *left)[: own.limit]
    is_whole = len(facts) == len(first.facts) + len(left)
    return SearchResult(facts, first.is_complete and second.is_complete and is_whole)


async def _relations(store: SearchedStore, entity: str, own: SearchQuery) -> set[str]:
    """Return the relations of which an entity has facts now in the first of the namespaces."""
    moment = microseconds(None)
    return {
        relation_key(fact.relation)
        async for fact in store.scan(entity, namespace=own.namespace)
        if holds_at(to_us(fact.valid_from), to_us(fact.valid_to), moment)
    }
