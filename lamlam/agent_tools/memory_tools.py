"""`MemoryTools`: a memory as tools for agents of any framework.

>>> [tool.name for tool in TOOLS if not tool.reads_only]
['remember_fact', 'remember_facts', 'correct_fact', 'forget_fact']
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from lamlam.agent_tools.about_answer import about_instructions
from lamlam.agent_tools.arguments import (
    About,
    Correct,
    Forget,
    LookUp,
    NewFact,
    Remember,
    RememberMany,
    Search,
)
from lamlam.agent_tools.call_reading import read_arguments
from lamlam.agent_tools.fitting import LEAST_RESULT_CHARACTERS, MAX_RESULT_CHARACTERS
from lamlam.agent_tools.offer import Choosable, Places, offered_tools
from lamlam.agent_tools.policies import Policy, Verdict, as_policies
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
from lamlam.agent_tools.tool import TOOLS as TOOLS
from lamlam.agent_tools.tool_work import ToolWork
from lamlam.errors import (
    BadFact,
    BadToolCall,
    NotSupported,
    PolicyRefused,
    TooManyValues,
    UnknownOption,
    UsageError,
)
from lamlam.memory_backends.model.facts import Namespace, check_text
from lamlam.memory_backends.model.facts_about import text_question
from lamlam.memory_backends.protocol import FactStore, check_store
from lamlam.memory_backends.sync import SyncFactStore

METHODS = {
    "look_up_fact": "look_up",
    "search_facts": "search",
    "facts_about": "facts_about",
    "remember_fact": "remember",
    "remember_facts": "remember_facts",
    "correct_fact": "correct",
    "forget_fact": "forget",
}
"""The method behind each tool."""
REFUSALS = (BadFact, NotSupported, PolicyRefused, TooManyValues)
"""Errors of a call that a model is to read, and may go on after; others are for the program, but for
`BadToolCall`, which it may mend by another call."""


class MemoryTools:
    """The tools over one memory; `call` answers with what JSON can hold, the methods with models.

    `SyncMemoryTools` is the blocking twin.
    """

    def __init__(
        self,
        store: FactStore,
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
        """Offer tools.

        Args:
            store: stays open.
            names: which tools; by default all, or where the store was opened for reading those
                that only read.
            namespace: where facts are looked up and written.
            shared_namespace: read where the first has nothing, never written; ``None``: none.
            may_choose: other namespaces that the model may choose by an argument of each call;
                "below": any that begins with the first. By default the model has no choice, and
                no such argument.
            policy: is asked before anything is written: a hook, or several, each of which must
                allow it (`lamlam.agent_tools.policies`).
            actor: who makes the changes, for the log; without it, the model may say so.
            me: the entity that "I", "me" and "my" mean in a text of ``facts_about``.
            max_characters: of the texts of one answer; what is left out is said.

        Raises:
            UnknownOption: a name that no tool has.
            UsageError: not a store, not a policy, or no room for an answer.
            BadFact: a namespace is not valid, the actor is not a text, or ``me`` not a name.
            OverlayCycle: both namespaces are the same.
            NotSupported: a namespace is given, and the store has none.
        """
        check_store(store)
        if isinstance(store, SyncFactStore):
            raise UsageError(
                "MemoryTools needs a store of async code, got a SyncFactStore",
                hint="use lamlam.SyncMemoryTools, or lamlam.open_store(URL)",
            )
        check_text(actor=actor)
        text_question("", me=me)
        if type(max_characters) is not int or max_characters < LEAST_RESULT_CHARACTERS:
            raise UnknownOption(
                f"max_characters must be an integer from {LEAST_RESULT_CHARACTERS} on, "
                f"got {max_characters!r}",
                hint=f"the usual is {MAX_RESULT_CHARACTERS}",
            )
        places = Places.of(namespace, shared_namespace, may_choose)
        tools, self.tools = offered_tools(
            names, store.capabilities, places, has_actor=actor is not None
        )
        self._offered = {tool.name: tool for tool in self.tools}
        self._work = ToolWork(
            store,
            tools,
            places,
            as_policies(policy),
            actor,
            me,
            max_characters,
            may_read=any(tool.reads_only for tool in self.tools),
            settle=self._settle,
        )

    def definitions(self, *, strict: bool = False) -> list[dict[str, Any]]:
        """Return what is offered, in the form of OpenAI's function calling.

        Args:
            strict: for its strict mode, in which a model cannot write other arguments: what may
                be left out is required there, and may be null.
        """
        return [tool.definition(strict=strict) for tool in self.tools]

    def mcp_definitions(self) -> list[dict[str, Any]]:
        """Return what is offered, in the form of the Model Context Protocol."""
        return [tool.mcp_definition() for tool in self.tools]

    def functions(self) -> dict[str, Callable[..., Awaitable[ToolResult]]]:
        """Return the method of each tool that is offered, by the tool's name.

        For frameworks that take a function with a schema; it is called with keywords.
        """
        return {name: getattr(self, METHODS[name]) for name in self._offered}

    async def call(
        self,
        name: str,
        arguments: str | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> dict[str, Any]:
        """Do what a model asked for.

        Args:
            arguments: as an object, or as its JSON text.
            idempotency_key: of the change, such as the id of the call, so that it is made once
                however often it is repeated; goes before one that the model wrote.
            actor: who makes the change; goes before that of the tools.

        Raises:
            BadToolCall: the tool is not offered, or the arguments are invalid.
            PolicyRefused: the policy does not allow it.
            PolicyFailed: a hook of the policy raised; nothing was written.
            FactStoreError: the memory refused, or failed.
        """
        tool = self._offered.get(name) if isinstance(name, str) else None
        if tool is None:
            offered = ", ".join(self._offered)
            raise BadToolCall(f"unknown tool {str(name)[:60]!r}", hint=f"one of: {offered}")
        given = read_arguments(tool, arguments)
        check_text(idempotency_key=idempotency_key, actor=actor)
        settled = {}
        if idempotency_key is not None:
            settled["idempotency_key"] = idempotency_key
        if actor is not None:
            settled["actor"] = actor
        return (await self._work.do(given, settled)).as_json()

    async def look_up(
        self, entity: str, relation: str, *, namespace: str | None = None
    ) -> LookUpResult:
        """Return the values of one relation, each with its fact's id and source, or the miss."""
        given = {"entity": entity, "relation": relation, "namespace": namespace}
        return await self._work.look_up(self._work.checked("look_up_fact", LookUp, given))

    async def search(
        self, text: str, limit: int | None = None, *, namespace: str | None = None
    ) -> FoundFacts:
        """Return facts that a part of a name or of a value finds, or a question; names first."""
        given = {"text": text, "limit": limit, "namespace": namespace}
        return await self._work.search(self._work.checked("search_facts", Search, given))

    async def facts_about(
        self, text: str, limit: int | None = None, *, namespace: str | None = None
    ) -> FactsAboutResult:
        """Return what memory holds about the names in a text, best first."""
        given = {"text": text, "limit": limit, "namespace": namespace}
        return await self._work.facts_about(self._work.checked("facts_about", About, given))

    async def instructions(
        self, text: str, limit: int | None = None, *, namespace: str | None = None
    ) -> str:
        """Return facts about the names in a text as instructions for a model, one on each line.

        For frameworks that add to the prompt of each request; empty where memory has none.
        """
        given = {"text": text, "limit": limit, "namespace": namespace}
        about = self._work.checked("facts_about", About, given)
        return about_instructions(await self._work.found_about(about))

    async def remember(
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
        """Add a fact to memory, beside the values that the relation has.

        Args:
            entity: whom or what it is about.
            relation: what is said of it.
            value: as a text.
            source: where it is known from, such as the sentence that says it.
            type: of the value, as `ValueType` names it; by default text.
            valid_from: when it began to hold in the world, such as "2024-05".
            valid_to: the first day on which it no longer held.
            confidence: from 0 to 1.
            idempotency_key: with a key that was used, the first change is returned and nothing
                is done.
            actor: who makes the change, unless the tools say so.
            namespace: as one text, such as "users/7", where it may be chosen.
        """
        given = {
            "entity": entity, "relation": relation, "value": value, "source": source,
            "type": type, "valid_from": valid_from, "valid_to": valid_to,
            "confidence": confidence, "idempotency_key": idempotency_key, "actor": actor,
            "namespace": namespace,
        }  # fmt: skip
        return await self._work.remember(self._work.checked("remember_fact", Remember, given))

    async def remember_facts(
        self,
        facts: Sequence[NewFact | Mapping[str, Any]],
        *,
        all_or_nothing: bool | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
        namespace: str | None = None,
    ) -> RememberManyResult:
        """Add several facts in one commit; each that is refused is told by its index.

        Args:
            facts: each with the arguments of `remember` up to ``confidence``.
            all_or_nothing: write nothing if one is refused; by default the others are written.
            idempotency_key: as for `remember`, of the whole commit.
            actor: as for `remember`.
            namespace: as for `remember`.
        """
        given = {
            "facts": facts, "all_or_nothing": all_or_nothing, "namespace": namespace,
            "idempotency_key": idempotency_key, "actor": actor,
        }  # fmt: skip
        return await self._work.remember_many(
            self._work.checked("remember_facts", RememberMany, given)
        )

    async def correct(
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
        """Make a value the only one of the relation in its period; arguments as for `remember`.

        The answer names each fact that this ended.
        """
        given = {
            "entity": entity, "relation": relation, "value": value, "source": source,
            "type": type, "valid_from": valid_from, "valid_to": valid_to,
            "confidence": confidence, "idempotency_key": idempotency_key, "actor": actor,
            "namespace": namespace,
        }  # fmt: skip
        return await self._work.correct(self._work.checked("correct_fact", Correct, given))

    async def forget(
        self,
        entity: str,
        relation: str | None = None,
        value: str | None = None,
        *,
        actor: str | None = None,
        namespace: str | None = None,
    ) -> ForgetResult:
        """Erase an entity, a relation of it, or one value of a relation; return the receipt."""
        given = {
            "entity": entity, "relation": relation, "value": value, "actor": actor,
            "namespace": namespace,
        }  # fmt: skip
        return await self._work.forget(self._work.checked("forget_fact", Forget, given))

    async def _settle(self, verdict: Awaitable[Verdict]) -> Verdict:
        """Return the verdict of an async hook."""
        return await verdict
