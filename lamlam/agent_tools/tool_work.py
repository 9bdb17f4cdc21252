"""What memory tools do, once the arguments of a call are checked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from lamlam.agent_tools.about_answer import about_answer
from lamlam.agent_tools.arguments import (
    About,
    Correct,
    Forget,
    LookUp,
    NewFact,
    Remember,
    RememberMany,
    Search,
    ToolArguments,
)
from lamlam.agent_tools.batches import SECOND_VALUE, FactBatch, write
from lamlam.agent_tools.call_reading import check_arguments, json_type
from lamlam.agent_tools.fitting import Fitting, found_facts
from lamlam.agent_tools.look_up_answer import look_up_answer
from lamlam.agent_tools.offer import Places
from lamlam.agent_tools.policies import ActionKind, MemoryAction, Policy, Verdict, check_allowed
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
from lamlam.errors import BadFact, BadToolCall, Conflict, PolicyRefused, TooManyValues
from lamlam.memory_backends.model.capabilities import Capability
from lamlam.memory_backends.model.erasure_receipts import receipt_seen_from
from lamlam.memory_backends.model.expiry import with_expired
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.facts_about import MOST_FACTS, FactsAbout
from lamlam.memory_backends.model.keys import relation_key
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.namespaces import scoped
from lamlam.memory_backends.model.operations import (
    Assert,
    Commit,
    Replace,
)
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.protocol import FactStore
from lamlam.memory_backends.read_views.overlay import Overlay

_USUAL_LIMIT = 10
_MOST_TRIES = 5
"""Times that a policy is asked about one call, where others write meanwhile."""
Done = TypeVar("Done")
Arguments = TypeVar("Arguments", bound=ToolArguments)


class ToolWork:
    """Looks up, searches, writes and erases as calls ask for, in the namespaces of the tools."""

    def __init__(
        self,
        store: FactStore,
        tools: Mapping[str, Tool],
        places: Places,
        policies: tuple[Policy, ...],
        actor: str | None,
        me: str | None,
        most_characters: int,
        may_read: bool,
        settle: Callable[[Awaitable[Verdict]], Awaitable[Verdict]],
    ) -> None:
        self._store = store
        self._tools = tools
        self._places = places
        self._policies = policies
        self._actor = actor
        self._me = me
        self._most = most_characters
        self._may_read = may_read
        self._settle = settle
        self._reader = self._reader_of(None)

    def checked(self, name: str, model: type[Arguments], given: Mapping[str, Any]) -> Arguments:
        """Return arguments; those that are ``None`` are not there, as in a call of a model.

        Raises:
            BadToolCall: one is missing, may not be given, or is invalid.
        """
        present = {field: one for field, one in given.items() if one is not None}
        return check_arguments(name, model, present, self._tools[name].hidden)

    async def do(self, given: ToolArguments, settled: Mapping[str, str]) -> ToolResult:
        """Return what a call gives.

        Args:
            settled: arguments that the host gives in place of those of the model, as far as the
                tool has them.
        """
        if settled:
            fields = type(given).model_fields
            given = given.model_copy(
                update={name: one for name, one in settled.items() if name in fields}
            )
        match given:
            case LookUp():
                return await self.look_up(given)
            case Search():
                return await self.search(given)
            case About():
                return await self.facts_about(given)
            case RememberMany():
                return await self.remember_many(given)
            case Correct():
                return await self.correct(given)
            case Remember():
                return await self.remember(given)
            case Forget():
                return await self.forget(given)
            case _:
                raise AssertionError(f"no tool takes {type(given).__name__}")

    async def look_up(self, given: LookUp) -> LookUpResult:
        """Return what memory holds of one relation."""
        reader = self._reader if given.namespace is None else self._reader_of(given.namespace)
        (result,) = await reader.lookup_many([Lookup(given.entity, given.relation)])
        return look_up_answer(result, self._most)

    def _reader_of(self, namespace: str | None) -> FactStore:
        """Return what answers lookups in a namespace, by default that of the tools."""
        layers = self._places.layers(self._places.chosen(namespace))
        return self._store if layers.is_usual else Overlay(self._store, *layers)

    async def search(self, given: Search) -> FoundFacts:
        """Return what a text finds."""
        layers = self._places.layers(self._places.chosen(given.namespace))
        found = await self._store.search(
            given.text,
            namespace=layers.own,
            shared_namespace=layers.shared,
            limit=_USUAL_LIMIT if given.limit is None else given.limit,
        )
        return self._found(found.facts, is_complete=found.is_complete)

    async def facts_about(self, given: About) -> FactsAboutResult:
        """Return what memory holds about the names in a text."""
        return about_answer(await self.found_about(given), self._most)

    async def found_about(self, given: About) -> FactsAbout:
        """Return the same as the store gives it."""
        layers = self._places.layers(self._places.chosen(given.namespace))
        return await self._store.facts_about(
            given.text,
            namespace=layers.own,
            shared_namespace=layers.shared,
            me=self._me,
            max_facts=MOST_FACTS if given.limit is None else given.limit,
            max_characters=self._most,
        )

    async def remember(self, given: Remember) -> RememberResult:
        """Add a fact beside the others."""
        namespace, actor = self._places.chosen(given.namespace), self._by(given.actor)
        fact = new_fact(given, namespace)
        key = _key(given.idempotency_key, namespace)

        async def write_it(expected: int | None) -> Commit:
            await self._allow(_action("remember", given, namespace, actor, fact))
            return await self._store.apply(
                [Assert(fact)], expected=expected, idempotency_key=key, actor=actor
            )

        try:
            commit = await self._over_one_state(write_it)
        except TooManyValues as error:
            raise TooManyValues(str(error), hint=SECOND_VALUE) from None
        return RememberResult(
            status="remembered", revision=int(commit.revision), changed=commit.facts
        )

    async def correct(self, given: Correct) -> CorrectResult:
        """Make a fact the only one of its relation in its period."""
        namespace, actor = self._places.chosen(given.namespace), self._by(given.actor)
        fact = new_fact(given, namespace)
        key = _key(given.idempotency_key, namespace)

        async def write_it(expected: int | None) -> Commit:
            if self._policies:
                held = await self._held(given, namespace)
                await self._allow(_action("correct", given, namespace, actor, fact, held))
            return await self._store.apply(
                [Replace(fact)], expected=expected, idempotency_key=key, actor=actor
            )

        commit = await self._over_one_state(write_it)
        fitting = Fitting(self._most, len(commit.ended))
        ended = found_facts(commit.ended, fitting)
        return CorrectResult(
            status="corrected",
            revision=int(commit.revision),
            changed=commit.facts,
            ended=ended,
            left_out=fitting.said("facts that ended", len(ended), len(commit.ended)),
        )

    async def forget(self, given: Forget) -> ForgetResult:
        """Erase facts, history included."""
        namespace, actor = self._places.chosen(given.namespace), self._by(given.actor)
        if self._policies:
            await self._over_one_state(partial(self._allow_forgetting, given, namespace, actor))
        one_value = () if given.value is None else (given.value,)
        receipt = await self._store.erase(
            given.entity,
            given.relation,
            *one_value,  # a store of others may know no single values
            namespace=namespace,
            reason="asked for by an agent",
            authority=actor,
        )
        seen = self._places.layers(namespace).all() if self._may_read else ()
        receipt = receipt_seen_from(receipt, seen)
        fitting = Fitting(self._most)
        return ForgetResult(
            status="nothing" if receipt.is_empty else "forgotten",
            facts=receipt.facts,
            verified=receipt.verified,
            pending=[fitting.text(one) for one in receipt.pending],
            mentions=receipt.n_mentions,
            receipt=fitting.text(str(receipt)),
            left_out=fitting.said("places", 0, 0),
        )

    async def remember_many(self, given: RememberMany) -> RememberManyResult:
        """Add facts in one commit, but for those that are refused."""
        return await self._over_one_state(partial(self._remember_many, given))

    async def _remember_many(self, given: RememberMany, expected: int | None) -> RememberManyResult:
        namespace, actor = self._places.chosen(given.namespace), self._by(given.actor)
        batch, rules = FactBatch(len(given.facts)), await self._rules()
        for index, one in enumerate(given.facts):
            try:
                new = self._one_of_many(index, one)
                fact = new_fact(new, namespace)
                action = _action("remember", new, namespace, actor, fact)
                await self._allow(action, f"facts[{index}]: ", rules)
            except (BadToolCall, PolicyRefused) as error:
                batch.refuse(index, error)
            else:
                batch.add(index, fact)
        commit = await write(
            batch,
            self._store,
            all_or_nothing=bool(given.all_or_nothing),
            idempotency_key=_key(given.idempotency_key, namespace),
            actor=actor,
            expected=expected,
        )
        return batch.answer(commit, self._most)

    # ----------------------------------------------------------------------------------------------

    async def _over_one_state(self, work: Callable[[int | None], Awaitable[Done]]) -> Done:
        """Return what is done over the state that the policies saw; where another commit came in
        between, they are asked again.

        Args:
            work: asks the policies, and writes over the revision that it is given.

        Raises:
            Conflict: others wrote each time.
        """
        if not (self._policies and Capability.CAS in self._store.capabilities):
            return await work(None)
        for n_left in reversed(range(_MOST_TRIES)):
            seen = (await self._store.info()).revision
            try:
                return await work(seen)
            except Conflict:
                if not n_left or (await self._store.info()).revision == seen:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _allow_forgetting(
        self, given: Forget, namespace: Namespace, actor: str | None, seen: int | None
    ) -> None:
        """Ask whether facts may be erased, those that have ended among them."""
        held, past = await self._held(given, namespace), await self._past(given, namespace)
        action = _action("forget", given, namespace, actor, None, held)
        await self._allow(replace(action, past=past))
        if seen is not None and (await self._store.info()).revision != seen:
            raise Conflict("memory was changed while the policy was asked", hint="try again")

    async def _allow(
        self, action: MemoryAction, which: str = "", rules: RelationRules | None = None
    ) -> None:
        """Ask the policies; ``rules``: those of the store, where they are read already."""
        rules = await self._rules() if rules is None else rules
        turned = (one for name in action.relations for one in rules.answered_by(relation_key(name)))
        action = replace(action, turned=tuple(dict.fromkeys(turned)))
        await check_allowed(action, self._policies, self._settle, which)

    async def _rules(self) -> RelationRules:
        """Return the rules of the store, as far as policies need them."""
        if self._policies and Capability.RULES in self._store.capabilities:
            return RelationRules(await self._store.rules())
        return RelationRules()

    async def _held(self, given: Correct | Forget, namespace: Namespace) -> tuple[Fact, ...]:
        shown = with_expired(self._store)  # they would go, too
        facts = self._store.scan(given.entity, given.relation, namespace=namespace, **shown)
        value = given.value if isinstance(given, Forget) else None
        return tuple([fact async for fact in facts if value in (None, fact.surface, fact.value)])

    async def _past(self, given: Forget, namespace: Namespace) -> tuple[Fact, ...]:
        if Capability.HISTORY not in self._store.capabilities:
            return ()
        ended = await self._store.history(given.entity, given.relation, namespace=namespace)
        facts = [one.fact for one in ended]
        return tuple(one for one in facts if given.value in (None, one.surface, one.value))

    def _one_of_many(self, index: int, given: object) -> NewFact:
        """Return one fact of several, which nothing has checked so far."""
        if isinstance(given, NewFact):  # of code: a model's call has objects of JSON
            return given
        where = f"facts[{index}]"
        if not isinstance(given, Mapping):
            raise BadToolCall(f"{where} must be an object, got {json_type(given)}")
        return check_arguments(where, NewFact, given, self._tools["remember_facts"].hidden)

    def _by(self, said: str | None) -> str | None:
        return self._actor if said is None else said

    def _found(self, facts: tuple[Fact, ...], *, is_complete: bool) -> FoundFacts:
        fitting = Fitting(self._most, len(facts))
        shown = found_facts(facts, fitting)
        return FoundFacts(
            facts=shown,
            complete=is_complete and len(shown) == len(facts),
            left_out=fitting.said(
                "facts", len(shown), len(facts), ": ask for fewer, or more exactly"
            ),
        )


def new_fact(given: NewFact, namespace: Namespace) -> Fact:
    """Return the fact that a call gives.

    Raises:
        BadToolCall: it cannot be stored.
    """
    try:
        return given.fact(namespace)
    except BadFact as error:
        raise BadToolCall(str(error), hint=error.hint) from None


def _action(
    kind: ActionKind,
    given: NewFact | Forget,
    namespace: Namespace,
    actor: str | None,
    fact: Fact | None,
    held: tuple[Fact, ...] = (),
) -> MemoryAction:
    return MemoryAction(kind, given.entity, given.relation, fact, held, namespace, actor)


def _key(given: str | None, namespace: Namespace) -> str | None:
    """Return the idempotency key for the store: a user cannot use up the keys of another.

    Raises:
        BadFact: it is empty: all changes would be one.
    """
    if given == "":
        raise BadFact(
            "invalid commit: idempotency_key must not be empty",
            hint="give each change another key, or None",
        )
    return None if given is None else scoped(namespace, given)
