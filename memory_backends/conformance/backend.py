"""`Backend`: what the laws have to know about a backend. Most authors set ``url`` and are done."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from lamlam.errors import UsageError
from lamlam.memory_backends.open import connect
from lamlam.memory_backends.protocol import Capability, FactStore

EXAMPLES_VARIABLE = "LAMLAM_CONFORMANCE_EXAMPLES"
_USUAL_EXAMPLES = 20
EXAMPLES = int(os.environ.get(EXAMPLES_VARIABLE, _USUAL_EXAMPLES))
"""Random examples per law that draws some."""


class Backend:
    """A backend under test: a subclass or an instance says how to get an empty store.

    >>> Backend("sqlite:///{folder}/facts.db").name
    'sqlite'
    """

    url: str = ""
    """Of an empty store: ``{folder}`` stands for a new folder, ``{name}`` for a new name."""
    name: str = ""
    """In reports; by default the scheme of the URL."""
    capabilities: frozenset[Capability] | None = None
    """What a writable store must declare; ``None``: whatever it does declare."""
    is_persistent: bool = True
    """The facts are still there when the store is opened again."""
    event_loop: str = "asyncio"
    """Or ``trio``; anyio's pytest plugin runs the laws on it."""
    is_slow: bool = False
    """Every call crosses a network: a quarter of the random rounds is compared with the oracle."""
    is_shrunk: bool = True
    """Random operations that break a law are made fewer, which may take minutes."""
    answers_within_s: float = 60.0
    """A server that stops answering must have become `Unavailable` by then."""

    def __init__(self, url: str | None = None, *, name: str | None = None) -> None:
        """Take the URL and the name of the class, or these.

        Raises:
            UsageError: no URL was given, or every store would be the same one.
        """
        self.url = url if url is not None else self.url
        self.name = name or self.name or self.url.partition(":")[0]
        if not self.url:
            raise UsageError(f"{type(self).__name__} has no url")

    # What a backend whose stores are made in another way overrides --------------------------------

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Yield the URL of an empty store, and remove the store after the block."""
        if self.is_persistent and "{folder}" not in self.url and "{name}" not in self.url:
            raise UsageError(
                f"invalid url: {self.url!r} names the same store each time",
                hint="write {folder} or {name} where each store has another folder or name",
            )
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            name = f"conformance_{secrets.token_hex(6)}"
            yield self.url.replace("{folder}", folder).replace("{name}", name)

    def connect(self, url: str, *, create: bool = True, read_only: bool = False) -> FactStore:
        """Return the open store behind a URL that `fresh` gave."""
        return connect(url, create=create, read_only=read_only)

    def files(self, url: str) -> Sequence[Path]:
        """Return the files that hold the store: an erased text must not be in their bytes."""
        return ()

    def address(self, url: str) -> tuple[str, int]:
        """Return host and port of the server, for `Capability.SERVER`."""
        parts = urlsplit(url)
        if not parts.hostname or not parts.port:
            raise UsageError(f"{self.name}: the URL has no host and port; override address()")
        return parts.hostname, parts.port

    def through(self, url: str, port: int) -> str:
        """Return the URL of the same store through another port of this machine."""
        parts = urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user}{at}127.0.0.1:{port}"))

    def old_stores(self, folder: Path) -> Mapping[str, str]:
        """Copy stores that released versions wrote into the folder; return their URLs by version.

        Each holds the fact that Ada Lovelace's birth place is London.
        """
        return {}

    @contextmanager
    def newer_store(self) -> Iterator[str | None]:
        """Yield the URL of a store of a schema that does not exist yet, or ``None`` if there is none."""
        yield None

    # For laws -------------------------------------------------------------------------------------

    @property
    def examples(self) -> int:
        """Random rounds that are compared with the oracle; a slow backend has fewer by default."""
        return EXAMPLES // 4 if self.is_slow and EXAMPLES == _USUAL_EXAMPLES else EXAMPLES

    @asynccontextmanager
    async def open(
        self, url: str, *, create: bool = True, read_only: bool = False
    ) -> AsyncIterator[FactStore]:
        """Open the store for the block."""
        store = self.connect(url, create=create, read_only=read_only)
        async with store:
            yield store


class Place:
    """One store of a backend, which a law may open, and open again."""

    def __init__(self, backend: Backend, url: str) -> None:
        self.backend = backend
        self.url = url

    @asynccontextmanager
    async def open(
        self, *, create: bool = True, read_only: bool = False
    ) -> AsyncIterator[FactStore]:
        """Open the store for the block."""
        async with self.backend.open(self.url, create=create, read_only=read_only) as store:
            yield store

    @asynccontextmanager
    async def another(self) -> AsyncIterator[FactStore]:
        """Open an empty store of the same backend for the block."""
        with self.backend.fresh() as url:
            async with self.backend.open(url) as store:
                yield store
