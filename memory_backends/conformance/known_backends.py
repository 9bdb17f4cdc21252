"""The backends that lamlam brings, as the laws know them, and any other by its URL."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lamlam.memory_backends.conformance.backend import Backend

if TYPE_CHECKING:
    from lamlam.testing.neo4j_servers import Neo4jServer

_SQLITE = "sqlite:///"
_MEMORY = "memory:///"


class MemoryBackend(Backend):
    """NetworkX without a file."""

    url = "memory:"
    is_persistent = False


class MemoryFileBackend(Backend):
    """NetworkX, kept in a file."""

    url = "memory:///{folder}/facts.json"
    name = "memory file"

    def files(self, url: str) -> Sequence[Path]:
        """Return the file, which is written when the store is closed and after an erasure."""
        return [Path(url.removeprefix(_MEMORY))]


class SqliteBackend(Backend):
    """SQLite."""

    url = "sqlite:///{folder}/facts.db"

    def __init__(self, old_files: Mapping[str, Path] | None = None) -> None:
        """Take stores that released versions wrote, by version."""
        super().__init__()
        self._old_files = dict(old_files or {})

    def files(self, url: str) -> Sequence[Path]:
        """Return the database, its log and its index of the log."""
        path = Path(url.removeprefix(_SQLITE))
        return [path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))]

    def old_stores(self, folder: Path) -> Mapping[str, str]:
        """Copy the files that were given."""
        copies = {version: folder / f"{version}.db" for version in self._old_files}
        for version, copy in copies.items():
            shutil.copy(self._old_files[version], copy)
        return {version: f"{_SQLITE}{copy}" for version, copy in copies.items()}

    @contextmanager
    def newer_store(self) -> Iterator[str | None]:
        """Make a store whose schema number is one higher than the newest."""
        with self.fresh() as url:
            self.connect(url).close_nowait()  # type: ignore[attr-defined]  # SQLite's own
            with closing(sqlite3.connect(url.removeprefix(_SQLITE))) as connection:
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                connection.execute(f"PRAGMA user_version = {version + 1}")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            yield url


class Neo4jBackend(Backend):
    """Neo4j; on a server that also holds other data, each store has labels that no other has."""

    name = "neo4j"
    is_slow = True

    def __init__(self, server: Neo4jServer) -> None:
        """Take the server."""
        super().__init__(server.url)
        self._server = server

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Make an empty store; two at the same time have different labels."""
        from lamlam.testing.neo4j_stores import fresh_url

        with fresh_url(self._server) as url:
            yield url

    def through(self, url: str, port: int) -> str:
        """Return a ``bolt`` URL: with ``neo4j`` the driver would connect to the address that the server names."""
        parts = urlsplit(super().through(url, port))
        joint = "&" if parts.query else ""
        query = f"{parts.query}{joint}timeout=20"
        return parts._replace(scheme=parts.scheme.replace("neo4j", "bolt"), query=query).geturl()


def described(url: str) -> Backend:
    """Return the backend behind a URL: those of lamlam by scheme, any other as `Backend` is.

    Raises:
        UsageError: every store would be the same one.
        Unavailable: a server that does not answer.
    """
    scheme = url.partition(":")[0]
    if url in ("memory:", "memory://"):
        return MemoryBackend()
    for backend in (MemoryFileBackend, SqliteBackend):
        if url.startswith(backend.url.partition("{")[0]) and "{folder}" in url:
            made = backend()
            made.url = url
            return made
    if scheme.partition("+")[0] in ("neo4j", "bolt"):
        from lamlam.testing.neo4j_servers import Neo4jServer, answering

        return Neo4jBackend(answering(Neo4jServer(url, "", "the command line", is_ours=False)))
    backend_of_url = Backend(url)
    with backend_of_url.fresh():  # refuses a URL that is one and the same store each time
        return backend_of_url
