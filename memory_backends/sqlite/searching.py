"""Search in a fact file: by its index where it has one, or row by row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from lamlam.inline_calls import done_in_steps
from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import Identify, StoredFact
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.search_rules import SearchQuery, SearchResult
from lamlam.memory_backends.model.search_terms import AskedTerms
from lamlam.memory_backends.model.text_search import WITH_SOURCES, WITHOUT_SOURCES, OnProgress
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
from lamlam.memory_backends.sqlite.placed_rows import EntityRow
from lamlam.memory_backends.sqlite.reader import SqliteReader
from lamlam.memory_backends.sqlite.search_index import (
    find_parts,
    has_fts5,
    has_other_spaces,
    places_of,
    read_index_state,
)
from lamlam.memory_backends.sqlite.short_rows import text_of_values

if TYPE_CHECKING:
    from lamlam.memory_backends.sqlite.writer import SqliteWriter

_PARTS_AT_ONCE = 8
_ROWS_AT_ONCE = 32
Reading = Callable[[], AbstractContextManager[SqliteReader]]


class FileSearch:
    """Reads a fact file for one search, a turn at a time."""

    def __init__(self, reading: Reading, identify: Identify) -> None:
        self._reading = reading
        self._identify = identify
        self._reader: SqliteReader
        self._query: SearchQuery | None = None
        self._after: int | None = None
        self._is_over = False
        with self._turn():
            cursor = self._reader.cursor
            state = read_index_state(cursor)
            is_current = state is not None and state.is_current and has_fts5(cursor)
            self._state = state if is_current else None
            self._has_spaces = is_current and has_other_spaces(cursor)

    def search(self, query: SearchQuery) -> Generator[None, None, SearchResult]:
        """Return what is found, in steps between which others may have their turn."""
        self._query = query
        plan = SearchPlan(
            query,
            has_index=self._state is not None,
            has_sources=self._state is not None and self._state.sources,
            has_spaces=self._has_spaces,
            at_once=_PARTS_AT_ONCE,
        )
        hits = yield from in_turns_with(plan.run(), self._turn)
        return found_facts(hits, self._identify)

    def names(
        self, prefix: str, namespace: Namespace | None, limit: int
    ) -> Generator[None, None, list[str]]:
        """Return names that begin with a text, in steps."""
        plan = NamePlan(
            prefix,
            namespace,
            limit,
            has_index=self._state is not None,
            at_once=_PARTS_AT_ONCE,
        )
        return (yield from in_turns_with(plan.run(), self._turn))

    @contextmanager
    def _turn(self) -> Iterator[FileSearch]:
        with self._reading() as reader:
            self._reader = reader
            yield self

    # `SearchReader` ---------------------------------------------------------------------------------

    def meant(self) -> list[SearchedEntity]:
        """Return the entity that the text names, if there is one."""
        assert self._query is not None
        key = meant_entity(self._reader, self._query, self._identify)
        row = self._reader.record(key) if key is not None else None
        return [] if row is None else [self._entity(row, self._reader.aliases(row.key))]

    def named(self, names: Sequence[str]) -> list[SearchedEntity]:
        """Return the entities with one of these names, or with an alias of them."""
        assert self._query is not None
        keys = named_keys(self._reader, names, self._query.namespace or ())
        rows = [row for key in keys if (row := self._reader.record(key)) is not None]
        return [self._entity(row, self._reader.aliases(row.key)) for row in rows]

    def find(self, asked: AskedTerms, most: int) -> list[int]:
        """Return parts of the table that the index gives."""
        return find_parts(self._reader.cursor, asked, most)

    def read(self, places: Sequence[int]) -> Iterable[SearchedEntity]:
        """Return the entities of parts of the table."""
        assert self._state is not None
        for part in places:
            rows = self._reader.rows_between(*places_of(part, self._state.bits))
            yield from self._entities(rows)

    def read_next(self) -> list[SearchedEntity]:
        """Return the next entities; none: that was all."""
        while not self._is_over:
            rows = self._reader.rows_after(self._after, _ROWS_AT_ONCE)
            self._is_over = len(rows) < _ROWS_AT_ONCE
            if rows:
                self._after = rows[-1][0]
            if found := list(self._entities(rows)):
                return found
        return []

    def _entities(self, rows: Iterable[tuple[int, EntityRow]]) -> Iterator[SearchedEntity]:
        for place, row in rows:
            if row.name:
                aliases = self._reader.aliases_at(place) if self._reader.has_aliases else ()
                yield self._entity(row, aliases)

    def _entity(self, row: EntityRow, aliases: Iterable[str]) -> SearchedEntity:
        plain = [split(alias)[1] for alias in aliases]
        # What is escaped reads otherwise than the value does.
        text = text_of_values(row.text) if row_codec.is_plain(row.text) else None
        return SearchedEntity(row.key, row.name, plain, partial(self._facts, row.text), text)

    def _facts(self, text: str) -> Iterator[StoredFact]:
        records = self._reader.codes.each(text)
        return row_codec.each_of(records, lambda number: self._reader.source(number))


class SqliteSearching:
    """The part of `SqliteStore` that searches; stands before `LocalStore`."""

    _identify: FactIds
    read_only: bool

    @abstractmethod
    def _reading(self) -> AbstractContextManager[SqliteReader]: ...

    @abstractmethod
    def _writing(self) -> AbstractContextManager[SqliteWriter]: ...

    async def search_one(self, query: SearchQuery) -> SearchResult:
        """Return what a search finds: by the index where there is one."""
        return await done_in_steps(FileSearch(self._reading, self._identify).search(query))

    async def names_with(self, prefix: str, namespace: Namespace | None, limit: int) -> list[str]:
        """Return names of entities that begin with a text."""
        search = FileSearch(self._reading, self._identify)
        return await done_in_steps(search.names(prefix, namespace, limit))

    def set_search_index_nowait(
        self, is_on: bool, *, sources: bool = False, on_progress: OnProgress | None = None
    ) -> None:
        """Turn the search index on or off; other processes cannot write while it is made."""
        with self._reading() as reader:
            state = read_index_state(reader.cursor)
        if state is None if not is_on else (state is not None and state[1:] == (sources, True)):
            return
        with self._writing() as writer:
            if is_on:
                writer.search.make(sources=sources, on_progress=on_progress)
            else:
                writer.search.drop()

    def _search_index(self, reader: SqliteReader) -> str:
        """Return what is indexed, as `StoreInfo` has it."""
        state = read_index_state(reader.cursor)
        if state is None:
            return "off"
        return WITH_SOURCES if state.sources else WITHOUT_SOURCES
