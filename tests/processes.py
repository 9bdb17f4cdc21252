"""How the suite is shared out where several processes run it (``pytest -n 2 --dist loadgroup``)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from lamlam.testing.plugin import MARKER


def group_for_processes(items: Iterable[pytest.Item]) -> None:
    """Tests against Neo4j stay in one process, which starts the servers; so do those of a file."""
    for item in items:
        is_neo4j = item.get_closest_marker(MARKER) is not None
        item.add_marker(pytest.mark.xdist_group("neo4j" if is_neo4j else item.path.stem))
