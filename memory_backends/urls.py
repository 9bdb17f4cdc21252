"""Stores by URL: ``memory:``, ``sqlite:///facts.db``, ``bundled`` and other people's."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

from lamlam.errors import UnknownBackend
from lamlam.memory_backends.protocol import FactStore

ENTRY_POINTS = "lamlam.memory_backends"
BUNDLED = "bundled"
_SQLITE = "sqlite:///"
_KNOWN = "memory:, sqlite:///relative.db, sqlite:////absolute.db, bundled"


class Backend(Protocol):
    """What an entry point names: opens the store behind a URL of its scheme."""

    def __call__(self, url: str, *, create: bool, read_only: bool) -> FactStore:
        """Return the open store."""
        ...


@asynccontextmanager
async def open_store(
    url: str | os.PathLike[str], *, create: bool = True, read_only: bool = False
) -> AsyncIterator[FactStore]:
    """The store behind a URL is open inside the ``async with`` block, and closed after it.

    Args:
        url: ``memory:`` (gone when closed), ``sqlite:///relative.db``,
            ``sqlite:////absolute.db``, ``bundled`` (read-only), a `Path`, or a URL of a
            backend that another package brings (entry points ``lamlam.memory_backends``,
            named after the scheme).
        create: make the store where there is none.
        read_only: refuse every write; nothing is made.

    Raises:
        UnknownBackend: no backend answers to this URL.
        StoreMissing: there is no store and none may be made.
        BadStore: what is there is no fact store.
        SchemaMismatch: a newer version wrote it.
    """
    store = connect(url, create=create, read_only=read_only)
    try:
        yield store
    finally:
        await store.aclose()


def connect(
    url: str | os.PathLike[str], *, create: bool = True, read_only: bool = False
) -> FactStore:
    """Return the open store behind a URL, as `open_store` does; the caller closes it."""
    if not isinstance(url, str):
        from lamlam.memory_backends.sqlite_store import SqliteStore

        return SqliteStore(Path(url), create=create, read_only=read_only)
    scheme = url.partition(":")[0]
    if url == BUNDLED:
        from lamlam.bundled import facts_path
        from lamlam.memory_backends.sqlite_store import SqliteStore

        return SqliteStore(facts_path(), read_only=True, is_frozen=True)
    if url in ("memory:", "memory://"):
        from lamlam.memory_backends.networkx_graph import GraphStore

        return GraphStore(read_only=read_only)
    if url.startswith(_SQLITE) and len(url) > len(_SQLITE):
        from lamlam.memory_backends.sqlite_store import SqliteStore

        return SqliteStore(Path(url[len(_SQLITE) :]), create=create, read_only=read_only)
    if ":" in url and scheme not in ("sqlite", "memory"):
        for entry in entry_points(group=ENTRY_POINTS, name=scheme):
            backend: Backend = entry.load()
            return backend(url, create=create, read_only=read_only)
    hint = f"known are {_KNOWN}"
    if scheme == "sqlite":
        hint = f"write {_SQLITE}relative.db or {_SQLITE}/absolute.db"
    elif ":" not in url and (Path(url).exists() or Path(url).suffix):
        hint = f"write {_SQLITE}{url}"
    raise UnknownBackend(f"no memory answers to {url!r}", hint=hint)


def data_folder() -> Path:
    """The folder of the user's own facts; it need not exist. ``LAMLAM_HOME`` overrides it."""
    if home := os.environ.get("LAMLAM_HOME"):
        return Path(home)
    from platformdirs import user_data_path

    return user_data_path("lamlam", appauthor=False)


def user_facts_path() -> Path:
    """The user's own fact file; it need not exist."""
    return data_folder() / "facts.db"
