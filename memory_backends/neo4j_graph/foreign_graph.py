"""`ForeignGraph`: a property graph that others made, read as facts.

Nodes of one label are entities: ``__Entity__``, as knowledge-graph builders name them, or any
other. A relationship ``BORN_IN`` is the relation "born in" with the other node as its value, a
property is a relation with a plain value. Nothing is written, no index is needed or made.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, NoReturn, Self

from anyio import CancelScope

from lamlam.errors import BadFact, NotSupported
from lamlam.memory_backends.commits.entity_edit import stored_form
from lamlam.memory_backends.commits.validation import check_scan
from lamlam.memory_backends.model.entity_reader import EntityReader, StoredEntity
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.model.lookups import (
    Lookup,
    LookupResult,
    StoredFact,
    checked_lookups,
)
from lamlam.memory_backends.model.operations import (
    StoreInfo,
)
from lamlam.memory_backends.model.values import EntityRef, as_value, is_text
from lamlam.memory_backends.neo4j_graph.address import Neo4jAddress
from lamlam.memory_backends.neo4j_graph.driver import Neo4jConnection, Row, Transaction
from lamlam.memory_backends.neo4j_graph.schema import check_server
from lamlam.memory_backends.protocol import Capability, ReadOnlyStore, store_closed, unsupported
from lamlam.memory_backends.resolution.entity_facts import facts_of
from lamlam.memory_backends.resolution.resolver import look_up

_NAMES = ("name", "title", "id")
"""Properties that name a node, the first that it has."""
_LEFT_OUT = ("Chunk", "Document")
"""Labels of the texts that a graph was made from; they are no entities."""
_NAME = "coalesce(" + ", ".join(f"toStringOrNull(n.{name})" for name in _NAMES) + ")"
_WORDS = re.compile(r"[_\s]+")
# Not secret: the ids of a foreign graph only distinguish facts.
_IDS = FactIds(b"foreign graph")


def relation_of(type_name: str) -> str:
    """Return the relation that a type of relationships, or the name of a property, stands for.

    >>> relation_of("BORN_IN"), relation_of("birthDate")
    ('born in', 'birth date')
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", type_name)
    return _WORDS.sub(" ", spaced).strip().lower() or type_name


