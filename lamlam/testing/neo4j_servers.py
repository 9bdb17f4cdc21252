"""The Neo4j server that tests run against."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote, urlsplit

from lamlam.errors import Unavailable


@dataclass(frozen=True, slots=True)
class Neo4jServer:
    """A Neo4j server that answers."""

    url: str = field(repr=False)  # pytest shows the repr of a fixture in tracebacks
    """As `lamlam.open_store` takes it: user, password and, if it has one, database in it."""
    version: str
    """As the server reports it: ``5.26.31``, ``2026.09.0``."""
    found_by: str
    """Where it was found, in words."""
    is_ours: bool
    """Started for these tests: everything in it may be deleted."""
    container: str = ""
    """The name of its container, if it is in one."""

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
    return replace(server, version=version)


def url_of(host_and_port: str, user: str, password: str) -> str:
    """Return the URL of a server, with user and password escaped."""
    return f"neo4j://{quote(user, safe='')}:{quote(password, safe='')}@{host_and_port}"
