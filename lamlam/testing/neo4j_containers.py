"""A Neo4j server in a container, started and removed by the package ``testcontainers``."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lamlam.errors import LamLamError, StoreMissing, Unavailable, UsageError
from lamlam.testing.neo4j_servers import Neo4jServer, answering, url_of

if TYPE_CHECKING:
    from testcontainers.community.neo4j import Neo4jContainer

IMAGE = "neo4j:5.26-community"
IMAGE_VARIABLE = "LAMLAM_NEO4J_IMAGE"
MEMORY_VARIABLE = "LAMLAM_NEO4J_MEMORY"
LABEL = "lamlam-tests"
_NAME = "lamlam-neo4j-"
_TAIL = 15  # lines of a log that an error shows
_TRIES = 5  # ports
_POLL_S = 0.25
_START_TIMEOUT_S = 150.0
# A quarter of the machine's memory would be the server's default, for every test session.
_SETTINGS = {
    "NEO4J_server_memory_heap_initial__size": "256m",
    "NEO4J_server_memory_heap_max__size": "512m",
    "NEO4J_server_memory_pagecache_size": "64m",
}


@contextmanager
def container_server(folder: Path, image: str | None = None) -> Iterator[Neo4jServer]:
    """Start a container, and remove it with its volumes afterwards.

    Args:
        folder: not used: a container keeps its files itself.
        image: which one; without it that of ``LAMLAM_NEO4J_IMAGE``, or the usual one.

    Raises:
        StoreMissing: no container engine answers, or the usual image cannot be had.
        UsageError: the image that was named cannot be had, or the memory is not an amount.
        Unavailable: the container ended before its server answered, or cannot be removed.
    """
    if why := why_no_containers():
        raise StoreMissing(why)
    named = image or os.environ.get(IMAGE_VARIABLE)
    container = _started(named or IMAGE, is_named=named is not None)
    try:
        yield container[1]
    finally:
        _remove(container[0], container[1].container)


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

            client = DockerClient().client
            client.ping()
            client.close()
        except ImportError:
            return "testcontainers is not installed"
        except Exception as error:  # docker and requests each have their own
            reason = f"no container engine answers ({error})"
        else:
            return None
        gc.collect()
    return reason


def has_image(image: str) -> bool:
    """Return whether the engine that answers has an image."""
    from docker.errors import ImageNotFound
    from testcontainers.core.docker_client import DockerClient

    client = DockerClient().client
    try:
        client.images.get(image)
    except ImageNotFound:
        return False
    finally:
        client.close()
    return True


def _started(image: str, *, is_named: bool) -> tuple[Neo4jContainer, Neo4jServer]:
    """Start a container on a port that it keeps when it is started again.

    A port that the engine picks would be another one after each start.
    """
    password = secrets.token_hex(8)
    for number in range(_TRIES):
        container, name = _container(image, password)
        try:
            container.start()
            url = url_of(urlsplit(container.get_connection_url()).netloc, "neo4j", password)
            found = f"container {name} of {image}"
            server = Neo4jServer(url, "", found, is_ours=True, container=name)
            return container, answering(server)
        except BaseException as error:
            is_taken = _is_port_taken(error) and number < _TRIES - 1
            reason = None if is_taken else _reason(container, image, error, is_named=is_named)
            with suppress(Exception):  # the engine may be gone: the reason above says so
                container.stop()
            if reason is not None:
                raise reason from error
            if not is_taken:
                raise
    raise AssertionError("the last try returns or raises")


def _container(image: str, password: str) -> tuple[Neo4jContainer, str]:
    try:
        from testcontainers.community.neo4j import Neo4jContainer
    except ImportError:  # testcontainers before 4.15
        from testcontainers.neo4j import Neo4jContainer
    name = f"{_NAME}{secrets.token_hex(4)}"
    container = Neo4jContainer(image, username="neo4j", password=password)
    container.with_name(name).with_bind_ports(7687, _free_port())
    for variable, value in _SETTINGS.items():
        container.with_env(variable, value)
    limit = os.environ.get(MEMORY_VARIABLE)
    container.with_kwargs(labels={LABEL: "fixture"}, **({"mem_limit": limit} if limit else {}))
    return container, name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_port_taken(error: BaseException) -> bool:
    told = str(error)
    return "port is already allocated" in told or "address already in use" in told


def _reason(
    container: Neo4jContainer, image: str, error: BaseException, *, is_named: bool
) -> LamLamError | None:
    """Return what a user is told about a container that did not start."""
    if isinstance(error, LamLamError) or not isinstance(error, Exception):
        return None
    wrapped = container._container  # `get_wrapped_container` raises where there is none yet
    if wrapped is None:
        return _without_container(image, error, is_named=is_named)
    limit = os.environ.get(MEMORY_VARIABLE)
    more = f"give it more than {MEMORY_VARIABLE}={limit}" if limit else "look at its last lines"
    return Unavailable(
        f"Neo4j in a container of {image} did not start: {state_of(wrapped) or error}", hint=more
    )


def _without_container(image: str, error: Exception, *, is_named: bool) -> LamLamError:
    from docker.errors import ImageNotFound, NotFound

    told = " ".join(str(error).split())
    if "memory" in told.lower():
        return UsageError(
            f"{MEMORY_VARIABLE}={os.environ.get(MEMORY_VARIABLE)!r} is not an amount of memory"
            f" that the container engine takes: {told}",
            hint=f"write {MEMORY_VARIABLE}=1g, or leave it out",
        )
    if why := why_no_containers():
        return Unavailable(f"the container engine went away: {why}", hint="start it again")
    missing = "is not there" if isinstance(error, ImageNotFound | NotFound) else "cannot be had"
    message = f"the image {image} {missing}: {told}"
    if is_named:
        hint = f"correct {IMAGE_VARIABLE}; `docker pull {image}` says whether there is one"
        return UsageError(message, hint=hint)
    return StoreMissing(message, hint=f"run `docker pull {image}` while the registry is reachable")


def state_of(container: Any) -> str:  # Any: docker has no types
    """Return how a container ended and its last lines; nothing if it runs.

    Args:
        container: as the engine's client has it.
    """
    with suppress(Exception):  # an engine that is gone is told by what is tried next
        container.reload()
        state = container.attrs["State"]
        if state["Running"]:
            return ""
        memory = ", out of memory" if state.get("OOMKilled") else ""
        tail = container.logs(tail=_TAIL).decode(errors="replace").strip()
        return f"it ended (status {state['ExitCode']}{memory}). Its last lines:\n{tail}"
    return ""


def _remove(container: Neo4jContainer, name: str) -> None:
    """Remove the container.

    Raises:
        Unavailable: the engine does not do it.
    """
    from docker.errors import NotFound

    try:
        container.stop()
    except NotFound:
        return  # by somebody else
    except Exception as error:
        raise Unavailable(
            f"the container engine did not remove {name}: {error}",
            hint=f"when it answers again, run: docker rm --force --volumes {name}",
        ) from error


def wait_for_container(server: Neo4jServer) -> None:
    """Return when the server in a container answers; a test may just have started it again.

    Raises:
        Unavailable: the container ended, with its last lines; or the engine is gone.
    """
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        try:
            answering(server)
            return
        except Unavailable as error:
            why = _why_gone(server.container)
            if why is None and time.monotonic() < deadline:
                time.sleep(_POLL_S)  # it runs: the server in it is about to answer
                continue
            told, hint = why or (str(error), f"look at it: docker logs {server.container}")
            message = f"the Neo4j server of these tests is gone: {told}"
            raise Unavailable(message, hint=hint) from error


def _why_gone(name: str) -> tuple[str, str] | None:
    """Return what happened to a container and what to do; ``None`` while it runs."""
    from docker.errors import NotFound
    from testcontainers.core.docker_client import DockerClient

    if why := why_no_containers():
        return why, "start the container engine again, and then the tests"
    client = DockerClient().client
    try:
        state = state_of(client.containers.get(name))
    except NotFound:
        return f"the container {name} was removed", "let the fixture remove it"
    finally:
        client.close()
    hint = f"set {MEMORY_VARIABLE}=2g if it is short of memory; `docker start {name}` in a test"
    return (f"the container {name}: {state}", f"{hint} brings it back") if state else None
