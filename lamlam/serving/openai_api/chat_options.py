"""Tools and their choice, as chat completions and responses write them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lamlam.runtime.chat.tool_calls import LOOK_UP
from lamlam.serving.answers.refusals import Refusal
from lamlam.serving.openai_api.bodies import wrong

FunctionName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.\-]{1,128}$")]


class FunctionDefinition(BaseModel):
    """A function that the model may call."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: FunctionName
    description: str | None = None
    parameters: dict[str, Any] | None = Field(None, description="A JSON schema of an object.")
    strict: bool | None = None


class OfferedFunction(BaseModel):
    """A tool of a chat completion."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["function"]
    function: FunctionDefinition

    @property
    def name(self) -> str:
        """Of the function."""
        return self.function.name

    def definition(self) -> dict[str, Any]:
        """Return it as the engine reads it."""
        return {"type": "function", "function": self.function.model_dump(exclude_none=True)}


class FunctionReference(BaseModel):
    """Which function."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: FunctionName


class ToolChoiceObject(BaseModel):
    """The one tool that is to be called."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: Literal["function"]
    function: FunctionReference


def check_tool_choice(name: str, offered: list[str]) -> None:
    """Raise `Refusal` unless the tool is offered."""
    if name not in (*offered, LOOK_UP.name):
        raise unknown_tool(name, offered)


def unknown_tool(name: str, offered: list[str]) -> Refusal:
    """Return the refusal of a choice of a tool that does not exist."""
    those = f"offered are {', '.join(offered[:20])}" if offered else "no tools are offered"
    return wrong("tool_choice", f"there is no tool {name[:60]!r}: {those}", "unknown_tool", 404)
