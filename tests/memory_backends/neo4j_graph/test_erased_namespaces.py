"""All of a namespace is one transaction of a Neo4j store, of as many statements for any number."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Retract
from lamlam.memory_backends.model.values import EntityRef
from lamlam.memory_backends.neo4j_graph.driver import Transaction
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.testing.neo4j_servers import Neo4jServer
from lamlam.testing.neo4j_stores import fresh_url
from tests.memory_backends.neo4j_graph.places import cypher

SPACE = ("users", "7")


def _with_edges(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}edges=on"


def test_statements_do_not_grow_with_the_entities(
    lamlam_neo4j: Neo4jServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Erasing 60 entities takes the statements that erasing three takes, and one revision."""
    counts: Counter[str] = Counter()
    for name in ("rows", "do"):  # `row` asks by `rows`
        method = getattr(Transaction, name)

        def counted(self: Transaction, query: str, _method: Any = method, **given: Any) -> Any:
            counts["all"] += 1
            return _method(self, query, **given)

        monkeypatch.setattr(Transaction, name, counted)
    taken = []
    with fresh_url(lamlam_neo4j) as url, SyncFactStore(_with_edges(url)) as store:
        for n_entities in (3, 60):
            store.apply(
                [
                    Assert(Fact(entity=f"A {n}", relation="r", value=value, namespace=SPACE))
                    for n in range(n_entities)
                    for value in ("x", EntityRef(f"A {n + 1}"))
                ]
            )
            store.apply([Retract(f"A {n}", "r", "x", SPACE) for n in range(n_entities)])
            before = store.info().revision
            counts.clear()
            receipt = store.erase_namespace(SPACE)
            taken.append(counts["all"])
            assert receipt.facts == 2 * n_entities
            assert store.info().revision == before + 1
            assert list(store.namespaces()) == []
    assert taken[0] == taken[1]


def test_a_placeholder_is_an_edge_too(lamlam_neo4j: Neo4jServer) -> None:
    """Where facts between entities are relationships, one leads to the placeholder."""
    with fresh_url(lamlam_neo4j) as url, SyncFactStore(_with_edges(url)) as store:
        store.apply([Assert(Fact(entity="B", relation="spouse", value=EntityRef("Ada")))])
        store.apply([Assert(Fact(entity="Ada", relation="job", value="x"))])
        receipt = store.erase("Ada", mentions="replace", placeholder="Someone")
        assert (receipt.facts, receipt.as_value) == (2, 1)
        (fact,) = store.scan()
        assert fact.value == EntityRef("Someone")
        assert fact.id is not None and store.fact(fact.id) == fact
        drawn = cypher(lamlam_neo4j, "MATCH ()-[r:SPOUSE]->(v) RETURN v.name")
        assert drawn == [["Someone"]]
        store.erase("B")  # and with it the edge, which other tests of the server would see
