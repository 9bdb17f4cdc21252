"""Read the arguments of a call as a model wrote them, or say what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lamlam.errors import BadToolCall
from lamlam.near_names import near_names
from lamlam.runtime.tools.arguments import ToolArguments
from lamlam.runtime.tools.tool import Tool

MAX_ARGUMENT_CHARACTERS = 200_000
"""Of the JSON text of one call."""
_MOST_FAULTS = 3
"""So many faults are told at once."""
Arguments = TypeVar("Arguments", bound=ToolArguments)


def read_arguments(tool: Tool, arguments: str | Mapping[str, Any]) -> ToolArguments:
    """Return the checked arguments of a call.

    Raises:
        BadToolCall: not a JSON object, or an argument that is missing, unknown or invalid.
    """
    if isinstance(arguments, str):
        arguments = _json_object(tool, arguments)
    if not isinstance(arguments, Mapping):
        raise BadToolCall(
            f"{tool.name}: the arguments must be a JSON object, got {type(arguments).__name__}"
        )
    return check_arguments(tool.name, tool.arguments, arguments, tool.hidden)


def check_arguments(
    where: str, model: type[Arguments], given: Mapping[str, Any], hidden: frozenset[str]
) -> Arguments:
    """Return the arguments that a mapping holds.

    Args:
        where: the tool, for the message.
        hidden: arguments that may not be given.

    Raises:
        BadToolCall: one is missing, unknown or invalid.
    """
    offered = [name for name in model.model_fields if name not in hidden]
    try:
        if not hidden.isdisjoint(given):
            raise _unknown(where, sorted(hidden.intersection(given)), offered)
        return model.model_validate(dict(given))
    except ValidationError as error:
        found = error.errors(include_url=False)
        said = "; ".join(_fault(one, offered) for one in found[:_MOST_FAULTS])
        more = f"; and {len(found) - _MOST_FAULTS} more" if len(found) > _MOST_FAULTS else ""
        raise BadToolCall(f"{where}: {said}{more}", hint=_hint(offered)) from None


def _json_object(tool: Tool, text: str) -> dict[str, Any]:
    if len(text) > MAX_ARGUMENT_CHARACTERS:
        raise BadToolCall(
            f"{tool.name}: the arguments have {len(text):,} characters, "
            f"at most {MAX_ARGUMENT_CHARACTERS:,} are read",
            hint="make several calls",
        )
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        raise BadToolCall(f"{tool.name}: the arguments must be JSON") from None
    if not isinstance(read, dict):
        raise BadToolCall(f"{tool.name}: the arguments must be a JSON object")
    return read


def _unknown(where: str, names: Iterable[str], offered: list[str]) -> BadToolCall:
    said = "; ".join(f"{name}: is not an argument" for name in names)
    return BadToolCall(f"{where}: {said}", hint=_hint(offered))


def _hint(offered: Iterable[str]) -> str:
    return f"arguments: {', '.join(offered)}"


def _fault(error: Any, offered: list[str]) -> str:  # Any: as pydantic describes an error
    """Return what is wrong with one argument, its value left out: it may be long, or harm."""
    where = ".".join(_printable(str(part)) for part in error["loc"]) or "arguments"
    kind, said, given = error["type"], str(error["msg"]), error["input"]
    if kind == "extra_forbidden":
        near = near_names(str(error["loc"][-1]), offered, most=1)
        return f"{where}: is not an argument" + (f", did you mean {near[0]}?" if near else "")
    if kind == "missing":
        return f"{where}: {said}"
    if kind == "value_error":
        return f"{where}: {said.removeprefix('Value error, ')}"
    said = said.replace("Input should be", "must be").replace("a valid ", "a ")
    if kind == "string_type":
        return f"{where}: {said}, got {json_type(given)}: write it as a text"
    if isinstance(given, str | list):
        unit = "characters" if isinstance(given, str) else "items"
        return f"{where}: {said}, got {len(given):,} {unit}"
    shown = f"{given!r}" if isinstance(given, int | float) and _is_short(given) else None
    return f"{where}: {said}, got {shown or json_type(given)}"


def _is_short(number: float) -> bool:
    return not isinstance(number, int) or number.bit_length() < 64


def json_type(given: object) -> str:
    """Return the type of a value as JSON calls it, which is what a model wrote."""
    match given:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case Mapping() | BaseModel():
            return "an object"
        case _:
            return type(given).__name__


def _printable(name: str) -> str:
    return repr(name[:40])[1:-1]
