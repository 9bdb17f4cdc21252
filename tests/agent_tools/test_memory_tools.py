"""Tools for agents: definitions, callables over a real memory, and hostile arguments."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lamlam.agent_tools.memory_tools import TOOLS, MemoryTools
from lamlam.errors import BadToolCall, ReadOnly, UnknownOption
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import FactStore
from tests.runtime.fake_store import FakeStore, as_store

QUILL: dict[str, Any] = {"entity": "Ada Quill", "relation": "birth place", "value": "Lowmere"}
READING = ("look_up_fact", "search_facts", "facts_about")
ASK = {"entity": "Ada Quill", "relation": "birth place"}


def test_definitions_are_json_and_say_what_a_host_must_know() -> None:
    """OpenAI's form and MCP's, from one place; only forgetting destroys."""
    for tool in TOOLS:
        function = json.loads(json.dumps(tool.definition()))["function"]
        described = json.loads(json.dumps(tool.mcp_definition()))
        assert function["name"] == described["name"] == tool.name
        assert function["parameters"] == described["inputSchema"]
        assert function["parameters"]["additionalProperties"] is False
        assert set(function["parameters"]["required"]) <= set(function["parameters"]["properties"])
        hints = described["annotations"]
        assert hints["readOnlyHint"] == (tool.name in READING)
        assert hints["destructiveHint"] == (tool.name == "forget_fact")
        assert hints["idempotentHint"] and not hints["openWorldHint"]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_fact_is_remembered_corrected_and_forgotten(store: FactStore) -> None:
    tools = MemoryTools(store)
    assert (await tools.call("look_up_fact", ASK))["status"] == "miss"
    assert (await tools.call("remember_fact", {**QUILL, "source": "her"}))["changed"] == 1
    found = await tools.call("look_up_fact", json.dumps(ASK))
    (value,) = found["values"]
    assert (found["status"], value["value"], value["source"]) == ("hit", "Lowmere", "her")
    assert value["fact_id"]
    assert (await tools.remember(**QUILL, source="her"))["changed"] == 0, "idempotent"
    (ended,) = (await tools.correct(**{**QUILL, "value": "Highmere"}))["ended"]
    assert (ended["entity"], ended["relation"], ended["value"]) == tuple(QUILL.values())
    values = (await tools.look_up(**ASK))["values"]
    assert [one["value"] for one in values] == ["Highmere"]
    receipt = await tools.forget("Ada Quill")
    assert receipt["status"] == "forgotten" and receipt["facts"] >= 1
    assert (await tools.forget("Ada Quill"))["status"] == "nothing"
    assert (await tools.look_up(**ASK))["values"] == []


@pytest.mark.anyio
async def test_an_agent_can_choose_among_several_of_one_name(store: FactStore) -> None:
    """The candidates carry facts by which they differ, and each full name answers."""
    tools = MemoryTools(store)
    for what, orbit in (("planet", "the Sun"), ("element", "none")):
        await tools.remember(f"Mercury ({what})", "orbits", orbit)
        await tools.remember(f"Mercury ({what})", "language", "English")
    found = await tools.look_up("Mercury", "orbits")
    assert found["status"] == "ambiguous"
    assert {one["entity"]: one["facts"] for one in found["candidates"]} == {
        "Mercury (planet)": {"orbits": "the Sun"},
        "Mercury (element)": {"orbits": "none"},
    }
    chosen = await tools.look_up(found["candidates"][0]["entity"], "orbits")
    assert chosen["status"] == "hit"


@pytest.mark.anyio
async def test_search_finds_names_before_values(store: FactStore) -> None:
    tools = MemoryTools(store)
    await tools.remember("Ann", "friend", "Ada Quill")
    await tools.remember("Ada Quill", "birth place", "Lowmere")
    found = await tools.search("ada q")
    assert [fact["entity"] for fact in found["facts"]] == ["Ada Quill", "Ann"]
    assert found["complete"] and (await tools.search("zzz"))["facts"] == []
    one = await tools.search("a", limit=1)
    assert len(one["facts"]) == 1 and not one["complete"]
    both = await tools.search("a", limit=2)
    assert len(both["facts"]) == 2 and both["complete"]
    await tools.remember("Bob", "friend", "Ada Quill")
    assert not (await tools.search("ada q", limit=2))["complete"], "a value was left out"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("rm", {}, "unknown tool 'rm'"),
        ("look_up_fact", {"entity": "Ada Quill"}, "relation: Field required"),
        ("look_up_fact", {**ASK, "and": 1}, "and"),
        ("look_up_fact", {**ASK, "entity": 5}, "entity"),
        ("look_up_fact", {**ASK, "entity": ""}, "must not be empty"),
        ("look_up_fact", {**ASK, "entity": "a\0b"}, "NUL"),
        ("look_up_fact", {**ASK, "entity": "a\x1b[2J"}, "control character"),
        ("look_up_fact", {**ASK, "entity": "x" * 301}, "entity"),
        ("look_up_fact", {**ASK, "entity": "\ud800"}, "entity"),
        ("look_up_fact", "[1]", "must be a JSON object"),
        ("look_up_fact", "{", "must be JSON"),
        ("look_up_fact", "[" * 9999, "must be JSON"),
        ("look_up_fact", " " * 200_001, "characters"),
        ("search_facts", {"text": "a", "limit": 101}, "limit"),
        ("search_facts", {"text": "a", "limit": True}, "limit"),
        ("facts_about", {"text": "x" * 100_001}, "text: must have at most 100,000 characters"),
        ("facts_about", {"text": " "}, "text: must not be empty"),
        ("facts_about", {"text": "Ada \ud800"}, "text: must be text"),
        ("facts_about", {"text": "Ada", "me": "Ada Quill"}, "me: is not an argument"),
        ("remember_fact", {**QUILL, "value": "x" * 20_001}, "value"),
        ("remember_fact", {**QUILL, "value": ["x"]}, "value"),
        ("forget_fact", {"entity": "a", "relation": ""}, "must not be empty"),
        ("forget_fact", {}, "entity"),
    ],
)
async def test_hostile_arguments_are_refused_by_name(
    store: FactStore, name: str, arguments: Any, said: str
) -> None:
    with pytest.raises(BadToolCall, match=said):
        await MemoryTools(store).call(name, arguments)
    assert [fact async for fact in store.scan()] == []


@pytest.mark.anyio
async def test_callables_check_as_calls_do(store: FactStore) -> None:
    tools = MemoryTools(store)
    for call in (
        tools.look_up("", "x"),
        tools.search("a", limit=0),
        tools.remember("a", "b", ""),
        tools.correct("a", "b\n", "c"),
        tools.forget("a\0"),
    ):
        with pytest.raises(BadToolCall):
            await call


@pytest.mark.anyio
async def test_which_tools_are_offered(store: FactStore) -> None:
    """All that the memory can do, or those named; no other is callable."""
    assert [tool.name for tool in MemoryTools(store).tools] == [tool.name for tool in TOOLS]
    reading = MemoryTools(as_store(FakeStore({})))
    assert [tool.name for tool in reading.tools] == list(READING)
    assert len(reading.definitions()) == len(reading.mcp_definitions()) == 3
    with pytest.raises(BadToolCall, match="unknown tool"):
        await reading.call("forget_fact", {"entity": "a"})
    one = MemoryTools(store, names=["remember_fact"])
    assert [tool.name for tool in one.tools] == ["remember_fact"]
    with pytest.raises(UnknownOption, match="'shout'"):
        MemoryTools(store, names=["shout"])


@pytest.mark.anyio
async def test_a_memory_that_was_opened_for_reading_says_so(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path / 'f.db'}"
    async with open_store(url):
        pass
    async with open_store(url, read_only=True) as opened:
        with pytest.raises(ReadOnly):
            await MemoryTools(opened, names=["remember_fact"]).remember(**QUILL)
