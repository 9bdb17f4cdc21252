"""Which Neo4j servers a run of the tests uses, and how many tests ran against them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from lamlam.errors import LamLamError, StoreMissing, Unavailable
from lamlam.testing.neo4j_containers import container_server, has_image, why_no_containers
from lamlam.testing.neo4j_search import ADDRESS_VARIABLE, Way, given_server
from lamlam.testing.neo4j_servers import Neo4jServer
from lamlam.testing.plugin import MARKER, REQUIRE_VARIABLE
from tests.neo4j_server.container_image import tag_of
from tests.neo4j_server.jdks import LTS, Release, releases_here
from tests.neo4j_server.native import NativeServer

REQUIRE_CONTAINERS = "LAMLAM_REQUIRE_CONTAINERS"


@contextmanager
def native_server(folder: Path, release: Release | None = None) -> Iterator[Neo4jServer]:
    """A server that needs Java alone: the given release, or the first that runs here.

    Raises:
        StoreMissing: no JDK fits, the jars cannot be had, or it ended at once.
    """
    if release is None:
        release = next(iter(releases_here()), LTS)
    with NativeServer(folder, release) as server:
        yield server.record()


@contextmanager
def our_container(folder: Path, release: Release = LTS) -> Iterator[Neo4jServer]:
    """A container of the image that `tests.neo4j_server.container_image` makes of a release.

    Where the engine that answers does not have it, that of the LTS is the official one.

    Raises:
        StoreMissing: no engine answers, or it has no such image.
    """
    if why := why_no_containers():
        raise _without_engine(why)
    image = tag_of(release)
    if not has_image(image):
        if release != LTS:
            raise _without_engine(f"the container engine has no image {image}")
        image = ""
    with container_server(folder, image or None) as server:
        yield server


def _without_engine(why: str) -> LamLamError:
    """Return what is raised: where an engine answered when the run began, none is a failure."""
    required = os.environ.get(REQUIRE_CONTAINERS) == "1"
    return Unavailable(f"{REQUIRE_CONTAINERS}=1, yet {why}") if required else StoreMissing(why)


def ways_to(release: Release) -> tuple[Way, ...]:
    """Where a server of one release comes from: a container, or Java alone."""
    return (partial(our_container, release=release), partial(native_server, release=release))


OUR_WAYS: tuple[Way, ...] = (given_server, our_container, native_server)


class Neo4jTally:
    """Counts the tests that ran against Neo4j; a pytest plugin."""

    def __init__(self, *, is_expected: bool) -> None:
        """Start at zero.

        Args:
            is_expected: the run is meant to hold tests against Neo4j.
        """
        self.n_ran = 0
        self._servers: list[str] = []
        self._is_expected = is_expected

    @contextmanager
    def counted(self, starting: AbstractContextManager[Neo4jServer]) -> Iterator[Neo4jServer]:
        """Start a server; the summary says where it came from, and how long that took."""
        began = time.monotonic()
        with starting as server:
            seconds = time.monotonic() - began
            self._servers.append(f"{server.version}, {server.found_by}, up in {seconds:.1f} s")
            yield server

    @property
    def is_missing(self) -> bool:
        """Nothing ran, though tests against Neo4j were required."""
        required = os.environ.get(REQUIRE_VARIABLE) == "1"
        return self._is_expected and required and self.n_ran == 0

    def pytest_report_header(self) -> str:
        """Where the server will come from."""
        if os.environ.get(ADDRESS_VARIABLE):
            return f"neo4j: {ADDRESS_VARIABLE}"
        versions = ", ".join(release.version for release in releases_here())
        return f"neo4j: a container where an engine answers, else by Java: {versions or 'no JDK'}"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once, when its body has run."""
        if report.when == "call" and not report.skipped and MARKER in report.keywords:
            self.n_ran += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """The run fails if required tests did not run."""
        if self.is_missing and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many tests ran, against what."""
        used = "; ".join(self._servers)
        if self.n_ran or self._is_expected:
            line = f"neo4j: {self.n_ran} tests ran" + (f" ({used})" if used else "")
            terminalreporter.write_line(line, red=self.is_missing)
        if self.is_missing:
            terminalreporter.write_line(f"{REQUIRE_VARIABLE}=1, yet none ran", red=True)
