"""A graph that others made, read as facts."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from typing import Any

import anyio
import pytest

from lamlam.errors import NotSupported, ReadOnly
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import LookupStatus
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.model.timestamps import as_moment
from lamlam.memory_backends.model.values import EntityRef, PartialDate
from lamlam.memory_backends.neo4j_graph.connect import connect_neo4j
from lamlam.memory_backends.neo4j_graph.foreign_graph import ForeignGraph
from lamlam.testing.neo4j_servers import Neo4jServer
from lamlam.testing.neo4j_stores import fresh_url
from tests.memory_backends.neo4j_graph.places import cypher

pytestmark = pytest.mark.anyio
LABEL = "ForeignThing"
_LABELS = {LABEL, "Entity", "Episodic", "Chunk", "Person", "Movie", "Memory", "Gadget", "__Node__"}
_MADE = f"""
CREATE (ada:{LABEL}:__KGBuilder__ {{name: 'Ada Lovelace', birthYear: 1815, field: ['maths', 'logic'],
        born: date('1815-12-10'), embedding: [x IN range(1, 64) | x / 2.0], empty: ''}}),
       (london:{LABEL}:__KGBuilder__ {{id: 'London'}}),
       (chunk:{LABEL}:Chunk {{id: 'chunk 1', text: 'Ada …'}}),
       (ada)-[:BORN_IN]->(london), (ada)-[:FROM_CHUNK]->(:Chunk {{id: 'chunk 2'}})
"""


@pytest.fixture
def anyio_backend() -> str:
    """One event loop: both are tested with the store."""
    return "asyncio"


async def _opened(server: Neo4jServer, options: str) -> ForeignGraph:
    joint = "&" if "?" in server.url else "?"
    url = f"{server.url}{joint}view=foreign&{options}"
    store = await anyio.to_thread.run_sync(partial(connect_neo4j, url))
    assert isinstance(store, ForeignGraph)
    return store


@asynccontextmanager
async def _graph(
    server: Neo4jServer, made: str, options: str, **given: Any
) -> AsyncIterator[ForeignGraph]:
    """A graph as others make it; nodes of its labels are removed afterwards."""
    labels = sorted(set(re.findall(r":`?(\w+)`?[ :)]", made)) & _LABELS)
    wipe = f"MATCH (n:{'|'.join(labels)}) DETACH DELETE n"
    with fresh_url(server):  # nodes of earlier stores go: with ``label=*`` every node is read
        cypher(server, wipe)
    cypher(server, made, **given)
    try:
        async with await _opened(server, options) as store:
            yield store
    finally:
        cypher(server, wipe)


@pytest.fixture
async def graph(lamlam_neo4j: Neo4jServer) -> AsyncIterator[ForeignGraph]:
    """A small graph as a knowledge-graph builder writes it."""
    async with _graph(lamlam_neo4j, _MADE, f"label={LABEL}") as store:
        yield store


async def test_relationships_and_properties_are_facts(graph: ForeignGraph) -> None:
    """Relationships lead to entities, properties are plain values, synonyms are found."""
    found = await graph.lookup("ada lovelace", "place of birth")
    assert found.facts[0].value == EntityRef("London")
    assert (await graph.lookup("Ada Lovelace", "birth year")).facts[0].value == 1815
    assert set((await graph.lookup("Ada Lovelace", "field")).values) == {"maths", "logic"}
    assert (await graph.lookup("Ada Lovelace", "born")).value == "1815-12-10"
    assert (await graph.lookup("Nobody", "born")).values == ()


async def test_a_scan_leaves_out_texts_vectors_and_what_is_empty(graph: ForeignGraph) -> None:
    """Chunks are not entities; embeddings and empty texts are not facts."""
    relations = sorted([fact.relation async for fact in graph.scan()])
    assert relations == ["birth year", "born", "born in", "field", "field"]
    of_ada = [fact async for fact in graph.scan("ADA LOVELACE", "born in")]
    assert [fact.surface for fact in of_ada] == ["London"]
    info = await graph.info()
    assert (info.entities, info.facts, info.read_only) == (2, 1, True)


async def test_it_is_only_read(graph: ForeignGraph) -> None:
    """Writes are refused, and so is what the graph keeps no record of."""
    with pytest.raises(ReadOnly):
        await graph.apply([Assert(Fact(entity="a", relation="b", value="c"))])
    with pytest.raises(ReadOnly):
        await graph.erase("Ada Lovelace")
    with pytest.raises(NotSupported):
        graph.changes()
    with pytest.raises(NotSupported):
        await graph.lookup("Ada Lovelace", "born in", as_of=1)


# As Graphiti, https://github.com/getzep/graphiti, writes entities and what relates them.
_GRAPHITI = """
CREATE (ada:Entity:Person {name: 'ada_quill', uuid: 'u1', group_id: 'g', summary: 'A miller.',
        created_at: datetime(), labels: ['Entity'], name_embedding: [x IN range(1, 64) | x / 2.0]}),
       (old:Entity {name: 'Old Mill', uuid: 'u2', group_id: 'g', created_at: datetime()}),
       (new:Entity {name: 'New Mill', uuid: 'u3', group_id: 'g'}),
       (:Episodic {name: 'Old Mill', uuid: 'u4', content: 'Ada …'})-[:MENTIONS]->(ada),
       (ada)-[:RELATES_TO {name: 'WORKS_AT', fact: 'Ada Quill worked at Old Mill.', uuid: 'e1',
        group_id: 'g', episodes: ['u4'], created_at: datetime(), fact_embedding: [1.0, 2.0],
        valid_at: datetime('2010-01-01T00:00:00Z'), expired_at: datetime('2021-01-01T00:00:00Z'),
        invalid_at: datetime('2020-05-01T00:00:00.123456789Z')}]->(old),
       (ada)-[:RELATES_TO {name: 'WORKS_AT', fact: 'Ada Quill works at New Mill.', uuid: 'e2',
        valid_at: datetime('2020-05-01T00:00:00Z')}]->(new),
       (ada)-[:RELATES_TO {name: 'LIVES_IN', expired_at: localdatetime('2021-01-01T00:00:00')}]->(old),
       (ada)-[:RELATES_TO {name: 'SOLD', valid_at: '2021-01-01', invalid_at: '2020-01-01'}]->(old),
       (ada)-[:RELATES_TO {name: 'LIKES', invalid_at: 'whenever'}]->(old),
       (ada)-[:RELATES_TO]->(new)
