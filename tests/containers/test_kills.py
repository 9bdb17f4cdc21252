"""A container that is killed while facts are written; 3 kills of one release, 30 of each with ``LAMLAM_SOAK=1``."""

from __future__ import annotations

import os

import pytest

from lamlam.testing.neo4j_servers import Neo4jServer
from tests.containers.killable import KillableContainer
from tests.memory_backends.neo4j_graph.crashes import crash_again_and_again

_IS_LONG = bool(os.environ.get("LAMLAM_SOAK"))
_KILLS = 30 if _IS_LONG else 3
_SERVERS = ["lamlam_neo4j", "newest_neo4j"] if _IS_LONG else ["lamlam_neo4j"]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("container", _SERVERS, indirect=True)
def test_a_killed_container_has_every_confirmed_commit(container: Neo4jServer) -> None:
    """Every commit of two facts that was confirmed is there after each restart, and no half one."""
    assert crash_again_and_again(KillableContainer(container), _KILLS) >= _KILLS
