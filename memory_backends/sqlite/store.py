"""`SqliteStore`: facts in one file, read without waiting."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING

from anyio import to_thread

from lamlam.errors import StoreMissing
from lamlam.inline_calls import is_inline
from lamlam.memory_backends.authoring import LocalStore
from lamlam.memory_backends.commits.erasure_request import ErasureRequest
from lamlam.memory_backends.commits.requested_erasures import RequestedErasures
from lamlam.memory_backends.commits.validation import (
    check_entity,
    check_reached,
    check_scan,
    check_since,
)
from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.entity_reader import EntityReader
from lamlam.memory_backends.model.expiry import hiding_from
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact, Namespace, check_namespace, check_text
from lamlam.memory_backends.model.facts_about import LONG_TEXT, FactsAbout, TextQuestion
from lamlam.memory_backends.model.lookups import (
    EntityView,
    Lookup,
    LookupResult,
    check_as_of,
    check_lookup,
    checked_lookups,
)
from lamlam.memory_backends.model.namespaces import written
from lamlam.memory_backends.model.operations import (
    Change,
    Commit,
    ErasureReceipt,
    KnownEntity,
    KnownNamespace,
    Op,
    PastFact,
    StoreInfo,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.protocol import Capability
from lamlam.memory_backends.resolution.descriptions import describe
from lamlam.memory_backends.resolution.facts_about import facts_about
from lamlam.memory_backends.resolution.known_names import known_names
from lamlam.memory_backends.resolution.name_questions import NameQuestions
from lamlam.memory_backends.resolution.resolver import look_up
from lamlam.memory_backends.resolution.views import (
    NamespaceView,
    PastView,
)
from lamlam.memory_backends.sqlite.bulk.loading_store import SqliteBulkLoading
from lamlam.memory_backends.sqlite.commit_log import forget_log
from lamlam.memory_backends.sqlite.facts_by_id import fact_of_id
from lamlam.memory_backends.sqlite.namespaces import known_namespaces
from lamlam.memory_backends.sqlite.open_file import SqliteFile
from lamlam.memory_backends.sqlite.reader import SqliteReader
from lamlam.memory_backends.sqlite.scan import (
    Scan,
    aliases_of,
    entities_named,
    history_of,
    known_commits,
    known_entities,
)
from lamlam.memory_backends.sqlite.schema import (
    translated,
)
from lamlam.memory_backends.sqlite.searching import SqliteSearching
from lamlam.unfinished_files import parts_beside

# What only changes, migrates or tells changes is imported when it is used: a process that
# only asks writes its first token earlier.
if TYPE_CHECKING:
    pass

_READING = frozenset(
    {
        Capability.FAST_LOOKUP, Capability.FUZZY, Capability.HISTORY, Capability.VALID_TIME,
        Capability.NAMESPACES, Capability.ALIASES, Capability.RULES, Capability.CHANGES,
        Capability.MULTIPROCESS, Capability.COMMIT_TIMES, Capability.EXPIRY,
    }
)  # fmt: skip
_WRITING = frozenset(
    {
        Capability.WRITE, Capability.TRANSACTIONS, Capability.CAS, Capability.IDEMPOTENCY,
        Capability.ERASE, Capability.ERASE_PHYSICAL, Capability.SEARCH_INDEX,
    }
)  # fmt: skip

_TABLES = ("facts", "history", "change log", "actors", "aliases", "merges", "index keys")
_BYTES = ("file", "write-ahead log")
_UNFINISHED = "left by an import that was killed, or of one that runs: "


class SqliteStore(
    SqliteFile, SqliteSearching, SqliteBulkLoading, NameQuestions, RequestedErasures, LocalStore
):
    """Facts in a SQLite file: any thread may ask, also while one writes.

    Reads come from a snapshot that is a few milliseconds old at most; what this process
    has committed is always seen. `lookup_nowait` and `describe_nowait` leave the snapshot
    open for the next question: call `refresh_nowait` when there is no more to ask, because
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
            path: of the file.
            create: make the file where there is none.
            read_only: refuse every write.
            is_frozen: nobody writes the file while it is open (packaged data).

        Raises:
            StoreMissing: there is no file and none may be made.
            BadStore: the file is not a fact store.
            SchemaMismatch: a newer version wrote it, or an older one and it may not be upgraded.
            StoreElsewhere: it was open when this process was forked.
        """
        super().__init__(path, create, read_only, is_frozen)
        self.capabilities = _READING if read_only else _READING | _WRITING

    # Reading ------------------------------------------------------------------------------------

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return what the store holds of one relation of one entity, from any thread.

        Raises:
            StoreClosed: the store is closed.
            Conflict: the store has not reached the revision that is asked about.
        """
        began = perf_counter_ns()
        if self._is_old:
            self._upgrade()
        try:
            lock = self._lock  # a `with` block costs twice as much
            lock.acquire()
            try:
                reader = self._reader
                if began >= reader.fresh_until:
                    reader.pin(began)
                result = reader.exact(query, self._identify) or self._answer(reader, query)
            finally:
                lock.release()
        except sqlite3.Error as error:
            raise self._explained(error) from error
        except (AttributeError, TypeError) as error:  # only then: it runs per written fact
            check_lookup(query)
            raise self._explained(error) from None
        result.elapsed_ns = perf_counter_ns() - began
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
                began = perf_counter_ns()
                result = reader.exact(query, self._identify) or self._answer(reader, query)
                result.elapsed_ns = perf_counter_ns() - began
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
                self._reader.pin(perf_counter_ns())
                return describe(_seen(self._reader, namespace, as_of), entity, fuzzy=fuzzy)
        except (sqlite3.Error, AttributeError, TypeError) as error:
            raise self._explained(error) from error

    async def known_names(
        self,
        names: Sequence[str],
        *,
        namespace: Namespace = (),
        as_of: int | None = None,
        loosely: bool = False,
    ) -> frozenset[str]:
        """Return those of the names that the store knows; no snapshot stays open."""
        with self._reading() as reader:
            return known_names(_seen(reader, namespace, as_of), names, loosely=loosely)

    @property
    def identify(self) -> FactIds:
        """What gives facts their ids."""
        return self._identify

    async def about_text(self, question: TextQuestion) -> FactsAbout:
        """Return the answer to `facts_about`; no snapshot stays open, and a long text blocks nobody."""
        if len(question.text) > LONG_TEXT and not is_inline():
            return await to_thread.run_sync(self._about, question, self._lasting)
        return self._about(question, self._reading)

    def _about(
        self, question: TextQuestion, reading: Callable[[], AbstractContextManager[SqliteReader]]
    ) -> FactsAbout:
        with reading() as reader:
            return facts_about(_seen(reader, (), question.as_of), question, self._identify)

    @contextmanager
    def reader_of(self, namespace: Namespace, as_of: int | None) -> Iterator[EntityReader]:
        """Yield what names are looked for in; the snapshot stays open for the next question."""
        if self._is_old:
            self._upgrade()
        try:
            with self._lock:
                self._reader.pin(perf_counter_ns())
                yield _seen(self._reader, namespace, as_of)
        except (sqlite3.Error, AttributeError, TypeError) as error:
            raise self._explained(error) from error

    def scan_nowait(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
        include_expired: bool = False,
    ) -> Generator[Fact, None, None]:
        """Yield facts, as `scan` does; ``batch`` entities are read at a time, facts come as they go."""
        check_scan(entity, relation, as_of, batch)
        space = None if namespace is None else check_namespace(namespace)
        scan = Scan(self._identify, relation, space, as_of, batch, hiding_from(include_expired))
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

    async def entities(
        self, *, namespace: Namespace | None = None, name: str | None = None
    ) -> AsyncIterator[KnownEntity]:
        """Yield every entity with facts or only with ended ones."""
        space = None if namespace is None else check_namespace(namespace)
        found = (
            known_entities(self._reading, space)
            if name is None
            else entities_named(self._reading, space, name)
        )
        for one in found:
            yield one

    async def namespaces(self, prefix: Namespace = ()) -> AsyncIterator[KnownNamespace]:
        """Yield every namespace in which anything is or was known, with counts, in order."""
        space = check_namespace(prefix)
        with self._reading() as reader:
            found = known_namespaces(reader, space)
        for one in found:
            yield one

    def fact_nowait(self, fact_id: str) -> Fact | None:
        """Return the fact with this id; of one that ended the last version, with ``retracted``."""
        check_text(fact_id=fact_id)
        return fact_of_id(self._reading, fact_id, self._identify, self._fact_places)

    async def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        """Return the other names (canonical keys) of an entity, sorted."""
        check_entity(entity)
        space = check_namespace(namespace)
        with self._reading() as reader:
            return aliases_of(reader, entity, space)

    async def rules(self) -> list[RelationRule]:
        """Return the rules of relations, in the order of definition."""
        with self._reading() as reader:
            return reader.rules.all()

    def changes_nowait(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> Generator[Change, None, None]:
        """Yield what was committed after a revision, as `changes` does."""
        from lamlam.memory_backends.sqlite.changes import SqliteChanges

        check_since(since)
        changes = SqliteChanges(
            self._identify, None if namespace is None else check_namespace(namespace)
        )
        if since is None:
            with self._lasting() as reader:
                yield from changes.whole(reader)
        else:
            yield from changes.since(since, self._reading)

    async def commits(self, since: int | None = None) -> AsyncIterator[CommitInfo]:
        """Yield the commits after a revision, in order: when each was made and by whom."""
        check_since(since)
        for one in known_commits(self._reading, since):
            yield one

    async def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""
        with self._reading() as reader:
            revision, facts, entities, changes_since = reader.state()
            (schema,) = reader.cursor.execute("PRAGMA user_version").fetchone()
            search_index = self._search_index(reader)
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            raise StoreMissing(f"{self.path} was removed while it was open") from None
        return StoreInfo(
            backend="sqlite",
            location=str(self.path),
            schema=schema,
            revision=revision,
            facts=facts,
            entities=entities,
            read_only=self.read_only,
            bytes=size,
            edition=f"SQLite {sqlite3.sqlite_version}",
            changes_since=changes_since,
            search_index=search_index,
        )

    # Writing ------------------------------------------------------------------------------------

    def apply_nowait(
        self,
        ops: Iterable[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit:
        """Do every operation, in order, or none; take them as they come."""
        with self._writing() as writer:
            commit = writer.apply(ops, expected, idempotency_key, actor)
        return commit

    def erase_requested(self, request: ErasureRequest) -> ErasureReceipt:
        """Remove the facts from the tables and from the bytes of the file.

        The log is written back and emptied, then the files are searched for every erased
        value of four characters or more that no other fact holds. Where a page kept a
        copy, the file is written anew. Another process that reads the file at this moment
        keeps the log: then the receipt says so under ``pending``, as it does where the disk is
        full. What is pending is finished by the next erasure, of whatever name. Entities that were merged
        into this one are erased with it: their past is its past.
        """
        from lamlam.memory_backends.sqlite.erasure import erase_rows
        from lamlam.memory_backends.sqlite.unfinished import note_unfinished, unfinished_erasures

        with self._write_lock:
            with self._writing() as writer:
                erased = erase_rows(writer, request)
                before = unfinished_erasures(writer.connection)
                if before:
                    erased.add(request.entity or written(request.namespace))
                if erased.facts or erased.needles:
                    note_unfinished(writer.connection, erased.revision)
                left = unfinished_erasures(writer.connection)
            pending = self._cleaned_up(erased, before)
            is_done = not pending or pending == erased.unsearched
        is_clean = (erased.is_searchable or bool(before)) and not pending
        unfinished = [f"{_UNFINISHED}{path.name}" for path in parts_beside(self.path)]
        return request.receipt(
            erased.facts,
            erased.revision,
            covered=_TABLES + (_BYTES if is_clean else ()),
            pending=(*pending, *unfinished),
            verified=is_clean and not unfinished,
            log_entries=erased.log_entries,
            mentions=erased.mentions,
            finished=before if is_done else (),
            unfinished=() if is_done else left,
            as_value=erased.as_value,
        )

    def forget_changes_nowait(self) -> None:
        """Remove the log of changes, and make the file as small as it gets: for facts to hand on.

        Versions that ended stay. Idempotency keys are forgotten too.
        """
        with self._write_lock:
            with self._writing() as writer:
                forget_log(writer.connection)
            with translated(self.path):
                self._open_writer().connection.execute("VACUUM")

    async def aclose(self) -> None:
        """Close the store; where nothing was written no thread is needed."""
        if self._writer is None:
            self.close_nowait()
        else:
            await super().aclose()


def _seen(reader: SqliteReader, namespace: Namespace, as_of: int | None) -> EntityReader:
    """Return one namespace of a file, now or as it was at a revision."""
    state: EntityReader = reader
    if as_of is not None:
        check_as_of(as_of)
        check_reached(as_of, reader.revision)
        state = PastView(reader, as_of)
    return NamespaceView(state, namespace) if namespace else state