"""


async def test_edges_of_graphiti(
    lamlam_neo4j: Neo4jServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The relation is the name on the edge, its sentence the source; ended ones do not hold."""
    async with _graph(lamlam_neo4j, _GRAPHITI, "label=Entity") as store:
        now = await store.lookup("Ada Quill", "works at")
        assert (now.values, now.sources) == (("New Mill",), ("Ada Quill works at New Mill.",))
        then = await store.lookup("Ada Quill", "works at", valid_at=as_moment("2015"))
        assert (then.values, then.sources) == (("Old Mill",), ("Ada Quill worked at Old Mill.",))
        assert (await store.lookup("ada_quill", "lives in")).status is LookupStatus.NOT_VALID_AT
        assert (await store.lookup("Ada Quill", "likes")).status is LookupStatus.MISS
        with caplog.at_level(logging.WARNING):
            facts = [fact async for fact in store.scan(include_expired=True)]
            [_ async for _ in store.scan(include_expired=True)]
        assert sorted((f.entity, f.relation, f.surface) for f in facts) == [
            ("ada quill", "lives in", "Old Mill"),
            ("ada quill", "relates to", "New Mill"),
            ("ada quill", "summary", "A miller."),
            ("ada quill", "works at", "New Mill"),
            ("ada quill", "works at", "Old Mill"),
        ]
        ended = {f.valid_to.year for f in facts if f.surface == "Old Mill" and f.valid_to}
        assert ended == {2020, 2021}
    for part in ("vectors: 1", "ended before they began: 1", "end that cannot be read: 1"):
        assert part in store.left_out
    assert len([one for one in caplog.records if "left out" in one.message]) == 1


_MOVIES = """
CREATE (k:Person {name: 'Keanu Reeves', born: 1964}), (h:Person {name: 'Hugo Weaving', title: 'Mr'}),
       (m:Movie {title: 'The Matrix', released: 1999, tagline: 'Welcome to the Real World'}),
       (k)-[:ACTED_IN {roles: ['Neo'], since: 1999}]->(m), (h)-[:ACTED_IN {roles: ['Smith']}]->(m)
"""


