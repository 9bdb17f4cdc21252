"""Memory tools as a toolset, and facts about each message as instructions."""

from __future__ import annotations

from typing import Any

from pydantic_ai import FunctionToolset, ModelRetry, RunContext, Tool
from pydantic_ai.capabilities import Capability
from pydantic_ai.exceptions import ToolFailed

from lamlam.adapters.pydantic_ai.engine_model import parts_of
from lamlam.agent_tools.memory_tools import REFUSALS, MemoryTools
from lamlam.agent_tools.tool import Tool as MemoryTool
from lamlam.errors import BadToolCall


class MemoryToolset(FunctionToolset[Any]):
    """Memory tools as a toolset: ``Agent(model, toolsets=[MemoryToolset(tools)])``.

    A call with wrong arguments is sent back to the model once, with what is wrong; what memory or a
    policy refuses is the answer of the tool. A change is made once, also where a durable run is
    repeated. Each tool has the hints of the Model Context Protocol as ``metadata``.
    """

    def __init__(self, tools: MemoryTools, *, id: str | None = "lamlam") -> None:
        super().__init__([_tool(tools, one) for one in tools.tools], max_retries=1, id=id)


def _tool(tools: MemoryTools, one: MemoryTool) -> Tool[Any]:
    async def call(context: RunContext[Any], **arguments: Any) -> dict[str, Any]:
        # Ids of calls may be the same in another run, and with some models in another step.
        key = f"{context.run_id}/{context.run_step}/{context.tool_call_id}"
        try:
            return await tools.call(one.name, arguments, idempotency_key=key)
        except BadToolCall as error:
            raise ModelRetry(str(error)) from error
        except REFUSALS as error:
            raise ToolFailed(str(error)) from error

    made: Tool[Any] = Tool.from_schema(
        call, one.name, one.description, one.schema(), takes_ctx=True
    )
    made.function_schema.return_schema = one.output_schema()
    made.metadata = one.mcp_definition()["annotations"]
    return made


def memory_capability(
    tools: MemoryTools, *, max_facts: int = 20, with_tools: bool = True, id: str | None = None
) -> Capability[Any]:
    """Return a capability: facts about the names in each message as instructions, and the tools.

    Only the message of the user is searched for names, not what tools and the model said.

    Args:
        tools: of the memory.
        max_facts: in the instructions of one request.
        with_tools: the model may call the tools, too.
        id: of the capability among those of an agent.
    """

    async def facts(context: RunContext[Any]) -> str | None:
        said = parts_of(context.prompt or "")
        text = "\n".join(one for one in said if isinstance(one, str))
        return (await tools.instructions(text, max_facts)) or None if text else None

    toolsets = [MemoryToolset(tools)] if with_tools else []
    return Capability(id=id, instructions=facts, toolsets=toolsets)
