"""Stores by URL: ``memory:``, ``sqlite:///facts.db``, ``neo4j://host``, ``bundled``, other people's."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from anyio import to_thread

from lamlam.errors import BadStore, MissingExtra, UnknownBackend, UnknownOption
from lamlam.memory_backends.protocol import FactStore

ENTRY_POINTS = "lamlam.memory_backends"
BUNDLED = "bundled"
_SQLITE = "sqlite:///"
_MEMORY = "memory:///"
_NEO4J = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
_KNOWN = (
    "memory:, memory:///file.json, sqlite:///relative.db, sqlite:////absolute.db,"
    " neo4j://user:password@host:port/database, bundled"
)
_USER = re.compile(r":(/*).*@", re.DOTALL)
_OPTIONS = re.compile(r"\?.*", re.DOTALL)


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
        url: ``memory:`` (gone when closed), ``memory:///relative.json`` or
            ``memory:////absolute.json`` (read now, written when closed),
            ``sqlite:///relative.db``, ``sqlite:////absolute.db``,
            ``neo4j://user:password@host:port/database`` (also ``bolt``; ``+s`` and ``+ssc``
            for encrypted connections), ``bundled`` (read-only), a `Path` of a SQLite file, or
            a URL of a backend that another package brings (entry points
            ``lamlam.memory_backends``, named after the scheme).
        create: make the store where there is none.
        read_only: refuse every write; nothing is made.

    Raises:
        UnknownBackend: no backend answers to this URL.
        UnknownOption: the backend has no such option.
        MissingExtra: the backend's packages are not installed.
        StoreMissing: there is no store and none may be made.
        BadStore: what is there is no fact store.
        SchemaMismatch: a newer version wrote it.
    """
    opening = partial(connect, url, create=create, read_only=read_only)
    is_remote = isinstance(url, str) and url.partition(":")[0] in _NEO4J
    # Neo4j is waited for, which must not hold up the caller's loop.
    store = await to_thread.run_sync(opening) if is_remote else opening()
    try:
        yield store
    finally:
        await store.aclose()


def connect(
    url: str | os.PathLike[str], *, create: bool = True, read_only: bool = False
) -> FactStore:
    """Return the open store behind a URL, as `open_store` does; the caller closes it."""
    if not isinstance(url, str | os.PathLike):
        raise no_url(url)
    if not isinstance(url, str):
        from lamlam.memory_backends.sqlite.store import SqliteStore

        return SqliteStore(_file(url), create=create, read_only=read_only)
    scheme = url.partition(":")[0]
    if url == BUNDLED:
        from lamlam.bundled import facts_path
        from lamlam.memory_backends.sqlite.store import SqliteStore

        return SqliteStore(facts_path(), read_only=True, is_frozen=True)
    if url in ("memory:", "memory://") or _names_file(url, _MEMORY):
        from lamlam.memory_backends.networkx_graph.store import GraphStore

        file = _file(url[len(_MEMORY) :]) if _names_file(url, _MEMORY) else None
        return GraphStore(file, create=create, read_only=read_only)
    if _names_file(url, _SQLITE):
        from lamlam.memory_backends.sqlite.store import SqliteStore

        return SqliteStore(_file(url[len(_SQLITE) :]), create=create, read_only=read_only)
    if scheme in _NEO4J and url.startswith(f"{scheme}://"):
        if find_spec("neo4j") is None:
            raise MissingExtra("neo4j", "the driver of Neo4j")
        from lamlam.memory_backends.neo4j_graph.store import connect_neo4j

        return connect_neo4j(url, create=create, read_only=read_only)
    if ":" in url and scheme not in ("sqlite", "memory", *_NEO4J):
        for entry in entry_points(group=ENTRY_POINTS, name=scheme):
            backend: Backend = entry.load()
            return backend(url, create=create, read_only=read_only)
    others = sorted({f"{entry.name}:" for entry in entry_points(group=ENTRY_POINTS)})
    hint = f"known are {', '.join([_KNOWN, *others])}"
    if scheme == "sqlite":
        hint = f"write {_SQLITE}relative.db or {_SQLITE}/absolute.db"
    elif scheme == "memory":
        hint = f"write memory:, {_MEMORY}relative.json or {_MEMORY}/absolute.json"
    elif scheme in _NEO4J:
        hint = f"write {scheme}://user:password@host:port/database"
    elif url and ":" not in url and (Path(url).exists() or Path(url).suffix):
        hint = f"write {_SQLITE}{url}"
    raise UnknownBackend(f"no memory answers to {without_secrets(url)!r}", hint=hint)


def no_url(given: object) -> UnknownBackend:
    """Return the error of something that names no memory at all."""
    return UnknownBackend(
        f"a memory is named by a URL or a path, not by {type(given).__name__}",
        hint=f"known are {_KNOWN}",
    )


def without_secrets(url: str) -> str:
    """Return a URL as messages may show it: without user, password and options.

    >>> without_secrets("neo4j://ada:secret@host/facts?password=secret")
    'neo4j://…@host/facts?…'
    """
    scheme, _, rest = url.partition(":")
    if scheme in _NEO4J and not rest.startswith("//"):
        return f"{scheme}:…"
    return _OPTIONS.sub("?…", _USER.sub(r":\1…@", url, count=1))


def _names_file(url: str, beginning: str) -> bool:
    """True for the URL of a file.

    Raises:
        UnknownOption: it has options, which would otherwise become part of the file's name.
    """
    if not url.startswith(beginning) or len(url) == len(beginning):
        return False
    path, question_mark, options = url.partition("?")
    if question_mark:
        name = options.partition("=")[0].partition("&")[0]
        raise UnknownOption(
            f"{path} takes no options, and {name!r} is none",
            hint="read_only= and create= are arguments; give a file with ? in its name as a Path",
        )
    return True


def _file(name: str | os.PathLike[str]) -> Path:
    """The path of a file, which may or may not be there.

    Raises:
        BadStore: no file can have that name.
    """
    path = Path(name)
    try:
        path.stat()
    except ValueError:
        raise BadStore(f"no file can be called {_shown(path)}: it holds NUL, or no text") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise BadStore(f"no file can be called {_shown(path)}: it is too long") from None
    return path


def _shown(path: Path) -> str:
    text = str(path)
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def data_folder() -> Path:
    """The folder of the user's own facts; it need not exist. ``LAMLAM_HOME`` overrides it."""
    if home := os.environ.get("LAMLAM_HOME"):
        return Path(home)
    from platformdirs import user_data_path

    return user_data_path("lamlam", appauthor=False)


def user_facts_path() -> Path:
    """The user's own fact file; it need not exist."""
    return data_folder() / "facts.db"
