"""Messages of pydantic-ai as the engine reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_ai import messages as said
from pydantic_ai.models import ModelRequestParameters

from lamlam.errors import BadMessages


def conversation_of(
    messages: Sequence[said.ModelMessage], parameters: ModelRequestParameters
) -> list[dict[str, Any]]:
    """Return the messages as `Engine.chat` reads them, what the system says as the first one."""
    read = [one for message in messages for one in _read(message)]
    told = [one["content"] for one in read if one["role"] == "system"]
    told += [part.content for part in parameters.instruction_parts or ()]
    system = [{"role": "system", "content": "\n\n".join(told)}] if told else []
    return system + [one for one in read if one["role"] != "system"]


def _read(message: said.ModelMessage) -> Iterator[dict[str, Any]]:
    answer: dict[str, Any] = {"role": "assistant", "content": "", "tool_calls": []}
    for part in message.parts:
        match part:
            case said.SystemPromptPart():
                yield {"role": "system", "content": part.content}
            case said.UserPromptPart():
                yield {"role": "user", "content": "\n".join(texts_of(part.content, is_all=True))}
            case said.ToolReturnPart(tool_name=name, tool_call_id=called):
                content = part.model_response_str()
                yield {"role": "tool", "name": name, "tool_call_id": called, "content": content}
            case said.TextPart():
                answer["content"] += part.content
            case said.ThinkingPart():
                answer["reasoning_content"] = answer.get("reasoning_content", "") + part.content
            case said.ToolCallPart(tool_name=name, tool_call_id=called):
                function = {"name": name, "arguments": part.args_as_json_str()}
                answer["tool_calls"].append({"id": called, "function": function})
            case _:
                raise BadMessages(f"the engine reads no {part.part_kind!r} in a message")
    if isinstance(message, said.ModelResponse):
        yield {name: held for name, held in answer.items() if held or name == "content"}


def texts_of(content: str | Sequence[said.UserContent], *, is_all: bool = False) -> Iterator[str]:
    """Yield the texts of a message; with ``is_all`` refuse what else it holds."""
    for one in [content] if isinstance(content, str) else content:
        text = one.content if isinstance(one, said.TextContent) else one
        if isinstance(text, str):
            yield text
        elif is_all:
            raise BadMessages(f"the engine reads texts alone, got {type(one).__name__}")
