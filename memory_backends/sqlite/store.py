"""`SqliteStore`: facts in one file, read without waiting."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast
from weakref import WeakSet

from lamlam.errors import ReadOnly, StoreMissing, Unavailable
from lamlam.memory_backends.authoring import LocalStore
from lamlam.memory_backends.commits.erasure_request import ErasureRequest
from lamlam.memory_backends.commits.validation import (
    check_entity,
    check_reached,
    check_scan,
    check_since,
    nested_write,
)
from lamlam.memory_backends.model.entity_reader import EntityReader
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact, Namespace, check_namespace
from lamlam.memory_backends.model.lookups import (
    EntityView,
    Lookup,
    LookupResult,
    check_as_of,
    check_lookup,
    checked_lookups,
)
from lamlam.memory_backends.model.operations import (
    Change,
    Commit,
    ErasureReceipt,
    MigrationReport,
    Op,
    PastFact,
    StoreInfo,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.protocol import Capability, store_closed
from lamlam.memory_backends.resolution.resolver import describe, look_up
from lamlam.memory_backends.resolution.views import (
    NamespaceView,
    PastView,
)
from lamlam.memory_backends.sqlite.commit_log import forget_log
from lamlam.memory_backends.sqlite.forks import ForkedReader, OpenFiles, ThreadLock
from lamlam.memory_backends.sqlite.reader import SqliteReader
from lamlam.memory_backends.sqlite.residue import leftovers, write_back_log
from lamlam.memory_backends.sqlite.scan import Scan, aliases_of, history_of
from lamlam.memory_backends.sqlite.schema import (
    SCHEMA_VERSION,
    check_file,
    check_schema,
    open_reader,
    open_writer,
    too_old,
    translated,
)
from lamlam.one_process import OneProcess, store_elsewhere
from lamlam.unfinished_files import parts_beside

# What only changes, migrates or tells changes is imported when it is used: a process that
# only asks writes its first token earlier.
if TYPE_CHECKING:
    from lamlam.memory_backends.sqlite.erasure import ErasedRows
    from lamlam.memory_backends.sqlite.writer import SqliteWriter

_READING = frozenset(
    {
        Capability.FAST_LOOKUP, Capability.FUZZY, Capability.HISTORY, Capability.VALID_TIME,
        Capability.NAMESPACES, Capability.ALIASES, Capability.RULES, Capability.CHANGES,
        Capability.MULTIPROCESS,
    }
)  # fmt: skip
_WRITING = frozenset(
    {
        Capability.WRITE, Capability.TRANSACTIONS, Capability.CAS, Capability.IDEMPOTENCY,
        Capability.ERASE, Capability.ERASE_PHYSICAL,
    }
)  # fmt: skip

# A commit of one store is seen by the others of the file at once, and an erasure ends their
# snapshots.
_OPEN: OpenFiles[SqliteStore] = OpenFiles()


_TABLES = ("facts", "history", "log of commits", "aliases", "merges", "index keys")
_BYTES = ("file", "write-ahead log")
_UNFINISHED = "left by an import that was killed, or of one that runs: "
_LOG_IN_USE = "write-ahead log: another process is using the file"
_LOG_READ_HERE = (
    "write-ahead log: this process is reading the file as it was"
    " (changes(None) or scan(as_of=…), not read to its end)"
)


class SqliteStore(OneProcess, LocalStore):
    """Facts in a SQLite file: any thread may ask, also while one writes.

    Reads come from a snapshot that is a few milliseconds old at most; what this process
    has committed is always seen. `lookup_nowait` and `describe_nowait` leave the snapshot
    open for the next question: whoever has no more of them calls `refresh_nowait`, because
    an open snapshot keeps other processes from emptying the log when they erase.
    """

    def __init__(
        self,
        path: Path,
        *,
        create: bool = True,
        read_only: bool = False,
        is_frozen: bool = False,
    ) -> None:
        """Open the file.

        Args:
            create: make the file where there is none.
            read_only: refuse every write.
            is_frozen: nobody writes the file while it is open (packaged data).

        Raises:
            StoreMissing: there is no file and none may be made.
            BadStore: the file is no fact store.
            SchemaMismatch: a newer version wrote it, or an older one and it may not be upgraded.
            StoreElsewhere: it was open when this process was forked.
        """
        self.belongs_here()
        may_create = create and not read_only
        check_file(path, may_create=may_create)
        self.path = path.resolve()
        if not is_frozen:
            _OPEN.check(self.path)
        self.read_only = read_only
        self.capabilities = _READING if read_only else _READING | _WRITING
        # Of the reader; whoever needs both takes the writer's first.
        self._lock = threading.RLock()
        self._write_lock = threading.RLock()
        self._is_closed = False
        self._is_frozen = is_frozen
        self._writer: SqliteWriter | None = None
        self._lasting_readers: WeakSet[SqliteReader] = WeakSet()
        if may_create and (not path.exists() or path.stat().st_size == 0):
            self._open_writer()
        with ExitStack() as opened:
            if self._writer is not None:
                opened.callback(self._writer.connection.close)
            connection = open_reader(self.path, is_frozen=is_frozen)
            opened.callback(connection.close)
            version = check_schema(connection, path)
            # An older file is upgraded when it is first used, so that `migrate` can say how.
            self._is_old = version < SCHEMA_VERSION
            if self._is_old and (read_only or not _may_write(self.path)):
                raise too_old(path, version)
            with translated(path):
                (secret,) = connection.execute("SELECT secret FROM store").fetchone()
            opened.pop_all()  # nothing failed: both stay open
        self._reader = SqliteReader(connection, is_frozen=is_frozen)
        self._identify = FactIds(secret)
        _OPEN.add(self)

    # Reading ------------------------------------------------------------------------------------

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return what the store holds of one relation of one entity, from any thread.

        Raises:
            StoreClosed: the store is closed.
            Conflict: the store has not reached the revision that is asked about.
        """
        began = time.perf_counter_ns()
        if self._is_old:
            self._upgrade()
        try:
            with self._lock:
                reader = self._reader
                reader.pin(began)
                result = reader.exact(query, self._identify) if query.as_of is None else None
                if result is None:
                    result = self._answer(reader, query)
        except sqlite3.Error as error:
            raise self._explained(error) from error
        except (AttributeError, TypeError):  # only then, because it runs per written fact
            check_lookup(query)
            raise
        result.elapsed_ns = time.perf_counter_ns() - began
        return result

    def _answer(self, reader: SqliteReader, query: Lookup) -> LookupResult:
        if query.as_of is None:
            return look_up(reader, query, reader.revision, self._identify)
        check_as_of(query.as_of)
        check_reached(query.as_of, reader.revision)
        return look_up(PastView(reader, query.as_of), query, query.as_of, self._identify)

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order; no snapshot stays open."""
        with self._reading() as reader:
            results = []
            for query in checked_lookups(queries):
                began = time.perf_counter_ns()
                result = self._answer(reader, query)
                result.elapsed_ns = time.perf_counter_ns() - began
                results.append(result)
            return results

    def describe_nowait(
        self,
        entity: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> EntityView | None:
        """Return what the store holds of an entity; ``None`` if unknown or ambiguous.

        Args:
            fuzzy: also accept misspellings.
            as_of: what it held at this revision.
        """
        if self._is_old:
            self._upgrade()
        try:
            with self._lock:
                reader = self._reader
                reader.pin(time.perf_counter_ns())
                state: EntityReader = reader
                if as_of is not None:
                    check_as_of(as_of)
                    check_reached(as_of, reader.revision)
                    state = PastView(reader, as_of)
                if namespace:
                    state = NamespaceView(state, namespace)
                return describe(state, entity, fuzzy=fuzzy)
        except sqlite3.Error as error:
            raise self._explained(error) from error

    def scan_nowait(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
    ) -> Generator[Fact, None, None]:
        """The same as `scan`; ``batch`` entities are read at a time, facts come as they go."""
        check_scan(entity, relation, as_of, batch)
        space = None if namespace is None else check_namespace(namespace)
        scan = Scan(self._identify, relation, space, as_of, batch)
        if entity is not None:
            with self._reading() as reader:
                facts = scan.of_entity(reader, entity)
            yield from facts
        elif as_of is not None:
            with self._lasting() as reader:
                yield from scan.of_all_then(reader)
        else:
            yield from scan.of_all(self._reading)

    async def history(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> list[PastFact]:
        """Return facts and versions of facts that have ended, oldest first."""
        check_entity(entity, relation)
        space = check_namespace(namespace)
        with self._reading() as reader:
            return history_of(reader, entity, relation, space, self._identify)

    async def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        """Return the other names (canonical keys) of an entity, sorted."""
        check_entity(entity)
        space = check_namespace(namespace)
        with self._reading() as reader:
            return aliases_of(reader, entity, space)

    async def rules(self) -> list[RelationRule]:
        """Return what the store knows about relations."""
        with self._reading() as reader:
            return reader.rules.all()

    def changes_nowait(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> Generator[Change, None, None]:
        """The same as `changes`."""
        from lamlam.memory_backends.sqlite.changes import SqliteChanges

        check_since(since)
        feed = SqliteChanges(
            self._identify, None if namespace is None else check_namespace(namespace)
        )
        if since is None:
            with self._lasting() as reader:
                yield from feed.whole(reader)
        else:
            yield from feed.since(since, self._reading)

    async def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""
        with self._reading() as reader:
            revision, facts, entities, changes_since = reader.state()
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            raise StoreMissing(f"{self.path} was removed while it was open") from None
        return StoreInfo(
            backend="sqlite",
            location=str(self.path),
            schema=SCHEMA_VERSION,
            revision=revision,
            facts=facts,
            entities=entities,
            read_only=self.read_only,
            bytes=size,
            edition=f"SQLite {sqlite3.sqlite_version}",
            changes_since=changes_since,
        )

    def refresh_nowait(self) -> None:
        """No snapshot is open, and the next lookup sees everything committed before it."""
        with self._lock:
            if not self._is_closed:
                self._reader.release()

    # Writing ------------------------------------------------------------------------------------

    def apply_nowait(
        self,
        ops: Iterable[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit:
        """The same as `apply` in this thread; operations are taken as they come."""
        with self._writing() as writer:
            commit = writer.apply(ops, expected, idempotency_key, actor)
        return commit

    def erase_nowait(
        self,
        entity: str,
        relation: str | None = None,
        *,
        namespace: Namespace = (),
        reason: str | None = None,
        authority: str | None = None,
    ) -> ErasureReceipt:
        """The same as `erase`, in this thread."""
        from lamlam.memory_backends.sqlite.erasure import erase_rows

        request = ErasureRequest(entity, relation, namespace, reason, authority)
        with self._write_lock:
            with self._writing() as writer:
                erased = erase_rows(writer, request.key, relation)
            pending = self._clean(erased)
        is_clean = erased.is_searchable and not pending
        unfinished = [f"{_UNFINISHED}{path.name}" for path in parts_beside(self.path)]
        return request.receipt(
            erased.facts,
            erased.revision,
            covered=_TABLES + (_BYTES if is_clean else ()),
            pending=(*pending, *unfinished),
            verified=is_clean and not unfinished,
        )

    def migrate_nowait(self, *, dry_run: bool = False) -> MigrationReport:
        """The same as `migrate`, in this thread."""
        if self.read_only:
            self._check_open()  # and an older file could not be opened so
            return MigrationReport(SCHEMA_VERSION, SCHEMA_VERSION, (), dry_run)
        from lamlam.memory_backends.sqlite.migrations import migrate

        with self._write_lock:
            self._check_open()
            with translated(self.path):
                report = migrate(self._open_writer().connection, dry_run=dry_run)
            self._is_old = self._is_old and dry_run
            return report

    def forget_changes_nowait(self) -> None:
        """The feed begins here, and the file is as small as it gets: for facts that are handed on.

        Versions that ended stay. Idempotency keys are forgotten too.
        """
        with self._write_lock:
            with self._writing() as writer:
                forget_log(writer.connection)
            with translated(self.path):
                self._open_writer().connection.execute("VACUUM")

    def _upgrade(self) -> None:
        with self._write_lock:
            if self._is_old:
                self.migrate_nowait()

    def _clean(self, erased: ErasedRows) -> list[str]:
        """Nothing erased stands in the bytes; return where something may."""
        connection = self._open_writer().connection
        with translated(self.path):
            if not self._empty_log():
                return [self._why_log_is_kept()]
            remaining = leftovers(connection, self.path, erased.needles)
        if not remaining:
            short = "file: {} texts are too short to be searched for"
            return [short.format(erased.n_unsearched)] if erased.n_unsearched else []
        try:
            with translated(self.path):
                connection.execute("VACUUM")
        except Unavailable:
            return [f"file: {len(remaining)} copies stand in it while another process writes"]
        with translated(self.path):
            if not self._empty_log():
                return [self._why_log_is_kept()]
            remaining = leftovers(connection, self.path, erased.needles)
        return [f"file: {len(remaining)} copies still stand in it"] if remaining else []

    def _why_log_is_kept(self) -> str:
        is_read_here = any(store._lasting_readers for store in _OPEN.of(self.path))
        return _LOG_READ_HERE if is_read_here else _LOG_IN_USE

    def _empty_log(self) -> bool:
        """Return whether the log is empty; no reader of this process is in the way."""
        with _OPEN.erasing, ExitStack() as stack:
            for store in _OPEN.of(self.path):
                stack.enter_context(store._lock)
                store._forget()
            return write_back_log(self._open_writer().connection)

    async def aclose(self) -> None:
        """Close the store; where nothing was written no thread is needed."""
        if self._writer is None:
            self.close_nowait()
        else:
            await super().aclose()

    def close_nowait(self) -> None:
        """The same as `aclose`, in this thread; nothing is done in a forked process."""
        if self.is_forked:
            return
        with self._write_lock, self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            _OPEN.remove(self)
            self._reader.close()
            if self._writer is not None:
                # The last connection that closes writes the log back and removes it.
                self._writer.connection.close()

    # ----------------------------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[SqliteReader]:
        if self._is_old:
            self._upgrade()
        with self._lock:
            self._check_open()
            with translated(self.path):
                self._reader.pin(time.perf_counter_ns())
                try:
                    yield self._reader
                finally:
                    self._reader.release()

    @contextmanager
    def _lasting(self) -> Iterator[SqliteReader]:
        """A reader of its own, whose snapshot lasts however long its user takes."""
        if self._is_old:
            self._upgrade()
        self._check_open()
        reader = SqliteReader(open_reader(self.path, is_frozen=self._is_frozen), is_frozen=True)
        self._lasting_readers.add(reader)
        try:
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
            if self._is_frozen:
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
            self._check_open()
            writer = self._open_writer()
            with translated(self.path):
                if writer.connection.in_transaction:  # of this very thread, which has the lock
                    raise nested_write()
                writer.connection.execute("BEGIN IMMEDIATE")
                writer.reset()
                try:
                    yield writer
                    writer.connection.execute("COMMIT")
                except BaseException:
                    writer.reset()
                    if writer.connection.in_transaction:
                        writer.connection.execute("ROLLBACK")
                    raise
        for store in _OPEN.of(self.path):
            store.refresh_nowait()

    def _forget(self) -> None:
        if not self._is_closed:
            self._reader.forget()

    def _open_writer(self) -> SqliteWriter:
        if self._writer is None:
            from lamlam.memory_backends.sqlite.writer import SqliteWriter

            self._writer = SqliteWriter(open_writer(self.path))
        return self._writer

    # Of a fork (`sqlite_forks.OpenStore`) ----------------------------------------------------------

    @property
    def takes_locks(self) -> bool:
        """False for a file that nobody writes."""
        return not self._is_frozen

    def connections(self) -> Iterator[sqlite3.Connection]:
        """Give the open connections."""
        yield self._reader.connection
        if self._writer is not None:
            yield self._writer.connection
        for reader in self._lasting_readers:
            yield reader.connection

    def locks(self) -> tuple[ThreadLock, ThreadLock]:
        """Give those of writing and of reading."""
        return self._write_lock, self._lock

    def forked(self) -> None:
        """The store was copied into this process by a fork: it answers with errors only."""
        # Other threads of the parent may have held the locks; here nobody would release them.
        self._lock = threading.RLock()
        self._write_lock = threading.RLock()
        self._reader = cast("SqliteReader", ForkedReader())
        self._is_old = False

    def _check_open(self) -> None:
        if self.is_forked:
            raise store_elsewhere()
        if self._is_closed:
            raise store_closed()

    def _explained(self, error: sqlite3.Error) -> Exception:
        if self._is_closed:
            return store_closed()
        try:
            with translated(self.path):
                raise error
        except Exception as explained:
            return explained


def _may_write(path: Path) -> bool:
    # Whoever the process acts as, where the system tells that from who started it.
    acts_as = os.access in os.supports_effective_ids
    return all(os.access(one, os.W_OK, effective_ids=acts_as) for one in (path, path.parent))
