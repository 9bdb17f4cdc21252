"""All that an author of a backend imports: bases, what to answer and to commit with, checks.

A store in this process derives from `LocalStore`, one behind a connection from `FactStore`; each
declares its `Capability`s. What it holds it gives as an `EntityReader`:

- lookups: `look_up`, with `NamespaceView` and `PastView`; `NameQuestions` makes `describe_nowait`
  and its like from the reader (`describe` answers one of them); `index_codes` gives the codes
  under which near names are found, `CodeIndex` is an index of them in memory;
- scans: `named_record`, `facts_of`, `past_facts`;
- commits: `plan_commit` returns a `CommitPlan`; `declared_operations`, `check_commit`,
  `check_expected` and `idempotency_hash` go before it;
- changes: `changes_of_entity` and the like, from what the store keeps of a commit;
- erasures: `RequestedErasures` makes an `ErasureRequest` of every call; `keys_meant`,
  `owners_among` and `plan_erasure` say what it takes.

Keys are scoped: namespace and canonical key in one text (`scoped`, `split`, `canonical_key`).
``docs/writing-a-backend.md`` has the steps.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from anyio import CancelScope, to_thread

from lamlam.errors import ReadOnly
from lamlam.inline_calls import in_turns, is_inline
from lamlam.memory_backends.commits.local_holdings import LocalHoldings
from lamlam.memory_backends.commits.validation import facts_to_load, operations
from lamlam.memory_backends.model.fact_tuples import Loadable, fact_of
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.facts_about import LONG_TEXT, FactsAbout, TextQuestion
from lamlam.memory_backends.model.lookups import Lookup, LookupResult, checked_lookups
from lamlam.memory_backends.model.operations import (
    AddAlias,
    ApplyOptions,
    Assert,
    Change,
    Commit,
    DefineRelation,
    EraseOptions,
    ErasureReceipt,
    MentionChoice,
    MergeEntities,
    MigrationReport,
    Op,
    RemoveAlias,
    ScanOptions,
    SplitEntities,
)
from lamlam.memory_backends.model.text_search import OnProgress
from lamlam.memory_backends.model.values import Value
from lamlam.memory_backends.protocol import Capability, FactStore, store_closed, unsupported

if TYPE_CHECKING:
    from lamlam.errors import (
        AccessDenied,
        BadFact,
        BadStore,
        ChangesGone,
        Conflict,
        NotSupported,
        SchemaMismatch,
        StoreClosed,
        StoreMissing,
        TooManyValues,
        Unavailable,
    )
    from lamlam.memory_backends.commits.changes import (
        CommitEvent,
        ErasedFacts,
        changes_of_entity,
        changes_of_erasure,
        changes_of_events,
        present_changes,
        within,
    )
    from lamlam.memory_backends.commits.commit_plan import CommitPlan, named_keys, plan_commit
    from lamlam.memory_backends.commits.entity_edit import EntityEdit, covered_keys, stored_form
    from lamlam.memory_backends.commits.erasure_plan import (
        ErasurePlan,
        entities_meant,
        plan_erasure,
    )
    from lamlam.memory_backends.commits.erasure_request import (
        ErasureRequest,
        keys_meant,
        owners_among,
    )
    from lamlam.memory_backends.commits.idempotency import KeptOperations, OperationDigest, kept_of
    from lamlam.memory_backends.commits.mentions import Mentions
    from lamlam.memory_backends.commits.requested_erasures import RequestedErasures
    from lamlam.memory_backends.commits.validation import (
        check_commit,
        check_entity,
        check_expected,
        check_reached,
        check_scan,
        check_since,
        checked_operations,
        idempotency_hash,
        nested_write,
    )
    from lamlam.memory_backends.model.commit_info import CommitInfo
    from lamlam.memory_backends.model.entity_reader import (
        EntityHistory,
        EntityReader,
        EntityRecord,
        MergeRecord,
        StoredEntity,
        entity_code,
        value_key,
    )
    from lamlam.memory_backends.model.expiry import hiding_from
    from lamlam.memory_backends.model.fact_ids import FactIds
    from lamlam.memory_backends.model.facts import check_namespace
    from lamlam.memory_backends.model.keys import canonical_key, relation_key
    from lamlam.memory_backends.model.lookups import (
        EntityFact,
        EntityView,
        LookupStatus,
        PastVersion,
        StoredFact,
        as_fact,
        check_as_of,
        check_lookup,
    )
    from lamlam.memory_backends.model.namespaces import scoped, split
    from lamlam.memory_backends.model.operations import (
        PastFact,
        Replace,
        Retract,
        Revision,
        StoreInfo,
    )
    from lamlam.memory_backends.model.relation_rules import RelationRule, RelationRules
    from lamlam.memory_backends.model.synonyms import same_relation, synonyms_of
    from lamlam.memory_backends.protocol import ReadOnlyStore, Snapshot
    from lamlam.memory_backends.resolution.blocking_codes import index_codes
    from lamlam.memory_backends.resolution.code_index import CodeIndex
    from lamlam.memory_backends.resolution.descriptions import describe
    from lamlam.memory_backends.resolution.entity_facts import facts_of, named_record, past_facts
    from lamlam.memory_backends.resolution.name_questions import NameQuestions
    from lamlam.memory_backends.resolution.resolver import look_up
    from lamlam.memory_backends.resolution.views import NamespaceView, PastView

T = TypeVar("T")
# What is loaded on first use, by module: a process that only reads needs no plan of a commit.
_HOMES = {
    name: module
    for module, names in {
        "lamlam.errors": (
            "AccessDenied BadFact BadStore ChangesGone Conflict NotSupported SchemaMismatch "
            "StoreClosed StoreMissing TooManyValues Unavailable"
        ),
        "lamlam.memory_backends.commits.changes": (
            "CommitEvent ErasedFacts changes_of_entity changes_of_erasure changes_of_events "
            "present_changes within"
        ),
        "lamlam.memory_backends.commits.commit_plan": "CommitPlan named_keys plan_commit",
        "lamlam.memory_backends.commits.entity_edit": "EntityEdit covered_keys stored_form",
        "lamlam.memory_backends.commits.erasure_plan": "ErasurePlan entities_meant plan_erasure",
        "lamlam.memory_backends.commits.erasure_request": "ErasureRequest keys_meant owners_among",
        "lamlam.memory_backends.commits.idempotency": "KeptOperations OperationDigest kept_of",
        "lamlam.memory_backends.commits.mentions": "Mentions",
        "lamlam.memory_backends.commits.requested_erasures": "RequestedErasures",
        "lamlam.memory_backends.commits.validation": (
            "check_commit check_entity check_expected check_reached check_scan check_since "
            "checked_operations idempotency_hash nested_write"
        ),
        "lamlam.memory_backends.model.entity_reader": (
            "EntityHistory EntityReader EntityRecord MergeRecord StoredEntity entity_code value_key"
        ),
        "lamlam.memory_backends.model.commit_info": "CommitInfo",
        "lamlam.memory_backends.model.expiry": "hiding_from",
        "lamlam.memory_backends.model.fact_ids": "FactIds",
        "lamlam.memory_backends.model.facts": "check_namespace",
        "lamlam.memory_backends.model.keys": "canonical_key relation_key",
        "lamlam.memory_backends.model.lookups": (
            "EntityFact EntityView LookupStatus PastVersion StoredFact as_fact check_as_of "
            "check_lookup"
        ),
        "lamlam.memory_backends.model.namespaces": "scoped split",
        "lamlam.memory_backends.model.operations": "PastFact Replace Retract Revision StoreInfo",
        "lamlam.memory_backends.model.relation_rules": "RelationRule RelationRules",
        "lamlam.memory_backends.model.synonyms": "same_relation synonyms_of",
        "lamlam.memory_backends.protocol": "ReadOnlyStore Snapshot",
        "lamlam.memory_backends.resolution.blocking_codes": "index_codes",
        "lamlam.memory_backends.resolution.code_index": "CodeIndex",
        "lamlam.memory_backends.resolution.entity_facts": "facts_of named_record past_facts",
        "lamlam.memory_backends.resolution.name_questions": "NameQuestions",
        "lamlam.memory_backends.resolution.descriptions": "describe",
        "lamlam.memory_backends.resolution.resolver": "look_up",
        "lamlam.memory_backends.resolution.views": "NamespaceView PastView",
    }.items()
    for name in names.split()
}
_NEEDED: dict[type, Capability] = {
    AddAlias: Capability.ALIASES,
    RemoveAlias: Capability.ALIASES,
    MergeEntities: Capability.ALIASES,
    SplitEntities: Capability.ALIASES,
    DefineRelation: Capability.RULES,
}

__all__ = [
    "AccessDenied", "AddAlias", "Assert", "BadFact", "BadStore", "Capability", "Change",
    "ChangesGone", "CodeIndex", "Commit", "CommitEvent", "CommitInfo", "CommitPlan", "Conflict",
    "DefineRelation", "EntityEdit", "EntityFact", "EntityHistory", "EntityReader",
    "EntityRecord", "EntityView", "ErasedFacts", "ErasurePlan", "ErasureReceipt",
    "ErasureRequest", "Fact", "FactIds", "FactStore", "KeptOperations", "LocalStore", "Lookup",
    "LookupResult", "LookupStatus", "Mentions", "MergeEntities", "MergeRecord",
    "MigrationReport", "NameQuestions", "Namespace", "NamespaceView", "NotSupported", "Op",
    "OperationDigest", "PastFact", "PastVersion", "PastView", "ReadOnly", "ReadOnlyStore",
    "RelationRule", "RelationRules", "RemoveAlias", "Replace", "RequestedErasures", "Retract",
    "Revision", "SchemaMismatch", "Snapshot", "SplitEntities", "StoreClosed", "StoreInfo",
    "StoreMissing", "StoredEntity", "StoredFact", "TooManyValues", "Unavailable", "as_fact",
    "canonical_key", "changes_of_entity", "changes_of_erasure", "changes_of_events",
    "check_as_of", "check_commit", "check_entity", "check_expected", "check_lookup",
    "check_namespace", "check_reached", "check_scan", "check_since", "checked_lookups",
    "checked_operations", "covered_keys", "declared_operations", "describe", "entities_meant",
    "entity_code", "facts_of", "facts_to_load", "hiding_from", "idempotency_hash",
    "index_codes", "kept_of", "keys_meant", "look_up", "named_keys", "named_record",
    "nested_write", "operations", "owners_among", "past_facts", "plan_commit", "plan_erasure",
    "present_changes", "relation_key", "same_relation", "scoped", "split", "store_closed",
    "stored_form", "synonyms_of", "unsupported", "value_key", "within",
]  # fmt: skip


def __getattr__(name: str) -> Any:  # Any: the type stands in the TYPE_CHECKING block
    if name in _HOMES:
        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class LocalStore(LocalHoldings, FactStore):
    """A store that answers in the calling thread; a backend writes what ends in ``_nowait``.

    The async methods call those: the ones that write in a worker thread, since they may wait for
    a disk. `info`, `history`, `rules` and `aliases` are async only, and must not wait.
    """

    applies_in_thread = True
    """`apply` and `load` may wait for a disk."""
    saves_in_thread = True
    """`erase`, `migrate` and `aclose` may wait for a disk."""
    read_only = False
    """It was opened for reading; a backend sets it, and leaves out the capabilities of writing."""
    is_closed = False
    """`close_nowait` sets it; a backend that overrides that method does so too."""

    def check_open(self) -> None:
        """Raise `StoreClosed` if the store is closed."""
        if self.is_closed:
            raise store_closed()

    def check_writable(self) -> None:
        """Raise `ReadOnly` if the store was opened for reading, `StoreClosed` if it is closed."""
        self.check_open()
        if self.read_only:
            raise ReadOnly("this store was opened for reading", hint="open it for writing")

    @abstractmethod
    def lookup_nowait(self, query: Lookup) -> LookupResult:
        """Return what the store holds of one relation of one entity."""

    @abstractmethod
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
        """Yield facts, as `scan` does."""

    @abstractmethod
    def apply_nowait(
        self,
        ops: Iterable[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit:
        """Do every operation or none, as `apply` does; take them as they come."""

    @abstractmethod
    def erase_nowait(
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
        """Remove facts, as `erase` does; `RequestedErasures` makes an `ErasureRequest` of it."""

    @abstractmethod
    def migrate_nowait(self, *, dry_run: bool = False) -> MigrationReport:
        """Bring the store to the schema of this version, as `migrate` does."""

    def close_nowait(self) -> None:
        """Close the store; closing again does nothing."""
        self.is_closed = True

    def changes_nowait(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> Iterator[Change]:
        """Yield what was committed after a revision, as `changes` does."""
        raise unsupported(self, "changes", Capability.CHANGES)

    def load_nowait(self, facts: Iterable[Loadable]) -> Commit:
        """Assert all facts, or tuples of entity, relation, value and source, or none of them."""
        return self.apply_nowait(Assert(fact_of(fact)) for fact in facts_to_load(facts))

    async def known_names(
        self,
        names: Sequence[str],
        *,
        namespace: Namespace = (),
        as_of: int | None = None,
        loosely: bool = False,
    ) -> frozenset[str]:
        """Return those of the names that the store knows."""
        if Capability.FAST_LOOKUP in self.capabilities:
            return self.known_names_nowait(names, namespace=namespace, as_of=as_of, loosely=loosely)
        return await super().known_names(names, namespace=namespace, as_of=as_of, loosely=loosely)

    async def about_text(self, question: TextQuestion) -> FactsAbout:
        """Return the answer to `facts_about`; a long text is read in another thread."""
        if Capability.FAST_LOOKUP not in self.capabilities:
            return await super().about_text(question)
        is_long = len(question.text) > LONG_TEXT and not is_inline()
        return await _done(partial(self.about_text_nowait, question), is_long)

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order; hold a lock around it if threads write."""
        return [self.lookup_nowait(query) for query in checked_lookups(queries)]

    def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        **options: Unpack[ScanOptions],
    ) -> AsyncIterator[Fact]:
        """Yield all facts, or those of one entity, of one relation (or a synonym), or of both."""
        return in_turns(self.scan_nowait(entity, relation, **options))

    def changes(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> AsyncIterator[Change]:
        """Yield what was committed after a revision, in order, up to now."""
        return in_turns(self.changes_nowait(since, namespace=namespace))

    async def apply(self, ops: Sequence[Op], **options: Unpack[ApplyOptions]) -> Commit:
        """Do every operation, in order, or none."""
        return await _done(partial(self.apply_nowait, ops, **options), self.applies_in_thread)

    async def load(self, facts: Iterable[Loadable]) -> Commit:
        """Assert all facts, however many, or none; a thread may take them from the iterable."""
        return await _done(partial(self.load_nowait, facts), self.applies_in_thread)

    async def erase(
        self,
        entity: str,
        relation: str | None = None,
        value: Value | None = None,
        **options: Unpack[EraseOptions],
    ) -> ErasureReceipt:
        """Remove the facts with all that is kept of them."""
        work = partial(self.erase_nowait, entity, relation, value, **options)
        return await _done(work, self.saves_in_thread)

    async def erase_namespace(
        self, namespace: Namespace, *, reason: str | None = None, authority: str | None = None
    ) -> ErasureReceipt:
        """Remove all of a namespace."""
        work = partial(self.erase_namespace_nowait, namespace, reason=reason, authority=authority)
        return await _done(work, self.saves_in_thread)

    async def fact(self, fact_id: str) -> Fact | None:
        """Return the fact with this id; in a thread, as it may take long."""
        return await to_thread.run_sync(self.fact_nowait, fact_id)

    async def migrate(self, *, dry_run: bool = False) -> MigrationReport:
        """Bring the store to the schema of this version."""
        return await _done(partial(self.migrate_nowait, dry_run=dry_run), self.saves_in_thread)

    def set_search_index_nowait(
        self, is_on: bool, *, sources: bool = False, on_progress: OnProgress | None = None
    ) -> None:
        """Turn the search index on or off, as `set_search_index` does."""
        raise unsupported(self, "set_search_index", Capability.SEARCH_INDEX)

    async def set_search_index(
        self,
        is_on: bool = True,
        *,
        sources: bool = False,
        on_progress: OnProgress | None = None,
    ) -> None:
        """Turn the search index on or off, for every process that uses the store."""
        work = partial(
            self.set_search_index_nowait, is_on, sources=sources, on_progress=on_progress
        )
        await _done(work, self.saves_in_thread)

    async def aclose(self) -> None:
        """Close the store; closing again does nothing."""
        with CancelScope(shield=True):
            await _done(self.close_nowait, self.saves_in_thread)


async def _done(work: Callable[[], T], in_thread: bool) -> T:
    return await to_thread.run_sync(work) if in_thread else work()


def declared_operations(store: FactStore, ops: Iterable[Op]) -> Iterator[Op]:
    """Yield the operations as they come.

    Raises:
        BadFact: it is not a list of operations.
        NotSupported: an operation needs a capability that the store does not declare.
    """
    for op in operations(ops):
        needed = _NEEDED.get(type(op))
        if needed is not None and needed not in store.capabilities:
            raise unsupported(store, type(op).__name__, needed)
        yield op
