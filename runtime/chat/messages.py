"""The messages of a conversation, as users write them and as templates read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError

from lamlam.errors import BadMessages
from lamlam.runtime.chat.message_parts import FLATTER, is_too_deep
from lamlam.runtime.chat.message_shapes import HINT, as_mapping, joined_items, plain_message

Role = Literal["system", "developer", "user", "assistant", "tool"]


class CalledFunction(BaseModel):
    """Which tool a model called, and with what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: StrictStr
    arguments: dict[str, Any] | StrictStr
    """The arguments, or their JSON text."""


class ToolCall(BaseModel):
    """One call in a message of the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: StrictStr = ""
    type: Literal["function"] = "function"
    function: CalledFunction


class Message(BaseModel):
    """One message: who says what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    content: StrictStr | None = None
    reasoning_content: StrictStr | None = None
    name: StrictStr | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    tool_call_id: StrictStr | None = None


def read_messages(messages: Iterable[Mapping[str, Any] | BaseModel]) -> list[dict[str, Any]]:
    """Return the messages as plain dictionaries, each with a role and a content.

    They may have the form of Chat Completions or the Responses API, as clients hand them back.

    Raises:
        BadMessages: no messages, an unknown role, a misspelt key, or content that is not text.
    """
    if isinstance(messages, str | bytes | Mapping | BaseModel) or not isinstance(
        messages, Iterable
    ):
        raise BadMessages(
            f"messages must be a list, got {type(messages).__name__}",
            hint='write [{"role": "user", "content": "…"}]',
        )
    given = [(n, as_mapping(n, message)) for n, message in enumerate(messages)]
    read = [_checked(n, plain_message(n, item)) for n, item in joined_items(given)]
    if not read:
        raise BadMessages("the list of messages is empty", hint="begin with a message of the user")
    _match_results(read)
    return read


def conversation(messages: Iterable[Mapping[str, Any]], *instructions: str) -> list[dict[str, Any]]:
    """Return messages or items as `read_messages` does, with what the system says as the first one.

    Frameworks add instructions anywhere, and most templates read them at the beginning alone.

    Args:
        instructions: stand below what else the system says.

    >>> conversation([{"role": "user", "content": "Hello"}], "Be short.", "Be kind.")[0]
    {'role': 'system', 'content': 'Be short.\\n\\nBe kind.'}
    """
    told = [{"role": "system", "content": text} for text in instructions]
    read = read_messages([*messages, *told])
    system = "\n\n".join(one["content"] for one in read if one["role"] == "system")
    first = [{"role": "system", "content": system}] if system else []
    return [*first, *(one for one in read if one["role"] != "system")]


def _checked(n: int, message: dict[str, Any]) -> dict[str, Any]:
    try:
        checked = Message.model_validate(message)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadMessages(f"message {n}: {where}: {first['msg']}", hint=HINT) from None
    if not all(map(_is_text, _texts(checked.model_dump()))):
        raise BadMessages(f"message {n} contains an unpaired surrogate, which is not a character")
    plain = checked.model_dump(exclude_none=True)
    plain.setdefault("content", "")
    if "tool_calls" in plain:
        plain["tool_calls"] = list(plain["tool_calls"])
    for call in plain.get("tool_calls", ()):
        call["function"]["arguments"] = _arguments(n, call["function"])
    return plain


def _arguments(n: int, function: Mapping[str, Any]) -> dict[str, Any]:
    arguments = function["arguments"]
    try:
        # Read again from its own text: templates and traces write it down as JSON.
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, allow_nan=False)
        read = json.loads(text, parse_constant=_refuse)
    except (TypeError, ValueError, RecursionError):
        read, hint = (), "join the pieces of a streamed call before you hand it back"
    else:
        hint = 'write the parameters with their names: {"city": "Lowmere"}'
    if read is None:  # what a client writes for a call without arguments
        return {}
    if not isinstance(read, dict):
        raise BadMessages(
            f"message {n}: the arguments of the call of {function['name'][:60]!r} must be a JSON object",
            hint=hint,
        )
    if is_too_deep(read):
        raise BadMessages(
            f"message {n}: the arguments of the call of {function['name'][:60]!r} are nested too deeply",
            hint=FLATTER,
        )
    return read


def _match_results(messages: list[dict[str, Any]]) -> None:
    """Add to results the names and ids of their calls: clients leave out one, templates read both."""
    waiting: list[dict[str, Any]] = []
    """Calls that have no result yet."""
    for message in messages:
        waiting += message.get("tool_calls", ())
        if message["role"] != "tool":
            continue
        called, name = message.get("tool_call_id"), message.get("name")
        key, wanted = ("id", called) if called else ("name", name)
        found = next(
            (n for n, call in enumerate(waiting) if wanted in (None, _of(call)[key])), None
        )
        if found is None:
            continue
        call = waiting.pop(found)
        message.setdefault("name", call["function"]["name"])
        if call["id"]:
            message["tool_call_id"] = call["id"]


def _of(call: Mapping[str, Any]) -> dict[str, str]:
    return {"id": call["id"], "name": call["function"]["name"]}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _texts(value: Any) -> Iterable[str]:  # Any: what JSON can hold
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, held in value.items():
            yield from _texts(key)
            yield from _texts(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from _texts(held)


def _is_text(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
