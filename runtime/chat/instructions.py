"""What a model is told of tools and forms where its template does not say it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from lamlam.runtime.chat.call_grammar import TAGGED_FORM
from lamlam.runtime.chat.tool_calls import MEMORY_TOOL
from lamlam.runtime.chat.tool_definitions import OfferedTool

_EXAMPLE = {"entity": "Marie Curie", "relation": "birth place"}


def written_call(name: str, arguments: dict[str, Any]) -> str:
    """Return a call as a model without a form of its own is to write it."""
    said, form = json.dumps(arguments, ensure_ascii=False), TAGGED_FORM
    return f"{form.opening}{name}{form.middle}{said}{form.ending}"


INSTRUCTION = f"""\
You can look facts up in a memory. To do so, write nothing but a call in this form, with the \
entity and the relation you ask for:
{written_call(MEMORY_TOOL.name, _EXAMPLE)}
You then get what memory holds. Use its values to the letter. If memory does not hold a fact, \
say that you do not know it."""
"""For models whose template does not write the definitions of tools, where memory is the only one."""

_TOOLS = f"""\
You can call these functions:
%s
To call one, write nothing but a call in this form, with a JSON object of its arguments:
{TAGGED_FORM.opening}NAME{TAGGED_FORM.middle}{{…}}{TAGGED_FORM.ending}
You then get its result."""


def tool_instruction(tools: Sequence[OfferedTool]) -> str:
    """Return what a model is told of tools."""
    if list(tools) == [MEMORY_TOOL]:
        return INSTRUCTION
    lines = (json.dumps(tool.definition()["function"], ensure_ascii=False) for tool in tools)
    return _TOOLS % "\n".join(lines)


def instructed(messages: list[dict[str, Any]], role: str, instruction: str) -> list[dict[str, Any]]:
    """Return the messages with an instruction in the first of the role."""
    roles = ("system", "developer") if role == "system" else (role,)
    at = next((n for n, message in enumerate(messages) if message["role"] in roles), None)
    if at is None or (role == "system" and at):
        return [{"role": role, "content": instruction}, *messages]
    content = messages[at]["content"]
    parts = (content, instruction) if role == "system" else (instruction, content)
    return [*messages[:at], {**messages[at], "content": "\n\n".join(parts)}, *messages[at + 1 :]]


def noted(messages: list[dict[str, Any]], notes: list[str]) -> list[dict[str, Any]]:
    """Return the messages with the notes below the last of them."""
    if not notes:
        return messages
    last = messages[-1]
    return [*messages[:-1], {**last, "content": "\n\n".join([last["content"], *notes])}]
