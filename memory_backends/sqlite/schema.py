"""The schema of a fact file, its connections, and how a file is recognised, created and refused."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from lamlam.errors import (
    BadStore,
    FactStoreError,
    ReadOnly,
    SchemaMismatch,
    StoreMissing,
    Unavailable,
)
from lamlam.memory_backends.model.keys import KEY_VERSION
from lamlam.memory_backends.sqlite import near_blocks
from lamlam.memory_backends.sqlite.column_types import has_wrong_types
from lamlam.special_files import what_else

SCHEMA_VERSION = 3
OLDEST_READ = 2
"""Files of this schema are read without an upgrade; older ones need it."""
APPLICATION_ID = 0x6C616D31
"""Marks a SQLite file as ours ("lam1")."""
_HEADER = b"SQLite format 3\0"
_BUSY_S = 5.0
_UNWRITABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_WRITER_CACHE_KIB = 32_768
_READER_CACHE_KIB = 32_768

_FIRST = (
    # One row holds all that is known of an entity. `id` is a 64-bit hash of its scoped
    # canonical name; a name whose place is taken goes to the next free id.
    "CREATE TABLE ent (id INTEGER PRIMARY KEY, name TEXT NOT NULL, facts TEXT NOT NULL)",
    "CREATE TABLE alias (key TEXT PRIMARY KEY, ent INTEGER NOT NULL) WITHOUT ROWID",
    # AUTOINCREMENT: the number of an erased source is never given to another.
    "CREATE TABLE source (id INTEGER PRIMARY KEY AUTOINCREMENT, hash INTEGER NOT NULL,"
    " uses INTEGER NOT NULL, text TEXT NOT NULL)",
    "CREATE INDEX source_by_hash ON source (hash)",
    "CREATE TABLE store (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL,"
    " facts INTEGER NOT NULL, entities INTEGER NOT NULL, secret BLOB NOT NULL,"
    " key_version INTEGER NOT NULL)",
)
ADDED_IN_2 = (
    # What began before the log did is not in it: the change log reaches back to here.
    "ALTER TABLE store ADD COLUMN changes_since INTEGER NOT NULL DEFAULT 0",
    # One record for each rule of a relation (commit_log.py).
    "ALTER TABLE store ADD COLUMN rules TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX alias_by_entity ON alias (ent)",
    # Versions that ended, packed as in `ent`: a row for each entity and commit. In every
    # table but `alias` an entity is the hash of its key, wherever its row went.
    "CREATE TABLE past (id INTEGER PRIMARY KEY, ent INTEGER NOT NULL, retracted INTEGER NOT NULL,"
    " name TEXT NOT NULL, facts TEXT NOT NULL)",
    "CREATE INDEX past_by_entity ON past (ent)",
    # Entities that are, or once were, a value: by whom.
    "CREATE TABLE reference (target INTEGER, owner INTEGER, PRIMARY KEY (target, owner))"
    " WITHOUT ROWID",
    "CREATE INDEX reference_by_owner ON reference (owner)",
    "CREATE TABLE merge (id INTEGER PRIMARY KEY, kept INTEGER NOT NULL, merged INTEGER NOT NULL,"
    " record TEXT NOT NULL)",
    "CREATE INDEX merge_by_kept ON merge (kept)",
    "CREATE INDEX merge_by_merged ON merge (merged)",
    # A row for each commit; no value stands in it, and no name but in `events`.
    "CREATE TABLE log (revision INTEGER PRIMARY KEY, time INTEGER NOT NULL, actor TEXT,"
    " events TEXT)",
    # The entities whose facts it changed: eight bytes each, not a row each.
    "CREATE TABLE touched (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL,"
    " entities BLOB NOT NULL)",
    "CREATE INDEX touched_by_revision ON touched (revision)",
    # Keyed hashes of idempotency keys, and the commits that they made.
    "CREATE TABLE done (key BLOB PRIMARY KEY, revision INTEGER NOT NULL, facts INTEGER NOT NULL)"
    " WITHOUT ROWID",
)
ADDED_IN_3 = (
    # Frequent relations, which a row of facts names by one character (short_rows.py).
    "CREATE TABLE relation (code INTEGER PRIMARY KEY, key TEXT NOT NULL)",
    # Changes with every change of that table.
    "ALTER TABLE store ADD COLUMN relations INTEGER NOT NULL DEFAULT 0",
    # In place of `near`.
    near_blocks.TABLE,
)
MIGRATION = (
    "CREATE TABLE IF NOT EXISTS migration (id INTEGER PRIMARY KEY, name TEXT NOT NULL,"
    " time INTEGER NOT NULL, before INTEGER NOT NULL, after INTEGER NOT NULL)"
)


def open_reader(path: Path, *, is_frozen: bool = False) -> sqlite3.Connection:
    """Return a connection that only reads.

    Args:
        is_frozen: no process writes the file while it is open (packaged data), so no lock is
            taken and the folder need not be writable.
    """
    with translated(path):
        if is_frozen:
            return _reader(path, "mode=ro&immutable=1")
        try:
            return _reader(path, "mode=ro")
        except sqlite3.OperationalError as error:
            # Primary codes: the low byte.
            if error.sqlite_errorcode & 0xFF not in _UNWRITABLE:
                raise
            # A file in a folder that cannot be written has no room for the shared memory
            # of a write-ahead log; without a log no process is writing either.
            if path.with_name(f"{path.name}-wal").exists():
                raise
            return _reader(path, "mode=ro&immutable=1")


def open_writer(path: Path) -> sqlite3.Connection:
    """Return a connection that writes; a new or empty file gets its tables, an old one stays old.

    Raises:
        ReadOnly: the file or its folder may not be written.
        BadStore: the file is not a fact store.
    """
    with translated(path):
        connection = _connect(path, "mode=rwc")
        try:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}")
            (n_tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if n_tables == 0:
                _create(connection)
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection


def check_file(path: Path, *, may_create: bool) -> None:
    """Raise unless the path may be opened as a fact store, as far as its first bytes tell.

    Raises:
        StoreMissing: there is no such file and none may be made, or its folder is missing.
        BadStore: a folder, a named pipe or the like, an empty file, or not a SQLite file.
    """
    if (what := what_else(path)) is not None:
        raise BadStore(f"{path} is {what}, not a fact file")
    if not path.exists():
        if not may_create:
            raise StoreMissing(
                f"there is no fact file {path}",
                hint="lamlam facts import or facts set makes one",
            )
        if not path.parent.is_dir():
            raise StoreMissing(f"there is no folder {path.parent}", hint="make it first")
        return
    with translated(path):
        with path.open("rb") as file:
            start = file.read(len(_HEADER))
    if not start and may_create:
        return
    if not start:
        raise BadStore(f"{path} is empty, not a fact file")
    if start != _HEADER:
        raise BadStore(f"{path} is not a SQLite file, so not a fact file")


def check_schema(connection: sqlite3.Connection, path: Path) -> int:
    """Return the schema version of a fact store that this code reads or can upgrade.

    Raises:
        BadStore: another program's SQLite file, or a damaged one.
        SchemaMismatch: written by a newer version.
    """
    with translated(path):
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise BadStore(f"{path} is a SQLite file, but not a fact file of lamlam")
        if version > SCHEMA_VERSION:
            raise SchemaMismatch(
                f"{path} has schema {version}, this lamlam reads up to {SCHEMA_VERSION}",
                hint="upgrade lamlam",
            )
        row = connection.execute("SELECT key_version FROM store").fetchone()
        if row is None or not isinstance(row[0], int):
            raise BadStore(f"{path} is damaged: it does not say what it holds")
        if row[0] > KEY_VERSION:
            raise SchemaMismatch(
                f"{path} has names of version {row[0]}, this lamlam reads up to {KEY_VERSION}",
                hint="upgrade lamlam",
            )
        return int(version)


def too_old(path: Path, version: int) -> SchemaMismatch:
    """Return the error of a file that has to be upgraded before it can be read."""
    return SchemaMismatch(
        f"{path} has schema {version}, this lamlam reads {SCHEMA_VERSION}",
        hint=f"upgrade it: lamlam facts migrate --memory {url_of(path)}",
    )


def url_of(path: Path) -> str:
    """Return the URL of a fact file."""
    return f"sqlite:///{path}"


def has_old_keys(connection: sqlite3.Connection) -> bool:
    """Return whether a fact store has names under the keys of an earlier version."""
    (version,) = connection.execute("SELECT key_version FROM store").fetchone()
    return int(version) < KEY_VERSION


def record_step(
    connection: sqlite3.Connection,
    name: str,
    before: int,
    after: int,
    of: Literal["schema", "keys"] = "schema",
) -> None:
    """Record an upgrade of tables or of keys in the file, inside the transaction that does it."""
    connection.execute(MIGRATION)
    connection.execute(
        "INSERT INTO migration (name, time, before, after) VALUES (?, ?, ?, ?)",
        (name, time.time_ns() // 1000, before, after),
    )
    if of == "schema":
        connection.execute(f"PRAGMA user_version = {after}")
    else:
        connection.execute("UPDATE store SET key_version = ?", (after,))


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Translate SQLite's and the system's errors into ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _with_notes(_operational(error, path), error) from error
    except sqlite3.DatabaseError as error:
        damaged = BadStore(f"{path} is damaged or no fact file: {error}")
        raise _with_notes(damaged, error) from error
    except UnicodeDecodeError as error:  # of what SQLite says of a damaged schema: it quotes bytes
        raise BadStore(f"{path} is damaged: bytes that should be text are not") from error
    except (AttributeError, TypeError) as error:  # such as code raises that gets NULL for text
        if not has_wrong_types(path):
            raise
        damaged = BadStore(
            f"{path} is damaged: a column has bytes, a number or nothing where text belongs",
            hint="take a copy from before; lamlam facts verify says what is damaged",
        )
        raise _with_notes(damaged, error) from error
    except PermissionError as error:
        if error.filename not in (None, path, str(path)):
            raise  # of a file that facts are read from meanwhile
        raise BadStore(f"{path} cannot be read: permission denied") from error


def _with_notes(error: FactStoreError, of: Exception) -> FactStoreError:
    for note in getattr(of, "__notes__", ()):
        error.add_note(note)
    return error


def _operational(error: sqlite3.OperationalError, path: Path) -> FactStoreError:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    match code & 0xFF:  # the primary code
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Unavailable(f"{path} is locked by another process", hint="try again in a moment")
        case sqlite3.SQLITE_READONLY:
            return ReadOnly(f"{path} cannot be written")
        case sqlite3.SQLITE_FULL:
            return Unavailable(f"the disk of {path} is full", hint=_MAKE_ROOM)
        case sqlite3.SQLITE_IOERR:
            return Unavailable(f"{path} could not be read or written: {error}", hint=_MAKE_ROOM)
        case sqlite3.SQLITE_ERROR if "decode" in str(error):
            # The message holds the bytes themselves.
            return BadStore(f"{path} is damaged: bytes that should be text are not")
        case _:
            return BadStore(f"{path} cannot be used: {error}")


_MAKE_ROOM = "make room on the disk and try again"


def _connect(path: Path, options: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path))}?{options}",
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,  # transactions begin where the code says so
        check_same_thread=False,  # guarded by a lock of the store
    )


def _reader(path: Path, options: str) -> sqlite3.Connection:
    connection = _connect(path, options)
    try:
        connection.execute(f"PRAGMA cache_size = -{_READER_CACHE_KIB}")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have been quicker between the look and the lock.
    (n_tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if n_tables == 0:
        for table in _FIRST:
            connection.execute(table)
        connection.execute(
            "INSERT INTO store VALUES (1, 0, 0, 0, ?, ?)", (secrets.token_bytes(32), KEY_VERSION)
        )
        for change in (*ADDED_IN_2, *ADDED_IN_3):
            connection.execute(change)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        record_step(connection, "made", 0, SCHEMA_VERSION)
    connection.execute("COMMIT")
