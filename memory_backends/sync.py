"""`SyncFactStore`: the blocking twin of a fact store."""

from __future__ import annotations

import os
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar, runtime_checkable

from lamlam.background_loop import BackgroundLoop
from lamlam.blocks import OnlyWith, entered_twice
from lamlam.inline_calls import awaited, iterate_inline, run_inline
from lamlam.memory_backends.authoring import LocalStore
from lamlam.memory_backends.commits.sync_holdings import SyncHoldings
from lamlam.memory_backends.commits.sync_lifetimes import SyncLifetimes
from lamlam.memory_backends.commits.validation import facts_to_load
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.expiry import with_expired
from lamlam.memory_backends.model.fact_tuples import Loadable, fact_of
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.lookups import EntityView, Lookup, LookupResult
from lamlam.memory_backends.model.operations import (
    Assert,
    Change,
    Commit,
    EraseOptions,
    ErasureReceipt,
    MentionChoice,
    MigrationReport,
    Op,
    PastFact,
    ScanOptions,
    StoreInfo,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.sync_text_search import SyncTextSearch
from lamlam.memory_backends.model.values import Value
from lamlam.memory_backends.open import connect, no_url
from lamlam.memory_backends.protocol import Capability, FactStore, store_closed
from lamlam.memory_backends.resolution.text_questions import SyncTextQuestions
from lamlam.one_process import OneProcess, store_elsewhere

if TYPE_CHECKING:
    from pydantic import BaseModel

    from lamlam.memory_backends.model.recall import Recalled

T = TypeVar("T")
Model = TypeVar("Model", bound="BaseModel")


@runtime_checkable
class BulkLoader(Protocol):
    """A store that takes many facts faster than by `FactStore.apply`."""

    async def load(self, facts: Iterable[Loadable], /) -> Commit:
        """Assert all facts, or none."""
        ...


class SyncFactStore(
    SyncTextQuestions, SyncHoldings, SyncLifetimes, SyncTextSearch, OneProcess, OnlyWith
):
    """A fact store for code without ``async``; same names, same answers.

    Stores that answer without waiting (``memory:``, SQLite) are used in the thread that asks.
    Stores that wait for a server are used from one event loop in a background thread, which
    lives as long as the store is open. A forked process must open its own: there the methods
    raise `StoreElsewhere`.
    """

    _what = "a SyncFactStore"
    _use = "with SyncFactStore(...) as store: ... (or async with open_store(...) in async code)"

    def __init__(
        self,
        url: str | os.PathLike[str] | FactStore,
        *,
        create: bool = True,
        read_only: bool = False,
    ) -> None:
        """Store what to open, or wrap an open store (which stays open afterwards).

        Args:
            url: as for `open_store`.
            create: make the store where there is none.
            read_only: refuse every write.
        """
        self._url = url
        self._create = create
        self._read_only = read_only
        self._store: FactStore | None = None
        self._local: LocalStore | None = None  # the same, where this thread does its work
        self._is_inline = True  # coroutines of the store never wait
        self._loop: BackgroundLoop | None = None
        self._is_view = False  # of another twin, whose loop it uses

    def __enter__(self) -> Self:
        """Open the store; errors as for `open_store`, and `WrongBlock` where it is open."""
        if self.is_forked:
            raise store_elsewhere()
        if self._store is not None:  # the inner block would close it for the outer one
            raise entered_twice("a SyncFactStore that is open", self._use)
        store = self._url
        if isinstance(store, str | os.PathLike):
            store = connect(store, create=self._create, read_only=self._read_only)
        elif not isinstance(store, FactStore):
            raise no_url(store)
        self._local = store if isinstance(store, LocalStore) else None
        self._is_inline = self._local is not None
        self._loop = BackgroundLoop("lamlam-store-loop", store_closed)
        self._is_view = False
        self._store = store
        self.belongs_here()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the store."""
        self.close()

    def close(self) -> None:
        """Close the store, if this twin opened it; in a forked process do nothing.

        Iterators and snapshots that are still open end with `StoreClosed`.
        """
        if self.is_forked:
            return
        store, self._store = self._store, None
        local, self._local = self._local, None
        loop, self._loop = self._loop, None
        is_own = store is not None and store is not self._url
        try:
            if local is not None and is_own:
                local.close_nowait()
        finally:
            if loop is not None and not self._is_view:
                waits = store is not None and is_own and local is None
                loop.close(store.aclose if store is not None and waits else None)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this store can do."""
        return self._opened().capabilities

    # The core -------------------------------------------------------------------------------------

    def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order, all from one state of the store."""
        return self._call(partial(self._opened().lookup_many, queries))

    def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
        include_expired: bool = False,
    ) -> Iterator[Fact]:
        """Yield all facts, or those of one entity, of one relation (or a synonym), or of both."""
        store, local = self._opened(), self._local
        options: ScanOptions = {"namespace": namespace, "as_of": as_of, "batch": batch}
        if with_expired(store, include_expired):
            options["include_expired"] = True
        if local is not None:
            return local.scan_nowait(entity, relation, **options)
        return self._iterate(partial(store.scan, entity, relation, **options))

    def apply(
        self,
        ops: Sequence[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit:
        """Do every operation, in order, or none."""
        store, local = self._opened(), self._local
        if local is not None:
            return local.apply_nowait(
                ops, expected=expected, idempotency_key=idempotency_key, actor=actor
            )
        return self._call(
            partial(
                store.apply, ops, expected=expected, idempotency_key=idempotency_key, actor=actor
            )
        )

    def changes(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> Iterator[Change]:
        """Yield what was committed after a revision, in order, up to now."""
        store, local = self._opened(), self._local
        if local is not None:
            return local.changes_nowait(since, namespace=namespace)
        return self._iterate(partial(store.changes, since, namespace=namespace))

    def erase(
        self,
        entity: str,
        relation: str | None = None,
        value: Value | None = None,
        *,
        namespace: Namespace = (),
        reason: str | None = None,
        authority: str | None = None,
        mentions: MentionChoice = "leave",
        placeholder: str | None = None,
    ) -> ErasureReceipt:
        """Remove the facts with all that is kept of them; the receipt says where that was checked."""
        options = EraseOptions(
            namespace=namespace,
            reason=reason,
            authority=authority,
            mentions=mentions,
            placeholder=placeholder,
        )
        store, local = self._opened(), self._local
        if local is not None:
            return local.erase_nowait(entity, relation, value, **options)
        return self._call(partial(store.erase, entity, relation, value, **options))

    def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""
        return self._call(self._opened().info)

    def migrate(self, *, dry_run: bool = False) -> MigrationReport:
        """Bring the store to the schema of this version; a second call finds nothing to do."""
        store, local = self._opened(), self._local
        if local is not None:
            return local.migrate_nowait(dry_run=dry_run)
        return self._call(partial(store.migrate, dry_run=dry_run))

    # Bodies of every backend ----------------------------------------------------------------------

    def lookup(
        self,
        entity: str,
        relation: str,
        *,
        namespace: Namespace = (),
        valid_at: Instant | None = None,
        as_of: int | None = None,
    ) -> LookupResult:
        """Return what the store holds of one relation of one entity."""
        look_up = self._opened().lookup
        return self._call(
            partial(look_up, entity, relation, namespace=namespace, valid_at=valid_at, as_of=as_of)
        )

    def history(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> list[PastFact]:
        """Return facts and versions of facts that have ended, oldest first."""
        return self._call(partial(self._opened().history, entity, relation, namespace=namespace))

    def fact(self, fact_id: str) -> Fact | None:
        """Return the fact with this id; of one that ended the last version, with ``retracted``."""
        store, local = self._opened(), self._local
        if local is not None:
            return local.fact_nowait(fact_id)
        return self._call(partial(store.fact, fact_id))

    def erase_namespace(
        self, namespace: Namespace, *, reason: str | None = None, authority: str | None = None
    ) -> ErasureReceipt:
        """Erase every entity of a namespace, also what only the history has; one receipt for all."""
        store, local = self._opened(), self._local
        if local is not None:
            return local.erase_namespace_nowait(namespace, reason=reason, authority=authority)
        work = partial(store.erase_namespace, namespace, reason=reason, authority=authority)
        return self._call(work)

    def rules(self) -> list[RelationRule]:
        """Return the rules of relations, in the order of definition."""
        return self._call(self._opened().rules)

    def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        """Return the other names (canonical keys) of an entity, sorted."""
        return self._call(partial(self._opened().aliases, entity, namespace=namespace))

    def recall(
        self,
        model: type[Model],
        entity: str,
        *,
        namespace: Namespace = (),
        shared_namespace: Namespace | None = (),
        valid_at: Instant | None = None,
        as_of: int | None = None,
    ) -> Recalled[Model]:
        """Return a pydantic model filled from the entity's relations, and from which facts."""
        spaces: Any = {"namespace": namespace, "shared_namespace": shared_namespace}
        recall = partial(self._opened().recall, model, entity, **spaces)
        return self._call(partial(recall, valid_at=valid_at, as_of=as_of))

    def known_names(
        self,
        names: Sequence[str],
        *,
        namespace: Namespace = (),
        as_of: int | None = None,
        loosely: bool = False,
    ) -> frozenset[str]:
        """Return those of the names that the store knows, all from one state."""
        known = self._opened().known_names
        return self._call(partial(known, names, namespace=namespace, as_of=as_of, loosely=loosely))

    def snapshot(self) -> AbstractContextManager[SyncFactStore]:
        """Yield the store as it is now, for reading, whatever is committed meanwhile."""
        return self._snapshot()

    # Stores that answer at once -------------------------------------------------------------------

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return the same as `lookup`."""
        return self._opened().lookup_nowait(query)

    def describe_nowait(
        self,
        entity: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> EntityView | None:
        """Return what the store holds of an entity; ``None`` if unknown or ambiguous."""
        store = self._opened()
        return store.describe_nowait(entity, fuzzy=fuzzy, namespace=namespace, as_of=as_of)

    def known_names_nowait(
        self,
        names: Sequence[str],
        *,
        namespace: Namespace = (),
        as_of: int | None = None,
        loosely: bool = False,
    ) -> frozenset[str]:
        """Return those of the names that the store knows, all from one state."""
        return self._opened().known_names_nowait(
            names, namespace=namespace, as_of=as_of, loosely=loosely
        )

    def homonyms_nowait(
        self,
        name: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> tuple[EntityView, ...]:
        """Return the entities that an ambiguous name may mean, the most alike first; at most 32."""
        store = self._opened()
        return store.homonyms_nowait(name, fuzzy=fuzzy, namespace=namespace, as_of=as_of)

    def fact_nowait(self, fact_id: str) -> Fact | None:
        """Return the same as `fact`."""
        return self._opened().fact_nowait(fact_id)

    def refresh_nowait(self) -> None:
        """Let the next lookup see everything that was committed before it."""
        self._opened().refresh_nowait()

    # Beyond the protocol --------------------------------------------------------------------------

    @property
    def local(self) -> LocalStore | None:
        """The store itself, where this thread does its work."""
        self._opened()
        return self._local

    def load(self, facts: Iterable[Loadable]) -> Commit:
        """Assert all facts together, or none; a local store takes them as they come.

        Args:
            facts: facts, or tuples of entity, relation, value and, as wanted, source. Of very many,
                a fact file takes tuples of texts several times as fast.
        """
        store, local = self._opened(), self._local
        if local is not None:
            return local.load_nowait(facts)
        if isinstance(store, BulkLoader):
            return self._call(partial(store.load, facts))
        return self.apply([Assert(fact_of(fact)) for fact in facts_to_load(facts)])

    # ----------------------------------------------------------------------------------------------

    def _call(self, method: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if self._is_inline:
            return run_inline(method())
        return self._running().call(method)

    def _iterate(self, method: Callable[[], AsyncIterator[T]]) -> Iterator[T]:
        if self._is_inline:
            return iterate_inline(method())
        return self._running().iterate(method)

    @contextmanager
    def _snapshot(self) -> Generator[SyncFactStore]:
        context = self._opened().snapshot()
        with ExitStack() as stack:
            if self._is_inline:
                view = run_inline(awaited(context.__aenter__))
                leave = partial(context.__aexit__, None, None, None)
                stack.callback(lambda: run_inline(awaited(leave)))
            else:
                view = stack.enter_context(self._running().enter(context))
            twin = SyncFactStore(view)
            twin._store, twin._is_inline, twin._loop = view, self._is_inline, self._loop
            twin._is_view = True
            twin.belongs_here()
            try:
                yield twin
            finally:
                twin._store = twin._loop = None

    def _running(self) -> BackgroundLoop:
        if self.is_forked:
            raise store_elsewhere()
        if self._loop is None:
            raise store_closed()
        return self._loop

    def _opened(self) -> FactStore:
        if self.is_forked:
            raise store_elsewhere()
        if self._store is None:
            raise store_closed()
        return self._store
