"""Stores by URL: ``memory:``, ``sqlite:///facts.db``, ``neo4j://host``, ``bundled``, other people's."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from anyio import to_thread

from lamlam.blocks import AsyncBlock
from lamlam.errors import BadStore, MissingExtra, UnknownBackend, UnknownOption
from lamlam.memory_backends.authoring import LocalStore
from lamlam.memory_backends.protocol import FactStore, index_option
from lamlam.memory_backends.sqlite.verdicts import OnVerify, Verdict

ENTRY_POINTS = "lamlam.memory_backends"
BUNDLED = "bundled"
_USER = re.compile(r":(/*).*@", re.DOTALL)
_IMMUTABLE = "?immutable="
_OPTIONS = re.compile(r"\?.*", re.DOTALL)


class BackendEntry(Protocol):
    """What an entry point names: opens the store behind a URL of its scheme."""

    def __call__(self, url: str, *, create: bool, read_only: bool) -> FactStore:
        """Return the open store."""
        ...


@dataclass(frozen=True, slots=True)
class BuiltInBackend:
    """A backend of lamlam."""

    schemes: tuple[str, ...]
    connect: Callable[[str, bool, bool], FactStore | None]
    """Returns the open store behind a URL (URL, create, read_only); ``None`` where the URL is not
    of its form."""
    urls: str
    """What its URLs look like, for messages."""
    is_remote: bool = False
    """Opening it waits for a server."""


def _memory(url: str, create: bool, read_only: bool) -> FactStore | None:
    url, index = _index_of(url)
    file = _file_of(url, "memory:///")
    if file is None and url not in ("memory:", "memory://"):
        return None
    from lamlam.memory_backends.networkx_graph.store import GraphStore

    return _indexed(GraphStore(file, create=create, read_only=read_only), index)


def _sqlite(url: str, create: bool, read_only: bool) -> FactStore | None:
    path, mark, value = url.partition(_IMMUTABLE)
    if mark:
        return _immutable_file(_file_of(path, "sqlite:///"), value)
    url, index = _index_of(url)
    file = _file_of(url, "sqlite:///")
    return None if file is None else _indexed(_sqlite_file(file, create, read_only), index)


def _immutable_file(file: Path | None, value: str) -> FactStore | None:
    """Open a file that nobody writes, without locks, so that any number of processes share it.

    Raises:
        UnknownOption: the option says another thing than yes.
        Unavailable: somebody writes it.
    """
    if file is None:
        return None
    if value != "yes":
        raise UnknownOption(f"immutable={value[:40]!r} does not exist", hint="immutable=yes does")
    from lamlam.memory_backends.sqlite.file_manifest import check_not_written
    from lamlam.memory_backends.sqlite.store import SqliteStore

    check_not_written(file)
    return SqliteStore(file, create=False, read_only=True, is_frozen=True)


def verify_file(
    where: str, *, write_manifest: bool = False, on_verify: OnVerify | None = None
) -> tuple[list[Verdict], Path | None]:
    """Check a whole fact file of SQLite, part by part, and against the manifest beside it.

    Args:
        where: the file, its URL or ``bundled``.
        write_manifest: if it is whole, write its manifest instead of comparing one.
        on_verify: is called with what is looked at, how much of it was, and of how much.

    Returns:
        What was found of each part, and where the manifest was written.

    Raises:
        StoreMissing: there is no file.
        BadStore: it is not a fact file at all.
        SchemaMismatch: it has to be upgraded first.
        Unavailable: it is being written, so that it gets no manifest.
    """
    from lamlam.bundled import facts_path
    from lamlam.memory_backends.sqlite.file_manifest import FileManifest, check_not_written
    from lamlam.memory_backends.sqlite.verification import verdicts_of

    path = facts_path() if where == BUNDLED else _file_of(where, "sqlite:///") or Path(where)
    if write_manifest:
        check_not_written(path)
    verdicts = list(verdicts_of(path, on_verify, has_manifest=not write_manifest))
    is_whole = all(verdict.is_whole for verdict in verdicts)
    if not (write_manifest and is_whole):
        return verdicts, None
    return verdicts, FileManifest.of(path).write_beside(path)


def _sqlite_file(file: Path, create: bool, read_only: bool) -> LocalStore:
    from lamlam.memory_backends.sqlite.store import SqliteStore

    return SqliteStore(file, create=create, read_only=read_only)


def _index_of(url: str) -> tuple[str, tuple[bool, bool] | None]:
    """Return a URL without its option ``search_index``, and what that says.

    Raises:
        UnknownOption: it says what does not exist.
    """
    path, mark, value = url.partition("?search_index=")
    return (path, index_option(value)) if mark else (url, None)


def _indexed(store: LocalStore, index: tuple[bool, bool] | None) -> LocalStore:
    """Turn the search index of a store on or off; one that is only read stays as it is."""
    if index is None or store.read_only:
        return store
    is_on, sources = index
    try:
        store.set_search_index_nowait(is_on, sources=sources)
    except BaseException:
        store.close_nowait()
        raise
    return store


def _neo4j(url: str, create: bool, read_only: bool) -> FactStore | None:
    if "://" not in url:
        return None
    if find_spec("neo4j") is None:
        raise MissingExtra("neo4j", "the driver of Neo4j")
    from lamlam.memory_backends.neo4j_graph.connect import connect_neo4j

    return connect_neo4j(url, create=create, read_only=read_only)


def _bundled(url: str, create: bool, read_only: bool) -> FactStore | None:
    if url != BUNDLED:
        return None
    from lamlam.bundled import facts_path
    from lamlam.memory_backends.sqlite.store import SqliteStore

    store = SqliteStore(facts_path(), read_only=True, is_frozen=True)
    store.is_packaged = True
    return store


_NEO4J = BuiltInBackend(
    ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc"),
    _neo4j,
    "neo4j://user:password@host:port/database",
    is_remote=True,
)
BUILT_IN = (
    BuiltInBackend(
        ("memory",), _memory, "memory:, memory:///relative.json, memory:////absolute.json"
    ),
    BuiltInBackend(("sqlite",), _sqlite, "sqlite:///relative.db, sqlite:////absolute.db"),
    _NEO4J,
    BuiltInBackend((BUNDLED,), _bundled, BUNDLED),
)
_BY_SCHEME = {scheme: backend for backend in BUILT_IN for scheme in backend.schemes}


def open_store(
    url: str | os.PathLike[str], *, create: bool = True, read_only: bool = False
) -> AbstractAsyncContextManager[FactStore]:
    """Open the store behind a URL for the ``async with`` block, and close it after.

    Args:
        url: ``memory:`` (gone when closed), ``memory:///relative.json`` or
            ``memory:////absolute.json`` (read now, written when closed),
            ``sqlite:///relative.db``, ``sqlite:////absolute.db``,
            ``?search_index=on`` behind it makes a search index, ``off`` removes it, ``sources``
            has sources in it too (`FactStore.set_search_index`);
            ``neo4j://user:password@host:port/database`` (options, this one among them, behind
            ``?``; also ``bolt``; ``+s`` and ``+ssc``
            for encrypted connections), ``bundled`` (read-only), a `Path` of a SQLite file, or
            a URL of a backend that another package brings (entry points
            ``lamlam.memory_backends``, named after the scheme).
        create: make the store where there is none.
        read_only: refuse every write; nothing is made.

    Raises:
        UnknownBackend: no backend has URLs of this form.
        UnknownOption: the backend has no such option, or a switch is neither True nor False.
        MissingExtra: the backend's packages are not installed.
        StoreMissing: there is no store and none may be made.
        BadStore: what is there is not a fact store.
        SchemaMismatch: a newer version wrote it.
    """
    return AsyncBlock(
        partial(_opened, url, create=create, read_only=read_only),
        what="open_store(...)",
        use="async with open_store(...) as store: ... (or with SyncFactStore(...) as store)",
    )


@asynccontextmanager
async def _opened(
    url: str | os.PathLike[str], *, create: bool, read_only: bool
) -> AsyncIterator[FactStore]:
    opening = partial(connect, url, create=create, read_only=read_only)
    backend = _BY_SCHEME.get(url.partition(":")[0]) if isinstance(url, str) else None
    # Waiting for a server must not hold up the caller's loop.
    is_remote = backend is not None and backend.is_remote
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
    for name, flag in (("create", create), ("read_only", read_only)):
        if not isinstance(flag, bool):
            raise UnknownOption(f"{name} must be True or False, got {flag!r}"[:120])
    if not isinstance(url, str):
        return _sqlite_file(_file(url), create, read_only)
    scheme = url.partition(":")[0]
    backend = _BY_SCHEME.get(scheme)
    if backend is not None:
        store = backend.connect(url, create, read_only)
        if store is not None:
            return store
    elif ":" in url:
        for entry in entry_points(group=ENTRY_POINTS, name=scheme):
            opener: BackendEntry = entry.load()
            return opener(url, create=create, read_only=read_only)
    if backend is not None:
        hint = f"write {backend.urls.replace(backend.schemes[0], scheme)}"
    elif url and ":" not in url and (Path(url).exists() or Path(url).suffix):
        hint = f"write sqlite:///{url}"
    else:
        others = sorted({f"{entry.name}:" for entry in entry_points(group=ENTRY_POINTS)})
        hint = f"known are {', '.join([_known(), *others])}"
    raise UnknownBackend(f"no backend for the URL {without_secrets(url)!r}", hint=hint)


def _known() -> str:
    return ", ".join(backend.urls for backend in BUILT_IN)


def no_url(given: object) -> UnknownBackend:
    """Return the error of something that is neither a URL nor a path."""
    return UnknownBackend(
        f"a memory must be a URL or a path, got {type(given).__name__}",
        hint=f"known are {_known()}",
    )


def without_secrets(url: str) -> str:
    """Return a URL as messages may show it: without user, password and options.

    >>> without_secrets("neo4j://ada:secret@host/facts?password=secret")
    'neo4j://…@host/facts?…'
    """
    scheme, _, rest = url.partition(":")
    if scheme in _NEO4J.schemes and not rest.startswith("//"):
        return f"{scheme}:…"
    return _OPTIONS.sub("?…", _USER.sub(r":\1…@", url, count=1))


def _file_of(url: str, beginning: str) -> Path | None:
    """Return the file that a URL names, if it names one.

    Raises:
        UnknownOption: it has options, which would otherwise become part of the file's name.
    """
    if not url.startswith(beginning) or len(url) == len(beginning):
        return None
    path, question_mark, options = url.partition("?")
    if question_mark:
        name = options.partition("=")[0].partition("&")[0]
        raise UnknownOption(
            f"{path} takes no options, and {name!r} is not one",
            hint="search_index= and, of sqlite, immutable= are; read_only= and create= are arguments; give a file"
            " with ? in its name as a Path",
        )
    return _file(url[len(beginning) :])


def _file(name: str | os.PathLike[str]) -> Path:
    """Return the path of a file, which may or may not be there.

    Raises:
        BadStore: no file can have that name.
    """
    path = Path(name)
    try:
        path.stat()
    except ValueError:
        raise BadStore(
            f"no file can be called {_shown(path)}: it contains NUL, or is not UTF-8"
        ) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise BadStore(f"no file can be called {_shown(path)}: it is too long") from None
    return path


def _shown(path: Path) -> str:
    text = str(path)
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def data_folder() -> Path:
    """Return the folder of the user's own facts; it need not exist. ``LAMLAM_HOME`` overrides it."""
    if home := os.environ.get("LAMLAM_HOME"):
        return Path(home)
    from platformdirs import user_data_path

    return user_data_path("lamlam", appauthor=False)


def user_facts_path() -> Path:
    """Return the path of the user's own fact file; it need not exist."""
    return data_folder() / "facts.db"