class ForeignGraph(ReadOnlyStore):
    """Facts of a graph that others made, for reading; names are found by case and synonyms only."""

    capabilities = frozenset({Capability.SERVER, Capability.MULTIPROCESS})
    refusal = ("a graph of others is only read", "open it without view=foreign")

    def __init__(self, connection: Neo4jConnection, label: str, edition: str) -> None:
        """Take over an open connection (`open` makes one)."""
        self._connection = connection
        self._loop = connection.loop
        self._edition = edition
        names = " OR ".join(f"toLower(toStringOrNull(n.{name})) = name" for name in _NAMES)
        kept = "".join(f" AND NOT n:{left_out}" for left_out in _LEFT_OUT)
        facts = (
            f" RETURN {_NAME} AS name, properties(n) AS properties,"
            " COLLECT { MATCH (n)-[r]->(m) WHERE m:`LABEL`"
            " RETURN [type(r), coalesce(toStringOrNull(m.name), toStringOrNull(m.title), toStringOrNull(m.id))] }"
        ).replace("LABEL", label)
        where = f"MATCH (n:`{label}`) WHERE {_NAME} IS NOT NULL{kept}"
        self._of_names = f"UNWIND $names AS name {where} AND ({names}) WITH DISTINCT n{facts}"
        self._of_all = f"{where} WITH n, elementId(n) AS place ORDER BY place"
        self._of_all += f" SKIP $skip LIMIT $batch{facts}"
        self._count = f"{where} RETURN count(n), sum(COUNT {{ (n)-->(:`{label}`) }})"

    @classmethod
    def open(cls, address: Neo4jAddress) -> Self:
        """Return the open view of the graph at an address; errors as for `connect_neo4j`."""
        connection = Neo4jConnection(address)
        try:
            version, edition = connection.loop.call(connection.open)
            check_server(version)
            return cls(connection, address.label, f"{edition} {version}")
        except BaseException:
            connection.shut()
            raise

    # Reading ----------------------------------------------------------------------------------------

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order."""
        self._check_open()
        queries = checked_lookups(queries)
        if any(query.as_of is not None for query in queries):
            raise unsupported(self, "as_of", Capability.HISTORY)
        if any(query.namespace for query in queries):
            raise unsupported(self, "namespace", Capability.NAMESPACES)
        names = {query.entity for query in queries if is_text(query.entity)}
        reader = _FoundEntities(await self._loop.run(self._named, sorted(names)))
        return [look_up(reader, query, 0, _IDS) for query in queries]

    async def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
    ) -> AsyncIterator[Fact]:
        """Yield all facts, or those of one entity, of one relation, or of both."""
        self._check_open()
        if as_of is not None:
            raise unsupported(self, "as_of", Capability.HISTORY)
        if namespace:
            raise unsupported(self, "namespace", Capability.NAMESPACES)
        check_scan(entity, relation, None, batch)
        wanted = relation_key(relation) if relation is not None else None
        if entity is not None:
            named = await self._loop.run(self._named, [entity]) if is_text(entity) else []
            for found in named:
                if found.key == canonical_key(entity):
                    for fact in facts_of(found, wanted, _IDS):
                        yield fact
            return
        skip = 0
        while rows := await self._loop.run(
            partial(self._rows, self._of_all, skip=skip, batch=batch)
        ):
            skip += len(rows)
            for found in _entities(rows):
                for fact in facts_of(found, wanted, _IDS):
                    yield fact

    async def info(self) -> StoreInfo:
        """Return what the graph is; ``facts`` counts relationships, not properties."""
        self._check_open()
        ((entities, facts),) = await self._loop.run(partial(self._rows, self._count))
        return StoreInfo(
            backend="neo4j foreign",
            location=f"{self._connection.address.uri}/{self._connection.database}",
            schema=0,
            revision=0,
            facts=facts,
            entities=entities,
            read_only=True,
            edition=self._edition,
        )

    async def aclose(self) -> None:
        """Close the connections; closing again does nothing."""
        if self._loop.is_running:
            with CancelScope(shield=True):
                await self._loop.run(self._connection.close)
            self._connection.shut()

    async def migrate(self, *, dry_run: bool = False) -> NoReturn:
        """Refuse: the schema is that of others."""
        raise NotSupported("a graph of others has no schema of ours", hint="open it without view=")

    # ------------------------------------------------------------------------------------------------

    async def _rows(self, query: str, **parameters: object) -> list[Row]:
        async def work(transaction: Transaction) -> list[Row]:
            return await transaction.rows(query, **parameters)

        return await self._connection.read(work)

    async def _named(self, names: Sequence[str]) -> list[StoredEntity]:
        # In Cypher case is folded letter by letter; what Python folds further is tried as given.
        spellings = {form for name in names for form in (name.lower(), canonical_key(name))}
        return _entities(await self._rows(self._of_names, names=sorted(spellings)))

    def _check_open(self) -> None:
        if not self._loop.is_running:
            raise store_closed()


class _FoundEntities(EntityReader):
    """The entities that were found: without aliases, rules or an index of near spellings."""

    def __init__(self, entities: Iterable[StoredEntity]) -> None:
        self._entities: dict[str, StoredEntity] = {}
        for name, key, facts in entities:
            known = self._entities.get(key)
            # Several nodes of one name are one entity here.
            before = known.facts if known is not None else ()
            self._entities[key] = StoredEntity(name, key, (*before, *facts))

    def record(self, key: str) -> StoredEntity | None:
        """Return the entity with exactly this canonical key."""
        return self._entities.get(key)


def _entities(rows: Iterable[Row]) -> list[StoredEntity]:
    """Return the entities of rows of name, properties and relationships."""
    found = []
    for name, properties, edges in rows:
        if not name.strip():
            continue
        stored: dict[tuple[str, str, str, int | None], StoredFact] = {}
        for type_name, other in sorted(edges, key=lambda edge: (edge[0], edge[1] or "")):
            if other:
                _keep(stored, name, type_name, EntityRef, other)
        for key in sorted(properties):
            values = properties[key]
            for value in values if isinstance(values, list) else [values]:
                if key not in _NAMES and not _is_vector(values):
                    _keep(stored, name, key, _plain, value)
        found.append(StoredEntity(name, canonical_key(name), tuple(stored.values())))
    return found


def _keep(
    stored: dict[tuple[str, str, str, int | None], StoredFact],
    name: str,
    relation: str,
    make: Any,  # Any: gives a value
    given: Any,  # Any: of a type of Neo4j
) -> None:
    """Add a fact, if it is valid: other people's graphs hold empty texts and NaN."""
    try:
        fact = Fact(entity=name, relation=relation_of(relation), value=make(given))
    except BadFact:
        return
    one = stored_form(fact, None)._replace(seq=len(stored))
    stored.setdefault(one.identity, one)


def _plain(given: Any) -> Any:  # Any: of a type of Neo4j, and what `Fact` checks
    if isinstance(given, str | bool | int):
        return as_value(given)
    if isinstance(given, float):
        return as_value(Decimal(repr(given)))
    to_native = getattr(given, "iso_format", None)
    return as_value(to_native() if to_native is not None else str(given))


def _is_vector(values: Any) -> bool:  # Any: a property
    """Return whether a property is an embedding: a list of hundreds of numbers."""
    return isinstance(values, list) and len(values) > 16 and isinstance(values[0], float)
