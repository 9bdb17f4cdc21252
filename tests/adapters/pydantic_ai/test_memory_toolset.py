"""Memory tools in agents of pydantic-ai, called by its test models."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic_ai import Agent, DeferredToolRequests, RunContext, ToolDefinition
from pydantic_ai.exceptions import UnexpectedModelBehavior
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.test import TestModel

import lamlam
from lamlam.adapters.pydantic_ai import MemoryToolset
from lamlam.agent_tools.policies import read_only
from lamlam.errors import StoreClosed

pytestmark = pytest.mark.anyio
BOB = {"entity": "Bob Ferris", "relation": "occupation", "value": "miller"}


def calling(*calls: tuple[str, dict[str, Any]], call_id: str | None = None) -> FunctionModel:
    """Return a model that makes one call after the other, and then says the last answer."""

    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        n = sum(isinstance(one, ModelResponse) for one in messages)
        if n == len(calls):
            return ModelResponse([TextPart(str(answers(messages)[-1]))])
        part = ToolCallPart(*calls[n]) if call_id is None else ToolCallPart(*calls[n], call_id)
        return ModelResponse([part])

    return FunctionModel(answer)


def answers(messages: list[ModelMessage]) -> list[Any]:
    """Return what the tools of a conversation answered."""
    return [
        part.content
        for message in messages
        for part in message.parts
        if part.part_kind == "tool-return"
    ]


def agent_of(store: lamlam.FactStore, model: FunctionModel | TestModel, **options: Any) -> Agent:
    """Return an agent with all memory tools."""
    return Agent(model, toolsets=[MemoryToolset(lamlam.MemoryTools(store, **options))])


async def test_every_tool_is_offered_as_the_memory_describes_it(store: lamlam.FactStore) -> None:
    """Names, schemas and hints reach the model's request as they are."""
    model = TestModel(call_tools=[])
    await agent_of(store, model).run("hello")
    parameters = model.last_model_request_parameters
    assert parameters is not None
    offered = {tool.name: tool for tool in parameters.function_tools}
    tools = lamlam.MemoryTools(store).tools
    assert list(offered) == [tool.name for tool in tools]
    for tool in tools:
        assert offered[tool.name].parameters_json_schema == tool.schema()
        metadata = offered[tool.name].metadata
        assert metadata is not None and metadata["readOnlyHint"] is tool.reads_only
        assert metadata["destructiveHint"] is tool.destroys


async def test_what_is_remembered_is_looked_up(store: lamlam.FactStore) -> None:
    """The answers are those of `MemoryTools.call`."""
    asked = {"entity": "bob ferris", "relation": "occupation"}
    model = calling(("remember_fact", BOB), ("look_up_fact", asked))
    done = await agent_of(store, model).run("Bob is a miller")
    written, found = answers(done.all_messages())
    assert written["status"] == "remembered"
    assert found == await lamlam.MemoryTools(store).call("look_up_fact", asked)


async def test_a_test_model_calls_every_tool_that_reads(store: lamlam.FactStore) -> None:
    """What it invents from the schemas are arguments that the tools take."""
    names = ["look_up_fact", "search_facts", "facts_about"]
    done = await agent_of(store, TestModel(call_tools=names), names=names).run("hello")
    assert len(answers(done.all_messages())) == 3


async def test_calls_of_two_runs_are_two_changes(store: lamlam.FactStore) -> None:
    """Although a model gave both the same id; and two steps of one run likewise."""
    other = {**BOB, "value": "weaver"}
    third = {**BOB, "value": "clerk"}
    model = calling(("remember_fact", BOB), ("remember_fact", other), call_id="call_1")
    await agent_of(store, model).run("Bob is a miller and a weaver")
    await agent_of(store, calling(("remember_fact", third), call_id="call_1")).run("and a clerk")
    values = (await store.lookup("Bob Ferris", "occupation")).values
    assert sorted(values) == ["clerk", "miller", "weaver"]


async def test_wrong_arguments_are_sent_back_once(store: lamlam.FactStore) -> None:
    """The model reads what is wrong, in lamlam's words; a second mistake ends the run."""
    wrong = {"entity": "Bob Ferris", "relation": "occupation", "valu": "miller"}
    done = await agent_of(store, calling(("remember_fact", wrong), ("remember_fact", BOB))).run("x")
    retries = [
        part.model_response_str()
        for message in done.all_messages()
        for part in message.parts
        if part.part_kind == "tool-return" and part.outcome == "retried"
    ]
    assert len(retries) == 1 and "did you mean value?" in retries[0]
    assert (await store.lookup("Bob Ferris", "occupation")).value == "miller"
    with pytest.raises(UnexpectedModelBehavior):
        await agent_of(store, calling(*[("remember_fact", wrong)] * 3)).run("x")


async def test_what_a_policy_refuses_is_an_answer(store: lamlam.FactStore) -> None:
    """The run goes on, and nothing is written."""
    agent = agent_of(store, calling(("remember_fact", BOB)), policy=read_only())
    done = await agent.run("Bob is a miller")
    (refusal,) = answers(done.all_messages())
    assert refusal.startswith("remember 'Bob Ferris' 'occupation': ")
    assert (await store.lookup("Bob Ferris", "occupation")).status == "miss"


async def test_a_memory_that_fails_ends_the_run(store: lamlam.FactStore) -> None:
    """Its error is the program's to handle, not the model's."""
    agent = agent_of(store, calling(("remember_fact", BOB)))
    await store.aclose()
    with pytest.raises(StoreClosed):
        await agent.run("Bob is a miller")


async def test_each_run_has_the_tools_of_its_user(store: lamlam.FactStore) -> None:
    """A function of the run's dependencies makes them."""

    def of_user(context: RunContext[str]) -> MemoryToolset:
        return MemoryToolset(lamlam.MemoryTools(store, namespace=("users", context.deps)))

    asked = {"entity": "Ada Quill", "relation": "birth place"}
    agent = Agent(calling(("look_up_fact", asked)), deps_type=str, toolsets=[of_user])
    told = [answers((await agent.run("x", deps=one)).all_messages())[0] for one in ("7", "8")]
    assert [one["values"][0]["value"] for one in told] == ["Pol", "Lowmere"]


async def test_calls_that_erase_can_wait_for_approval(store: lamlam.FactStore) -> None:
    """By the hint that each tool has."""

    def destroys(context: RunContext[Any], tool: ToolDefinition, _: dict[str, Any]) -> bool:
        return bool((tool.metadata or {})["destructiveHint"])

    toolset = MemoryToolset(lamlam.MemoryTools(store)).approval_required(destroys)
    forgetting = calling(("forget_fact", {"entity": "Ada Quill"}))
    agent = Agent(forgetting, toolsets=[toolset], output_type=[str, DeferredToolRequests])
    done = await agent.run("forget Ada")
    assert isinstance(done.output, DeferredToolRequests)
    assert [call.tool_name for call in done.output.approvals] == ["forget_fact"]
    assert (await store.lookup("Ada Quill", "birth place")).value == "Lowmere"
