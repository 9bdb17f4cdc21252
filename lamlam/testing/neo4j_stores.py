"""An empty Neo4j store for one test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lamlam.testing.neo4j_servers import Neo4jServer

if TYPE_CHECKING:
    from neo4j import Driver

_CONSTRAINTS = (
    "SHOW CONSTRAINTS YIELD name, labelsOrTypes "
    "WHERE any(label IN labelsOrTypes WHERE label STARTS WITH $prefix) RETURN name",
    "DROP CONSTRAINT $name IF EXISTS",
)
_INDEXES = (
    "SHOW INDEXES YIELD name, labelsOrTypes "
    "WHERE any(label IN labelsOrTypes WHERE label STARTS WITH $prefix) RETURN name",
    "DROP INDEX $name IF EXISTS",
)
_BATCH = 10_000  # nodes per transaction: a big one does not fit a small heap


@contextmanager
def fresh_url(server: Neo4jServer) -> Iterator[str]:
    """The URL of an empty store on the server.

    A server that was started for these tests is emptied first. On any other the store gets
    labels of its own, which are removed afterwards: what else is there stays as it is.
    """
    if server.is_ours:
        _delete_nodes(server)
        yield server.url
        return
    prefix = f"LamlamTest{secrets.token_hex(4)}"
    joint = "&" if urlsplit(server.url).query else "?"
    try:
        yield f"{server.url}{joint}prefix={prefix}"
    finally:
        _delete_nodes(server, prefix)
        _drop_schema(server, prefix)


@contextmanager
def _driver(server: Neo4jServer) -> Iterator[Driver]:
    from neo4j import GraphDatabase

    with GraphDatabase.driver(server.address, auth=(server.user, server.password)) as driver:
        yield driver


def _delete_nodes(server: Neo4jServer, prefix: str = "") -> None:
    """No node is left that has a label with the prefix."""
    delete = (
        "MATCH (node) WHERE any(label IN labels(node) WHERE label STARTS WITH $prefix) "
        "WITH node LIMIT $batch DETACH DELETE node RETURN count(*) AS deleted"
        if prefix
        else "MATCH (node) WITH node LIMIT $batch DETACH DELETE node RETURN count(*) AS deleted"
    )
    parameters = {"prefix": prefix, "batch": _BATCH}
    with _driver(server) as driver:
        while True:
            found = driver.execute_query(delete, parameters, database_=server.database)
            if found.records[0]["deleted"] == 0:
                return


def _drop_schema(server: Neo4jServer, prefix: str) -> None:
    """No constraint or index is left for a label with the prefix."""
    with _driver(server) as driver:
        for listed, drop in (_CONSTRAINTS, _INDEXES):  # a constraint takes its index along
            found = driver.execute_query(listed, {"prefix": prefix}, database_=server.database)
            for record in found.records:
                driver.execute_query(drop, {"name": record["name"]}, database_=server.database)
