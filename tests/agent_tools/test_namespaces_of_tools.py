"""Tools of one user read and write that user's namespace, and the model cannot choose another."""

from __future__ import annotations

import random
from typing import Any

import pytest

from lamlam.agent_tools.memory_tools import MemoryTools
from lamlam.errors import BadFact, BadToolCall, OverlayCycle, UnknownOption
from lamlam.memory_backends.model.erasure_receipts import MOST_MENTIONS
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import FactStore

SEVEN, EIGHT = ("users", "7"), ("users", "8")


@pytest.mark.anyio
async def test_a_user_sees_own_facts_then_shared_ones_never_anothers(url: str) -> None:
    async with open_store(url) as store:
        shared, seven, eight = (
            MemoryTools(store),
            MemoryTools(store, namespace=SEVEN),
            MemoryTools(store, namespace=EIGHT),
        )
        await shared.remember("Ada", "city", "Lowmere")
        await shared.remember("Ada", "title", "Dr")
        await seven.remember("Ada", "city", "Highmere")
        await eight.remember("Ada", "secret", "42")
        seen = {
            (relation, value.value)
            for relation in ("city", "title", "secret")
            for value in (await seven.look_up("Ada", relation)).values
        }
        assert seen == {("city", "Highmere"), ("title", "Dr")}
        found = (await seven.search("ada")).facts
        assert {(one.relation, one.value, one.namespace) for one in found} == {
            ("city", "Highmere", "users/7"), ("title", "Dr", ""),
        }  # fmt: skip
        alone = MemoryTools(store, namespace=SEVEN, shared_namespace=None)
        assert (await alone.look_up("Ada", "title")).status == "miss"
        assert [one.relation for one in (await alone.search("ada")).facts] == ["city"]
        await seven.forget("Ada")
        await seven.correct("Ada", "title", "Prof")
        assert [one.value for one in (await shared.look_up("Ada", "title")).values] == ["Dr"]


@pytest.mark.anyio
async def test_facts_about_a_text_are_those_of_the_user_and_shared_ones(store: FactStore) -> None:
    """And "my" is the entity that the caller names."""
    seven = MemoryTools(store, namespace=SEVEN, me="Ada Quill")
    await MemoryTools(store).remember("Lowmere", "country", "Quilland")
    await MemoryTools(store, namespace=EIGHT).remember("Lowmere", "mayor", "Eve")
    await seven.remember("Ada Quill", "birth place", "Lowmere")
    found = await seven.facts_about("is my birth place near lowmere?")
    assert [(one.text, one.entity) for one in found.names] == [
        ("my", "Ada Quill"), ("lowmere", "Lowmere"),
    ]  # fmt: skip
    assert {(one.relation, one.value, one.namespace) for one in found.facts} == {
        ("birth place", "Lowmere", "users/7"), ("country", "Quilland", ""),
    }  # fmt: skip
    assert found.complete and found.left_out is None
    nobody = MemoryTools(store, namespace=SEVEN, shared_namespace=None)
    assert (await nobody.facts_about("my birth place is lowmere")).facts == []
    one = await seven.facts_about("my lowmere", limit=1)
    assert len(one.facts) == 1 and "1 of 2 facts are shown" in str(one.left_out)


@pytest.mark.anyio
async def test_a_receipt_tells_nothing_of_other_users(store: FactStore) -> None:
    """Facts that mention what is forgotten are told only where the tools read."""
    seven = MemoryTools(store, namespace=SEVEN)
    for tools in (seven, MemoryTools(store, namespace=EIGHT), MemoryTools(store)):
        await tools.remember("Ada", "city", "Lowmere")
        await tools.remember("Bob", "friend", "Ada")
    receipt = await seven.forget("Ada")
    assert receipt.mentions >= 2 and "users/8" not in receipt.receipt
    alone = MemoryTools(store, namespace=EIGHT, shared_namespace=None)
    assert (await alone.forget("Ada")).mentions == 1


@pytest.mark.anyio
async def test_tools_that_do_not_read_tell_no_mention(store: FactStore) -> None:
    """A receipt would else say what memory holds of a name."""
    await MemoryTools(store).remember("Bob", "friend", "Ada")
    blind = MemoryTools(store, names=["forget_fact"])
    receipt = await blind.forget("Ada")
    assert receipt.mentions == 0 and "Bob" not in receipt.receipt
    assert (await MemoryTools(store).forget("Ada")).mentions == 1


