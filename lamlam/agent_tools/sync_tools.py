"""`SyncMemoryTools`: memory tools for code without an event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from lamlam.agent_tools.fitting import MAX_RESULT_CHARACTERS
from lamlam.agent_tools.memory_tools import METHODS, MemoryTools
from lamlam.background_loop import BackgroundLoop
from lamlam.errors import UsageError
from lamlam.inline_calls import run_inline
from lamlam.memory_backends.model.values import Value
from lamlam.memory_backends.protocol import FactStore, check_store, store_closed
from lamlam.memory_backends.sync import SyncFactStore

if TYPE_CHECKING:
    from lamlam.agent_tools.arguments import NewFact
    from lamlam.agent_tools.offer import Choosable
    from lamlam.agent_tools.policies import Policy, Verdict
    from lamlam.agent_tools.results import (
        CorrectResult,
        FactsAboutResult,
        ForgetResult,
        FoundFacts,
        LookUpResult,
        RememberManyResult,
        RememberResult,
        ToolResult,
    )
    from lamlam.agent_tools.tool import Tool
    from lamlam.memory_backends.model.facts import Fact, Namespace
    from lamlam.memory_backends.model.facts_about import AboutOptions, FactsAbout
    from lamlam.memory_backends.model.lookups import Lookup, LookupResult
    from lamlam.memory_backends.model.operations import (
        ApplyOptions,
        Change,
        Commit,
        EraseOptions,
        ErasureReceipt,
        MigrationReport,
        Op,
        PastFact,
        StoreInfo,
    )
    from lamlam.memory_backends.model.relation_rules import RelationRule
    from lamlam.memory_backends.model.search_rules import SearchResult
    from lamlam.memory_backends.model.values import Value


class SyncMemoryTools:
    """`MemoryTools` with blocking methods, over a `SyncFactStore`; same names, same answers."""

    def __init__(
        self,
        store: SyncFactStore,
        *,
        names: Iterable[str] | None = None,
        namespace: Namespace = (),
        shared_namespace: Namespace | None = (),
        may_choose: Choosable = (),
        policy: Policy | Iterable[Policy] | None = None,
        actor: str | None = None,
        me: str | None = None,
        max_characters: int = MAX_RESULT_CHARACTERS,
    ) -> None:
        """Offer tools; arguments and errors as for `MemoryTools`.

        Args:
            store: open; it stays so.
            policy: hooks may be async here too; each verdict of such a one takes a thread.
        """
        check_store(store)
        if not isinstance(store, SyncFactStore):
            raise UsageError(
                f"SyncMemoryTools needs a SyncFactStore, got {type(store).__name__}",
                hint="give lamlam.SyncFactStore(store), inside its block, or use MemoryTools",
            )
        self._tools = _InThread(
            _Awaited(store),
            names=names,
            namespace=namespace,
            shared_namespace=shared_namespace,
            may_choose=may_choose,
            policy=policy,
            actor=actor,
            me=me,
            max_characters=max_characters,
        )

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What is offered."""
        return self._tools.tools

    def definitions(self, *, strict: bool = False) -> list[dict[str, Any]]:
        """Return what is offered, in the form of OpenAI's function calling."""
        return self._tools.definitions(strict=strict)

    def mcp_definitions(self) -> list[dict[str, Any]]:
        """Return what is offered, in the form of the Model Context Protocol."""
        return self._tools.mcp_definitions()

    def functions(self) -> dict[str, Callable[..., ToolResult]]:
        """Return the method of each tool that is offered, by the tool's name."""
        return {name: getattr(self, METHODS[name]) for name in self._tools.functions()}

    def call(
        self,
        name: str,
        arguments: str | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> dict[str, Any]:
        """Do what a model asked for."""
        return run_inline(
            self._tools.call(name, arguments, idempotency_key=idempotency_key, actor=actor)
        )

    def look_up(self, entity: str, relation: str, *, namespace: str | None = None) -> LookUpResult:
        """Return the values of one relation, each with its fact's id and source, or the miss."""
        return run_inline(self._tools.look_up(entity, relation, namespace=namespace))

    def search(
        self, text: str, limit: int | None = None, *, namespace: str | None = None
    ) -> FoundFacts:
        """Return facts that a part of a name or of a value finds, or a question; names first."""
        return run_inline(self._tools.search(text, limit, namespace=namespace))

    def facts_about(
        self, text: str, limit: int | None = None, *, namespace: str | None = None
    ) -> FactsAboutResult:
        """Return what memory holds about the names in a text, best first."""
        return run_inline(self._tools.facts_about(text, limit, namespace=namespace))

    def instructions(
        self, text: str, limit: int | None = None, *, namespace: str | None = None
    ) -> str:
        """Return facts about the names in a text as instructions for a model, one on each line."""
        return run_inline(self._tools.instructions(text, limit, namespace=namespace))

    def remember(
        self,
        entity: str,
        relation: str,
        value: str,
        source: str | None = None,
        *,
        type: str | None = None,
        valid_from: str | None = None,
        valid_to: str | None = None,
        confidence: float | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
        namespace: str | None = None,
    ) -> RememberResult:
        """Add a fact to memory, beside the values that the relation has."""
        return run_inline(
            self._tools.remember(
                entity,
                relation,
                value,
                source,
                type=type,
                valid_from=valid_from,
                valid_to=valid_to,
                confidence=confidence,
                idempotency_key=idempotency_key,
                actor=actor,
                namespace=namespace,
            )
        )

    def remember_facts(
        self,
        facts: Sequence[NewFact | Mapping[str, Any]],
        *,
        all_or_nothing: bool | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
        namespace: str | None = None,
    ) -> RememberManyResult:
        """Add several facts in one commit; each that is refused is told by its index."""
        return run_inline(
            self._tools.remember_facts(
                facts,
                all_or_nothing=all_or_nothing,
                idempotency_key=idempotency_key,
                actor=actor,
                namespace=namespace,
            )
        )

    def correct(
        self,
        entity: str,
        relation: str,
        value: str,
        source: str | None = None,
        *,
        type: str | None = None,
        valid_from: str | None = None,
        valid_to: str | None = None,
        confidence: float | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
        namespace: str | None = None,
    ) -> CorrectResult:
        """Make a value the only one of the relation in its period; arguments as for `remember`."""
        return run_inline(
            self._tools.correct(
                entity,
                relation,
                value,
                source,
                type=type,
                valid_from=valid_from,
                valid_to=valid_to,
                confidence=confidence,
                idempotency_key=idempotency_key,
                actor=actor,
                namespace=namespace,
            )
        )

    def forget(
        self,
        entity: str,
        relation: str | None = None,
        value: str | None = None,
        *,
        actor: str | None = None,
        namespace: str | None = None,
    ) -> ForgetResult:
        """Erase an entity, a relation of it, or one value of a relation; return the receipt."""
        return run_inline(
            self._tools.forget(entity, relation, value, actor=actor, namespace=namespace)
        )


class _InThread(MemoryTools):
    """Tools whose coroutines never wait: the thread itself does."""

    async def _settle(self, verdict: Awaitable[Verdict]) -> Verdict:
        """Return the verdict of an async hook, which has a loop of its own to wait on."""

        async def given() -> Verdict:
            return await verdict

        loop = BackgroundLoop("lamlam-policy-loop", store_closed)
        try:
            return loop.call(given)
        finally:
            loop.close()


class _Awaited(FactStore):
    """A blocking store, for coroutines that a thread runs to their end."""

    def __init__(self, store: SyncFactStore) -> None:
        self._twin = store
        self.capabilities = store.capabilities

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        return self._twin.lookup_many(queries)

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
        for fact in self._twin.scan(
            entity,
            relation,
            namespace=namespace,
            as_of=as_of,
            batch=batch,
            include_expired=include_expired,
        ):
            yield fact

    async def apply(self, ops: Sequence[Op], **options: Unpack[ApplyOptions]) -> Commit:
        return self._twin.apply(ops, **options)

    async def history(
        self, entity: str, relation: str | None = None, *, namespace: Namespace = ()
    ) -> list[PastFact]:
        return self._twin.history(entity, relation, namespace=namespace)

    async def changes(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> AsyncIterator[Change]:
        for change in self._twin.changes(since, namespace=namespace):
            yield change

    async def erase(
        self,
        entity: str,
        relation: str | None = None,
        value: Value | None = None,
        **options: Unpack[EraseOptions],
    ) -> ErasureReceipt:
        return self._twin.erase(entity, relation, value, **options)

    async def search(self, text: str, **options: Any) -> SearchResult:  # Any: as the twin has them
        return self._twin.search(text, **options)

    async def facts_about(self, text: str, **options: Unpack[AboutOptions]) -> FactsAbout:
        return self._twin.facts_about(text, **options)

    async def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        return self._twin.aliases(entity, namespace=namespace)

    async def rules(self) -> list[RelationRule]:
        return self._twin.rules()

    async def info(self) -> StoreInfo:
        return self._twin.info()

    async def migrate(self, *, dry_run: bool = False) -> MigrationReport:
        return self._twin.migrate(dry_run=dry_run)

    async def aclose(self) -> None:
        """Do nothing: the store stays open."""
