"""Tests that need a container engine: `make test-containers` and continuous integration run them.

Elsewhere they are skipped, with the reason; ``LAMLAM_REQUIRE_CONTAINERS=1`` makes that a failure.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lamlam.testing.neo4j_containers import why_no_containers
from lamlam.testing.neo4j_servers import Neo4jServer
from tests.containers.user_project import UserProject, new_project
from tests.neo4j_server.session import REQUIRE_CONTAINERS

MARKER = "lamlam_containers"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", f"{MARKER}: needs a container engine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(MARKER)


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """An engine that answers."""
    if why := why_no_containers():
        if os.environ.get(REQUIRE_CONTAINERS) == "1":
            pytest.fail(why, pytrace=False)
        pytest.skip(why)


@pytest.fixture(params=["lamlam_neo4j", "newest_neo4j"])
def container(request: pytest.FixtureRequest) -> Neo4jServer:
    """The server of the session, of each release, in a container."""
    server: Neo4jServer = request.getfixturevalue(request.param)
    assert server.container, f"{server.found_by} is not a container"
    return server


@pytest.fixture
def project(tmp_path: Path) -> UserProject:
    """The project of the page."""
    return new_project(tmp_path / "project")
