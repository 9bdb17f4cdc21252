"""Search in two namespaces: what the first says of a relation hides what the shared one says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from lamlam.memory_backends.model.keys import relation_key
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.memory_backends.model.search_rules import SearchQuery, SearchResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamlam.memory_backends.model.facts import Fact


class _Searched(Protocol):
    async def search_one(self, query: SearchQuery) -> SearchResult:
        """Return what a search finds."""
        ...


class _LookedUp(Protocol):
    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query."""
        ...


async def search_both(store: _Searched, own: SearchQuery, shared: SearchQuery) -> SearchResult:
    """Return what is found in a namespace, then what is found in the shared one and not hidden."""
    first, second = await store.search_one(own), await store.search_one(shared)
    assert own.namespace is not None
    asked = list(dict.fromkeys((fact.entity, relation_key(fact.relation)) for fact in second.facts))
    queries = [Lookup(entity, relation, own.namespace) for entity, relation in asked]
    results = await cast("_LookedUp", store).lookup_many(queries) if queries else []
    hidden = {
        pair
        for pair, result in zip(asked, results, strict=True)
        if str(result.status) != "miss" and result.match.entity.kind in ("exact", "alias")
    }
    left: list[Fact] = [
        fact for fact in second.facts if (fact.entity, relation_key(fact.relation)) not in hidden
    ]
    facts = (*first.facts, *left)[: own.limit]
    is_complete = first.is_complete and second.is_complete and len(facts) == len(first.facts) + len(left)
    return SearchResult(facts, is_complete)
