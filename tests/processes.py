"""How the suite is shared out where several processes run it (``pytest -n 2 --dist loadgroup``)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from lamlam.testing.plugin import MARKER


class ProcessGroups:
    """Keeps together what should run in one process; a pytest plugin."""

    def pytest_collection_modifyitems(self, items: Iterable[pytest.Item]) -> None:
        """Tests against Neo4j stay in one process, which starts the servers; so do those of a file.

        After the hooks that set the marker, which are the first, and before pytest-xdist's, the
        last.
        """
        for item in items:
            is_neo4j = item.get_closest_marker(MARKER) is not None
            item.add_marker(pytest.mark.xdist_group("neo4j" if is_neo4j else item.path.stem))
