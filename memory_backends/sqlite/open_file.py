"""`SqliteFile`: one open fact file, its connections, locks and snapshots."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast
from weakref import WeakSet

from lamlam.errors import FactStoreError, ReadOnly, Unavailable
from lamlam.memory_backends.commits.validation import (
    nested_write,
)
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.fact_places import PlacesKept
from lamlam.memory_backends.model.facts import check_flags
from lamlam.memory_backends.model.operations import (
    MigrationReport,
)
from lamlam.memory_backends.protocol import store_closed
from lamlam.memory_backends.sqlite.file_identity import FileIdentity
from lamlam.memory_backends.sqlite.forks import ForkedReader, OpenFiles, ThreadLock
from lamlam.memory_backends.sqlite.reader import SqliteReader
from lamlam.memory_backends.sqlite.residue import checkpoint_wal, leftovers
from lamlam.memory_backends.sqlite.schema import (
    OLDEST_READ,
    SCHEMA_VERSION,
    check_file,
    check_schema,
    has_old_keys,
    open_reader,
    open_writer,
    too_old,
    translated,
)
from lamlam.memory_backends.sqlite.search_index import read_index_state
from lamlam.one_process import OneProcess, store_elsewhere

if TYPE_CHECKING:
    from types import TracebackType

    from lamlam.memory_backends.sqlite.erasure import ErasedRows
    from lamlam.memory_backends.sqlite.writer import SqliteWriter

# A commit is seen at once by all that have the file open, and an erasure ends their snapshots.
_OPEN: OpenFiles[SqliteFile] = OpenFiles()
_LOG_IN_USE = "write-ahead log: another process is using the file"
_LOG_READ_HERE = (
    "write-ahead log: this process is reading the file as it was"
    " (changes(None) or scan(as_of=…), not read to its end)"
)


class SqliteFile(OneProcess):
    """A fact file that is open: one connection to read, one to write once something is written.

    Reads come from a snapshot, which stays open for the next one until it is released.
    """

    is_packaged = False
    """It is the file of bundled facts."""

    def __init__(self, path: Path, create: bool, read_only: bool, is_frozen: bool) -> None:
        """Open the file; arguments and errors as for `SqliteStore`."""
        self.belongs_here()
        may_create = create and not read_only
        check_file(path, may_create=may_create)
        self.path = path.resolve()
        given = path.absolute()  # where the process stands may be another folder later
        if not is_frozen:
            _OPEN.check(self.path)
        self.read_only = read_only
        # Of the reader; a thread that needs both takes the writer's first.
        self._lock = threading.RLock()
        self._write_lock = threading.RLock()
        self.is_closed = False
        self._is_frozen = is_frozen
        self._writer: SqliteWriter | None = None
        self._identity: FileIdentity | None = None
        self._lasting_readers: WeakSet[SqliteReader] = WeakSet()
        if may_create and (not path.exists() or path.stat().st_size == 0):
            self._open_writer()
        with ExitStack() as opened:
            if self._writer is not None:
                opened.callback(self._writer.connection.close)
            self._identity = None if is_frozen else FileIdentity(given, self.path)
            connection = open_reader(self.path, is_frozen=is_frozen)
            opened.callback(connection.close)
            self._check_identity()
            if self._identity is not None:
                self._identity.note_logs(connection)
            version = check_schema(connection, path)
            # An older file is upgraded when it is first used, so that `migrate` can say how.
            self._is_old = version < SCHEMA_VERSION
            self._reads_schema_2 = False
            if self._is_old and (read_only or not _may_write(self.path)):
                if version < OLDEST_READ:
                    raise too_old(path, version)
                self._is_old, self._reads_schema_2 = False, True
            # Names under the keys of an earlier version are moved then, too, or else looked for.
            self._keeps_old_keys = False
            if has_old_keys(connection):
                self._keeps_old_keys = read_only or not _may_write(self.path)
                self._is_old |= not self._keeps_old_keys
            with translated(path):
                (secret,) = connection.execute("SELECT secret FROM store").fetchone()
            opened.pop_all()  # nothing failed: both stay open
        check = None if self._identity is None else self._identity.check
        self._reader = self._reader_class()(connection, is_frozen=is_frozen, check=check)
        self._reader.lock = self._lock
        self._identify = FactIds(secret)
        self._fact_places = PlacesKept()
        _OPEN.add(self)

    def refresh_nowait(self) -> None:
        """Release the snapshot: the next lookup sees everything that was committed before it."""
        with self._lock:
            if not self.is_closed:
                self._reader.release()

    def close_nowait(self) -> None:
        """Close the connections; in a forked process do nothing."""
        if self.is_forked:
            return
        if not self.is_closed:
            with suppress(sqlite3.Error, FactStoreError):  # of a damaged file
                self._reader.finish_reading()
        with self._write_lock, self._lock:
            if self.is_closed:
                return
            self.is_closed = True
            _OPEN.remove(self)
            self._reader.close()
            if self._writer is not None:
                # The last connection that closes writes the log back and removes it.
                self._writer.connection.close()

    def migrate_nowait(self, *, dry_run: bool = False) -> MigrationReport:
        """Bring the file to the schema of this version, or only say how."""
        check_flags(dry_run=dry_run)
        if self.read_only:
            self.check_open()  # and an older file could not be opened so
            return MigrationReport(SCHEMA_VERSION, SCHEMA_VERSION, (), dry_run)
        from lamlam.memory_backends.sqlite.migrations import migrate

        with self._write_lock:
            self.check_open()
            self._check_identity()
            with translated(self.path):
                report = migrate(self._open_writer().connection, dry_run=dry_run)
            self._is_old = self._is_old and dry_run
            return report

    def _reader_class(self) -> type[SqliteReader]:
        if not self._reads_schema_2:
            return SqliteReader
        from lamlam.memory_backends.sqlite.old_reader import OldKeysReader, Schema2Reader

        return OldKeysReader if self._keeps_old_keys else Schema2Reader

    def _upgrade(self) -> None:
        with self._write_lock:
            if self._is_old:
                self.migrate_nowait()

    def _reading(self) -> _OneRead:
        return _OneRead(self)

    @contextmanager
    def _lasting(self) -> Iterator[SqliteReader]:
        """Yield another reader, whose snapshot lasts as long as the block."""
        if self._is_old:
            self._upgrade()
        self.check_open()
        self._check_identity()
        connection = open_reader(self.path, is_frozen=self._is_frozen)
        reader = self._reader_class()(connection, is_frozen=True)
        self._lasting_readers.add(reader)
        try:
            self._check_identity()
            with translated(self.path):
                reader.pin(time.perf_counter_ns())
                yield reader
        finally:
            self._lasting_readers.discard(reader)
            if not self.is_forked:
                reader.close()

    @contextmanager
    def _writing(self) -> Iterator[SqliteWriter]:
        if self.read_only:
            if self.is_packaged:
                raise ReadOnly(
                    "the bundled facts are read-only",
                    hint="change a copy: lamlam facts copy bundled sqlite:///mine.db",
                )
            raise ReadOnly(
                f"{self.path} was opened for reading",
                hint="name a store of yours (--memory URL), or open this one for writing",
            )
        if self._is_old:
            self._upgrade()
        with self._write_lock:
            self.check_open()
            self._check_identity()
            writer = self._open_writer()
            with translated(self.path):
                if writer.connection.in_transaction:  # of this very thread, which has the lock
                    raise nested_write()
                writer.connection.execute("BEGIN IMMEDIATE")
                writer.reset()
                try:
                    yield writer
                    self._check_identity()
                    writer.connection.execute("COMMIT")
                except BaseException:
                    writer.reset()
                    if writer.connection.in_transaction:
                        writer.connection.execute("ROLLBACK")
                    raise
            # In that very moment another file may have taken the name.
            self._check_identity()
        for store in _OPEN.of(self.path):
            store.refresh_nowait()

    def _forget(self) -> None:
        if not self.is_closed:
            self._reader.forget()

    def _open_writer(self) -> SqliteWriter:
        if self._writer is None:
            from lamlam.memory_backends.sqlite.writer import SqliteWriter

            # A file without a write-ahead log gets one, which waits for every reader: the snapshots
            # that lookups of this process still hold would make it wait in vain.
            opened = _OPEN.of(self.path)
            with translated(self.path):
                for store in opened:
                    store.refresh_nowait()
            with self._lock:  # so that no lookup takes another one meanwhile
                if any(store is self for store in opened):  # not while it is being opened itself
                    self._reader.release()
                self._writer = SqliteWriter(open_writer(self.path))
            if self._identity is not None:
                self._check_identity()
                self._identity.note_logs(self._writer.connection)
        return self._writer

    def _check_identity(self) -> None:
        if self._identity is not None:
            self._identity.check()

    def _cleaned_up(self, erased: ErasedRows, before: Collection[int]) -> list[str]:
        """Remove what was erased from the bytes; return where some of it may still be, and why.

        The erasure itself is committed: an error here may not hide it.

        Args:
            erased: what was taken out of the tables.
            before: earlier erasures that left something, not known what.
        """
        from lamlam.memory_backends.sqlite.unfinished import note_finished

        try:
            pending = self._clean(erased, is_rewritten=bool(before))
            if (erased.facts or erased.needles or before) and not pending:
                with self._writing() as writer:
                    note_finished(writer.connection)
            if not pending and not before:
                pending = erased.unsearched
        except (FactStoreError, OSError) as error:
            return [f"file and write-ahead log: {error}; erase again to finish"]
        except BaseException as error:
            revision = int(erased.revision)
            error.add_note(
                f"{erased.facts} facts are erased at revision {revision}, but not yet from the"
                f" bytes of {self.path}: erase again to finish"
            )
            raise
        return pending

    def _clean(self, erased: ErasedRows, *, is_rewritten: bool) -> list[str]:
        """Empty the log and search the files; write them anew where something is left, or asked."""
        connection = self._open_writer().connection
        self._compact_search_index()
        remaining: Collection[str] = ()
        if not is_rewritten:
            with translated(self.path):
                if not self._empty_log():
                    return [self._why_log_is_kept()]
                remaining = leftovers(connection, self.path, erased.needles)
        if not remaining and not is_rewritten:
            return []
        try:
            with translated(self.path):
                connection.execute("VACUUM")
        except Unavailable as error:
            if not _is_locked(error):
                raise
            return [f"file: {len(remaining)} copies are in it while another process writes"]
        with translated(self.path):
            if not self._empty_log():
                return [self._why_log_is_kept()]
            remaining = leftovers(connection, self.path, erased.needles)
        return [f"file: {len(remaining)} copies are still in it"] if remaining else []

    def _compact_search_index(self) -> None:
        """Remove what the search index keeps of what was taken out of it."""
        with translated(self.path):
            has_index = read_index_state(self._open_writer().connection) is not None
        if has_index:
            with self._writing() as writer:
                writer.search.compact()

    def _why_log_is_kept(self) -> str:
        is_read_here = any(store._lasting_readers for store in _OPEN.of(self.path))
        return _LOG_READ_HERE if is_read_here else _LOG_IN_USE

    def _empty_log(self) -> bool:
        """Write the log back, which no reader of this process may hinder; return whether it is empty."""
        with _OPEN.erasing, ExitStack() as stack:
            for store in _OPEN.of(self.path):
                stack.enter_context(store._lock)
                store._forget()
            return checkpoint_wal(self._open_writer().connection)

    def check_open(self) -> None:
        """Raise unless the file is open, in this process."""
        if self.is_forked:
            raise store_elsewhere()
        if self.is_closed:
            raise store_closed()

    def _explained(self, error: Exception) -> Exception:
        if self.is_closed:
            return store_closed()
        try:
            with translated(self.path):
                raise error
        except Exception as explained:
            return explained

    # Of a fork (`forks.OpenStore`) ----------------------------------------------------------------

    @property
    def takes_locks(self) -> bool:
        """False for a file that nobody writes."""
        return not self._is_frozen

    def connections(self) -> Iterator[sqlite3.Connection]:
        """Yield the open connections."""
        yield self._reader.connection
        if self._writer is not None:
            yield self._writer.connection
        for reader in self._lasting_readers:
            yield reader.connection

    def locks(self) -> tuple[ThreadLock, ThreadLock]:
        """Return those of writing and of reading."""
        return self._write_lock, self._lock

    def forked(self) -> None:
        """Note that a fork copied this into the child process, where it answers with errors only."""
        # Other threads of the parent may have held the locks; here nobody would release them.
        self._lock = threading.RLock()
        self._write_lock = threading.RLock()
        self._reader = cast("SqliteReader", ForkedReader())
        self._is_old = False


def _is_locked(error: Unavailable) -> bool:
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _may_write(path: Path) -> bool:
    # For the user that the process acts as, where the system tells it from who started it.
    acts_as = os.access in os.supports_effective_ids
    return all(os.access(one, os.W_OK, effective_ids=acts_as) for one in (path, path.parent))


class _OneRead:
    """One read: the lock and the snapshot, for the length of a block.

    A class, since a generator costs as much again as an exact lookup of SQLite takes.
    """

    __slots__ = ("_file",)

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    def __enter__(self) -> SqliteReader:
        file = self._file
        if file._is_old:
            file._upgrade()
        file._lock.acquire()
        try:
            file.check_open()
            reader = file._reader
            if reader.fresh_until:  # otherwise a new snapshot is taken, which checks it
                file._check_identity()
            try:
                reader.pin(time.perf_counter_ns())
            except Exception as error:
                self._translate(error)
                raise
        except BaseException:
            file._lock.release()
            raise
        return reader

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            try:
                self._file._reader.release()
            except Exception as failed:
                self._translate(failed)
                raise
            if error is not None:
                self._translate(error)
        finally:
            self._file._lock.release()

    def _translate(self, error: BaseException) -> None:
        """Raise an error of SQLite's or the system's as ours; do nothing with another."""
        try:
            with translated(self._file.path):
                raise error
        except BaseException as raised:
            if raised is not error:
                raise
