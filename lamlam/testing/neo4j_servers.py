"""The Neo4j server that tests run against, and where it comes from."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from lamlam.errors import StoreMissing, Unavailable, UsageError

ADDRESS_VARIABLE = "LAMLAM_TEST_NEO4J"
IMAGE = "neo4j:5.26-community"
_EXAMPLE = "neo4j://neo4j:secret@localhost:7687"


@dataclass(frozen=True, slots=True)
class Neo4jServer:
    """A Neo4j server that answers."""

    url: str = field(repr=False)  # pytest shows the repr of a fixture in tracebacks
    """As `lamlam.open_store` takes it: user, password and, if it has one, database in it."""
    version: str
    """As the server reports it: ``5.26.12``, ``2026.08.1``."""
    found_by: str
    """Where it was found, in words."""
    is_ours: bool
    """Started for these tests: everything in it may be deleted."""

    @property
    def address(self) -> str:
        """``neo4j://HOST:PORT``, as the Neo4j driver takes it."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def user(self) -> str:
        """The user's name."""
        return unquote(urlsplit(self.url).username or "")

    @property
    def password(self) -> str:
        """The user's password."""
        return unquote(urlsplit(self.url).password or "")

    @property
    def database(self) -> str | None:
        """The database that the URL names; ``None`` for the user's home database."""
        return unquote(urlsplit(self.url).path.strip("/")) or None


Way = Callable[[Path], AbstractContextManager[Neo4jServer]]
"""Yields a server, which may keep its files in the folder, or raises `StoreMissing`."""


@contextmanager
def given_server(folder: Path) -> Iterator[Neo4jServer]:
    """Yield the server that ``LAMLAM_TEST_NEO4J`` names.

    Raises:
        StoreMissing: the variable is not set.
        UsageError: its value is not a URL with user and password.
        Unavailable: the server does not answer, or refuses the user.
    """
    url = os.environ.get(ADDRESS_VARIABLE, "")
    if not url:
        raise StoreMissing(f"{ADDRESS_VARIABLE} is not set")
    parts = urlsplit(url)
    if not (parts.scheme and parts.hostname and parts.username and parts.password):
        # The value is not shown: it may hold a password.
        raise UsageError(
            f"{ADDRESS_VARIABLE} is not a URL with user and password", hint=f"write {_EXAMPLE}"
        )
    server = Neo4jServer(url, "", ADDRESS_VARIABLE, is_ours=False)
    yield answering(server)


@contextmanager
def container_server(folder: Path) -> Iterator[Neo4jServer]:
    """Start a container with the package ``testcontainers``, and remove it afterwards.

    Raises:
        StoreMissing: no container engine answers, or the image cannot be had.
    """
    if why := why_no_containers():
        raise StoreMissing(why)
    try:
        from testcontainers.community.neo4j import Neo4jContainer
    except ImportError:  # testcontainers before 4.15
        from testcontainers.neo4j import Neo4jContainer
    password = secrets.token_hex(8)
    with ExitStack() as stack:
        try:
            container = stack.enter_context(
                Neo4jContainer(IMAGE, username="neo4j", password=password)
            )
        except Exception as error:  # docker, requests and testcontainers each have their own
            raise StoreMissing(f"the container {IMAGE} did not start: {error}") from error
        host_and_port = urlsplit(container.get_connection_url()).netloc
        url = url_of(host_and_port, "neo4j", password)
        yield answering(Neo4jServer(url, "", f"container {IMAGE}", is_ours=True))


def why_no_containers() -> str | None:
    """Return why no container can be started here; ``None`` if one can. Takes milliseconds."""
    import gc
    import warnings

    # A client that fails to connect leaves its socket to the garbage collector, which
    # warns: an error in test runs that make errors of warnings.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from testcontainers.core.docker_client import DockerClient

            DockerClient().client.ping()
        except ImportError:
            return "testcontainers is not installed"
        except Exception as error:  # docker and requests each have their own
            reason = f"no container engine answers ({error})"
        else:
            return None
        gc.collect()
    return reason


@contextmanager
def installed_server(folder: Path) -> Iterator[Neo4jServer]:
    """Run the installed Neo4j with temporary data and settings and a free port.

    Raises:
        StoreMissing: none is installed, or it does not start.
    """
    from lamlam.testing.neo4j_install import find_install, run_install

    program = find_install()
    if program is None:
        raise StoreMissing("NEO4J_HOME is not set and there is no neo4j on PATH")
    with run_install(program, folder) as url:
        yield answering(Neo4jServer(url, "", f"installed {program}", is_ours=True))


WAYS: tuple[Way, ...] = (given_server, container_server, installed_server)


@contextmanager
def running_neo4j(folder: Path, ways: Sequence[Way] = WAYS) -> Iterator[Neo4jServer]:
    """Yield a Neo4j server that answers; one that was started for this ends afterwards.

    Args:
        folder: may be filled by a server that is started.
        ways: where to look, the first that gives one wins.

    Raises:
        StoreMissing: none of the ways gives one, with the reason of each; or there is no driver.
        UsageError, Unavailable: ``LAMLAM_TEST_NEO4J`` names one that cannot be used.
    """
    if find_spec("neo4j") is None:
        raise StoreMissing(
            "the Neo4j driver is not installed", hint="run: pip install 'lamlam[neo4j]'"
        )
    reasons = []
    for way in ways:
        with ExitStack() as stack:
            try:
                server = stack.enter_context(way(folder))
            except StoreMissing as why:
                reasons.append(str(why))
                continue
            yield server
            return
    raise StoreMissing(
        f"no Neo4j server to test against: {'; '.join(reasons)}",
        hint=f"set {ADDRESS_VARIABLE}={_EXAMPLE}, start a container engine, "
        "or install Neo4j and set NEO4J_HOME",
    )


def answering(server: Neo4jServer) -> Neo4jServer:
    """Return the server with the version that it reports.

    Raises:
        Unavailable: it does not answer, or refuses the user.
    """
    from neo4j import GraphDatabase
    from neo4j.exceptions import DriverError, Neo4jError

    try:
        with GraphDatabase.driver(server.address, auth=(server.user, server.password)) as driver:
            agent = driver.get_server_info().agent
    except (DriverError, Neo4jError) as error:
        raise Unavailable(
            f"the Neo4j server at {server.address} ({server.found_by}) cannot be used: {error}",
            hint="check that it runs, and its address, user and password",
        ) from error
    version = agent.rpartition("/")[2]
    return Neo4jServer(server.url, version, server.found_by, server.is_ours)


def url_of(host_and_port: str, user: str, password: str) -> str:
    """Return the URL of a server, with user and password escaped."""
    return f"neo4j://{quote(user, safe='')}:{quote(password, safe='')}@{host_and_port}"