@pytest.mark.anyio
async def test_mentions_that_are_not_listed_are_not_counted(store: FactStore) -> None:
    """They may be of other namespaces, also where those that are listed are the client's own."""
    for namespace, n_facts in ((), MOST_MENTIONS), (EIGHT, 5):
        facts = [
            Fact(entity=f"E{n:03}", relation="r", value="Ada", namespace=namespace)
            for n in range(n_facts)
        ]
        await store.apply(list(map(Assert, facts)))
    assert (await MemoryTools(store).forget("Ada")).mentions <= MOST_MENTIONS


@pytest.mark.anyio
async def test_calls_of_many_users_in_any_order_stay_apart(store: FactStore) -> None:
    """As many values of one entity and relation as there are users."""
    users = [MemoryTools(store, namespace=("users", str(n))) for n in range(30)]
    order = [n for n in range(30) for _ in range(2)]
    random.Random(7).shuffle(order)
    had: set[int] = set()
    for n in order:
        found = await users[n].call("look_up_fact", {"entity": "Ada", "relation": "city"})
        assert [one["value"] for one in found["values"]] == ([f"City {n}"] if n in had else [])
        await users[n].correct("Ada", "city", f"City {n}")
        had.add(n)


@pytest.mark.anyio
async def test_a_model_chooses_a_namespace_only_where_the_caller_allows_it(
    store: FactStore,
) -> None:
    fact = {"entity": "Ada", "relation": "city", "value": "Lowmere"}
    with pytest.raises(BadToolCall, match="namespace: is not an argument"):
        await MemoryTools(store, namespace=SEVEN).call(
            "remember_fact", {**fact, "namespace": "users/8"}
        )
    tools = MemoryTools(store, namespace=SEVEN, may_choose=[("teams", "3"), SEVEN])
    for tool in tools.definitions():
        choice = tool["function"]["parameters"]["properties"]["namespace"]["anyOf"][0]
        assert choice == {"type": "string", "enum": ["users/7", "teams/3"]}
    await tools.call("remember_fact", {**fact, "namespace": "teams/3"})
    await tools.call("remember_facts", {"facts": [fact]})
    assert [one.namespace async for one in store.scan()] == [("teams", "3"), SEVEN]
    asked = {"entity": "Ada", "relation": "city", "namespace": "teams/3"}
    assert (await tools.call("look_up_fact", asked))["namespace"] == "teams/3"
    for other in ("users/8", "teams", "", "/", "a//b", "users/7/ ", "../7", "x" * 999):
        with pytest.raises(BadToolCall, match="namespace: "):
            await tools.call("forget_fact", {"entity": "Ada", "namespace": other})
    with pytest.raises(BadToolCall, match="only users/7, teams/3"):
        await tools.forget("Ada", namespace="users/8")


@pytest.mark.anyio
async def test_a_model_may_be_let_choose_below(store: FactStore) -> None:
    tools = MemoryTools(store, namespace=SEVEN, may_choose="below")
    await tools.remember("Ada", "city", "Lowmere", namespace="users/7/work")
    assert (await tools.look_up("Ada", "city", namespace="users/7/work")).status == "hit"
    assert (await tools.look_up("Ada", "city")).status == "miss"
    for other in ("users/71", "users", "users/8/7"):
        with pytest.raises(BadToolCall, match="may not be chosen, only users/7/"):
            await tools.remember("Ada", "city", "Lowmere", namespace=other)


@pytest.mark.anyio
async def test_the_shared_namespace_may_be_chosen_and_is_then_read_alone(store: FactStore) -> None:
    tools = MemoryTools(store, namespace=SEVEN, shared_namespace=EIGHT, may_choose=[EIGHT])
    await tools.remember("Ada", "city", "Lowmere", namespace="users/8")
    for chosen in ("users/8", None):
        assert (await tools.look_up("Ada", "city", namespace=chosen)).values[0].value == "Lowmere"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"namespace": ("a/b",)}, BadFact),
        ({"namespace": "users"}, BadFact),
        ({"namespace": ("",)}, BadFact),
        ({"shared_namespace": ("a ",)}, BadFact),
        ({"namespace": ("a",), "shared_namespace": ("a",)}, OverlayCycle),
        ({"may_choose": "all"}, UnknownOption),
        ({"may_choose": [("a\n",)]}, BadFact),
        ({"actor": 7}, BadFact),
        ({"me": ""}, BadFact),
        ({"max_characters": 10}, UnknownOption),
        ({"max_characters": True}, UnknownOption),
    ],
)
async def test_mistaken_options_are_refused_by_name(
    store: FactStore, options: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        MemoryTools(store, **options)
