"""`ForeignGraph`: a property graph that others made, read as facts.

Nodes of one label are entities: ``__Entity__``, as knowledge-graph builders name them, or any
other. A relationship ``BORN_IN`` is the relation "born in" with the other node as its value, a
property is a relation with a plain value. Nothing is written, no index is needed or made.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from functools import partial
from typing import NoReturn, Self

from anyio import CancelScope

from lamlam.errors import NotSupported
from lamlam.memory_backends.commits.validation import check_scan
from lamlam.memory_backends.model.entity_reader import EntityReader, StoredEntity
from lamlam.memory_backends.model.expiry import hiding_from
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import canonical_key, fold, relation_key
from lamlam.memory_backends.model.lookups import Lookup, LookupResult, checked_lookups
from lamlam.memory_backends.model.operations import StoreInfo
from lamlam.memory_backends.model.values import is_text
from lamlam.memory_backends.neo4j_graph.address import ANY_LABEL, Neo4jAddress
from lamlam.memory_backends.neo4j_graph.driver import Neo4jConnection, Row, Transaction
from lamlam.memory_backends.neo4j_graph.foreign_entities import EntityMaker, Homonym, told_apart
from lamlam.memory_backends.neo4j_graph.foreign_values import properties_of
from lamlam.memory_backends.neo4j_graph.schema import check_server
from lamlam.memory_backends.protocol import Capability, ReadOnlyStore, store_closed, unsupported
from lamlam.memory_backends.resolution.blocking_codes import letters_code
from lamlam.memory_backends.resolution.entity_facts import facts_of
from lamlam.memory_backends.resolution.resolver import look_up

_LOG = logging.getLogger(__name__)
_NAMES = ("name", "title", "id", "entity_id")
"""Properties that name a node, the first that it has."""
_TEXT_LABELS = (
    "Chunk", "Document", "__Chunk__", "__Document__", "__Community__", "__Covariate__",
    "__Finding__", "Episodic", "Community", "Saga", "DocumentChunk", "TextDocument", "TextSummary",
)  # fmt: skip
"""Labels of the texts that a graph was made from, and of what was made of them: no entities."""
_MARKS = ("group_id", "uuid", "id")
"""Properties that tell nodes of one name and label apart."""
# Not secret: the ids of a foreign graph only distinguish facts.
_IDS = FactIds(b"foreign graph")


class ForeignGraph(ReadOnlyStore):
    """Facts of a graph that others made, for reading; names are found by case and synonyms only."""

    capabilities = frozenset({Capability.SERVER, Capability.MULTIPROCESS, Capability.EXPIRY})
    refusal = ("a graph of others is only read", "open it without view=foreign")

    def __init__(
        self, connection: Neo4jConnection, label: str, edition: str, name: str | None = None
    ) -> None:
        """Take over an open connection (`open` makes one)."""
        self._connection = connection
        self._loop = connection.loop
        self._edition = edition
        names = (name,) if name else _NAMES
        self._names = names
        self._left_out = ""
        label_of_nodes = "" if label == ANY_LABEL else f":`{label}`"
        named, is_entity = _named("n", names), _is_entity("n", label)
        other = f"{_named('m', names)} IS NOT NULL AND {_is_entity('m', label)}"
        row = (
            f" RETURN elementId(n), {named}, {properties_of('n')},"
            f" COLLECT {{ MATCH (n)-[r]->(m) WHERE {other}"
            f" RETURN [type(r), {properties_of('r')}, elementId(m), {_named('m', names)}] }}"
        )
        where = f"MATCH (n{label_of_nodes}) WHERE {named} IS NOT NULL AND {is_entity}"
        self._of_names = (
            f"MATCH (n{label_of_nodes}) WHERE {_key(named)} IN $names AND {is_entity}{row}"
        )
        self._of_places = f"MATCH (n) WHERE elementId(n) IN $places{row}"
        self._count = f"{where} RETURN count(n), sum(COUNT {{ (n)-->(m) WHERE {other} }})"
        marks = ", ".join(f"toStringOrNull(n.{mark})" for mark in _MARKS)
        # A value may be a node of another label. Nodes that nothing in the view leads to are
        # somebody else's: a node of theirs with the same name is not a homonym.
        leads_here = f"EXISTS {{ ({label_of_nodes})-->(n) }}"
        is_seen = f"(n{label_of_nodes} OR {leads_here})" if label_of_nodes else "true"
        self._all_names = (
            f"MATCH (n) WHERE {named} IS NOT NULL AND {is_entity} AND {is_seen}"
            f" RETURN elementId(n), {named}, {'true' if not label_of_nodes else f'n{label_of_nodes}'}"
        )
        self._homonyms = (
            f"MATCH (n) WHERE {_key(named)} IN $names AND {is_entity} AND {is_seen}"
            f" WITH {_key(named)} AS key, collect([elementId(n), {named}, labels(n), [{marks}]])"
            " AS nodes WHERE size(nodes) > 1 RETURN nodes"
        )

    @property
    def left_out(self) -> str:
        """What the last scan of the whole graph found that is not a fact, with counts."""
        return self._left_out

    @classmethod
    def open(cls, address: Neo4jAddress) -> Self:
        """Return the open view of the graph at an address; errors as for `connect_neo4j`."""
        connection = Neo4jConnection(address)
        try:
            version, edition = connection.loop.call(connection.open)
            check_server(version)
            return cls(connection, address.label, f"{edition} {version}", address.name)
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
        found = await self._loop.run(self._named, sorted(names))
        return [look_up(_FoundEntities(found, query.entity), query, 0, _IDS) for query in queries]

    async def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
        include_expired: bool = False,
    ) -> AsyncIterator[Fact]:
        """Yield all facts, or those of one entity, of one relation, or of both."""
        self._check_open()
        if as_of is not None:
            raise unsupported(self, "as_of", Capability.HISTORY)
        if namespace:
            raise unsupported(self, "namespace", Capability.NAMESPACES)
        check_scan(entity, relation, None, batch)
        wanted = relation_key(relation) if relation is not None else None
        hidden = hiding_from(include_expired)
        if entity is not None:
            named = await self._loop.run(self._named, [entity]) if is_text(entity) else []
            for found in named:
                if found.key == canonical_key(entity):
                    for fact in facts_of(found, wanted, _IDS, hidden):
                        yield fact
            return
        maker = EntityMaker(self._names)
        places, unique = await self._loop.run(self._all_places)
        for at in range(0, len(places), batch):
            rows = await self._loop.run(
                partial(self._rows, self._of_places, places=places[at : at + batch])
            )
            for found in maker.entities(sorted(rows), unique):
                for fact in facts_of(found, wanted, _IDS, hidden):
                    yield fact
        counts = sorted(maker.left_out.items())
        left_out = ", ".join(f"{what}: {count:,}" for what, count in counts)
        if left_out and left_out != self._left_out:
            _LOG.warning("left out, as they are not facts: %s", left_out)
        self._left_out = left_out

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
        rows = await self._rows(self._of_names, names=sorted(_spellings(names)))
        if not rows:
            return []
        others = {other for _, _, _, edges in rows for *_, other in edges}
        known = _spellings({*others, *[name for _, name, *_ in rows]})
        unique = await self._unique_names(sorted(known))
        return EntityMaker(self._names).entities(rows, unique)

    async def _all_places(self) -> tuple[list[str], dict[str, str]]:
        """Return where the nodes of the view are, and names for nodes that share theirs."""
        rows = await self._rows(self._all_names)
        seen: set[str] = set()
        shared: set[str] = set()
        for _, name, _ in rows:
            (shared if (key := _folded(name)) in seen else seen).add(key)
        places = sorted(place for place, _, is_in_view in rows if is_in_view)
        return places, await self._unique_names(sorted(shared))

    async def _unique_names(self, keys: Sequence[str]) -> dict[str, str]:
        """Return names for the nodes of these names that share theirs, by place."""
        unique: dict[str, str] = {}
        for (nodes,) in await self._rows(self._homonyms, names=keys) if keys else ():
            unique |= told_apart([Homonym(*node) for node in nodes])
        return unique

    def _check_open(self) -> None:
        if not self._loop.is_running:
            raise store_closed()


class _FoundEntities(EntityReader):
    """The entities of one name: without aliases, rules or an index of near spellings."""

    def __init__(self, entities: Iterable[StoredEntity], asked: str) -> None:
        key = canonical_key(asked) if is_text(asked) else ""
        meant = {key, fold(key).key}
        self._entities = {
            one.key: one for one in entities if one.key == key or fold(one.key).key in meant
        }

    def record(self, key: str) -> StoredEntity | None:
        """Return the entity with exactly this canonical key."""
        return self._entities.get(key)

    def candidates(self, codes: Collection[int]) -> Sequence[str]:
        """Return the keys of those that differ in their qualifier alone."""
        return [key for key in self._entities if letters_code(fold(key).key) in codes]


def _spellings(names: Iterable[str]) -> set[str]:
    """Return what names may be as the server folds them, also without their qualifier."""
    found: set[str] = set()
    for name in names:
        # In Cypher case is folded letter by letter; what Python folds further is tried as given.
        forms = {_folded(name), canonical_key(name)}
        found |= forms
        found |= {form.rpartition(" (")[0] for form in forms if form.endswith(")")}
    return found - {""}


def _named(variable: str, names: Sequence[str]) -> str:
    found = ", ".join(f"toStringOrNull({variable}.`{name}`)" for name in names)
    return f"coalesce({found}, null)"


def _folded(name: str) -> str:
    """Return the name as the server folds it."""
    return name.replace("_", " ").lower().strip()


def _key(name: str) -> str:
    return f"trim(toLower(replace({name}, '_', ' ')))"


def _is_entity(variable: str, label: str) -> str:
    left_out = "|".join(f"`{text}`" for text in _TEXT_LABELS if text != label)
    return f"NOT {variable}:{left_out}"
