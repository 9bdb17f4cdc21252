"""`GraphStore`: facts as a NetworkX graph in memory, kept in a file where one is named.

An entity is a node, a fact an edge from it to the node of its value. Simple before fast: for
small stores, for tests, and to analyse what a memory knows.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from anyio import to_thread

from lamlam.errors import Conflict, FactStoreError, StoreMissing
from lamlam.memory_backends.authoring import LocalStore
from lamlam.memory_backends.commits.changes import within
from lamlam.memory_backends.commits.commit_plan import plan_commit
from lamlam.memory_backends.commits.erasure_request import ErasureRequest
from lamlam.memory_backends.commits.idempotency import OperationDigest, kept_of
from lamlam.memory_backends.commits.requested_erasures import RequestedErasures
from lamlam.memory_backends.commits.validation import (
    check_commit,
    check_entity,
    check_expected,
    check_scan,
    check_since,
    idempotency_hash,
    nested_write,
)
from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.entity_reader import EntityReader
from lamlam.memory_backends.model.expiry import hiding_from
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact, Namespace, check_flags, check_namespace
from lamlam.memory_backends.model.lookups import (
    Lookup,
    LookupResult,
    check_lookup,
    checked_lookups,
)
from lamlam.memory_backends.model.operations import (
    Change,
    Commit,
    ErasureReceipt,
    KnownEntity,
    MigrationReport,
    Op,
    PastFact,
    Revision,
    StoreInfo,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.networkx_graph.abilities import READING, WRITING
from lamlam.memory_backends.networkx_graph.changes import changes_after, changes_to_present
from lamlam.memory_backends.networkx_graph.commit_log import CommitLog
from lamlam.memory_backends.networkx_graph.erasure import erase_from
from lamlam.memory_backends.networkx_graph.facts_by_id import GraphFactsById
from lamlam.memory_backends.networkx_graph.file import (
    SCHEMA_VERSION,
    FileContents,
    FileState,
    read_file,
    state_of,
    write_file,
)
from lamlam.memory_backends.networkx_graph.scan import (
    GraphScan,
    aliases_of,
    history_of,
    known_commits,
    known_entities,
    reader_at,
)
from lamlam.memory_backends.networkx_graph.searching import GraphSearching, indexed
from lamlam.memory_backends.networkx_graph.state import Graph, GraphState
from lamlam.memory_backends.resolution.name_questions import NameQuestions
from lamlam.memory_backends.resolution.resolver import look_up
from lamlam.memory_backends.resolution.views import NamespaceView
from lamlam.special_files import what_else
from lamlam.unfinished_files import parts_beside

_COVERED = ("facts", "history", "aliases", "index keys", "change log", "actors")
_FREED = "memory of the process: freed, not overwritten"
_FILE_FREED = "file: written again; the disk blocks of the old one are freed, not overwritten"
_UNFINISHED = "left by a save that was killed, or of one that runs: "


class GraphStore(GraphSearching, GraphFactsById, NameQuestions, RequestedErasures, LocalStore):
    """Facts in a `networkx.MultiDiGraph`; any thread may ask, also while one writes."""

    def __init__(
        self, path: Path | None = None, *, create: bool = True, read_only: bool = False
    ) -> None:
        """Begin empty, or with what a file holds.

        Args:
            path: a JSON file, read now and written when the store is closed or saved;
                ``None``: the facts are gone when the store is closed.
            create: the file may be missing.
            read_only: refuse every write; the file must be there.

        Raises:
            StoreMissing: there is no file and none may be made.
            BadStore: the file is not such a memory, or damaged.
            SchemaMismatch: a newer version wrote it.
        """
        # Of now: where the process stands when the file is written may be another folder.
        self.path = None if path is None else path.absolute()
        self.read_only = read_only
        self.capabilities = READING if read_only else READING | WRITING
        self.applies_in_thread = False
        self.saves_in_thread = path is not None
        self._lock = threading.RLock()
        self._is_writing = False
        self._is_saved = True
        self._unsaved: tuple[int, ...] = ()  # erasures that the file has not seen
        self._file: FileState | None = None
        is_new = create and not read_only and path is not None and not path.exists()
        if path is not None and not (is_new and what_else(path) is None):
            contents, self._file = read_file(path)
        else:
            if path is not None and not path.parent.is_dir():
                raise StoreMissing(f"there is no folder {path.parent}", hint="make it first")
            secret = secrets.token_bytes(32)
            contents = FileContents(secret, 0, GraphState(FactIds(secret)), CommitLog())
            self._is_saved = path is None
        self.secret = contents.secret
        """What the ids of its facts are made with; a `Replica` needs it."""
        self._identify = FactIds(contents.secret)
        self._revision = contents.revision
        self._state = contents.state
        self._log = contents.log
        self._steps = contents.steps

    # The graph ------------------------------------------------------------------------------------

    @property
    def graph(self) -> Graph:
        """The graph itself, as it is at any moment: read it, do not change it.

        Of an entity the node is its canonical key (behind the namespace, if it has one), with
        the attributes ``kind`` ("entity"), ``name`` and ``namespace``. Of any other value the
        node is a tuple of type, text and namespace, ``kind`` is "value", ``type`` its type. A
        value that is an entity points at the entity's node, whether facts of it are known or
        not. The key of an edge is the id of its fact; it has ``relation``, ``value``, ``type``,
        ``confidence``, ``id``, ``revision`` and ``seq`` (its place among the facts of the
        entity), and where the fact has them ``sources``, ``valid_from``,
        ``valid_to`` (ISO 8601) and ``code`` (the typed value).

        While another thread writes, iterate over `copy_graph` instead.
        """
        return self._state.graph

    def copy_graph(self) -> Graph:
        """Return a copy of the graph as it is now: the caller's own, to change and to keep."""
        with self._locked() as store:
            return store.state.graph.copy()

    # Reading --------------------------------------------------------------------------------------

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return what the store holds of one relation of one entity, from any thread.

        Raises:
            StoreClosed: the store is closed.
            Conflict: the store has not reached the revision that is asked about.
        """
        began = time.perf_counter_ns()
        with self._lock:
            self.check_open()
            try:
                reader, revision = reader_at(self._state, self._revision, query.as_of)
            except AttributeError:
                check_lookup(query)
                raise
            result = look_up(reader, query, revision, self._identify)
        result.elapsed_ns = time.perf_counter_ns() - began
        return result

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order, all from one state of the store."""
        with self._lock:
            return [self.lookup_nowait(query) for query in checked_lookups(queries)]

    def scan_nowait(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
        include_expired: bool = False,
    ) -> Iterator[Fact]:
        """Yield facts, as `scan` does; each entity is read as it is when its turn comes."""
        check_scan(entity, relation, as_of, batch)
        space = None if namespace is None else check_namespace(namespace)
        scan = GraphScan(
            self._identify, relation, space, as_of, batch, hiding_from(include_expired)
        )
        yield from scan.facts(self._locked, entity)

    async def history(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> list[PastFact]:
        """Return facts and versions of facts that have ended, oldest first."""
        check_entity(entity, relation)
        space = check_namespace(namespace)
        with self._locked() as store:
            return history_of(store, entity, relation, space, self._identify)

    async def rules(self) -> list[RelationRule]:
        """Return what the store knows about relations, in the order of definition."""
        with self._locked() as store:
            return store.state.rules.all()

    async def entities(
        self, *, namespace: Namespace | None = None, name: str | None = None
    ) -> AsyncIterator[KnownEntity]:
        """Yield every entity with facts or only with ended ones."""
        space = None if namespace is None else check_namespace(namespace)
        with self._locked() as store:
            found = known_entities(store.state, space, name)
        for one in found:
            yield one

    async def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        """Return the other names (canonical keys) of an entity, sorted."""
        check_entity(entity)
        space = check_namespace(namespace)
        with self._locked() as store:
            return aliases_of(store.state, entity, space)

    def changes_nowait(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> Iterator[Change]:
        """Yield what was committed after a revision, as `changes` does."""
        check_since(since)
        space = None if namespace is None else check_namespace(namespace)
        if since is None:
            changes = changes_to_present(self._locked, self._identify)
        else:
            changes = changes_after(self._locked, since, self._identify)
        yield from within(changes, space)

    async def commits(self, since: int | None = None) -> AsyncIterator[CommitInfo]:
        """Yield the commits after a revision, in order: when each was made and by whom."""
        with self._locked() as store:
            found = known_commits(store, since)
        for one in found:
            yield one

    async def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""
        with self._locked():
            return StoreInfo(
                backend="memory",
                location="memory:" if self.path is None else str(self.path),
                schema=SCHEMA_VERSION,
                revision=Revision(self._revision),
                facts=self._state.graph.number_of_edges(),
                entities=len(self._state.names),
                read_only=self.read_only,
                bytes=None if self._file is None else self._file[1],
                search_index=indexed(self._state),
            )

    # Writing --------------------------------------------------------------------------------------

    def apply_nowait(
        self,
        ops: Iterable[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit:
        """Do every operation, in order, or none; take them as they come."""
        with self._lock, self._only_writing():
            self.check_writable()
            check_commit(expected, idempotency_key, actor)
            used, digest = "", OperationDigest(self.secret)
            if idempotency_key is not None:
                used = idempotency_hash(self.secret, idempotency_key).hex()
                if (first := self._log.by_key.get(used)) is not None:
                    if (kept := self._log.operations.get(used)) is not None:
                        kept_of(self.secret, ops).check(kept.digest)
                    return first
                ops = digest.passing(ops)
            check_expected(expected, self._revision)
            # Everything is worked out first and written at the end, so that an operation
            # that is refused leaves nothing behind.
            plan = plan_commit(ops, self._state, self._revision + 1, self._identify)
            if plan.changed:
                self._state.write(plan)
                self._revision = plan.revision
                edits = plan.edits.items()
                touched = [key for key, edit in edits if edit.ended or edit.started]
                self._log.add(plan.revision, actor=actor, touched=touched, events=plan.events)
                self._is_saved = False
            commit = Commit(Revision(self._revision), plan.changed, tuple(plan.ended))
            if used:
                # Without what has ended: an erasure would not find it here.
                self._log.by_key[used] = Commit(commit.revision, commit.facts)
                self._log.operations[used] = digest.kept()
                self._is_saved = False
            return commit

    def erase_requested(self, request: ErasureRequest) -> ErasureReceipt:
        """Remove the facts, with what was merged into the entity; write a file anew at once.

        The bytes of the process are not searched: the receipt says so. Where the file cannot be
        written, it says that too: the file is written when the store is closed, saved, or asked
        to erase again.
        """
        with self._lock, self._only_writing():
            self.check_writable()
            self._check_file()
            new = self._revision + 1
            erased = erase_from(self._state, self._log, request, new, self._identify)
            if erased.notices:
                self._revision = new
                self._log.add(
                    new, touched=erased.touched, events=erased.events, erased=erased.notices
                )
            pending, before = tuple[str, ...](), self._unsaved
            if is_changed := bool(erased.facts or erased.log_entries):
                self._is_saved = False
                pending = (_FREED,)
            if self.path is not None and (is_changed or before):
                self._unsaved = (*before, self._revision) if is_changed else before
                pending += (self._saved_or_why(),)
            if self.path is not None:
                file = Path(os.path.realpath(self.path))
                pending += tuple(f"{_UNFINISHED}{path.name}" for path in parts_beside(file))
            return request.receipt(
                erased.facts,
                self._revision,
                covered=_COVERED,
                pending=pending,
                log_entries=erased.log_entries,
                mentions=erased.mentions,
                finished=() if self._unsaved else before,
                unfinished=self._unsaved,
                as_value=erased.as_value,
            )

    def _saved_or_why(self) -> str:
        try:
            self.save_nowait()
        except (FactStoreError, OSError) as error:
            return f"file: {error}; it still holds what was erased until it is written"
        return _FILE_FREED

    async def save(self, path: Path | None = None) -> None:
        """Write all that the store holds to its file, or leave the file as it was.

        Args:
            path: another file than the store's own, which then stays as it is.

        Raises:
            Conflict: another program has written the store's own file since it was read.
            ReadOnly: the store was opened for reading and no other file is named.
            StoreMissing: the store has no file, and none is named.
            Unavailable: the file cannot be written.
        """
        await to_thread.run_sync(self.save_nowait, path)

    def save_nowait(self, path: Path | None = None) -> None:
        """Write the file, as `save` does, in this thread."""
        with self._locked() as contents:
            if path is not None and path.absolute() != self.path:
                write_file(path, contents)
                return
            self.check_writable()
            if self.path is None:
                raise StoreMissing("this memory has no file", hint="name one: store.save(path)")
            self._check_file()
            self._file = write_file(self.path, contents)
            self._is_saved, self._steps = True, ()
            self._unsaved = ()

    def _check_file(self) -> None:
        """Raise `Conflict` where the file is another one than was read or written last."""
        if self.path is not None and state_of(self.path) != self._file:
            raise Conflict(
                f"{self.path} was written by another program since it was read",
                hint="save to another file: store.save(path)",
            )

    def migrate_nowait(self, *, dry_run: bool = False) -> MigrationReport:
        """Make the file where it is missing, or write it with the keys that reading gave it."""
        check_flags(dry_run=dry_run)
        is_missing = self.path is not None and self._file is None
        steps = (f"make {self.path}",) if is_missing else () if self.read_only else self._steps
        if steps and not dry_run:
            self.save_nowait()
        return MigrationReport(0 if is_missing else SCHEMA_VERSION, SCHEMA_VERSION, steps, dry_run)

    def close_nowait(self) -> None:
        """Write the file, if there is one, and drop the facts in memory."""
        with self._lock:
            if self.is_closed:
                return
            if self.path is not None and not self.read_only and not self._is_saved:
                self.save_nowait()  # where it fails, the store stays open and loses nothing
            self.is_closed = True
            self._state.clear()
            self._log = CommitLog()

    # ----------------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[FileContents]:
        with self._lock:
            self.check_open()
            yield FileContents(self.secret, self._revision, self._state, self._log)

    @contextmanager
    def reader_of(self, namespace: Namespace, as_of: int | None) -> Iterator[EntityReader]:
        with self._lock:
            self.check_open()
            reader, _ = reader_at(self._state, self._revision, as_of)
            yield NamespaceView(reader, namespace) if namespace else reader

    def state_nowait(self) -> int:
        """Return the revision."""
        return self._revision

    @property
    def identify(self) -> FactIds:
        return self._identify

    @contextmanager
    def _only_writing(self) -> Iterator[None]:
        """Check, under the lock, that a write does not come from inside another one."""
        if self._is_writing:
            raise nested_write()
        self._is_writing = True
        try:
            yield
        finally:
            self._is_writing = False
