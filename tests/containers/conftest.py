"""Tests that need a container engine: `make test-containers` and continuous integration run them.

Elsewhere they are skipped, with the reason; ``LAMLAM_REQUIRE_CONTAINERS=1`` makes that a failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lamlam.testing.neo4j_containers import container_server, why_no_containers
from lamlam.testing.neo4j_servers import Neo4jServer
from tests.conftest import TALLY
from tests.containers.user_project import UserProject, new_project
from tests.neo4j_server.container_image import tag_of
from tests.neo4j_server.jdks import LTS, NEWEST, Release, releases_here
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


@pytest.fixture(scope="session", params=[LTS, NEWEST], ids=lambda release: release.version)
def release(request: pytest.FixtureRequest) -> Release:
    """Each release that runs on a Java of this machine: there is an image of it."""
    release: Release = request.param
    if release not in releases_here():
        pytest.skip(f"Neo4j {release.version} needs {release.needs}")
    return release


@pytest.fixture(scope="session")
def container(
    release: Release, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Neo4jServer]:
    """A server of each release in a container."""
    with container_server(tmp_path_factory.mktemp("container"), tag_of(release)) as server:
        pytestconfig.stash[TALLY].note(server)
        yield server


@pytest.fixture
def project(tmp_path: Path) -> UserProject:
    """The project of the page."""
    return new_project(tmp_path / "project")
