"""Facts that tools write: type, period, confidence, actor, key; several in one commit."""

from __future__ import annotations

import random
from typing import Any

import pytest

from lamlam.agent_tools.arguments import NewFact
from lamlam.agent_tools.memory_tools import MemoryTools
from lamlam.errors import (
    BadFact,
    BadToolCall,
    Conflict,
    FactStoreError,
    NotSupported,
    TooManyValues,
)
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, DefineRelation, Retract
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import ValueType
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import Capability, FactStore

ADA: dict[str, Any] = {"entity": "Ada Quill", "relation": "birth date", "value": "7 November 1867"}
RULES = (
    DefineRelation(RelationRule("spouse", cardinality="one")),
    DefineRelation(RelationRule("age", value_type=ValueType.INTEGER)),
)


@pytest.mark.anyio
async def test_all_that_is_said_of_a_fact_is_kept_and_told(url: str) -> None:
    """Type, period, confidence and source come back by look-up and search; the log has the actor."""
    said: dict[str, Any] = {"type": "date", "confidence": 0.75, "source": "She was born then."}
    async with open_store(url) as store:
        tools = MemoryTools(store)
        period = {"valid_from": "1867", "valid_to": "2900-05-01"}
        await tools.call("remember_fact", {**ADA, **said, **period, "actor": "an agent"})
        (fact,) = [fact async for fact in store.scan()]
        assert (fact.type, fact.confidence, fact.sources) == (
            ValueType.DATE, 0.75, ("She was born then.",),
        )  # fmt: skip
        (value,) = (await tools.look_up("Ada Quill", "birth date")).values
        (found,) = (await tools.search("quill")).facts
        told = {
            "value": "7 November 1867", **said, "fact_id": fact.id,
            "valid_from": "1867-01-01T00:00:00+00:00", "valid_to": "2900-05-01T00:00:00+00:00",
        }  # fmt: skip
        assert value.as_json() == told
        assert found.as_json() == {
            **told, "entity": "Ada Quill", "relation": "birth date"
        }  # fmt: skip
        assert [change.actor async for change in store.changes(0)] == ["an agent"]


@pytest.mark.anyio
async def test_null_is_the_same_as_left_out(store: FactStore) -> None:
    """A model in strict mode must write every argument."""
    tools = MemoryTools(store)
    for tool in tools.definitions(strict=True):
        parameters = tool["function"]["parameters"]
        assert parameters["required"] == list(parameters["properties"])
    empty = dict.fromkeys(
        ("source", "type", "valid_from", "valid_to", "confidence", "idempotency_key", "actor")
    )
    await tools.call("remember_fact", {**ADA, **empty})
    assert (await tools.call("search_facts", {"text": "quill", "limit": None}))["complete"]
    (fact,) = [fact async for fact in store.scan()]
    assert (fact.value, fact.sources, fact.confidence) == (ADA["value"], (), 1.0)


@pytest.mark.anyio
async def test_a_change_is_made_once_for_each_key(url: str) -> None:
    """A key of the model or, before it, one of the host; another user's key is another key."""
    async with open_store(url) as store:
        tools = MemoryTools(store)
        first = await tools.remember("Ada", "born", "1867", idempotency_key="1")
        await store.apply([Retract("Ada", "born")])
        assert await tools.remember("Ada", "born", "1867", idempotency_key="1") == first
        assert [fact async for fact in store.scan()] == []
        with pytest.raises(Conflict):
            await tools.remember("Ada", "born", "1868", idempotency_key="1")
        arguments = {"entity": "Ada", "relation": "born", "value": "1868", "idempotency_key": "1"}
        await tools.call("remember_fact", arguments, idempotency_key="2")
        of_user = MemoryTools(store, namespace=("users", "7"))
        with pytest.raises(BadFact, match="idempotency_key must not be empty"):
            await of_user.call("remember_fact", ADA, idempotency_key="")
        await of_user.remember("Ada", "born", "1868", idempotency_key="1")
        assert {fact.namespace async for fact in store.scan()} == {(), ("users", "7")}


