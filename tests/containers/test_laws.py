"""Every law of a memory against a server in a container; the newest release speaks Cypher 25.

The LTS needs no class here: its server in `tests/memory_backends/conformance` is a container, too,
where an engine answers.
"""

from __future__ import annotations

import pytest
from neo4j import GraphDatabase

from lamlam.memory_backends.conformance import SUITES, Backend, Laws
from lamlam.memory_backends.conformance.known_backends import Neo4jBackend
from lamlam.memory_backends.conformance.laws.faults import FaultLaws
from lamlam.testing.neo4j_servers import Neo4jServer

# They wait for limits of time, and are about the driver: once, with the LTS, is enough.
_LAWS: tuple[type[Laws], ...] = tuple(suite for suite in SUITES if not issubclass(suite, FaultLaws))


class TestNewestNeo4j(*_LAWS):  # type: ignore[misc] # the list that reports have, too
    @pytest.fixture
    def conformance_backend(self, newest_neo4j: Neo4jServer) -> Backend:
        return Neo4jBackend(newest_neo4j)


def test_the_newest_release_speaks_cypher_25(newest_neo4j: Neo4jServer) -> None:
    """As databases of new configurations do: the laws above ran in it."""
    auth = newest_neo4j.user, newest_neo4j.password
    with GraphDatabase.driver(newest_neo4j.address, auth=auth) as driver:
        asked = "SHOW DATABASES YIELD name, defaultLanguage WHERE name = 'neo4j' RETURN *"
        (record,) = driver.execute_query(asked).records
    assert record["defaultLanguage"] == "CYPHER 25"
