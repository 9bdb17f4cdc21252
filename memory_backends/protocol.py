"""`FactStore`: what every memory does, whatever it is made of; snapshots of one."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, Self, TypeVar, Unpack, runtime_checkable

from lamlam.errors import ReadOnly, StoreClosed, UsageError
from lamlam.memory_backends.commits.holdings import Holdings
from lamlam.memory_backends.commits.lifetimes import Lifetimes
from lamlam.memory_backends.commits.older_erasures import complete_erase
from lamlam.memory_backends.commits.validation import check_reached, check_scan
from lamlam.memory_backends.model.capabilities import Capability as Capability
from lamlam.memory_backends.model.capabilities import unsupported as unsupported
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.expiry import with_expired
from lamlam.memory_backends.model.facts import Fact, Namespace, check_namespace
from lamlam.memory_backends.model.facts_about import FactsAbout, TextQuestion
from lamlam.memory_backends.model.known_names import names_by_lookups, names_found, names_of_values
from lamlam.memory_backends.model.lookups import (
    Lookup,
    LookupResult,
    checked_lookup,
    checked_lookups,
)
from lamlam.memory_backends.model.operations import (
    ApplyOptions,
    Change,
    Commit,
    EraseOptions,
    ErasureReceipt,
    MentionChoice,
    MigrationReport,
    Op,
    PastFact,
    StoreInfo,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.text_search import TextSearch
from lamlam.memory_backends.model.text_search import index_option as index_option
from lamlam.memory_backends.model.values import Value
from lamlam.memory_backends.resolution.text_questions import TextQuestions

if TYPE_CHECKING:
    from pydantic import BaseModel

    from lamlam.memory_backends.model.recall import Recalled

Model = TypeVar("Model", bound="BaseModel")
_OF_SNAPSHOTS = frozenset(
    {
        Capability.ALIASES, Capability.RULES, Capability.NAMESPACES, Capability.HISTORY,
        Capability.VALID_TIME, Capability.EXPIRY, Capability.COMMIT_TIMES, Capability.FUZZY, Capability.SERVER, Capability.MULTIPROCESS,
    }
)  # fmt: skip


@runtime_checkable
class FactStore(TextQuestions, Holdings, Lifetimes, TextSearch, Protocol):
    """Facts that can be looked up, changed and erased; opened by ``async with``.

    A backend derives from it and writes the core: `lookup_many`, `scan`, `apply`, `changes`,
    `erase`, `info`, `migrate` and `aclose`. The other methods have bodies, which raise
    `NotSupported` where a capability is needed that the backend does not declare.
    """

    # The core -------------------------------------------------------------------------------------

    @abstractmethod
    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, in their order, all from one state of the store.

        A miss and an ambiguous name are results, not errors.

        Raises:
            StoreClosed: the store is closed.
            Unavailable: a server did not answer.
            Conflict: a query asks for a revision that the store has not reached.
            BadFact: a query has a field of the wrong type or an impossible namespace.
        """
        ...

    @abstractmethod
    def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
        include_expired: bool = False,
    ) -> AsyncIterator[Fact]:
        """Yield all facts, or those of one entity, of one relation (or its synonyms), or of both.

        Facts whose period has ended are left out (`EXPIRY`), those that are still to come are not.
        The facts of one entity come together, in stored order.

        Args:
            entity: by its canonical key or an alias; no other spelling is tried.
            relation: as for `apply`: synonyms included.
            namespace: one namespace; ``None``: all of them, or ``()`` with an entity.
            as_of: what held at this revision.
            batch: entities that are read at a time.
            include_expired: yield facts whose period has ended, too.
        """
        ...

    @abstractmethod
    async def apply(
        self,
        ops: Sequence[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit:
        """Do every operation, in order, or none.

        Args:
            expected: the revision that the store must still have.
            idempotency_key: names this change: a second `apply` with it returns the first
                commit and does nothing, so that a caller may repeat a change whose outcome
                it does not know.
            actor: who does it; stands in the store's log.

        Raises:
            Conflict: the store has another revision, or a relation other values, than expected.
            TooManyValues: a relation that has one value at a time would have two.
            ReadOnly: the store was opened for reading.
            BadFact: an operation is not valid, or names what the store does not hold.
            Unavailable: another process keeps the store locked, or a server did not answer.
        """
        ...

    @abstractmethod
    def changes(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> AsyncIterator[Change]:
        """Yield what was committed after a revision, in order, up to now (`Capability.CHANGES`).

        With ``None``: what holds now, as one commit would assert it: rules, then the facts
        of each entity with its aliases. Every such entry has the revision of the store, each fact
        its own. Begin so, then go on from the revision of the last change, or from `info` before
        the call where there was none.

        Raises:
            ChangesGone: the log does not reach back so far; begin again with ``None``.
        """
        ...

    @abstractmethod
    async def erase(
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
        """Remove the facts with all that is kept of them: history, log, aliases and index keys.

        The entity is the one whose canonical key equals that of ``entity``, or that has it as an
        alias: nothing is erased on the strength of a similar name. ``relation`` likewise is taken
        by its own key or by a synonym of it.

        Args:
            value: only this value of the relation, as for `Retract`; the others stay, with their
                history.
            mentions: what becomes of facts of other entities of the namespace whose value is the
                entity, as a reference or as a text of its name: "leave" them, "retract" them with
                their history, or "replace" the value. Whatever still mentions it is listed.
            placeholder: the value that is put in its place; by default "[erased]".

        A backend that was written without the last three gets bodies for them
        (`commits.older_erasures`).

        Raises:
            BadFact: a name is not a string, or the arguments do not go together.
            NotSupported: a backend of others with a history erases no single values.
            ReadOnly: the store was opened for reading.
        """
        ...

    @abstractmethod
    async def info(self) -> StoreInfo:
        """Return what the store is and how much it holds."""
        ...

    @abstractmethod
    async def migrate(self, *, dry_run: bool = False) -> MigrationReport:
        """Bring the store to the schema of this version; a second call finds nothing to do.

        Raises:
            SchemaMismatch: a newer version wrote it.
        """
        ...

    @abstractmethod
    async def aclose(self) -> None:
        """Close the store; closing again does nothing."""
        ...

    # Bodies for every backend ---------------------------------------------------------------------

    async def lookup(
        self,
        entity: str,
        relation: str,
        *,
        namespace: Namespace = (),
        valid_at: Instant | None = None,
        as_of: int | None = None,
    ) -> LookupResult:
        """Return what the store holds of one relation of one entity; errors as `lookup_many`."""
        query = checked_lookup(entity, relation, namespace, valid_at, as_of)
        return (await self.lookup_many([query]))[0]

    async def recall(
        self,
        model: type[Model],
        entity: str,
        *,
        namespace: Namespace = (),
        shared_namespace: Namespace | None = (),
        valid_at: Instant | None = None,
        as_of: int | None = None,
    ) -> Recalled[Model]:
        """Return a pydantic model filled from the entity's relations, and from which facts.

        Args:
            namespace: the user's own: a fact here hides those of the same relation behind it.
            shared_namespace: read where the first has nothing; ``None``: nothing else is read.

        Raises:
            RecallFailed: a required field is not filled, or a value does not fit its field.
            OverlayCycle: both namespaces are the same.
        """
        from lamlam.memory_backends.resolution.layered_recall import recall_in_layers

        return await recall_in_layers(
            self, model, entity, namespace, shared_namespace, valid_at=valid_at, as_of=as_of
        )

    async def known_names(
        self,
        names: Sequence[str],
        *,
        namespace: Namespace = (),
        as_of: int | None = None,
        loosely: bool = False,
    ) -> frozenset[str]:
        """Return those of the names that the store knows; arguments as `known_names_nowait`."""
        lookups = names_by_lookups(names, check_namespace(namespace), as_of)
        found = names_found(lookups, await self.lookup_many(lookups), loosely=loosely)
        lookups = [one for one in lookups if one.entity not in found]
        return found | await names_of_values(self, lookups, loosely=loosely)

    def snapshot(self) -> AbstractAsyncContextManager[FactStore]:
        """Yield the store as it is now, for reading, whatever is committed meanwhile (`HISTORY`)."""
        if Capability.HISTORY not in self.capabilities:
            raise unsupported(self, "snapshot", Capability.HISTORY)
        return Snapshot(self)

    async def history(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> list[PastFact]:
        """Return facts and versions of facts that have ended, oldest first (`HISTORY`)."""
        raise unsupported(self, "history", Capability.HISTORY)

    async def rules(self) -> list[RelationRule]:
        """Return the rules of relations, in the order of definition (`RULES`)."""
        raise unsupported(self, "rules", Capability.RULES)

    async def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        """Return the other names (canonical keys) of an entity, sorted (`ALIASES`)."""
        raise unsupported(self, "aliases", Capability.ALIASES)

    def __init_subclass__(cls, **options: Any) -> None:  # Any: as a class may have them
        """Give a backend that was written before `erase` had all its arguments bodies for these."""
        super().__init_subclass__(**options)
        complete_erase(cls)

    async def __aenter__(self) -> Self:
        """Return the store itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the store."""
        await self.aclose()


def check_store(store: object) -> None:
    """Raise `UsageError` unless it looks like a fact store or its blocking twin."""
    if not hasattr(store, "capabilities"):
        raise UsageError(
            f"store must be a fact store, got {type(store).__name__}",
            hint="open one by lamlam.open_store(URL) or lamlam.SyncFactStore(URL)",
        )


def store_closed() -> StoreClosed:
    """Return the error of a call to a store that is closed."""
    return StoreClosed("the store is not open", hint="use it inside: with (async with) … as store")


class ReadOnlyStore(FactStore):
    """A store that is only read; it has no log of changes."""

    refusal = ("this store is only read", "write to the store behind it")
    """Message and hint of the error that an attempt to write raises."""

    async def apply(self, ops: Sequence[Op], **options: Unpack[ApplyOptions]) -> NoReturn:
        """Refuse."""
        raise self._refused()

    async def erase(
        self,
        entity: str,
        relation: str | None = None,
        value: Value | None = None,
        **options: Unpack[EraseOptions],
    ) -> NoReturn:
        """Refuse."""
        raise self._refused()

    async def erase_namespace(
        self, namespace: Namespace, *, reason: str | None = None, authority: str | None = None
    ) -> NoReturn:
        """Refuse."""
        raise self._refused()

    async def migrate(self, *, dry_run: bool = False) -> NoReturn:
        """Refuse."""
        raise self._refused()

    def changes(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> AsyncIterator[Change]:
        """Refuse."""
        raise unsupported(self, "changes", Capability.CHANGES)

    def _refused(self) -> ReadOnly:
        message, hint = self.refusal
        return ReadOnly(message, hint=hint)


class Snapshot(ReadOnlyStore):
    """A store as it is when this is entered. An erasure is seen all the same."""

    refusal = ("a snapshot cannot be written", "write to the store itself")

    def __init__(self, store: FactStore) -> None:
        self._store = store
        self.capabilities = store.capabilities & _OF_SNAPSHOTS

    async def __aenter__(self) -> Self:
        """Note the state of the store."""
        self._info = await self._store.info()
        self.revision = self._info.revision
        return self

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query, as of the snapshot or an earlier revision asked for."""
        given = [replace(q, as_of=self._at(q.as_of)) for q in checked_lookups(queries)]
        return await self._store.lookup_many(given)

    async def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
        include_expired: bool = False,
    ) -> AsyncIterator[Fact]:
        """Yield facts that held at the snapshot's revision."""
        check_scan(entity, relation, as_of, batch)
        at = self._at(as_of)
        facts = self._store.scan(
            entity,
            relation,
            namespace=namespace,
            as_of=at,
            batch=batch,
            **with_expired(self._store, include_expired),
        )
        try:
            async for fact in facts:
                yield fact
        finally:
            if isinstance(facts, AsyncGenerator):  # one that is left early must be closed
                await facts.aclose()

    async def known_names(
        self,
        names: Sequence[str],
        *,
        namespace: Namespace = (),
        as_of: int | None = None,
        loosely: bool = False,
    ) -> frozenset[str]:
        """Return those of the names that were known at the snapshot's revision."""
        at = self._at(as_of)
        return await self._store.known_names(names, namespace=namespace, as_of=at, loosely=loosely)

    async def about_text(self, question: TextQuestion) -> FactsAbout:
        """Return what the names in a text meant, and what held, at the snapshot's revision."""
        return await self._store.about_text(replace(question, as_of=self._at(question.as_of)))

    async def history(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> list[PastFact]:
        """Return what had ended by then."""
        past = await self._store.history(entity, relation, namespace=namespace)
        return [one for one in past if one.retracted <= self.revision]

    async def rules(self) -> list[RelationRule]:
        """Return the rules of relations, as they are now."""
        return await self._store.rules()

    async def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        """Return the other names of an entity, as they are now."""
        return await self._store.aliases(entity, namespace=namespace)

    async def info(self) -> StoreInfo:
        """Return what the store was."""
        return replace(self._info, read_only=True)

    async def aclose(self) -> None:
        """Do nothing: the store stays open."""

    def _at(self, asked: int | None) -> int:
        check_reached(asked, self.revision)
        return self.revision if asked is None else asked
