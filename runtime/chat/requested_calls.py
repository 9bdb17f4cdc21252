"""Calls of the caller's tools, and their results: in the shape of clients, and where too long."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import count, islice
from typing import Any

from pydantic import ValidationError

from lamlam.cut_text import cut_text
from lamlam.errors import PromptTooLong
from lamlam.runtime.chat.tool_definitions import OfferedTool
from lamlam.runtime.decoding.completion import RequestedCall


def requested_call(call_id: str, tool: OfferedTool, text: str) -> RequestedCall:
    """Return a call with what its arguments make of the caller's model.

    Args:
        text: JSON text of the arguments.
    """
    arguments: dict[str, Any] = json.loads(text)
    if tool.model is None:
        return RequestedCall(call_id, tool.name, arguments)
    try:
        parsed = tool.model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part)[:40] for part in first["loc"])
        return RequestedCall(call_id, tool.name, arguments, None, f"{where}: {first['msg']}")
    except Exception as error:  # a validator of the caller's own
        said = f"{type(error).__name__}: {cut_text(str(error), 200)}"
        return RequestedCall(call_id, tool.name, arguments, None, said)
    return RequestedCall(call_id, tool.name, arguments, parsed)


def call_message(call: RequestedCall) -> dict[str, Any]:
    """Return a call as an entry of ``tool_calls``, as templates read it."""
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def for_client(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message in OpenAI's shape, in which the arguments of a call are JSON text."""
    if "tool_calls" not in message:
        return message
    calls = []
    for call in message["tool_calls"]:
        function = call["function"]
        text = json.dumps(function["arguments"], ensure_ascii=False)
        calls.append({**call, "function": {**function, "arguments": text}})
    return {**message, "tool_calls": calls}


def free_id(messages: Iterable[dict[str, Any]], n: int) -> str:
    """Return the n-th id that no call of the messages has.

    Nine letters and digits, since some templates take no other.
    """
    taken = {call["id"] for message in messages for call in message.get("tool_calls", ())}
    free = (one for one in (f"call{k:05d}" for k in count()) if one not in taken)
    return next(islice(free, n, None))


def naming_result(error: PromptTooLong, messages: Sequence[dict[str, Any]]) -> PromptTooLong:
    """Return the error with the name of the tool whose result takes most of the prompt."""
    sizes = [len(message["content"] or "") for message in messages]
    n = max(range(len(sizes)), key=sizes.__getitem__)
    if messages[n]["role"] != "tool" or sizes[n] <= sum(sizes) / 2:
        return error
    name = cut_text(messages[n].get("name") or "a tool", 60)
    what = f"the result of {name} (message {n}, {sizes[n]:,} characters)"
    return PromptTooLong(error.n_tokens, error.context, is_least=error.is_least, what=what)
