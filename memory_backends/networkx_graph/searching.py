"""Search in a store in memory: by its index where it has one, or entity by entity."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import islice

from lamlam.memory_backends.authoring import LocalStore
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import check_flags
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.search_terms import AskedTerms
from lamlam.memory_backends.model.text_search import OnProgress, indexed_fields
from lamlam.memory_backends.networkx_graph.file import FileContents
from lamlam.memory_backends.networkx_graph.state import GraphState
from lamlam.memory_backends.networkx_graph.text_index import GraphTextIndex
from lamlam.memory_backends.resolution.meant_entity import meant_entity, named_keys
from lamlam.memory_backends.resolution.search_in_turns import (
    SearchingInTurns,
    SearchInTurns,
    UsableIndex,
)
from lamlam.memory_backends.resolution.searching import SearchedEntity

_AT_ONCE = 32
_INDEXED_AT_ONCE = 16
Locked = Callable[[], AbstractContextManager[FileContents]]


class GraphSearch(SearchInTurns):
    """Reads a graph for one search, a turn at a time."""

    at_once = _AT_ONCE

    def __init__(self, locked: Locked, identify: FactIds) -> None:
        super().__init__(identify)
        self._locked = locked
        with locked() as store:
            self._state: GraphState = store.state
            self._keys = iter(store.state.keys())

    def index(self) -> Generator[None, None, UsableIndex | None]:
        """Return the index, if there is one, with all in it that waits."""
        while True:
            with self._locked():
                index = self._state.text_index
                if index is None:
                    return None
                self._refresh(index, _INDEXED_AT_ONCE)
                if not index.n_waiting:
                    return UsableIndex(index.sources)
            yield

    def _refresh(self, index: GraphTextIndex, most: int) -> None:
        index.refresh(self._state.record, self._state.aliases, most)

    @contextmanager
    def turn(self) -> Iterator[GraphSearch]:
        """Yield the reader of one turn."""
        with self._locked():
            yield self

    # `SearchReader` ---------------------------------------------------------------------------------

    def meant(self) -> list[SearchedEntity]:
        """Return the entity that the text names, if there is one."""
        assert self.query is not None
        key = meant_entity(self._state, self.query, self.identify)
        return [] if key is None else list(self.read([key]))

    def named(self, names: Sequence[str]) -> list[SearchedEntity]:
        """Return the entities with one of these names, or with an alias of them."""
        assert self.query is not None
        return list(self.read(named_keys(self._state, names, self.query.namespace or ())))

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


class GraphSearching(SearchingInTurns, LocalStore):
    """The part of `GraphStore` that searches; stands before `LocalStore`."""

    _identify: FactIds

    @abstractmethod
    def _locked(self) -> AbstractContextManager[FileContents]: ...

    def _search_in_turns(self) -> GraphSearch:
        return GraphSearch(self._locked, self._identify)

    def set_search_index_nowait(
        self, is_on: bool, *, sources: bool = False, on_progress: OnProgress | None = None
    ) -> None:
        """Turn the search index on or off, as long as the store is open; no file keeps it."""
        check_flags(is_on=is_on, sources=sources)
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
    return indexed_fields(None if state.text_index is None else state.text_index.sources)
