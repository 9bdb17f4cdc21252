"""A container that is killed while facts are written; 3 kills here, 30 with ``--soak``."""

from __future__ import annotations

import os

import pytest

from lamlam.testing.neo4j_servers import Neo4jServer
from tests.containers.killable import KillableContainer
from tests.memory_backends.neo4j_graph.crashes import crash_again_and_again

_KILLS = 30 if os.environ.get("LAMLAM_SOAK") else 3


@pytest.mark.timeout(3600)
def test_a_killed_container_has_every_confirmed_commit(container: Neo4jServer) -> None:
    """Every commit of two facts that was confirmed is there after each restart, and no half one."""
    assert crash_again_and_again(KillableContainer(container), _KILLS) >= _KILLS
