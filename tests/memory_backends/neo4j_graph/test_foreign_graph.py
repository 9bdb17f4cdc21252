"""A graph that others made, read as facts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import anyio
import pytest

from lamlam.errors import NotSupported, ReadOnly
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.model.values import EntityRef
from lamlam.memory_backends.neo4j_graph.foreign_graph import ForeignGraph
from lamlam.memory_backends.neo4j_graph.store import connect_neo4j
from lamlam.testing.neo4j_servers import Neo4jServer
from tests.memory_backends.neo4j_graph.places import cypher

pytestmark = pytest.mark.anyio
LABEL = "ForeignThing"
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


@pytest.fixture
async def graph(lamlam_neo4j: Neo4jServer) -> AsyncIterator[ForeignGraph]:
    """A small graph as a knowledge-graph builder writes it."""
    wipe = f"MATCH (n) WHERE n:{LABEL} OR n:Chunk DETACH DELETE n"
    cypher(lamlam_neo4j, wipe)
    cypher(lamlam_neo4j, _MADE)
    joint = "&" if "?" in lamlam_neo4j.url else "?"
    url = f"{lamlam_neo4j.url}{joint}view=foreign&label={LABEL}"
    store = await anyio.to_thread.run_sync(partial(connect_neo4j, url))
    assert isinstance(store, ForeignGraph)
    async with store:
        yield store
    cypher(lamlam_neo4j, wipe)


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
