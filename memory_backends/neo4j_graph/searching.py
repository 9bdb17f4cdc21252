"""Search in a store in Neo4j: by its full-text index where it has one, or entity by entity."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from lamlam.background_loop import BackgroundLoop
from lamlam.errors import BadStore, StoreMissing
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Namespace, check_flags
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.namespaces import scoped, split
from lamlam.memory_backends.model.search_by_scan import LONGEST_MEANT
from lamlam.memory_backends.model.search_rules import SearchQuery, SearchResult
from lamlam.memory_backends.model.text_search import OnProgress
from lamlam.memory_backends.model.values import MAX_NAME_CHARACTERS, is_text
from lamlam.memory_backends.neo4j_graph.driver import Neo4jConnection, Row, Transaction
from lamlam.memory_backends.neo4j_graph.fetched_entities import FetchedEntities
from lamlam.memory_backends.neo4j_graph.queries import Queries
from lamlam.memory_backends.neo4j_graph.reader import Neo4jReader
from lamlam.memory_backends.neo4j_graph.rows import stored_entity
from lamlam.memory_backends.neo4j_graph.search_index import (
    SearchState,
    expression,
    index_name,
    searched_entities,
)
from lamlam.memory_backends.neo4j_graph.search_queries import FIND, NAMES_AFTER, NAMES_OF, STATE
from lamlam.memory_backends.protocol import FactStore
from lamlam.memory_backends.resolution.meant_entity import found_facts, meant_entity, named_keys
from lamlam.memory_backends.resolution.searching import (
    FindMeant,
    FindNamed,
    FindPlaces,
    GiveWay,
    NamePlan,
    ReadNext,
    ReadPlaces,
    Request,
    SearchedEntity,
    SearchPlan,
    Steps,
)

if TYPE_CHECKING:
    from lamlam.memory_backends.neo4j_graph.writer import Neo4jWriter

T = TypeVar("T")
_AT_ONCE = 64
"""Places that are read in one round trip."""
_SCANNED_AT_ONCE = 500
_NAMES_AT_ONCE = 5_000
_MOST_TRIES = 3
"""A search during which something was committed is done again, but not for ever."""
_NO_LIMIT = 2**31 - 1
_NO_INDEX = "ProcedureCallFailed"
"""What the server says of an index that somebody dropped."""


class _StoreMoved(Exception):
    """Something was committed while the index was asked: what moved meanwhile may be missing."""


@dataclass(slots=True)
class _UnfinishedSearch(Generic[T]):
    """A search that has still to read entities, one batch after another."""

    steps: Steps[T]


class _SearchOutcome(NamedTuple):
    result: Any  # Any: of the search


class _EntityReading(NamedTuple):
    """What a search reads of an entity."""

    of_ids: str
    after: str
    batch: int
    read: Callable[[Row], SearchedEntity | None]


class ServerSearch:
    """Searches in one store: with an index in one transaction, else in one for each batch."""

    def __init__(
        self, connection: Neo4jConnection, queries: Queries, ids: FactIds, reader: Neo4jReader
    ) -> None:
        self._connection = connection
        self._queries = queries
        self._ids = ids
        self._reader = reader
        _ = queries._
        self._whole = _EntityReading(
            searched_entities(queries), queries.entities_after, _SCANNED_AT_ONCE, _entity
        )
        self._names = _EntityReading(_(NAMES_OF), _(NAMES_AFTER), _NAMES_AT_ONCE, _named)

    async def search(self, query: SearchQuery) -> SearchResult:
        """Return what a checked search finds."""

        def plan(index: bool | None) -> Steps[SearchResult]:
            found = SearchPlan(
                query, has_index=index is not None, has_sources=bool(index), at_once=_AT_ONCE
            )
            hits = yield from found.run()
            return found_facts(hits, self._ids)

        return await self._run(plan, self._whole, query)

    async def names(self, prefix: str, namespace: Namespace | None, limit: int) -> list[str]:
        """Return names of entities that begin with a text."""

        def plan(index: bool | None) -> Steps[list[str]]:
            return NamePlan(
                prefix, namespace, limit, has_index=index is not None, at_once=_NAMES_AT_ONCE
            ).run()

        return await self._run(plan, self._names, None)

    # ----------------------------------------------------------------------------------------------

    async def _run(
        self,
        plan: Callable[[bool | None], Steps[T]],
        kind: _EntityReading,
        query: SearchQuery | None,
    ) -> T:
        """Run the steps of a plan, which is told of sources in the index; ``None``: no index."""
        for number in range(_MOST_TRIES):
            attempt = _SearchAttempt(self, kind, query, is_last=number == _MOST_TRIES - 1)
            try:
                return await attempt.run(plan, asks_index=True)
            except _StoreMoved:
                continue
            except BadStore as error:
                if _NO_INDEX not in str(error):
                    raise
                break
        return await _SearchAttempt(self, kind, query, is_last=True).run(plan, asks_index=False)


class _SearchAttempt:
    """One attempt of a search."""

    def __init__(
        self,
        search: ServerSearch,
        kind: _EntityReading,
        query: SearchQuery | None,
        *,
        is_last: bool,
    ) -> None:
        self._connection, self._queries = search._connection, search._queries
        self._ids, self._reader = search._ids, search._reader
        self._kind = kind
        self._query = query
        self._is_last = is_last
        self._at = 0
        self._after = ""
        self._fetched: FetchedEntities | None = None

    async def run(self, plan: Callable[[bool | None], Steps[T]], *, asks_index: bool) -> T:
        """Run a plan to its end.

        Raises:
            _StoreMoved: something was committed meanwhile, and this is not the last attempt.
        """
        begin = partial(self._begin, plan, asks_index)
        found: _UnfinishedSearch[T] | _SearchOutcome = await self._connection.read(begin)
        if isinstance(found, _SearchOutcome):
            result: T = found.result
            return result
        while True:
            entities = await self._next()
            try:
                request = found.steps.send(entities)
                while isinstance(request, GiveWay):
                    await asyncio.sleep(0)
                    request = found.steps.send([])
            except StopIteration as done:
                result = done.value
                return result

    async def _begin(
        self, plan: Callable[[bool | None], Steps[T]], asks_index: bool, transaction: Transaction
    ) -> _UnfinishedSearch[T] | _SearchOutcome:
        """Do all steps up to the first that reads on and on; that is done outside a transaction."""
        row = await transaction.row(self._queries._(STATE))
        if row is None:
            raise StoreMissing(f"{self._connection.address} no longer holds a store")
        self._at, state = row[0], SearchState(*row[2])
        self._after, self._fetched = "", None  # of an attempt of the driver that broke off
        has_index = asks_index and state.is_usable(self._at)
        steps = plan(state.sources if has_index else None)
        try:
            request = next(steps)
            while not isinstance(request, ReadNext):
                request = steps.send(await self._answer(request, transaction))
        except StopIteration as done:
            if has_index and not self._is_last:
                row = await transaction.row(self._queries.revision)
                if row is None or row[0] != self._at:
                    raise _StoreMoved from None
            return _SearchOutcome(done.value)
        return _UnfinishedSearch(steps)

    async def _answer(self, request: Request, transaction: Transaction) -> list[Any]:
        match request:
            case FindMeant():
                return await self._meant(transaction)
            case FindNamed(names):
                return await self._named(names, transaction)
            case FindPlaces(asked, most):
                rows = await transaction.rows(
                    FIND,
                    index=index_name(self._queries),
                    asked=expression(asked),
                    most=most if most >= 0 else _NO_LIMIT,
                )
                return [place for (place,) in rows]
            case ReadPlaces(places):
                return await self._read([str(place) for place in places], transaction)
            case _:
                await asyncio.sleep(0)
                return []

    # What a plan asks for ---------------------------------------------------------------------------

    async def _meant(self, transaction: Transaction) -> list[SearchedEntity]:
        """Return the entity that the text names, if there is one."""
        query = self._query
        assert query is not None
        if query.namespace is None or len(query.text) > LONGEST_MEANT or not is_text(query.text):
            return []
        fetched = await self._fetched_with([query.text], transaction)
        while True:
            found = fetched.try_to(lambda reader: [meant_entity(reader, query, self._ids)])
            if found is not None:
                return await self._of_keys([key for key in found if key is not None], transaction)
            await fetched.fetch(transaction)

    async def _named(self, names: Sequence[str], transaction: Transaction) -> list[SearchedEntity]:
        """Return the entities with one of these names, or with an alias of them."""
        query = self._query
        assert query is not None
        fetched = await self._fetched_with(names, transaction)
        space = query.namespace or ()
        while (keys := fetched.try_to(lambda reader: named_keys(reader, names, space))) is None:
            await fetched.fetch(transaction)
        return await self._of_keys(keys, transaction)

    async def _fetched_with(
        self, names: Iterable[str], transaction: Transaction
    ) -> FetchedEntities:
        """Return what is fetched, with entities and aliases of these names, in one round trip."""
        assert self._query is not None
        if self._fetched is None:
            self._fetched = FetchedEntities(self._queries, self._ids, self._at)
        wanted, space = self._fetched.wanted, self._query.namespace or ()
        # Some key has to be asked for, to learn of the rules.
        whole = [name for name in names if len(name) <= MAX_NAME_CHARACTERS and is_text(name)]
        keys = [scoped(space, key) for key in ("", *map(canonical_key, whole))]
        wanted.keys.update(dict.fromkeys(keys))
        wanted.aliases.update(dict.fromkeys(keys))
        await self._reader.begin(self._fetched, transaction)
        return self._fetched

    async def _of_keys(self, keys: Sequence[str], transaction: Transaction) -> list[SearchedEntity]:
        if not keys:
            return []
        return await self._read([self._ids.of_entity(key) for key in keys], transaction)

    async def _read(self, places: Sequence[str], transaction: Transaction) -> list[SearchedEntity]:
        rows = await transaction.rows(self._kind.of_ids, ids=list(places), at=self._at)
        return [one for row in rows if (one := self._kind.read(row)) is not None]

    async def _next(self) -> list[SearchedEntity]:
        """Return the next entities of the store; none: that was all."""
        kind = self._kind
        while rows := await self._connection.read(partial(_batch, kind, self._after, self._at)):
            self._after = rows[-1][0]
            if found := [one for row in rows if (one := kind.read(row)) is not None]:
                return found
        return []


async def _batch(kind: _EntityReading, after: str, at: int, transaction: Transaction) -> list[Row]:
    return await transaction.rows(kind.after, after=after, batch=kind.batch, at=at)


def _entity(row: Row) -> SearchedEntity | None:
    _, key, name, facts, aliases = row
    record = stored_entity(key, name, facts)
    if record is None:
        return None
    plain = [split(alias)[1] for alias in aliases]
    return SearchedEntity(key, record.name, plain, partial(iter, record.facts))


def _named(row: Row) -> SearchedEntity | None:
    _, key, name = row
    return SearchedEntity(key, name, (), tuple)


class ServerSearching(FactStore):
    """The part of `Neo4jStore` that searches."""

    _loop: BackgroundLoop
    _connection: Neo4jConnection
    _queries: Queries
    _ids: FactIds
    _reader: Neo4jReader
    _writer: Neo4jWriter

    async def search_one(self, query: SearchQuery) -> SearchResult:
        """Return what a search finds: by the index where there is one."""
        self._check_open()
        return await self._loop.run(self._server_search().search, query)

    async def names_with(self, prefix: str, namespace: Namespace | None, limit: int) -> list[str]:
        """Return names of entities that begin with a text."""
        self._check_open()
        return await self._loop.run(self._server_search().names, prefix, namespace, limit)

    async def set_search_index(
        self,
        is_on: bool = True,
        *,
        sources: bool = False,
        on_progress: OnProgress | None = None,
    ) -> None:
        """Turn the search index on or off, for every process that uses the store.

        It is made a batch of entities at a time; others can write in between.

        Raises:
            Conflict: another process turned it on or off meanwhile.
        """
        from lamlam.memory_backends.neo4j_graph.index_making import IndexMaking

        check_flags(is_on=is_on, sources=sources)
        self._check_writable()
        steps = IndexMaking(self._writer).steps(is_on, sources)
        async for n_done, n_all in self._loop.run_each(steps):
            if on_progress is not None:
                on_progress(n_done, n_all)

    def _server_search(self) -> ServerSearch:
        return ServerSearch(self._connection, self._queries, self._ids, self._reader)

    # Of the store ---------------------------------------------------------------------------------

    @abstractmethod
    def _check_open(self) -> None: ...

    @abstractmethod
    def _check_writable(self) -> None: ...
