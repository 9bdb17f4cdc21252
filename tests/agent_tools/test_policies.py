"""Hooks decide what tools may remember, correct and forget; a broken hook allows nothing."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import pytest

from lamlam.agent_tools.memory_tools import MemoryTools
from lamlam.agent_tools.policies import (
    MemoryAction,
    Policy,
    deny_relations,
    never,
    only_namespaces,
    only_relations,
    only_sources,
    read_only,
)
from lamlam.agent_tools.sync_tools import SyncMemoryTools
from lamlam.errors import BadFact, Conflict, PolicyFailed, PolicyRefused, UsageError
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, DefineRelation, Retract
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import ValueType
from lamlam.memory_backends.protocol import FactStore
from lamlam.memory_backends.sync import SyncFactStore
from tests.runtime.fake_store import FakeStore, as_store

BORN: dict[str, Any] = {"entity": "Ada", "relation": "birth place", "value": "Lowmere"}


async def _facts(store: FactStore) -> list[tuple[str, str, str]]:
    return [(fact.entity, fact.relation, fact.surface) async for fact in store.scan()]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_hook_sees_what_is_about_to_be_done(store: FactStore) -> None:
    """The new fact with its sources, and the facts that it would end or erase."""
    seen: list[MemoryAction] = []

    async def hook(action: MemoryAction) -> bool:
        seen.append(action)
        return True

    tools = MemoryTools(store, namespace=("users", "7"), policy=hook, actor="bot")
    await tools.remember(**BORN, source="a letter")
    await tools.remember_facts([{**BORN, "relation": "friend"}])
    await tools.correct("Ada", "place of birth", "Highmere")
    await tools.forget("Ada")
    assert [action.kind for action in seen] == ["remember", "remember", "correct", "forget"]
    assert {(action.namespace, action.actor) for action in seen} == {(("users", "7"), "bot")}
    assert seen[0].sources == ("a letter",) and seen[0].held == ()
    assert [fact.surface for fact in seen[2].held] == ["Lowmere"]
    assert seen[3].fact is None and sorted({one.relation for one in seen[3].held}) == [
        "friend",
        "place of birth",
    ]
    assert [fact.surface for fact in seen[3].past] == ["Lowmere"]
    assert "birth place" in seen[3].relations
    assert str(seen[2]) == "correct 'Ada' 'place of birth'"


@pytest.mark.anyio
@pytest.mark.parametrize("reason", [False, "that is private"])
async def test_what_a_hook_refuses_is_not_done(store: FactStore, reason: bool | str) -> None:
    await MemoryTools(store).remember(**BORN)
    tools = MemoryTools(store, policy=[lambda action: True, lambda action: reason])
    said = "it is not allowed" if reason is False else str(reason)
    for call in (
        tools.remember("Ada", "friend", "Bob"),
        tools.correct(**{**BORN, "value": "Highmere"}),
        tools.forget("Ada"),
    ):
        with pytest.raises(PolicyRefused, match=said) as refused:
            await call
        assert refused.value.policy == "<lambda>"
    done = await tools.remember_facts([BORN, {}])
    assert [(one.index, one.error) for one in done.refused] == [
        (0, "PolicyRefused"), (1, "BadToolCall"),
    ]  # fmt: skip
    assert await _facts(store) == [tuple(BORN.values())]


def _raises(action: MemoryAction) -> bool:
    raise ZeroDivisionError("by zero\nand more")


async def _raises_later(action: MemoryAction) -> bool:
    return _raises(action)


def _says_nothing(action: MemoryAction) -> Any:
    return None


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("hook", "said"),
    [
        (_raises, "hook _raises raised ZeroDivisionError: by zero for: "),
        (_raises_later, "hook _raises_later raised ZeroDivisionError: by zero for: "),
        (_says_nothing, "hook _says_nothing returned NoneType for: "),
        (lambda action: 1, "hook <lambda> returned int for: "),
        (lambda action: "", "hook <lambda> returned str for: "),
    ],
)
async def test_a_broken_hook_allows_nothing_and_is_named(
    store: FactStore, hook: Policy, said: str
) -> None:
    await MemoryTools(store).remember(**BORN)

    def only_second(action: MemoryAction) -> bool | str | Awaitable[bool | str]:
        return hook(action) if action.relation == "second" else True

    tools = MemoryTools(store, policy=hook)
    with pytest.raises(PolicyFailed, match=f"{said}remember 'Ada' 'friend'; nothing was written"):
        await tools.remember("Ada", "friend", "Bob")
    with pytest.raises(PolicyFailed, match=f"{said}forget 'Ada'"):
        await tools.forget("Ada")
    facts = [{**BORN, "relation": name} for name in ("first", "second")]
    with pytest.raises(PolicyFailed, match=r"facts\[1\]: remember 'Ada' 'second'"):
        await MemoryTools(store, policy=only_second).remember_facts(facts)
    assert await _facts(store) == [tuple(BORN.values())], "not even the first one"


@pytest.mark.anyio
async def test_relations_that_are_denied(store: FactStore) -> None:
    """Synonyms and narrower relations too; an entity that has one is not forgotten."""
    await MemoryTools(store).remember(**BORN)
    tools = MemoryTools(store, policy=deny_relations("place of birth", "spouse"))
    for relation in ("birth place", "Place_of_Birth", "born in", "wife"):
        with pytest.raises(PolicyRefused, match="may not be changed"):
            await tools.remember("Ada", relation, "x")
    with pytest.raises(PolicyRefused, match="'birth place' may not be changed"):
        await tools.forget("Ada")
    await tools.remember("Bob", "friend", "Ada")
    assert (await tools.forget("Bob")).status == "forgotten"
    can_forget = MemoryTools(store, policy=deny_relations("birth place", kinds=["remember"]))
    await can_forget.forget("Ada")
    tools = MemoryTools(store, policy=only_relations("birth place"))
    await tools.remember("Ada", "born in", "Lowmere")
    with pytest.raises(PolicyRefused, match="only birth place"):
        await tools.remember("Ada", "friend", "Bob")


@pytest.mark.anyio
async def test_a_denied_relation_is_not_changed_from_its_other_side(store: FactStore) -> None:
    """A "child" of Bob would be a "parent" of Ada: neither remembered, corrected nor forgotten."""
    rule = RelationRule("parent", "many", ValueType.ENTITY, inverse="child")
    await store.apply([DefineRelation(rule)])
    tools = MemoryTools(store, policy=deny_relations("parent"))
    ada: dict[str, Any] = {"relation": "children", "value": "Ada", "type": "entity"}
    for call in (tools.remember("Bob", **ada), tools.correct("Bob", **ada)):
        with pytest.raises(PolicyRefused, match="it changes 'parent' of another entity"):
            await call
    done = await tools.remember_facts([{"entity": "Bob", **ada}])
    assert [one.error for one in done.refused] == ["PolicyRefused"]
    assert (await store.lookup("Ada", "parent")).status == "miss"
    await MemoryTools(store).remember("Bob", **ada)
    for relation in ("child", None):
        with pytest.raises(PolicyRefused):
            await tools.forget("Bob", relation)
    assert (await store.lookup("Ada", "parent")).value == "Bob"
    await tools.remember("Bob", "friend", "Ada")
    await MemoryTools(store, policy=deny_relations("friend")).forget("Bob", "child")


def test_the_blocking_twin_knows_the_other_side_too() -> None:
    with SyncFactStore("memory:") as store:
        rule = RelationRule("spouse", "many", ValueType.ENTITY, inverse="consort of")
        store.apply([DefineRelation(rule)])
        tools = SyncMemoryTools(store, policy=deny_relations("spouse"))
        with pytest.raises(PolicyRefused, match="'spouse' of another entity"):
            tools.remember("Bob", "consort of", "Ada")


@pytest.mark.anyio
async def test_history_is_not_forgotten_past_a_policy(store: FactStore) -> None:
    """What has only ended is erased by ``forget``, so a denied relation protects it too."""
    await MemoryTools(store).remember("Ada", "salary", "7")
    await store.apply([Retract("Ada", "salary")])
    await MemoryTools(store).remember("Ada", "friend", "Bo")
    tools = MemoryTools(store, policy=deny_relations("salary"))
    with pytest.raises(PolicyRefused):
        await tools.forget("Ada")
    assert [one.fact.surface for one in await store.history("Ada")] == ["7"]
    assert (await tools.forget("Ada", "friend")).status == "forgotten"


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["remember", "remember_facts", "correct", "forget"])
async def test_what_a_policy_saw_is_what_is_changed(store: FactStore, kind: str) -> None:
    """A commit that comes while the policy thinks is seen by it: it is asked again, and where it
    then refuses nothing is done.
    """
    await store.apply([Assert(Fact(entity="Ada", relation="birth place", value="Oldham"))])
    asked: list[int] = []

    async def none_of_the_clerk(action: MemoryAction) -> bool:
        asked.append(len(asked))
        if len(asked) == 1:  # meanwhile somebody else writes
            locked = Fact(entity="Ada", relation="birth place", value="locked")
            await store.apply([Assert(locked)])
            return True
        return kind.startswith("remember") or "locked" not in {f.surface for f in action.held}

    tools = MemoryTools(store, policy=none_of_the_clerk)
    if kind == "remember_facts":
        assert (await tools.remember_facts([BORN])).status == "remembered"
    elif kind == "remember":
        assert (await tools.remember(**BORN)).status == "remembered"
    else:
        work = tools.correct(**BORN) if kind == "correct" else tools.forget("Ada")
        with pytest.raises(PolicyRefused):
            await work
        assert {one[2] for one in await _facts(store)} == {"Oldham", "locked"}
    assert len(asked) == 2


@pytest.mark.anyio
async def test_a_busy_memory_ends_the_asking(store: FactStore) -> None:
    """Where others write each time, the call is refused as a conflict in the end."""
    n = 0

    async def writes(action: MemoryAction) -> bool:
        nonlocal n
        n += 1
        await store.apply([Assert(Fact(entity="Bo", relation="n", value=str(n)))])
        return True

    with pytest.raises(Conflict):
        await MemoryTools(store, policy=writes).remember(**BORN)
    assert n == 5 and all(entity == "Bo" for entity, _, _ in await _facts(store))


@pytest.mark.anyio
async def test_sources_that_are_allowed(store: FactStore) -> None:
    """New facts need one, and facts of others are neither ended nor erased."""
    await MemoryTools(store).remember("Ada", "title", "Dr", source="the registry")
    tools = MemoryTools(store, policy=only_sources("chat *"))
    await tools.remember(**BORN, source="chat 7")
    for source in (None, "the registry", "a chat 7"):
        with pytest.raises(PolicyRefused):
            await tools.remember("Ada", "friend", "Bob", source)
    with pytest.raises(PolicyRefused, match="'the registry' is not a source"):
        await tools.correct("Ada", "title", "Prof", "chat 8")
    with pytest.raises(PolicyRefused):
        await tools.forget("Ada")
    assert (await tools.forget("Ada", "birth place")).status == "forgotten"


@pytest.mark.anyio
async def test_other_common_policies(store: FactStore) -> None:
    with pytest.raises(PolicyRefused, match="only read"):
        await MemoryTools(store, policy=read_only()).remember(**BORN)
    tools = MemoryTools(store, policy=never("forget", "correct"))
    await tools.remember(**BORN)
    with pytest.raises(PolicyRefused, match="nothing may be forgotten"):
        await tools.forget("Ada")
    inside = only_namespaces(("users", "7"))
    await MemoryTools(store, namespace=("users", "7", "notes"), policy=inside).remember(**BORN)
    for namespace in ((), ("users",), ("users", "71")):
        with pytest.raises(PolicyRefused, match="may not be changed"):
            await MemoryTools(store, namespace=namespace, policy=inside).remember(**BORN)


def test_mistaken_policies_are_refused_when_they_are_made() -> None:
    for make in (deny_relations, only_relations, only_sources, only_namespaces):
        with pytest.raises(UsageError):
            make()
    with pytest.raises(UsageError, match="must be callable, got str"):
        MemoryTools(as_store(FakeStore({})), policy=["no"])  # type: ignore[list-item]  # a mistake
    with pytest.raises(UsageError, match="must be callable, got int"):
        MemoryTools(as_store(FakeStore({})), policy=5)  # type: ignore[arg-type]  # a mistake
    with pytest.raises(BadFact):
        only_namespaces(("a/b",))
