"""An empty Neo4j store for one test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lamlam.errors import Unavailable
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
_DELETE = (
    "MATCH (node) WHERE ($prefix = '' OR any(label IN labels(node) WHERE label STARTS WITH $prefix))"
    " AND none(label IN labels(node) WHERE any(one IN $spared WHERE label STARTS WITH one))"
    " WITH node LIMIT $batch DETACH DELETE node RETURN count(*) AS deleted"
)
# A server that has just started plans each statement for the first time: on a busy machine, or
# with a fraction of a processor, longer than the usual limit.
_PATIENCE = "timeout=120"  # seconds
_BATCH = 10_000  # nodes per transaction: a big one does not fit a small heap
_USUAL = "Lamlam"  # the prefix of a store whose URL names none
_IN_USE: dict[str, set[int]] = {}  # by URL of a server: numbers of its prefixes


@contextmanager
def fresh_url(server: Neo4jServer) -> Iterator[str]:
    """Yield the URL of an empty store on the server.

    On a server that was started for these tests the nodes of earlier stores are deleted first,
    and their schema is used again: to make one, and to plan every statement anew for its labels,
    takes longer than most tests. On any other server the store gets separate labels, which are
    removed afterwards: all other data stays as it is.

    Raises:
        Unavailable: the server no longer answers; a container that was started again is waited for.
    """
    if server.container:
        from lamlam.testing.neo4j_containers import wait_for_container

        wait_for_container(server)
    if server.is_ours:
        with _kept_prefix(server) as prefix:
            yield _with_options(server, prefix)
        return
    prefix = f"LamlamTest{secrets.token_hex(4)}"
    try:
        yield _with_options(server, prefix)
    finally:
        _delete_nodes(server, prefix)
        _drop_schema(server, prefix)


@contextmanager
def _kept_prefix(server: Neo4jServer) -> Iterator[str]:
    """Yield the first prefix that no open store has, without nodes; its schema may exist.

    The first is the usual one, written as ``""``: for it every node is deleted that belongs to
    no store in use.
    """
    in_use = _IN_USE.setdefault(server.url, set())
    number = next(n for n in count() if n not in in_use)
    others = [_spare_prefix(n) for n in in_use if n]
    in_use.add(number)
    try:
        if number:
            _delete_nodes(server, _spare_prefix(number), indexed=_spare_prefix(number))
        else:
            _delete_nodes(server, spared=others, indexed=_USUAL)
        yield _spare_prefix(number) if number else ""
    finally:
        in_use.discard(number)


def _spare_prefix(number: int) -> str:
    return f"LamlamSpare{number}x"  # x: none begins with another


def _with_options(server: Neo4jServer, prefix: str) -> str:
    options = [_PATIENCE] if server.container else []
    options += [f"prefix={prefix}"] if prefix else []
    if not options:
        return server.url
    joint = "&" if urlsplit(server.url).query else "?"
    return f"{server.url}{joint}{'&'.join(options)}"


@contextmanager
def _driver(server: Neo4jServer) -> Iterator[Driver]:
    from neo4j import GraphDatabase

    with GraphDatabase.driver(server.address, auth=(server.user, server.password)) as driver:
        yield driver


def _delete_nodes(
    server: Neo4jServer, prefix: str = "", spared: Sequence[str] = (), indexed: str = ""
) -> None:
    """Delete all nodes that have a label with the prefix, but for those with a spared one.

    Args:
        prefix: ``""`` deletes every node, with or without labels.
        spared: prefixes of labels of nodes that stay.
        indexed: prefix of the labels whose index of searches goes too: a new store has none.
    """
    parameters = {"prefix": prefix, "spared": list(spared), "batch": _BATCH}
    with _told(server), _driver(server) as driver:
        n_deleted = _BATCH
        while n_deleted == _BATCH:
            found = driver.execute_query(_DELETE, parameters, database_=server.database)
            n_deleted = found.records[0]["deleted"]
        if indexed:
            driver.execute_query(
                "DROP INDEX $name IF EXISTS",
                name=f"{indexed.lower()}_entity_terms",
                database_=server.database,
            )


@contextmanager
def _told(server: Neo4jServer) -> Iterator[None]:
    """Say which server no longer answers.

    Raises:
        Unavailable: it does not.
    """
    from neo4j.exceptions import DriverError, Neo4jError

    try:
        yield
    except (DriverError, Neo4jError) as error:
        raise Unavailable(
            f"the Neo4j server at {server.address} ({server.found_by}) no longer answers: {error}",
            hint="look at its log",
        ) from error


def _drop_schema(server: Neo4jServer, prefix: str) -> None:
    """Drop all constraints and indexes of labels with the prefix."""
    with _told(server), _driver(server) as driver:
        for listed, drop in (_CONSTRAINTS, _INDEXES):  # a constraint takes its index along
            found = driver.execute_query(listed, {"prefix": prefix}, database_=server.database)
            for record in found.records:
                driver.execute_query(drop, {"name": record["name"]}, database_=server.database)
