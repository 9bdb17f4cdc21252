"""Search without an index: every fact is looked at, a few at a time, so that others get their turn."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from heapq import nsmallest
from typing import Any, NamedTuple, Protocol

from lamlam.inline_calls import give_way
from lamlam.memory_backends.model.expiry import with_expired
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import LookupResult
from lamlam.memory_backends.model.namespaces import scoped
from lamlam.memory_backends.model.operations import KnownEntity
from lamlam.memory_backends.model.search_rules import (
    BestHits,
    NameMatch,
    SearchQuery,
    SearchResult,
    match_names,
    rank_of,
)
from lamlam.memory_backends.model.search_text import search_form

FACTS_AT_ONCE = 32
"""Facts that are looked at between two turns of others: well under five milliseconds."""
LONGEST_MEANT = 100
"""Characters of a text up to which it may be a misspelt name."""
NO_RELATION = ""


class ScannedStore(Protocol):
    """What a search without an index needs of a store."""

    capabilities: frozenset[Any]

    def scan(
        self,
        *,
        namespace: Namespace | None = None,
        batch: int = 1000,
        include_expired: bool = False,
    ) -> AsyncIterator[Fact]:
        """Yield all facts."""
        ...

    async def lookup(
        self, entity: str, relation: str, *, namespace: Namespace = ()
    ) -> LookupResult:
        """Return what it holds of one relation of one entity."""
        ...

    async def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        """Return the other names of an entity."""
        ...

    def entities(
        self, *, namespace: Namespace | None = None, name: str | None = None
    ) -> AsyncIterator[KnownEntity]:
        """Yield entities."""
        ...


class _Seen(NamedTuple):
    name: str
    namespace: Namespace
    key: str
    match: NameMatch
    is_meant: bool


async def search_by_scan(store: ScannedStore, query: SearchQuery) -> SearchResult:
    """Return what a search finds by looking at all facts, in turns with other tasks."""
    meant = await _meant(store, query)
    hits: BestHits[Fact] = BestHits(query)
    has_aliases = "aliases" in store.capabilities
    seen: _Seen | None = None
    number = 0
    shown = with_expired(store)  # what is hidden is said in one place: by `rank_of`
    facts = store.scan(namespace=query.namespace, batch=FACTS_AT_ONCE, **shown)
    try:
        n_read = 0
        async for fact in facts:
            n_read += 1
            if n_read % FACTS_AT_ONCE == 0:
                await give_way()
            if seen is None or (fact.entity, fact.namespace) != seen[:2]:
                names = [fact.entity]
                if has_aliases:
                    names += await store.aliases(fact.entity, namespace=fact.namespace)
                key = scoped(fact.namespace, canonical_key(fact.entity))
                match = match_names(query, names)
                seen = _Seen(fact.entity, fact.namespace, key, match, key == meant)
                number = 0
            rank = rank_of(query, seen.match, fact, fact.surface, is_meant=seen.is_meant)
            if rank is not None:
                hits.add(rank, seen.key, number, fact)
            number += 1
    finally:  # a scan is usually a generator, which must be closed
        if isinstance(facts, AsyncGenerator):
            await facts.aclose()
    return SearchResult(tuple(hits.best()), hits.is_complete)


async def _meant(store: ScannedStore, query: SearchQuery) -> str | None:
    """Return the scoped key of the entity that the text names."""
    if len(query.text) > LONGEST_MEANT or query.namespace is None:
        return None
    found = await store.lookup(query.text, NO_RELATION, namespace=query.namespace)
    name = found.match.entity.matched
    if name is None or found.match.entity.kind == "none":
        return None
    return scoped(query.namespace, canonical_key(name))


async def names_by_scan(
    store: ScannedStore, prefix: str, namespace: Namespace | None, limit: int
) -> list[str]:
    """Return names of entities that begin with a text, the first in the alphabet."""
    wanted = search_form(prefix)
    found: list[tuple[str, str]] = []
    n_read = 0
    async for one in store.entities(namespace=namespace):
        n_read += 1
        if n_read % FACTS_AT_ONCE == 0:
            await give_way()
        form = search_form(one.name) if one.facts else ""
        if one.facts and form.startswith(wanted):
            found.append((form, one.name))
            if len(found) > 2 * limit + FACTS_AT_ONCE:
                found = nsmallest(limit, set(found))
    return first_names(found, limit)


def first_names(found: Iterable[tuple[str, str]], limit: int) -> list[str]:
    """Return the first names of pairs of form and name, each pair once."""
    return [name for _, name in nsmallest(limit, set(found))]
