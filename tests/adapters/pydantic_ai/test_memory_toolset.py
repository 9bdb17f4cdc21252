"""Memory tools in agents of pydantic-ai, called by its test models."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

import lamlam
from lamlam.adapters.pydantic_ai import MemoryToolset


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that pydantic-ai runs on."""
    return "asyncio"


@pytest.fixture
async def store(anyio_backend: str) -> AsyncIterator[lamlam.FactStore]:
    """A memory with one fact."""
    async with lamlam.open_store("memory:") as store:
        fact = lamlam.Fact(entity="Ada Quill", relation="birth place", value="Lowmere")
        await store.apply([lamlam.Assert(fact)])
        yield store


@pytest.mark.anyio
async def test_every_tool_is_offered_as_the_memory_describes_it(store: lamlam.FactStore) -> None:
    """Names, schemas and hints reach the model's request as they are."""
    tools = lamlam.MemoryTools(store)
    model = TestModel(call_tools=[])
    await Agent(model, toolsets=[MemoryToolset(tools)]).run("hello")
    parameters = model.last_model_request_parameters
    assert parameters is not None
    offered = {tool.name: tool for tool in parameters.function_tools}
    assert offered.keys() == {tool.name for tool in tools.tools}
    for tool in tools.tools:
        assert offered[tool.name].parameters_json_schema == tool.schema()
        metadata = offered[tool.name].metadata
        assert metadata is not None and metadata["readOnlyHint"] is tool.reads_only
