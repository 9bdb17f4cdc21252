"""Every law of a memory, on every backend that lamlam brings."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.memory_backends.conformance import AllLaws, Backend
from lamlam.memory_backends.conformance.known import (
    MemoryBackend,
    MemoryFileBackend,
    Neo4jBackend,
    SqliteBackend,
)
from lamlam.testing.neo4j_servers import Neo4jServer

OLD_STORES = Path(__file__).with_name("old_stores")


class TestMemory(AllLaws):
    backend = MemoryBackend()


class TestMemoryFile(AllLaws):
    backend = MemoryFileBackend()


class TestSqlite(AllLaws):
    backend = SqliteBackend({path.stem: path for path in sorted(OLD_STORES.glob("sqlite-*.db"))})


class TestNeo4j(AllLaws):
    @pytest.fixture
    def conformance_backend(self, lamlam_neo4j: Neo4jServer) -> Backend:
        return Neo4jBackend(lamlam_neo4j)
