"""A Neo4j container that tests kill and start again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lamlam.testing.neo4j_containers import wait_for_container
from lamlam.testing.neo4j_servers import Neo4jServer


@contextmanager
def engine_client() -> Iterator[Any]:  # Any: docker has no types
    """The engine, as docker's own client has it."""
    from testcontainers.core.docker_client import DockerClient

    client = DockerClient().client
    try:
        yield client
    finally:
        client.close()


@dataclass(frozen=True, slots=True)
class KillableContainer:
    """The container of a server."""

    server: Neo4jServer

    @property
    def url(self) -> str:
        """As `lamlam.open_store` takes it."""
        return self.server.url

    def kill(self) -> None:
        """SIGKILL to all that runs in it."""
        with engine_client() as client:
            client.containers.get(self.server.container).kill()

    def start(self) -> None:
        """It runs again, on its own files, and answers."""
        with engine_client() as client:
            client.containers.get(self.server.container).start()
        wait_for_container(self.server)
