"""Every law of a memory, on every backend that lamlam brings."""

from __future__ import annotations

import sys

import pytest

from lamlam.memory_backends.conformance import AllLaws, Backend
from lamlam.memory_backends.conformance.known_backends import (
    MemoryBackend,
    MemoryFileBackend,
    Neo4jBackend,
    SqliteBackend,
)
from lamlam.memory_backends.conformance.laws.atomicity import AtomicityLaws
from lamlam.memory_backends.conformance.laws.concurrency import ConcurrencyLaws
from lamlam.memory_backends.conformance.model.model_laws import ModelLaws
from lamlam.testing.neo4j_servers import Neo4jServer
from tests.paths import OLD_STORES

SQLITE = "lamlam.memory_backends.sqlite."


class OnTrio(SqliteBackend):
    """The second event loop that anyio knows."""

    name = "sqlite on trio"
    event_loop = "trio"


class TestMemory(AllLaws):
    backend = MemoryBackend()


class TestMemoryFile(AllLaws):
    backend = MemoryFileBackend()


class TestSqlite(AllLaws):
    backend = SqliteBackend({path.stem: path for path in sorted(OLD_STORES.glob("sqlite-*.db"))})


class TestSqliteOnTrio(AtomicityLaws, ConcurrencyLaws):
    backend = OnTrio()


class TestSqliteWithCollidingHashes(ModelLaws):
    """With two bits of hash for every name the store is still what the model is."""

    backend = SqliteBackend()

    @pytest.fixture(autouse=True)
    def two_bits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        users = [m for name, m in sys.modules.items() if name.startswith(SQLITE)]
        for module in (one for one in users if hasattr(one, "row_id")):
            monkeypatch.setattr(module, "row_id", _two_bits)


class TestNeo4j(AllLaws):
    @pytest.fixture
    def conformance_backend(self, lamlam_neo4j: Neo4jServer) -> Backend:
        return Neo4jBackend(lamlam_neo4j)


def _two_bits(key: str) -> int:
    return len(key) % 3
