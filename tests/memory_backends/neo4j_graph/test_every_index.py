"""What was retracted or erased is gone from every index, and found gone without any.

A release of Neo4j had an index that returned an entity that was deleted in the same transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from lamlam.errors import BadStore
from lamlam.memory_backends.conformance.laws.erasure import CANARY, found_in, plant
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Replace, Retract
from lamlam.memory_backends.neo4j_graph.queries import Queries
from lamlam.memory_backends.neo4j_graph.store import Neo4jStore
from lamlam.testing.neo4j_servers import Neo4jServer
from lamlam.testing.neo4j_stores import fresh_url
from tests.memory_backends.neo4j_graph.places import cypher, opened

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """One event loop is enough here."""
    return "asyncio"


@pytest.fixture(params=["lamlam_neo4j", "newest_neo4j"])
def server(request: pytest.FixtureRequest) -> Neo4jServer:
    """Both releases."""
    found: Neo4jServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def url(server: Neo4jServer) -> Iterator[str]:
    """Of an empty store."""
    with fresh_url(server) as url:
        yield url


def _prefix(url: str) -> str:
    return url.partition("prefix=")[2] or "Lamlam"


def _check_indexes(server: Neo4jServer, prefix: str) -> int:
    """Every index holds the nodes that a walk over all nodes finds; return how many there are."""
    indexes = cypher(
        server,
        "SHOW INDEXES YIELD name, type, labelsOrTypes, properties"
        " WHERE name STARTS WITH toLower($prefix) + '_'"
        " RETURN name, type, labelsOrTypes[0], properties[0]",
        prefix=prefix,
    )
    for name, kind, label, key in indexes:
        # Neither a label nor a property in the pattern: the planner has no index to use.
        walked = cypher(
            server,
            "MATCH (n) WITH n, labels(n) AS labels, properties(n)[$key] AS value"
            " WHERE $label IN labels AND value IS NOT NULL RETURN elementId(n), value",
            label=label,
            key=key,
        )
        by_index = f"MATCH (n:{label}) USING INDEX n:{label}({key}) WHERE n.{key}"
        if kind == "FULLTEXT":
            every = f"CALL db.index.fulltext.queryNodes('{name}', '*:*') YIELD node AS n"
            seeks = "CALL db.index.fulltext.queryNodes($name, value) YIELD node AS n"
            words = sorted({word for _, text in walked for word in text.split()})
            found = cypher(
                server,
                f"UNWIND $values AS value {seeks} RETURN elementId(n)",
                values=words,
                name=name,
            )
        else:
            every = f"{by_index} IS NOT NULL"
            found = cypher(
                server,
                f"UNWIND $values AS value {by_index} = value RETURN elementId(n)",
                values=sorted({value for _, value in walked}),
            )
        ids = {ident for ident, _ in walked}
        assert {row[0] for row in cypher(server, f"{every} RETURN elementId(n)")} == ids, name
        assert {row[0] for row in found} == ids, name
        by_label = cypher(
            server, f"MATCH (n:{label}) WHERE n.{key} IS NOT NULL RETURN elementId(n)"
        )
        assert {row[0] for row in by_label} == ids, name
    return len(indexes)


def _everything(server: Neo4jServer) -> str:
    """All that any node or relationship holds, by a walk over all of them."""
    nodes = cypher(server, "MATCH (n) RETURN labels(n), properties(n)")
    edges = cypher(server, "MATCH ()-[r]->() RETURN type(r), properties(r)")
    return repr([*nodes, *edges])


async def test_every_index_follows_what_is_retracted_and_erased(
    server: Neo4jServer, url: str
) -> None:
    """After each change, each index has what a walk over all nodes has; of the erased, nothing."""
    prefix = _prefix(url)
    async with await opened(url) as store:
        await plant(store)
        await store.set_search_index(sources=True)
        await store.apply(
            [Assert(Fact(entity="Ada", relation="work", value=f"Note {n}")) for n in "GH"]
        )
        await store.apply([Retract("Ada", "work", "Note G")])
        await store.apply([Replace(Fact(entity="Ada", relation="work", value="Note J"))])
        assert _check_indexes(server, prefix) >= 17
        assert found_in(_everything(server))
        await store.erase(CANARY)
        _check_indexes(server, prefix)
        assert found_in(_everything(server)) == []
        await store.erase("Ada", "work")
        assert "Note" not in _everything(server)


@pytest.fixture
async def store(url: str) -> Any:
    """A store with the canary in every place."""
    async with await opened(url) as store:
        await plant(store)
        yield store


@pytest.mark.parametrize("statement", ["erase_facts", "erase_aliases", "erase_events"])
async def test_an_erasure_that_an_index_hides_something_from_fails(
    store: Neo4jStore, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """No receipt says that all is gone if a node was missed; nothing has changed then."""
    before = await store.info()
    original = getattr(Queries, statement).fget

    def blind(queries: Queries) -> str:
        text: str = original(queries)
        if statement == "erase_facts":
            return text.replace("UNWIND $ids AS id", "UNWIND $ids AS id WITH id SKIP 1")
        return re.sub(r"DETACH DELETE (\w)", r"REMOVE \1.none", text)

    with monkeypatch.context() as changed:
        changed.setattr(Queries, statement, property(blind))
        with pytest.raises(BadStore, match="nodes that were to be erased; nothing was changed"):
            await store.erase(CANARY)
    assert await store.info() == before
    assert (await store.erase(CANARY)).facts >= 3


async def test_a_retraction_that_an_index_hides_a_fact_from_fails(
    store: Neo4jStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fact that is to end and is not found is no commit."""
    before = await store.info()
    text = Queries("Lamlam").end_facts
    blind = text.replace("UNWIND $ids AS id", "UNWIND $ids AS id WITH id SKIP 1")
    with monkeypatch.context() as changed:
        changed.setattr(Queries, "end_facts", property(lambda queries: queries._(blind)))
        with pytest.raises(BadStore, match="found 1 of 2 facts that end; nothing was changed"):
            await store.apply([Retract("Bystander", "work")])
    assert await store.info() == before


async def test_the_check_of_an_erasure_uses_no_index(
    store: Neo4jStore, server: Neo4jServer
) -> None:
    """The server plans it as a walk over all nodes, not even by the index of labels."""
    from lamlam.memory_backends.neo4j_graph.index_checks import _LEFT

    parameters: dict[str, list[str]] = {"facts": ["x"], "aliases": ["x"], "names": ["x"]}
    statement = store._queries._(_LEFT)
    from neo4j import GraphDatabase

    with GraphDatabase.driver(server.address, auth=(server.user, server.password)) as driver:
        asked: Any = f"EXPLAIN {statement}"  # Any: the driver's type is that of literals alone
        plan = driver.execute_query(asked, parameters).summary.plan
    told = repr(plan)
    assert "AllNodesScan" in told
    assert "Index" not in told and "ByLabel" not in told
