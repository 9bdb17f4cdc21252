"""Stores in Neo4j for tests, and what is looked up in the database behind them."""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio

from lamlam.memory_backends.neo4j_graph.connect import connect_neo4j
from lamlam.memory_backends.neo4j_graph.store import Neo4jStore
from lamlam.testing.neo4j_servers import Neo4jServer


async def opened(url: str, *, create: bool = True, read_only: bool = False) -> Neo4jStore:
    """Return the open store behind a URL."""
    connect = partial(connect_neo4j, url, create=create, read_only=read_only)
    store = await anyio.to_thread.run_sync(connect)
    assert isinstance(store, Neo4jStore)
    return store


def cypher(server: Neo4jServer, query: str, **parameters: object) -> list[list[Any]]:
    """Return the rows that the server itself answers, by the plain driver."""
    from neo4j import GraphDatabase

    with (
        GraphDatabase.driver(server.address, auth=(server.user, server.password)) as driver,
        driver.session(database="neo4j") as session,
    ):
        run: Any = session.run  # Any: takes literal strings only, by its types
        rows: list[list[Any]] = run(query, parameters).values()
        return rows