@pytest.mark.parametrize("label", ["Person", "*"])
async def test_nodes_of_several_labels(lamlam_neo4j: Neo4jServer, label: str) -> None:
    """A value may be a node of another label; with ``*`` it is an entity, too."""
    async with _graph(lamlam_neo4j, _MOVIES, f"label={label}") as store:
        found = await store.lookup("keanu reeves", "acted in")
        assert found.facts[0].value == EntityRef("The Matrix")
        assert found.facts[0].valid_from == as_moment("1999")
        assert (await store.lookup("Hugo Weaving", "title")).values == ("Mr",)
        released = await store.lookup("The Matrix", "released")
        assert released.values == (("1999",) if label == "*" else ())
        [_ async for _ in store.scan()]
        assert store.left_out == "properties of relationships: 2"


_HOMONYMS = """
CREATE (p:Entity:Planet {name: 'Mercury', uuid: 'u1', mass: 3}),
       (e:Entity:Element {name: 'mercury', uuid: 'u2', mass: 80}),
       (d:Entity {name: 'Twin', uuid: 'u3', group_id: 'a', age: 1}),
       (f:Entity {name: 'Twin', uuid: 'u4', group_id: 'b', age: 2}),
       (:Entity {name: 'Ada', uuid: 'u5'})-[:SEES]->(p), (f)-[:KNOWS]->(d)
"""


async def test_nodes_of_one_name_stay_apart(lamlam_neo4j: Neo4jServer) -> None:
    """By their labels, or by what identifies them; an edge leads to the one that it leads to."""
    async with _graph(lamlam_neo4j, _HOMONYMS, "label=Entity") as store:
        unclear = await store.lookup("Mercury", "mass")
        assert unclear.status is LookupStatus.AMBIGUOUS
        assert [(c.entity, c.facts) for c in unclear.candidates] == [
            ("mercury (Element)", (("mass", "80"),)),
            ("Mercury (Planet)", (("mass", "3"),)),
        ]
        assert (await store.lookup("mercury (planet)", "mass")).values == ("3",)
        seen = await store.lookup("Ada", "sees")
        assert seen.facts[0].value == EntityRef("Mercury (Planet)")
        twins = await store.lookup("Twin", "age")
        names = sorted(one.entity for one in twins.candidates)
        assert names == ["Twin (Entity a)", "Twin (Entity b)"]
        assert (await store.lookup("Twin (Entity b)", "knows")).values == ("Twin (Entity a)",)
        assert [f.surface async for f in store.scan("Mercury (Element)")] == ["80"]
        every = {fact.entity async for fact in store.scan()}
        assert every == {"Ada", "Mercury (Planet)", "mercury (Element)", *names}


async def test_nodes_that_nothing_in_the_view_leads_to_are_no_homonyms(
    lamlam_neo4j: Neo4jServer,
) -> None:
    """Others may keep a node of the same name in the database; a value of the view stays apart."""
    made = (
        "CREATE (p:Gadget {name: 'Ada', mass: 3})-[:SEES]->(:Memory {name: 'Bob'}),"
        " (:Gadget {name: 'Bob', mass: 4}), (:Memory {name: 'Ada'})-[:SEES]->(p)"
    )
    async with _graph(lamlam_neo4j, made, "label=Gadget") as store:
        assert [fact.surface async for fact in store.scan("Ada", "mass")] == ["3"]
        assert (await store.lookup("Ada", "mass")).match.entity.kind == "exact"
        assert (await store.lookup("Ada", "sees")).values == ("Bob (Memory)",)
        every = {fact.entity async for fact in store.scan()}
        assert every == {"Ada", "Bob (Gadget)"}


_TYPED = """
CREATE (:Gadget {name: 'G', ides: date('-0043-03-15'), far: date('+12345-01-01'), year: 7,
        day: date('1815-12-10'), at: datetime('2020-01-01T12:00:00.5+01:00[Europe/Berlin]'),
        clock: time('12:30:00Z'), took: duration('P1Y2M3DT4S'), here: point({latitude: 51.5,
        longitude: -0.12}), spot: point({x: 1, y: 2.5, z: 3}), key: $bytes, blob: $blob,
        days: [date('2020-01-01'), date('2020-01-02')], tags: ['x', 'y'], pair: [1.5, 2.5],
        small_embedding: [1, 2, 3], big: [x IN range(1, 900) | x / 7.0], nan: 0.0 / 0.0, ok: true,
        none: [], `we``ird \\ "} key`: '` }) DETACH DELETE n //', empty: ' '})
      -[:`HAS ``odd`` TYPE` {confidence: 0.5, description: 'A source.', `od``d`: 1}]->
       (:Gadget {title: 'H'})
"""