@pytest.mark.anyio
async def test_who_makes_a_change_is_not_the_models_to_say_where_it_is_settled(
    store: FactStore,
) -> None:
    tools = MemoryTools(store, actor="support")
    for tool in tools.definitions():
        assert "actor" not in tool["function"]["parameters"]["properties"]
    with pytest.raises(BadToolCall, match="actor: is not an argument"):
        await tools.call("remember_fact", {**ADA, "actor": "the director"})
    with pytest.raises(BadToolCall, match="actor: is not an argument"):
        await tools.remember(**ADA, actor="the director")
    await tools.call("remember_fact", ADA)
    await tools.call("correct_fact", {**ADA, "value": "1868"}, actor="support of user 7")
    actors = [change.actor async for change in store.changes(0) if change.kind == "asserted"]
    assert actors == ["support", "support of user 7"]
    assert "by: support" in (await tools.forget("Ada Quill")).receipt


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"type": "date", "value": "soon"}, "type: 'soon' is not a date: write"),
        ({"type": "colour"}, 'type: must be one of .*, got "colour"'),
        ({"type": "integer", "value": "1.5"}, "type: "),
        ({"valid_from": "31/05/2024"}, "valid_from: '31/05/2024' is not a moment: write 2024"),
        ({"valid_from": 2024}, "valid_from: must be a text, got 2024"),
        ({"valid_from": "2024-05-31 12:00"}, "no zone"),
        ({"valid_from": "2024-02-30"}, "valid_from"),
        ({"valid_from": "2020", "valid_to": "2020"}, "valid_to: must be after valid_from"),
        ({"valid_to": "x" * 61}, "valid_to: must have at most 60 characters, got 61"),
        ({"confidence": 1.5}, "confidence: must be at most 1, got 1.5"),
        ({"confidence": True}, "confidence: must be a number, got true"),
        ({"confidence": "0.5"}, "confidence: must be a number"),
        ({"confidence": float("nan")}, "confidence: must be a finite number"),
        ({"idempotency_key": ""}, "idempotency_key: must not be empty"),
        ({"actor": "x\r"}, "actor: must not contain a control character, got U\\+000D"),
        ({"sorce": "x"}, "sorce: is not an argument, did you mean source"),
        ({"namespace": "users/8"}, "namespace: is not an argument"),
        ({"value": "a<|db_end|>"}, "value: must not contain the lookup token <|db_end|>"),
        ({"value": "a\U000e0041"}, "value: must not contain an invisible character, got U\\+E0041"),
        ({"source": "a\u202eb"}, "source: must not contain an invisible character"),
        ({"value": "x" * 1_000_000}, "value: must have at most 20,000 characters, got 1,000,000"),
        ({"value": 8849}, "value: must be a text, got 8849"),
        ({"value": None}, "value: must be a text, got null"),
        ({"\x1b[2J": 1}, r"\\x1b\[2J: is not an argument"),
    ],
)
async def test_a_refusal_says_what_was_expected_and_what_came(
    store: FactStore, arguments: dict[str, Any], said: str
) -> None:
    tools = MemoryTools(store)
    with pytest.raises(BadToolCall, match=said.replace("|", "\\|")) as refused:
        await tools.call("remember_fact", {**ADA, **arguments})
    assert len(str(refused.value)) < 400 and "\x1b" not in str(refused.value)
    one = await tools.call("remember_facts", {"facts": [{**ADA, **arguments}]})
    assert one["refused"][0]["index"] == 0 and one["status"] == "nothing remembered"
    assert [fact async for fact in store.scan()] == []


@pytest.mark.anyio
async def test_what_a_memory_cannot_do_is_not_offered(store: FactStore) -> None:
    """Neither the arguments of a call nor those of facts in a list."""
    store.capabilities = frozenset({Capability.WRITE})
    tools = MemoryTools(store)
    for tool in tools.definitions():
        shown = str(tool["function"]["parameters"])
        assert "valid_from" not in shown and "idempotency_key" not in shown
    with pytest.raises(BadToolCall, match="valid_from: is not an argument"):
        await tools.remember(**ADA, valid_from="1867")
    done = await tools.remember_facts([{**ADA, "valid_from": "1867"}])
    assert "valid_from: is not an argument" in done.refused[0].message
    choices: list[dict[str, Any]] = [
        {"namespace": ("a",)},
        {"may_choose": "below"},
        {"may_choose": [("a",)]},
    ]
    for choice in choices:
        with pytest.raises(NotSupported, match="no namespaces"):
            MemoryTools(store, **choice)


