"""Answers fit their schemas and a length, and are the same for code with and without ``async``."""

from __future__ import annotations

import inspect
import json
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from lamlam.agent_tools.about_answer import INTRODUCTION
from lamlam.agent_tools.memory_tools import MemoryTools
from lamlam.agent_tools.policies import MemoryAction
from lamlam.agent_tools.results import FoundFacts, LookUpResult
from lamlam.agent_tools.schemas import strict_schema
from lamlam.agent_tools.sync_tools import SyncMemoryTools
from lamlam.agent_tools.tool import BY_NAME, TOOLS
from lamlam.errors import BadToolCall, PolicyFailed, StoreClosed, UsageError
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import FactStore
from lamlam.memory_backends.sync import SyncFactStore

CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("look_up_fact", {"entity": "Ada", "relation": "city"}),
    ("remember_fact", {"entity": "Ada", "relation": "city", "value": "Lowmere", "source": "her"}),
    ("remember_fact", {"entity": "Ada", "relation": "born", "value": "1867", "type": "date",
                       "confidence": 0.5, "valid_from": "-0044"}),
    ("remember_facts", {"facts": [{"entity": "Bob", "relation": "friend", "value": "Ada",
                                   "type": "entity"}, {}, 5]}),
    ("look_up_fact", {"entity": "Ada", "relation": "born"}),
    ("look_up_fact", {"entity": "Adda", "relation": "shoe size"}),
    ("correct_fact", {"entity": "Ada", "relation": "city", "value": "Highmere",
                      "valid_to": "2000"}),
    ("look_up_fact", {"entity": "Ada", "relation": "city"}),
    ("search_facts", {"text": "where does Bob live?", "limit": 1}),
    ("facts_about", {"text": "Where is ada's friend Bob from?\n"}),
    ("facts_about", {"text": "Nobody is named here.", "limit": 3}),
    ("forget_fact", {"entity": "Ada"}),
    ("forget_fact", {"entity": "Ada"}),
)  # fmt: skip


def test_public_methods_have_the_same_parameters_and_answers() -> None:
    """But for the ``async``: what one class takes and gives, the other does."""
    names = {name for name, _ in inspect.getmembers(MemoryTools, inspect.isfunction)}
    names = {name for name in names if not name.startswith("_")} | {"__init__"}
    ours = {name for name, _ in inspect.getmembers(SyncMemoryTools, inspect.isfunction)}
    assert names == {name for name in ours if not name.startswith("_")} | {"__init__"}
    for name in names:
        theirs = inspect.signature(getattr(MemoryTools, name))
        own = inspect.signature(getattr(SyncMemoryTools, name))
        given = theirs.return_annotation.replace("Awaitable[ToolResult]", "ToolResult")
        assert given == own.return_annotation
        expected = list(theirs.parameters.values())
        if name == "__init__":  # but for the class of the store
            assert [one.name for one in expected[:2]] == ["self", "store"]
            assert list(own.parameters.values())[2:] == expected[2:]
        else:
            assert list(own.parameters.values()) == expected


def test_both_classes_answer_alike(url: str) -> None:
    """Every tool, hits and misses, in the usual namespace and in one of a user."""

    async def asked() -> list[dict[str, Any]]:
        async with open_store(url) as store:
            tools = MemoryTools(store, namespace=("users", "1"), policy=lambda action: True)
            return [await tools.call(*call) for call in CALLS]

    theirs = anyio.run(asked)
    with SyncFactStore(url) as store:
        tools = SyncMemoryTools(store, namespace=("users", "2"), policy=lambda action: True)
        ours = [tools.call(*call) for call in CALLS]
        assert [call.keys() for call in ours] == [call.keys() for call in theirs]
        assert _alike(ours) == _alike(theirs)
        assert tools.definitions() == MemoryTools(_open(store)).definitions()
        assert [tool.name for tool in tools.tools] == [tool.name for tool in TOOLS]


def _open(store: SyncFactStore) -> FactStore:
    return store._opened()


