"""The messages of a conversation, as users write them and as templates read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError

from lamlam.errors import BadMessages

Role = Literal["system", "user", "assistant", "tool"]


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

    Raises:
        BadMessages: no messages, an unknown role or key, or content that is not a string.
    """
    if isinstance(messages, str | bytes | Mapping | BaseModel) or not isinstance(
        messages, Iterable
    ):
        raise BadMessages(
            f"messages must be a list, got {type(messages).__name__}",
            hint='write [{"role": "user", "content": "…"}]',
        )
    read = [_read(n, message) for n, message in enumerate(messages)]
    if not read:
        raise BadMessages("the list of messages is empty", hint="begin with a message of the user")
    return read


def _read(n: int, message: Any) -> dict[str, Any]:  # Any: whatever was given
    if isinstance(message, BaseModel):
        message = message.model_dump(exclude_none=True)
    if not isinstance(message, Mapping):
        raise BadMessages(f"message {n} must be a dictionary, got {type(message).__name__}")
    try:
        checked = Message.model_validate(dict(message))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadMessages(
            f"message {n}: {where}: {first['msg']}",
            hint="a message has a role (system, user, assistant or tool) and a string as content",
        ) from None
    if checked.content is None and not checked.tool_calls:
        raise BadMessages(f"message {n} has no content")
    if not all(map(_is_text, _texts(checked.model_dump()))):
        raise BadMessages(f"message {n} contains an unpaired surrogate, which is not a character")
    plain = checked.model_dump(exclude_none=True)
    plain.setdefault("content", "")
    for call in plain.get("tool_calls", ()):
        call["function"]["arguments"] = _arguments(n, call["function"]["arguments"])
    return plain


def _arguments(n: int, arguments: dict[str, Any] | str) -> dict[str, Any]:
    try:
        # Read again from its own text: templates and traces write it down as JSON.
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, allow_nan=False)
        read = json.loads(text, parse_constant=_refuse)
    except (TypeError, ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise BadMessages(f"message {n}: the arguments of a tool call must be a JSON object")
    return read


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
