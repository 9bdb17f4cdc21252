"""A killed server loses no confirmed commit and keeps no half one; the long run is under soak."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.memory_backends.neo4j_graph.crashes import crash_again_and_again
from tests.neo4j_server.native import NativeServer


@pytest.mark.lamlam_neo4j
def test_a_killed_server_has_every_confirmed_commit(tmp_path: Path) -> None:
    """Killed twice in the middle of writes, and started again on the same folder."""
    with NativeServer(tmp_path) as server:
        assert crash_again_and_again(server, times=2) >= 2
