"""A store for a test is as good as new, though its schema was used before; and how schemas arise."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from lamlam.errors import StoreMissing
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    DefineRelation,
    MergeEntities,
    Replace,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef
from lamlam.memory_backends.neo4j_graph.connect import connect_neo4j
from lamlam.memory_backends.neo4j_graph.schema import schema_statements
from lamlam.memory_backends.neo4j_graph.store import Neo4jStore
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.testing.neo4j_servers import Neo4jServer
from lamlam.testing.neo4j_stores import fresh_url
from tests.memory_backends.neo4j_graph.places import cypher

FACT = Fact(entity="Ada Lovelace", relation="work", value="Note G")


@pytest.fixture
def ours(lamlam_neo4j: Neo4jServer) -> Neo4jServer:
    """A server that was started for these tests."""
    if not lamlam_neo4j.is_ours:
        pytest.skip("on a server of somebody else every store has new labels")
    return lamlam_neo4j


def _connected(url: str, *, create: bool = True) -> Neo4jStore:
    store = connect_neo4j(url, create=create)
    assert isinstance(store, Neo4jStore)  # no foreign view was asked for
    return store


def _prefix(url: str) -> str:
    return url.partition("prefix=")[2] or "Lamlam"


def _schema(server: Neo4jServer, prefix: str) -> list[list[Any]]:
    """Every index and constraint of the labels with the prefix, without the prefix."""
    return cypher(
        server,
        "SHOW INDEXES YIELD name, state, type, labelsOrTypes, properties, owningConstraint, options"
        " WHERE name STARTS WITH toLower($prefix) + '_'"  # the usual prefix begins others, too
        " RETURN substring(name, size($prefix)) AS end, state, type,"
        " substring(labelsOrTypes[0], size($prefix)), properties,"
        " owningConstraint IS NULL, options ORDER BY end",
        prefix=prefix,
    )


def _use(url: str) -> str:
    """Every kind of node and edge is there; returns the id of a fact."""
    joint = "&" if "?" in url else "?"
    with SyncFactStore(f"{url}{joint}edges=on") as store:
        store.apply([DefineRelation(RelationRule("parent", "many", inverse="child"))], actor="a")
        store.apply([Assert(FACT), Assert(Fact(entity="A L", relation="x", value="y"))])
        store.apply([Assert(FACT.model_copy(update={"namespace": ("n",)}))], idempotency_key="k")
        store.apply([AddAlias("Ada Lovelace", "Ada"), MergeEntities("Ada Lovelace", "A L")])
        parent = Fact(entity="Ada", relation="parent", value=EntityRef("Lord Byron"))
        store.apply([Assert(parent), Replace(FACT)])
        store.erase("Lord Byron")
        return store.lookup("Ada", "work").fact_ids[0]


@pytest.mark.parametrize("number", [0, 1])
def test_a_used_store_leaves_nothing_to_the_next(ours: Neo4jServer, number: int) -> None:
    """Whatever was in it: no node, no edge, another secret, and the schema of a new one."""
    beside = [fresh_url(ours) for _ in range(number)]
    for one in beside:
        one.__enter__()
    try:
        with fresh_url(ours) as used:
            old_id = _use(used)
        with fresh_url(ours) as url:
            assert url == used
            assert cypher(ours, "MATCH (n) RETURN count(n)") == [[0]]
            with pytest.raises(StoreMissing):
                _connected(url, create=False)
            with SyncFactStore(url) as store:
                info = store.info()
                assert (info.revision, info.facts, info.entities) == (0, 0, 0)
                assert (store.rules(), list(store.changes()), store.aliases("Ada")) == ([], [], [])
                store.apply([Assert(FACT)], idempotency_key="k")
                assert store.lookup("Ada Lovelace", "work").fact_ids[0] != old_id
                assert store.lookup("Ada", "work").values == ()
                assert len(list(store.scan())) == 1
            with fresh_url(replace(ours, is_ours=False)) as new:
                _connected(new).close_nowait()
                assert _schema(ours, _prefix(url)) == _schema(ours, _prefix(new)) != []
    finally:
        for one in beside:
            one.__exit__(None, None, None)


def test_stores_beside_each_other_are_apart(ours: Neo4jServer) -> None:
    """Emptying one leaves the others as they are, whichever was there first."""
    first = fresh_url(ours)
    with SyncFactStore(first.__enter__()) as store:
        store.apply([Assert(FACT)])
        with fresh_url(ours) as url, SyncFactStore(url) as second:
            second.apply([Assert(FACT)])
            assert store.info().facts == 1
            first.__exit__(None, None, None)
            with fresh_url(ours) as again, SyncFactStore(again) as third:
                assert third.info().facts == 0
                assert second.lookup("Ada Lovelace", "work").value == "Note G"


def test_what_is_missing_of_a_schema_is_made(lamlam_neo4j: Neo4jServer) -> None:
    """A schema of which a part was dropped, or was taken for something else, is whole again."""
    with fresh_url(replace(lamlam_neo4j, is_ours=False)) as url:
        store = _connected(url)
        store.close_nowait()
        prefix = _prefix(url)
        whole = _schema(lamlam_neo4j, prefix)
        statements = schema_statements(store._queries)
        assert len(whole) == len(statements)
        name = prefix.lower()
        cypher(lamlam_neo4j, f"DROP CONSTRAINT {name}_fact_id")
        cypher(lamlam_neo4j, f"DROP INDEX {name}_event_entity_id")
        cypher(lamlam_neo4j, f"DROP INDEX {store._queries.near_index}")
        cypher(lamlam_neo4j, f"MATCH (s:{prefix}Store) DELETE s")
        assert len(_schema(lamlam_neo4j, prefix)) == len(whole) - 3
        with SyncFactStore(url) as again:
            again.apply([Assert(FACT)])
            assert again.lookup_many([Lookup("Ada Lovelacee", "work")])[0].values == ("Note G",)
        assert _schema(lamlam_neo4j, prefix) == whole


def test_several_make_one_schema(lamlam_neo4j: Neo4jServer) -> None:
    """Opened for the first time by several at once, the store is one."""
    with (
        fresh_url(replace(lamlam_neo4j, is_ours=False)) as url,
        ThreadPoolExecutor(4) as threads,
    ):
        stores = list(threads.map(_connected, [url] * 4))
        ids = {store._ids.of_entity("one") for store in stores}
        for store in stores:
            store.close_nowait()
        assert len(ids) == 1  # they have one secret
        assert len(_schema(lamlam_neo4j, _prefix(url))) == len(
            schema_statements(stores[0]._queries)
        )