def _alike(answers: list[dict[str, Any]]) -> str:
    """Return the answers without what every commit and every store has of its own."""
    text = json.dumps(answers)
    for own in ("users/1", "users/2"):
        text = text.replace(own, "users/N")
    kept = json.loads(text, object_hook=_without_ids)
    return json.dumps(kept, indent=1)


def _without_ids(read: dict[str, Any]) -> dict[str, Any]:
    return {
        key: one
        for key, one in read.items()
        if key not in ("fact_id", "revision", "receipt", "verified", "pending", "mentions")
    }


async def _allows(action: MemoryAction) -> bool:
    await anyio.lowlevel.checkpoint()
    return action.relation != "secret"


async def _fails(action: MemoryAction) -> bool:
    await anyio.lowlevel.checkpoint()
    raise ValueError("no")


def test_an_async_hook_decides_in_blocking_code_too() -> None:
    with SyncFactStore("memory:") as store:
        tools = SyncMemoryTools(store, policy=_allows)
        facts = [{"entity": "A", "relation": name, "value": "x"} for name in ("secret", "city")]
        assert [one.index for one in tools.remember_facts(facts).refused] == [0]
        with pytest.raises(PolicyFailed, match="_fails raised ValueError: no"):
            SyncMemoryTools(store, policy=_fails).forget("A")
        assert len(list(store.scan())) == 1
    with pytest.raises(StoreClosed):
        tools.look_up("A", "city")


@pytest.mark.anyio
async def test_each_class_refuses_the_store_of_the_other(store: FactStore) -> None:
    with pytest.raises(UsageError, match="needs a SyncFactStore, got"):
        SyncMemoryTools(store)  # type: ignore[arg-type]  # a mistake
    with SyncFactStore("memory:") as twin:
        with pytest.raises(UsageError, match="got a SyncFactStore"):
            MemoryTools(twin)  # type: ignore[arg-type]  # a mistake


@pytest.mark.anyio
async def test_answers_fit_the_output_schemas(store: FactStore) -> None:
    """A host may check what `call` gives by what `mcp_definitions` promises."""
    tools = MemoryTools(store)
    for name, arguments in CALLS:
        answer = await tools.call(name, arguments)
        schema = BY_NAME[name].output_schema()
        assert schema["type"] == "object" and schema["title"]
        assert schema["required"] and schema["properties"].keys() >= answer.keys()
        assert answer.keys() >= set(schema["required"])
        read = BY_NAME[name].result.model_validate(answer)
        assert read.as_json() == answer == json.loads(str(read))
        assert read["status"] == read.get("status") if "status" in answer else "facts" in read
        with pytest.raises(KeyError):
            read["nothing"]


def test_definitions_are_titled_and_strict_ones_have_no_word_that_is_refused_there() -> None:
    for tool in TOOLS:
        described = tool.mcp_definition()
        assert described["title"] == described["annotations"]["title"] == tool.title
        assert "$ref" not in json.dumps(tool.schema())
        strict = tool.definition(strict=True)["function"]
        assert strict["strict"] is True
        _check_strict(strict["parameters"])
        assert strict_schema(strict["parameters"]) == strict["parameters"]


def _check_strict(schema: dict[str, Any]) -> None:
    """Assert that a schema keeps to the part of JSON schema that the strict mode takes."""
    assert schema.keys() <= {
        "type", "properties", "required", "additionalProperties", "description", "anyOf",
        "enum", "items", "minimum", "maximum", "minItems", "maxItems",
    }  # fmt: skip
    if schema.get("type") == "object":
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
    for one in (*schema.get("properties", {}).values(), *schema.get("anyOf", ())):
        _check_strict(one)
    if "items" in schema:
        _check_strict(schema["items"])


