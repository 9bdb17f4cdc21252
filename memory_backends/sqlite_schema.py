"""The tables of a fact file, and how a file is recognised, made and refused."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from lamlam.errors import BadStore, ReadOnly, SchemaMismatch, StoreMissing, Unavailable
from lamlam.memory_backends.keys import KEY_VERSION

SCHEMA_VERSION = 1
APPLICATION_ID = 0x6C616D31
"""Marks a SQLite file as ours ("lam1")."""
_HEADER = b"SQLite format 3\0"
_BUSY_S = 5.0
_UNWRITABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_WRITER_CACHE_KIB = 32_768
_READER_CACHE_KIB = 16_384

TABLES = (
    # One row holds all that is known of an entity. `id` is a 64-bit hash of its canonical
    # name; a name whose place is taken goes to the next free id.
    "CREATE TABLE ent (id INTEGER PRIMARY KEY, name TEXT NOT NULL, facts TEXT NOT NULL)",
    # Codes of near spellings (name_index.py) and the rows found under them.
    "CREATE TABLE near (code INTEGER, ent INTEGER, PRIMARY KEY (code, ent)) WITHOUT ROWID",
    "CREATE TABLE alias (key TEXT PRIMARY KEY, ent INTEGER NOT NULL) WITHOUT ROWID",
    # AUTOINCREMENT: the number of an erased source is never given to another.
    "CREATE TABLE source (id INTEGER PRIMARY KEY AUTOINCREMENT, hash INTEGER NOT NULL,"
    " uses INTEGER NOT NULL, text TEXT NOT NULL)",
    "CREATE INDEX source_by_hash ON source (hash)",
    "CREATE TABLE history (id INTEGER PRIMARY KEY, ent INTEGER NOT NULL, name TEXT NOT NULL,"
    " relation TEXT NOT NULL, value TEXT NOT NULL, source TEXT, confidence REAL NOT NULL,"
    " asserted INTEGER NOT NULL, retracted INTEGER NOT NULL)",
    "CREATE INDEX history_by_entity ON history (ent)",
    "CREATE TABLE store (one INTEGER PRIMARY KEY CHECK (one = 1), revision INTEGER NOT NULL,"
    " facts INTEGER NOT NULL, entities INTEGER NOT NULL, secret BLOB NOT NULL,"
    " key_version INTEGER NOT NULL)",
)


def open_reader(path: Path, *, is_frozen: bool = False) -> sqlite3.Connection:
    """Return a connection that only reads.

    Args:
        is_frozen: nobody writes the file while it is open (packaged data), so no lock is
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
            # of a write-ahead log; without a log nobody is writing either.
            if path.with_name(f"{path.name}-wal").exists():
                raise
            return _reader(path, "mode=ro&immutable=1")


def open_writer(path: Path) -> sqlite3.Connection:
    """Return a connection that writes; a new or empty file gets its tables.

    Raises:
        ReadOnly: the file or its folder may not be written.
        BadStore: the file is no fact store.
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
    """The path may be opened as a fact store, as far as its first bytes tell.

    Raises:
        StoreMissing: there is no such file and none may be made, or its folder is missing.
        BadStore: a folder, an empty file, or no SQLite file.
    """
    if path.is_dir():
        raise BadStore(f"{path} is a folder, not a fact file")
    if not path.exists():
        if not may_create:
            raise StoreMissing(
                f"there is no fact file {path}", hint="lamlam facts import or facts set makes one"
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
        raise BadStore(f"{path} is no SQLite file, so no fact file")


def check_schema(connection: sqlite3.Connection, path: Path) -> None:
    """The file is a fact store of a version that this code reads.

    Raises:
        BadStore: another program's SQLite file, or a damaged one.
        SchemaMismatch: written by a newer version.
    """
    with translated(path):
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise BadStore(f"{path} is a SQLite file, but no fact file of lamlam")
        if version > SCHEMA_VERSION:
            raise SchemaMismatch(
                f"{path} has schema {version}, this lamlam reads up to {SCHEMA_VERSION}",
                hint="upgrade lamlam",
            )
        row = connection.execute("SELECT key_version FROM store").fetchone()
        if row is None:
            raise BadStore(f"{path} is damaged: it does not say what it holds")
        if row[0] > KEY_VERSION:
            raise SchemaMismatch(
                f"{path} has names of version {row[0]}, this lamlam reads up to {KEY_VERSION}",
                hint="upgrade lamlam",
            )


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's and the system's errors leave as ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        message = str(error)
        if "locked" in message or "busy" in message:
            raise Unavailable(
                f"{path} is locked by another process", hint="try again in a moment"
            ) from error
        if "readonly" in message:
            raise ReadOnly(f"{path} cannot be written") from error
        raise BadStore(f"{path} cannot be used: {message}") from error
    except sqlite3.DatabaseError as error:
        raise BadStore(f"{path} is damaged or no fact file: {error}") from error
    except PermissionError as error:
        raise BadStore(f"{path} cannot be read: permission denied") from error


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
        for table in TABLES:
            connection.execute(table)
        connection.execute(
            "INSERT INTO store VALUES (1, 0, 0, 0, ?, ?)", (secrets.token_bytes(32), KEY_VERSION)
        )
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")
