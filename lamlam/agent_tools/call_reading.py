"""Read the arguments of a call as a model wrote them, or say what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lamlam.agent_tools.arguments import ToolArguments
from lamlam.agent_tools.tool import Tool
from lamlam.errors import BadToolCall
from lamlam.memory_backends.model.values import NOT_TEXT
from lamlam.near_names import near_names

MAX_ARGUMENT_CHARACTERS = 200_000
"""Of the JSON text of one call."""
_MOST_FAULTS = 3
"""So many faults are told at once."""
_SHORT = 40
"""A text of so many characters is told as it was given."""
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
    if not hidden.isdisjoint(given):
        raise _unknown(where, sorted(hidden.intersection(given)), _offered(model, hidden))
    try:
        # What `model_validate` calls, without its other options: tools are called often.
        read: Arguments = model.__pydantic_validator__.validate_python(dict(given))
        return read
    except ValidationError as error:
        offered = _offered(model, hidden)
        found = error.errors(include_url=False)
        said = "; ".join(_fault(one, offered) for one in found[:_MOST_FAULTS])
        more = f"; and {len(found) - _MOST_FAULTS} more" if len(found) > _MOST_FAULTS else ""
        names_matter = any(one["type"] in ("missing", "extra_forbidden") for one in found)
        hint = _hint(offered) if names_matter else None
        raise BadToolCall(f"{where}: {said}{more}", hint=hint) from None


def _offered(model: type[ToolArguments], hidden: frozenset[str]) -> list[str]:
    return [name for name in model.model_fields if name not in hidden]


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
    """Return what is wrong with one argument, named by its place."""
    where = ".".join(_printable(str(part)) for part in error["loc"]) or "arguments"
    return f"{where}: {_what_is_wrong(error, offered)}"


def _what_is_wrong(error: Any, offered: list[str]) -> str:  # Any: as pydantic describes an error
    kind, given, limits = error["type"], error["input"], error.get("ctx", {})
    if kind == "extra_forbidden":
        near = near_names(str(error["loc"][-1]), offered, most=1)
        return "is not an argument" + (f", did you mean {near[0]}?" if near else "")
    if kind == "value_error":
        return str(error["msg"]).removeprefix("Value error, ")
    if kind == "missing":
        return str(error["msg"])
    if kind == "string_unicode":
        return NOT_TEXT
    if kind == "string_too_long":
        return f"must have at most {limits['max_length']:,} characters, got {len(given):,}"
    if kind == "too_long":
        return f"must have at most {limits['max_length']:,} items, got {len(given):,}"
    if kind == "too_short":
        return f"must have at least {limits['min_length']:,} items, got {len(given):,}"
    if kind == "literal_error":
        return f"must be one of {limits['expected']}, got {_shown(given)}"
    if kind == "less_than_equal":
        return f"must be at most {limits['le']:g}, got {_shown(given)}"
    if kind == "greater_than_equal":
        return f"must be at least {limits['ge']:g}, got {_shown(given)}"
    if kind in _WANTED:
        return f"must be {_WANTED[kind]}, got {_shown(given)}"
    return f"{error['msg']}, got {_shown(given)}"


_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "list_type": "a list",
}
"""By kind of error, what was expected."""


def _shown(given: object) -> str:
    """Return a value as JSON has it where it is short, or else its type."""
    is_number = isinstance(given, int) and given.bit_length() < 64
    if is_number or isinstance(given, float) or (isinstance(given, str) and len(given) <= _SHORT):
        return json.dumps(given)
    return json_type(given)


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
