"""A Neo4j server that is killed again and again while facts are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.memory_backends.neo4j_graph.crashes import crash_again_and_again
from tests.neo4j_server.native import NativeServer
from tests.soak.conftest import Amount

_KILLS = 30


@pytest.mark.lamlam_neo4j
@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_kills_of_the_server(tmp_path: Path, amount: Amount) -> None:
    """Every confirmed commit is there after each restart, and no half one: 30 kills, or one."""
    times = min(amount.kills, _KILLS) if amount.timeout_s > 1000 else 1
    with NativeServer(tmp_path) as server:
        assert crash_again_and_again(server, times) >= times
