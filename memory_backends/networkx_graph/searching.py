"""Search in a store in memory: by its index where it has one, or entity by entity."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import islice

from lamlam.inline_calls import done_in_steps
from lamlam.memory_backends.authoring import LocalStore
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.search_rules import SearchQuery, SearchResult
from lamlam.memory_backends.model.search_terms import AskedTerms
from lamlam.memory_backends.model.text_search import WITH_SOURCES, WITHOUT_SOURCES, OnProgress
from lamlam.memory_backends.networkx_graph.file import FileContents
from lamlam.memory_backends.networkx_graph.state import GraphState
from lamlam.memory_backends.networkx_graph.text_index import GraphTextIndex
from lamlam.memory_backends.resolution.meant_entity import (
    found_facts,
    meant_entity,
    named_keys,
)
from lamlam.memory_backends.resolution.searching import (
    NamePlan,
    SearchedEntity,
    SearchPlan,
    in_turns_with,
)

_AT_ONCE = 32
_INDEXED_AT_ONCE = 16
Locked = Callable[[], AbstractContextManager[FileContents]]


class GraphSearch:
    """Reads a graph for one search, a turn at a time."""

    def __init__(self, locked: Locked, identify: FactIds) -> None:
        self._locked = locked
        self._identify = identify
        self._query: SearchQuery | None = None
        with locked() as store:
            self._state: GraphState = store.state
            self._keys = iter(store.state.keys())

    def search(self, query: SearchQuery) -> Generator[None, None, SearchResult]:
        """Return what is found, in steps between which others may have their turn."""
        self._query = query
        index = yield from self._index()
        plan = SearchPlan(
            query,
            has_index=index is not None,
            has_sources=index is not None and index.sources,
            at_once=_AT_ONCE,
        )
        hits = yield from in_turns_with(plan.run(), self._turn)
        return found_facts(hits, self._identify)

    def names(
        self, prefix: str, namespace: Namespace | None, limit: int
    ) -> Generator[None, None, list[str]]:
        """Return names that begin with a text, in steps."""
        index = yield from self._index()
        plan = NamePlan(prefix, namespace, limit, has_index=index is not None, at_once=_AT_ONCE)
        return (yield from in_turns_with(plan.run(), self._turn))

    def _index(self) -> Generator[None, None, GraphTextIndex | None]:
        """Return the index, if there is one, with all in it that waits."""
        while True:
            with self._locked():
                index = self._state.text_index
                if index is not None:
                    self._refresh(index, _INDEXED_AT_ONCE)
                if index is None or not index.n_waiting:
                    return index
            yield

    def _refresh(self, index: GraphTextIndex, most: int) -> None:
        index.refresh(self._state.record, self._state.aliases, most)

    @contextmanager
    def _turn(self) -> Iterator[GraphSearch]:
        with self._locked():
            yield self

    # `SearchReader` ---------------------------------------------------------------------------------

    def meant(self) -> list[SearchedEntity]:
        """Return the entity that the text names, if there is one."""
        assert self._query is not None
        key = meant_entity(self._state, self._query, self._identify)
        return [] if key is None else list(self.read([key]))

    def named(self, names: Sequence[str]) -> list[SearchedEntity]:
        """Return the entities with one of these names, or with an alias of them."""
        assert self._query is not None
        return list(self.read(named_keys(self._state, names, self._query.namespace or ())))

    def find(self, asked: AskedTerms, most: int) -> list[str]:
        """Return keys of entities that the index gives."""
        index = self._state.text_index
        if index is None:  # turned off meanwhile
            return []
        self._refresh(index, index.n_waiting)
        return index.find(asked, most)

    def read(self, places: Iterable[str]) -> Iterator[SearchedEntity]:
        """Yield the entities with these keys."""
        for key in places:
            record = self._state.record(key)
            if record is not None:
                aliases = [split(alias)[1] for alias in self._state.aliases(key)]
                yield SearchedEntity(key, record.name, aliases, partial(iter, record.facts))

    def read_next(self) -> list[SearchedEntity]:
        """Return the next entities; none: that was all."""
        while keys := list(islice(self._keys, _AT_ONCE)):
            if found := list(self.read(keys)):
                return found
        return []


class GraphSearching(LocalStore):
    """The part of `GraphStore` that searches; stands before `LocalStore`."""

    _identify: FactIds

    @abstractmethod
    def _locked(self) -> AbstractContextManager[FileContents]: ...

    async def search_one(self, query: SearchQuery) -> SearchResult:
        """Return what a search finds: by the index where there is one."""
        return await done_in_steps(GraphSearch(self._locked, self._identify).search(query))

    async def names_with(self, prefix: str, namespace: Namespace | None, limit: int) -> list[str]:
        """Return names of entities that begin with a text."""
        search = GraphSearch(self._locked, self._identify)
        return await done_in_steps(search.names(prefix, namespace, limit))

    def set_search_index_nowait(
        self, is_on: bool, *, sources: bool = False, on_progress: OnProgress | None = None
    ) -> None:
        """Turn the search index on or off, as long as the store is open; no file keeps it."""
        with self._locked() as store:
            self.check_writable()
            index = store.state.text_index
            if not is_on:
                store.state.text_index = None
            elif index is None or index.sources != sources:
                index = GraphTextIndex(store.state.keys(), sources=sources)
                n_all = index.n_waiting
                while index.n_waiting:
                    index.refresh(store.state.record, store.state.aliases, _AT_ONCE)
                    if on_progress is not None:
                        on_progress(n_all - index.n_waiting, n_all)
                store.state.text_index = index


def indexed(state: GraphState) -> str:
    """Return what is indexed, as `StoreInfo` has it."""
    if state.text_index is None:
        return "off"
    return WITH_SOURCES if state.text_index.sources else WITHOUT_SOURCES
