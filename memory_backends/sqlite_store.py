"""`SqliteStore`: facts in one file, read without waiting."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from weakref import WeakSet

from anyio import CancelScope, to_thread

from lamlam.errors import ReadOnly, StoreClosed, Unavailable
from lamlam.memory_backends.facts import Fact, check_text, is_text
from lamlam.memory_backends.keys import canonical_key
from lamlam.memory_backends.lookups import (
    EntityView,
    Lookup,
    LookupResult,
    StoredFact,
    as_fact,
)
from lamlam.memory_backends.operations import (
    Assert,
    Commit,
    ErasureReceipt,
    Op,
    PastFact,
    StoreInfo,
)
from lamlam.memory_backends.protocol import Capability
from lamlam.memory_backends.resolver import describe, look_up
from lamlam.memory_backends.sqlite_erasure import Erased, erase_rows, leftovers, write_back_log
from lamlam.memory_backends.sqlite_reader import Reader
from lamlam.memory_backends.sqlite_schema import (
    SCHEMA_VERSION,
    check_file,
    check_schema,
    open_reader,
    open_writer,
    translated,
)
from lamlam.memory_backends.sqlite_writer import Writer
from lamlam.memory_backends.store_base import FactIds, LocalStore
from lamlam.memory_backends.synonyms import same_relation

_READING = frozenset(
    {Capability.FAST_LOOKUP, Capability.FUZZY, Capability.HISTORY, Capability.MULTIPROCESS}
)
_WRITING = frozenset(
    {Capability.TRANSACTIONS, Capability.CAS, Capability.ERASE, Capability.ERASE_PHYSICAL}
)

# The stores of this process by file: a commit of one is seen by the others at once, and
# an erasure ends their snapshots.
_OPEN: dict[Path, WeakSet[SqliteStore]] = {}
_OPENING = threading.Lock()
_ERASING = threading.Lock()


_TABLES = ("facts", "history", "aliases", "index keys")
_BYTES = ("file", "write-ahead log")
_LOG_IN_USE = "write-ahead log: another process is using the file"


class SqliteStore(LocalStore):
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
            SchemaMismatch: a newer version wrote it.
        """
        may_create = create and not read_only
        check_file(path, may_create=may_create)
        self.path = path.resolve()
        self.read_only = read_only
        self.capabilities = _READING if read_only else _READING | _WRITING
        # Of the reader; whoever needs both takes the writer's first.
        self._lock = threading.RLock()
        self._write_lock = threading.RLock()
        self._is_closed = False
        self._writer: Writer | None = None
        if may_create and (not path.exists() or path.stat().st_size == 0):
            self._writer = Writer(open_writer(self.path))
        connection = open_reader(self.path, is_frozen=is_frozen)
        try:
            check_schema(connection, path)
            with translated(path):
                (secret,) = connection.execute("SELECT secret FROM store").fetchone()
        except BaseException:
            connection.close()
            raise
        self._reader = Reader(connection, is_frozen=is_frozen)
        self._identify = FactIds(secret)
        with _OPENING:
            _OPEN.setdefault(self.path, WeakSet()).add(self)

    # Reading ------------------------------------------------------------------------------------

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return what the store holds of one relation of one entity, from any thread.

        Raises:
            StoreClosed: the store is closed.
        """
        began = time.perf_counter_ns()
        try:
            with self._lock:
                reader = self._reader
                reader.pin(began)
                result = look_up(reader, query, reader.revision, self._identify)
        except sqlite3.Error as error:
            raise self._explained(error) from error
        result.elapsed_ns = time.perf_counter_ns() - began
        return result

    async def lookup(self, entity: str, relation: str) -> LookupResult:
        """Return the same as `lookup_nowait`; no snapshot stays open."""
        try:
            return self.lookup_nowait(Lookup(entity, relation))
        finally:
            self.refresh_nowait()

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order; no snapshot stays open."""
        try:
            return [self.lookup_nowait(query) for query in queries]
        finally:
            self.refresh_nowait()

    def describe_nowait(self, entity: str, *, fuzzy: bool = True) -> EntityView | None:
        """Return what the store holds of an entity; ``None`` if unknown or ambiguous.

        Args:
            fuzzy: also accept misspellings.
        """
        try:
            with self._lock:
                self._reader.pin(time.perf_counter_ns())
                return describe(self._reader, entity, fuzzy=fuzzy)
        except sqlite3.Error as error:
            raise self._explained(error) from error

    async def scan(
        self, entity: str | None = None, relation: str | None = None, *, batch: int = 1000
    ) -> AsyncIterator[Fact]:
        """Give every fact, or those of one entity, of one relation (or its synonyms), or of both."""
        for fact in self.scan_nowait(entity, relation, batch=batch):
            yield fact

    def scan_nowait(
        self, entity: str | None = None, relation: str | None = None, *, batch: int = 1000
    ) -> Iterator[Fact]:
        """The same as `scan`; ``batch`` entities are read at a time, facts come as they go."""
        wanted = canonical_key(relation) if relation is not None else None
        if entity is not None:
            with self._reading() as reader:
                if not is_text(entity):
                    return
                row = reader.holding(canonical_key(entity))
                facts = self._facts(row.name, row.stored(), wanted) if row else []
            yield from facts
            return
        after: int | None = None
        while True:
            with self._reading() as reader:
                rows = list(reader.rows_after(after, batch))
                facts = [f for _, row in rows for f in self._facts(row.name, row.stored(), wanted)]
            yield from facts
            if not rows:
                return
            after = rows[-1][0]

    async def history(self, entity: str, relation: str | None = None) -> list[PastFact]:
        """Return facts of an entity that have ended, oldest first."""
        wanted = canonical_key(relation) if relation is not None else None
        with self._reading() as reader:
            past = reader.past(canonical_key(entity)) if is_text(entity) else []
        return [
            PastFact(
                as_fact(name, stored, self._identify(name, stored.key, stored.value)),
                asserted=stored.revision,
                retracted=retracted,
            )
            for name, stored, retracted in past
            if wanted is None or same_relation(stored.key, wanted)
        ]

    async def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""
        with self._reading() as reader:
            revision, facts, entities = reader.state()
        return StoreInfo(
            backend="sqlite",
            location=str(self.path),
            schema=SCHEMA_VERSION,
            revision=revision,
            facts=facts,
            entities=entities,
            read_only=self.read_only,
            bytes=self.path.stat().st_size,
        )

    def refresh_nowait(self) -> None:
        """No snapshot is open, and the next lookup sees everything committed before it."""
        with self._lock:
            if not self._is_closed:
                self._reader.release()

    # Writing ------------------------------------------------------------------------------------

    async def apply(self, ops: Sequence[Op], *, expected: int | None = None) -> Commit:
        """Every operation has been done, or none.

        Raises:
            Conflict: the store has another revision than expected.
            ReadOnly: the store was opened for reading.
            Unavailable: another process keeps the file locked.
        """
        return await to_thread.run_sync(partial(self.apply_nowait, ops, expected=expected))

    def apply_nowait(self, ops: Iterable[Op], *, expected: int | None = None) -> Commit:
        """The same as `apply` in this thread; operations are taken as they come."""
        with self._writing() as writer:
            commit = writer.apply(ops, expected)
        return commit

    async def load(self, facts: Iterable[Fact]) -> Commit:
        """All facts are asserted in one transaction, however many, in bounded memory.

        Another thread takes them from the iterable.
        """
        return await to_thread.run_sync(self.load_nowait, facts)

    def load_nowait(self, facts: Iterable[Fact]) -> Commit:
        """The same as `load`, in this thread."""
        return self.apply_nowait(Assert(fact) for fact in facts)

    async def erase(
        self, entity: str, relation: str | None = None, *, reason: str | None = None
    ) -> ErasureReceipt:
        """Nothing is left of the facts, in the tables or in the file's bytes.

        The log is written back and emptied, then the files are searched for every erased
        value of four characters or more that no other fact holds. Where a page kept a
        copy, the file is written anew. Another process that reads the file at this moment
        keeps the log: then the receipt says so under ``pending``.

        Raises:
            ReadOnly: the store was opened for reading.
            Unavailable: another process keeps the file locked.
        """
        work = partial(self.erase_nowait, entity, relation, reason=reason)
        return await to_thread.run_sync(work)

    def erase_nowait(
        self, entity: str, relation: str | None = None, *, reason: str | None = None
    ) -> ErasureReceipt:
        """The same as `erase`, in this thread."""
        check_text(entity=entity, relation=relation)
        with self._write_lock:
            with self._writing() as writer:
                erased = erase_rows(writer, entity, relation)
            pending = self._clean(erased)
        is_clean = erased.is_searchable and not pending
        return ErasureReceipt(
            facts=erased.facts,
            entity=entity,
            relation=relation,
            covered=_TABLES + (_BYTES if is_clean else ()),
            pending=tuple(pending),
            verified=is_clean,
            revision=erased.revision,
            reason=reason,
        )

    def _clean(self, erased: Erased) -> list[str]:
        """Nothing erased stands in the bytes; return where something may."""
        connection = self._open_writer().connection
        with translated(self.path):
            if not self._empty_log():
                return [_LOG_IN_USE]
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
                return [_LOG_IN_USE]
            remaining = leftovers(connection, self.path, erased.needles)
        return [f"file: {len(remaining)} copies still stand in it"] if remaining else []

    def _empty_log(self) -> bool:
        """Return whether the log is empty; no reader of this process is in the way."""
        with _ERASING, ExitStack() as stack:
            for store in _open_stores(self.path):
                stack.enter_context(store._lock)
                store.refresh_nowait()
            return write_back_log(self._open_writer().connection)

    async def aclose(self) -> None:
        """The store is closed, writing done; closing again does nothing."""
        if self._writer is None:
            self.close_nowait()
            return
        with CancelScope(shield=True):
            await to_thread.run_sync(self.close_nowait)

    def close_nowait(self) -> None:
        """The same as `aclose`, in this thread."""
        with self._write_lock, self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            with _OPENING:
                _OPEN[self.path].discard(self)
            self._reader.close()
            if self._writer is not None:
                # The last connection that closes writes the log back and removes it.
                self._writer.connection.close()

    # ----------------------------------------------------------------------------------------------

    def _facts(self, name: str, stored: Sequence[StoredFact], wanted: str | None) -> list[Fact]:
        return [
            as_fact(name, fact, self._identify(name, fact.key, fact.value))
            for fact in stored
            if wanted is None or same_relation(fact.key, wanted)
        ]

    @contextmanager
    def _reading(self) -> Iterator[Reader]:
        with self._lock:
            self._check_open()
            with translated(self.path):
                self._reader.pin(time.perf_counter_ns())
                try:
                    yield self._reader
                finally:
                    self._reader.release()

    @contextmanager
    def _writing(self) -> Iterator[Writer]:
        if self.read_only:
            raise ReadOnly(
                f"{self.path} was opened for reading", hint="name a store of yours: --memory URL"
            )
        with self._write_lock:
            self._check_open()
            writer = self._open_writer()
            with translated(self.path):
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
        for store in _open_stores(self.path):
            store.refresh_nowait()

    def _open_writer(self) -> Writer:
        if self._writer is None:
            self._writer = Writer(open_writer(self.path))
        return self._writer

    def _check_open(self) -> None:
        if self._is_closed:
            raise StoreClosed("the store is closed", hint="use it inside: with … as store")

    def _explained(self, error: sqlite3.Error) -> Exception:
        if self._is_closed:
            return StoreClosed("the store is closed", hint="use it inside: with … as store")
        try:
            with translated(self.path):
                raise error
        except Exception as explained:
            return explained


def _open_stores(path: Path) -> list[SqliteStore]:
    with _OPENING:
        return list(_OPEN.get(path, ()))
