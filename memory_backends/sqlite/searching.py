"""Search in a fact file: by its index where it has one, or row by row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import check_flags
from lamlam.memory_backends.model.lookups import Identify, StoredFact
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.search_terms import AskedTerms
from lamlam.memory_backends.model.text_search import OnProgress, indexed_fields
from lamlam.memory_backends.resolution.meant_entity import meant_entity, named_keys
from lamlam.memory_backends.resolution.search_in_turns import (
    SearchingInTurns,
    SearchInTurns,
    UsableIndex,
)
from lamlam.memory_backends.resolution.searching import SearchedEntity
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


class FileSearch(SearchInTurns):
    """Reads a fact file for one search, a turn at a time."""

    at_once = _PARTS_AT_ONCE

    def __init__(self, reading: Reading, identify: Identify) -> None:
        super().__init__(identify)
        self._reading = reading
        self._reader: SqliteReader
        self._after: int | None = None
        self._is_over = False
        with self.turn():
            cursor = self._reader.cursor
            state = read_index_state(cursor)
            is_current = state is not None and state.is_current and has_fts5(cursor)
            self._state = state if is_current else None
            self._has_spaces = is_current and has_other_spaces(cursor)

    def index(self) -> Generator[None, None, UsableIndex | None]:
        """Return the index of the file, if it can be asked; nothing has to be waited for."""
        yield from ()
        return None if self._state is None else UsableIndex(self._state.sources, self._has_spaces)

    @contextmanager
    def turn(self) -> Iterator[FileSearch]:
        """Yield the reader of one turn."""
        with self._reading() as reader:
            self._reader = reader
            yield self

    # `SearchReader` ---------------------------------------------------------------------------------

    def meant(self) -> list[SearchedEntity]:
        """Return the entity that the text names, if there is one."""
        assert self.query is not None
        key = meant_entity(self._reader, self.query, self.identify)
        row = self._reader.record(key) if key is not None else None
        return [] if row is None else [self._entity(row, self._reader.aliases(row.key))]

    def named(self, names: Sequence[str]) -> list[SearchedEntity]:
        """Return the entities with one of these names, or with an alias of them."""
        assert self.query is not None
        keys = named_keys(self._reader, names, self.query.namespace or ())
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


class SqliteSearching(SearchingInTurns):
    """The part of `SqliteStore` that searches; stands before `LocalStore`."""

    _identify: FactIds
    read_only: bool

    @abstractmethod
    def _reading(self) -> AbstractContextManager[SqliteReader]: ...

    @abstractmethod
    def _writing(self) -> AbstractContextManager[SqliteWriter]: ...

    def _search_in_turns(self) -> FileSearch:
        return FileSearch(self._reading, self._identify)

    def set_search_index_nowait(
        self, is_on: bool, *, sources: bool = False, on_progress: OnProgress | None = None
    ) -> None:
        """Turn the search index on or off; other processes cannot write while it is made."""
        check_flags(is_on=is_on, sources=sources)
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
        return indexed_fields(None if state is None else state.sources)