async def test_values_of_every_type(lamlam_neo4j: Neo4jServer) -> None:
    """As values or plain text, never as a program would print them; names are data."""
    given = {"bytes": b"\x01\xff", "blob": bytes(1000)}
    async with _graph(lamlam_neo4j, _TYPED, "label=Gadget", **given) as store:
        facts = [fact async for fact in store.scan()]
        found: dict[str, list[Any]] = {}
        for fact in facts:
            found.setdefault(fact.relation, []).append((fact.value, fact.surface))
        assert found == {
            "ides": [(PartialDate(-43, 3, 15), "-0043-03-15")],
            "far": [("+12345-01-01", "+12345-01-01")],
            "day": [(PartialDate(1815, 12, 10), "1815-12-10")],
            "year": [(7, "7")],
            "at": [("2020-01-01T12:00:00.5+01:00[Europe/Berlin]",) * 2],
            "clock": [("12:30:00Z",) * 2],
            "took": [("P1Y2M3DT4S",) * 2],
            "here": [("51.5, -0.12",) * 2],
            "spot": [("1, 2.5, 3",) * 2],
            "key": [("01ff",) * 2],
            "days": [(PartialDate(2020, 1, n), f"2020-01-0{n}") for n in (1, 2)],
            "tags": [("x", "x"), ("y", "y")],
            "pair": [(Decimal("1.5"), "1.5"), (Decimal("2.5"), "2.5")],
            "ok": [(True, "yes")],
            'we`ird \\ "} key': [("` }) DETACH DELETE n //",) * 2],
            "has `odd` type": [(EntityRef("H"), "H")],
        }
        (edge,) = [fact for fact in facts if fact.sources]
        assert (edge.sources, edge.confidence) == (("A source.",), 0.5)
        assert store.left_out == (
            "properties of relationships: 1, values that no fact can have: 3, vectors: 2"
        )


async def test_a_memory_of_observations(lamlam_neo4j: Neo4jServer) -> None:
    """As the memory server for agents keeps it; the property that names nodes can be chosen."""
    made = "CREATE (:Memory {name: 'Ada_Quill', type: 'person', observations: ['mills', 'sings']})"
    async with _graph(lamlam_neo4j, made, "label=Memory") as store:
        assert (await store.lookup("Ada Quill", "observations")).values == ("mills", "sings")
        assert {fact.entity async for fact in store.scan()} == {"Ada Quill"}
    made = (
        "CREATE (:Gadget {entity_id: 'Ada'})-[:DIRECTED {keywords: 'teacher', description: 'x',"
        " weight: 1.0}]->(:Gadget {entity_id: 'Bob'})-[:HAS {relationship_name: 'has',"
        " updated_at: datetime()}]->(:Gadget {id: 7})"
    )
    async with _graph(lamlam_neo4j, made, "label=Gadget") as store:
        facts = [(f.entity, f.relation, f.surface, f.source) async for f in store.scan()]
        assert sorted(facts) == [("Ada", "teacher", "Bob", "x"), ("Bob", "has", "7", None)]
        assert store.left_out == "properties of relationships: 1"
    made = "CREATE (:`__Node__`:Gadget {entity_id: 'Old Mill', name: 'x7', triplet_source_id: 'c'})"
    async with _graph(lamlam_neo4j, made, "label=__Node__&name=entity_id") as store:
        assert [(f.entity, f.relation, f.surface) async for f in store.scan()] == [
            ("Old Mill", "name", "x7")
        ]


async def test_nothing_is_written(lamlam_neo4j: Neo4jServer) -> None:
    """Neither a node nor an index, whatever is asked."""

    def state() -> list[Any]:
        return [
            cypher(lamlam_neo4j, "MATCH (n) OPTIONAL MATCH (n)-[r]->() RETURN count(n), count(r)"),
            cypher(lamlam_neo4j, "SHOW INDEXES YIELD name RETURN name ORDER BY name"),
        ]

    async with _graph(lamlam_neo4j, _GRAPHITI, "label=*") as store:
        before = state()
        for name in ("Ada Quill", "`) DETACH DELETE n //", "\\u0060", "'", '"', "x" * 5000, " "):
            await store.lookup(name, "works at")
            [_ async for _ in store.scan(name)] if name.strip() else None
        [_ async for _ in store.scan()]
        await store.info()
        assert state() == before