@pytest.mark.anyio
async def test_several_facts_are_one_commit_and_refusals_have_their_index(url: str) -> None:
    async with open_store(url) as store:
        await store.apply(RULES)
        before = (await store.info()).revision
        facts: list[Any] = [
            {"entity": "Ada", "relation": "spouse", "value": "Bob", "source": "She married Bob."},
            {"entity": "Ada", "relation": "spouse", "value": "Carl"},
            {"entity": "Ada", "relation": "age", "value": "old"},
            {"entity": "Ada", "relation": "birth date", "value": "7/8/90", "type": "date"},
            "Ada is old",
            NewFact(entity="Ada", relation="friend", value="Dora"),
        ]
        tools = MemoryTools(store)
        none = await tools.remember_facts(facts, all_or_nothing=True)
        assert (none.status, none.remembered, none.revision) == ("nothing remembered", [], None)
        assert [one.index for one in none.refused] == [3, 4], "what the store says comes later"
        assert (await store.info()).revision == before
        some = await tools.remember_facts(facts, idempotency_key="k")
        assert (some.status, some.remembered) == ("partly remembered", [0, 5])
        assert (some.revision, some.changed) == (before + 1, 2)
        assert [(one.index, one.error) for one in some.refused] == [
            (1, "TooManyValues"), (2, "BadFact"), (3, "BadToolCall"), (4, "BadToolCall"),
        ]  # fmt: skip
        assert "correct_fact" in some.refused[0].message
        assert "facts[3]: type: '7/8/90' is not a date" in some.refused[2].message
        (bob,) = (await tools.look_up("Ada", "spouse")).values
        assert (bob.value, bob.source) == ("Bob", "She married Bob.")
        again = await tools.remember_facts(facts, idempotency_key="k")
        assert again == some, "the key's commit, although the store refuses the same facts again"
        assert (await store.info()).revision == before + 1
        with pytest.raises(Conflict):
            await tools.remember_facts(facts[:1], idempotency_key="k")


@pytest.mark.anyio
async def test_all_or_nothing_holds_for_what_the_store_refuses(store: FactStore) -> None:
    await store.apply(RULES)
    tools = MemoryTools(store)
    facts = [{"entity": "Ada", "relation": "spouse", "value": name} for name in ("Bob", "Carl")]
    none = await tools.remember_facts(facts, all_or_nothing=True)
    assert [(one.index, one.error) for one in none.refused] == [(1, "TooManyValues")]
    assert [fact async for fact in store.scan()] == []


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(15))
async def test_a_batch_keeps_what_one_fact_after_the_other_keeps(seed: int) -> None:
    """The slow way: each fact by a call of its own, in the same order."""
    draw = random.Random(seed)
    facts = [
        {
            "entity": draw.choice("ABC"),
            "relation": draw.choice(("spouse", "age", "friend")),
            "value": draw.choice(("Bob", "7", "8", "Carl")),
            "valid_from": draw.choice((None, "2020", "2024", "x")),
            "valid_to": draw.choice((None, "2023", "2031")),
        }
        for _ in range(draw.randrange(1, 12))
    ]
    async with open_store("memory:") as one_by_one, open_store("memory:") as at_once:
        kept: list[int] = []
        for memory in (one_by_one, at_once):
            await memory.apply(RULES)
        for index, fact in enumerate(facts):
            try:
                await MemoryTools(one_by_one).call("remember_fact", fact)
                kept.append(index)
            except (BadToolCall, FactStoreError):
                pass
        done = await MemoryTools(at_once).call("remember_facts", {"facts": facts})
        assert done["remembered"] == kept
        held = [[_said(fact) async for fact in memory.scan()] for memory in (one_by_one, at_once)]
        assert held[0] == held[1]
        assert (await at_once.info()).revision == 1 + bool(kept)


@pytest.mark.anyio
async def test_one_value_is_forgotten(url: str) -> None:
    """The others stay; a value without its relation is refused."""
    async with open_store(url) as store:
        tools = MemoryTools(store, policy=lambda action: len(action.held) < 2)
        for friend in ("Bob", "Carl"):
            await tools.remember("Ada", "friend", friend)
        with pytest.raises(BadToolCall, match="value: needs the relation that has it"):
            await tools.call("forget_fact", {"entity": "Ada", "value": "Bob"})
        arguments = {"entity": "Ada", "relation": "friend", "value": "Bob"}
        assert (await tools.call("forget_fact", arguments))["facts"] == 1
        assert [one.value for one in (await tools.look_up("Ada", "friend")).values] == ["Carl"]


@pytest.mark.anyio
async def test_a_store_that_does_not_say_what_it_refuses(store: FactStore) -> None:
    """Then its error is that of the whole call, and nothing is written."""

    class Silent(type(store)):  # type: ignore[misc]  # of the class that the URL opens
        async def apply(self, ops: Any, **options: Any) -> Any:
            raise TooManyValues("no more")

    store.__class__ = Silent
    with pytest.raises(TooManyValues, match="no more"):
        await MemoryTools(store).remember_facts([ADA])


@pytest.mark.anyio
async def test_a_refused_operation_stands_in_the_error_of_a_commit(url: str) -> None:
    async with open_store(url) as store:
        await store.apply(RULES)
        ops = [
            Assert(Fact(entity=f"E{n // 2}", relation="spouse", value=str(n))) for n in (0, 2, 3, 4)
        ]
        with pytest.raises(TooManyValues) as refused:
            await store.apply(ops)
        assert refused.value.operation is ops[2]
        assert NotSupported("x").operation is None


def _said(fact: Fact) -> tuple[object, ...]:
    return fact.entity, fact.relation, fact.value, fact.valid_from, fact.valid_to
