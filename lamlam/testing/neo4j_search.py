"""Where the Neo4j server of tests comes from: an address, a container, or an installed one."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from lamlam.errors import StoreMissing, Unavailable, UsageError
from lamlam.testing.neo4j_containers import container_server
from lamlam.testing.neo4j_servers import Neo4jServer, answering

ADDRESS_VARIABLE = "LAMLAM_TEST_NEO4J"
WAIT_VARIABLE = "LAMLAM_TEST_NEO4J_WAIT"
_POLL_S = 0.25
_EXAMPLE = "neo4j://neo4j:secret@localhost:7687"

Way = Callable[[Path], AbstractContextManager[Neo4jServer]]
"""Yields a server, which may keep its files in the folder, or raises `StoreMissing`."""


@contextmanager
def given_server(folder: Path) -> Iterator[Neo4jServer]:
    """Yield the server that ``LAMLAM_TEST_NEO4J`` names.

    Raises:
        StoreMissing: the variable is not set.
        UsageError: its value is not a URL with user and password.
        Unavailable: the server does not answer in ``LAMLAM_TEST_NEO4J_WAIT`` seconds (none
            without it), or refuses the user.
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
    yield _answering_soon(Neo4jServer(url, "", ADDRESS_VARIABLE, is_ours=False), _wait_s())


def _wait_s() -> float:
    """Return how many seconds a server that was named may need until it answers."""
    given = os.environ.get(WAIT_VARIABLE) or "0"
    with suppress(ValueError):
        seconds = float(given)
        if 0 <= seconds < math.inf:
            return seconds
    raise UsageError(
        f"{WAIT_VARIABLE} must be a number of seconds, got {given[:40]!r}",
        hint=f"write {WAIT_VARIABLE}=60, or leave it out",
    )


def _answering_soon(server: Neo4jServer, seconds: float) -> Neo4jServer:
    """Return the server when it answers; a refused password is not waited for."""
    from neo4j.exceptions import ServiceUnavailable, SessionExpired

    deadline = time.monotonic() + seconds
    while True:
        try:
            return answering(server)
        except Unavailable as error:
            is_absent = isinstance(error.__cause__, ServiceUnavailable | SessionExpired)
            if not is_absent or time.monotonic() >= deadline:
                raise
            time.sleep(_POLL_S)


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