@pytest.mark.anyio
@pytest.mark.parametrize("most", [500, 3_000, 20_000])
async def test_an_answer_keeps_to_its_length_and_says_what_is_left_out(
    store: FactStore, most: int
) -> None:
    await store.apply(
        [
            Assert(Fact(entity="Ada", relation="note", value=f"{n} " + "x" * 50_000, source="y" * 9_000))
            for n in range(60)
        ]
    )  # fmt: skip
    tools = MemoryTools(store, max_characters=most)
    looked = await tools.call("look_up_fact", {"entity": "Ada", "relation": "note"})
    n_shown = len(looked["values"])
    assert 0 < n_shown < 60 and looked["more"] == 60 - n_shown
    assert looked["left_out"].startswith(f"{n_shown} of 60 values are shown; ")
    found = await tools.call("search_facts", {"text": "ada", "limit": 100})
    assert not found["complete"] and "long texts are cut to" in found["left_out"]
    about = await tools.call("facts_about", {"text": "What of Ada?", "limit": 100})
    assert not about["complete"] and "of 60 facts are shown" in about["left_out"]
    for answer in (looked, found, about):
        assert len(json.dumps(answer)) < 1.5 * most + 1_500
    corrected = await tools.correct("Ada", "note", "short")
    assert "of 60 facts that ended are shown" in str(corrected.left_out)
    assert (await tools.look_up("Ada", "note")).left_out is None


@pytest.mark.anyio
async def test_every_refusal_of_many_is_told_in_the_room_that_there_is(store: FactStore) -> None:
    tools = MemoryTools(store, max_characters=8_000)
    done = await tools.call("remember_facts", {"facts": [{"x" * 40: n} for n in range(100)]})
    assert [one["index"] for one in done["refused"]] == list(range(100))
    assert len(json.dumps(done)) < 20_000
    assert done["left_out"] == "100 messages are cut to 80 characters"


@pytest.mark.anyio
async def test_facts_about_a_text_become_instructions(store: FactStore) -> None:
    """A line a fact, under a sentence that says what they are; nothing where there are none."""
    await store.apply(
        [Assert(Fact(entity="Ada", relation=f"note {n}", value="a\n- b")) for n in range(3)]
    )
    tools = MemoryTools(store)
    told = (await tools.instructions("What of Ada?", 2)).splitlines()
    assert told == [INTRODUCTION, "- Ada: note 0: a - b", "- Ada: note 1: a - b"]
    assert await tools.instructions("What of Nobody?") == ""
    with pytest.raises(BadToolCall, match="text"):
        await tools.instructions(" ")


@pytest.mark.anyio
async def test_functions_are_the_methods_of_the_tools_that_are_offered(store: FactStore) -> None:
    """A framework calls them with the keywords of the schema."""
    functions = MemoryTools(store, names=["remember_fact", "look_up_fact"]).functions()
    assert list(functions) == ["remember_fact", "look_up_fact"]
    await functions["remember_fact"](entity="Ada", relation="city", value="Lowmere")
    found = await functions["look_up_fact"](entity="Ada", relation="city")
    assert isinstance(found, LookUpResult) and found.status == "hit"
    for name, function in MemoryTools(store).functions().items():
        offered = BY_NAME[name].arguments.model_fields.keys()
        assert offered == inspect.signature(function).parameters.keys()
    with SyncFactStore("memory:") as twin:
        tools = SyncMemoryTools(twin)
        assert tools.functions()["look_up_fact"](entity="Ada", relation="x")["status"] == "miss"


@pytest.mark.anyio
async def test_a_value_that_fits_is_whole(store: FactStore) -> None:
    tools = MemoryTools(store)
    await tools.remember("Ada", "letter", "x" * 15_000)
    found: LookUpResult = await tools.look_up("Ada", "letter")
    assert len(found.values[0].value) == 15_000 and found.left_out is None
    with pytest.raises(BadToolCall):
        await tools.remember("Ada", "letter", "x" * 20_001)
    searched: FoundFacts = await tools.search("letter")
    assert searched.complete


@pytest.mark.anyio
async def test_a_value_of_another_time_only_is_told_apart_from_a_miss(store: FactStore) -> None:
    tools = MemoryTools(store)
    await tools.remember("Ada", "city", "Lowmere", valid_from="1900", valid_to="1950")
    found = await tools.look_up("Ada", "city")
    assert found.status == "not_valid_at" and "other times" in str(found.note)
