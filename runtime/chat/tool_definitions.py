"""The tools that a caller lets a chat call: definitions in OpenAI's shape, models, or functions.

The engine never runs them: a call is handed to the caller, who hands back a message of role tool.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pydantic import BaseModel, create_model
from pydantic.errors import PydanticUserError

from lamlam.cut_text import cut_text
from lamlam.errors import BadSchema, BadTools
from lamlam.runtime.chat.json_schemas import check_compiles, read_schema, schema_source

MAX_TOOLS = 128
MAX_ALL_CHARACTERS = 256_000
"""Of the schemas of all tools: compiled one after the other, in half a second at most."""
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,128}")
_HINT = (
    'write {"type": "function", "function": {"name": …, "description": …, "parameters": …}}, '
    "or give a pydantic model or a function with type hints"
)


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool that the model may call."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON schema of the arguments."""
    source: str
    """Rule of a grammar for the arguments."""
    model: type[BaseModel] | None = None
    """What the arguments make, where the caller gave a model or a function."""

    def definition(self) -> dict[str, Any]:
        """Return the definition in the form of OpenAI's function calling."""
        return function_definition(self.name, self.description, self.parameters)


def function_definition(
    name: str, description: str | None, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the definition of a tool in the form of OpenAI's function calling."""
    function = {"name": name, "description": description or "", "parameters": parameters}
    return {"type": "function", "function": function}


def read_tools(tools: Any) -> tuple[OfferedTool, ...]:
    """Return the tools that were given, checked; takes some milliseconds.

    Raises:
        BadTools: what is there defines no tool, two have one name, or there are too many.
        BadSchema: a schema cannot become a mask.
    """
    if tools is None:
        return ()
    if isinstance(tools, str | bytes | Mapping | type) or not isinstance(tools, Iterable):
        raise BadTools(f"tools must be a list, got {type(tools).__name__}", hint=_HINT)
    read = tuple(_read(n, tool) for n, tool in enumerate(islice(tools, MAX_TOOLS + 1)))
    if len(read) > MAX_TOOLS:
        raise BadTools(
            f"there are more than {MAX_TOOLS} tools", hint="offer those that the question needs"
        )
    seen: set[str] = set()
    for tool in read:
        if tool.name in seen:
            raise BadTools(f"two tools have the name {tool.name!r}", hint="rename one of them")
        seen.add(tool.name)
    n_characters = sum(len(tool.source) for tool in read)
    if n_characters > MAX_ALL_CHARACTERS:
        raise BadTools(
            f"the schemas of all tools have {n_characters:,} characters, "
            f"at most {MAX_ALL_CHARACTERS:,} are read",
            hint="offer those that the question needs",
        )
    for tool in read:
        check_compiles(tool.source, f"the schema of the tool {tool.name!r}")
    return read


def _read(n: int, tool: Any) -> OfferedTool:
    if isinstance(tool, type) and issubclass(tool, BaseModel):
        return _of_model(n, tool.__name__, tool, inspect.getdoc(tool) or "")
    if isinstance(tool, Mapping):
        return _of_definition(n, tool)
    if callable(tool) and not isinstance(tool, type):
        return _of_function(n, tool)
    raise BadTools(f"tool {n} must define a function, got {type(tool).__name__}", hint=_HINT)


def _of_definition(n: int, tool: Mapping[str, Any]) -> OfferedTool:
    kind = tool.get("type", "function")
    if kind != "function":
        raise BadTools(
            f"tool {n} has the type {cut_text(repr(kind), 60)}; only functions can be called",
            hint=_HINT,
        )
    function = tool.get("function", tool)
    if not isinstance(function, Mapping):
        raise BadTools(
            f"tool {n}: function must be an object, got {type(function).__name__}", hint=_HINT
        )
    name = _named(n, function.get("name"))
    description = function.get("description")
    if not isinstance(description, str | None):
        raise BadTools(
            f"tool {n} ({name}): description must be a string, got {type(description).__name__}"
        )
    keys = ("parameters", "input_schema", "inputSchema")
    given = next((function[key] for key in keys if function.get(key) is not None), None)
    where = f"the schema of the tool {name!r}"
    if given is None or given == {}:
        given = {"type": "object", "properties": {}}
    parameters = read_schema(given, where)
    if parameters.get("type", "object") != "object":
        raise BadSchema(
            f"{where} must have the type 'object', got {cut_text(repr(parameters['type']), 60)}",
            hint="arguments have names",
        )
    parameters.setdefault("type", "object")
    return OfferedTool(name, description or "", parameters, schema_source(parameters))


def _of_model(n: int, name: str, model: type[BaseModel], description: str) -> OfferedTool:
    name = _named(n, name)
    parameters = read_schema(schema_of(model, f"tool {n} ({name})"), f"the schema of {name!r}")
    parameters.pop("description", None)
    return OfferedTool(name, description, parameters, schema_source(parameters), model)


def _of_function(n: int, function: Callable[..., Any]) -> OfferedTool:
    name = getattr(function, "__name__", None)
    if name is None:  # functools.partial, or an object that can be called
        name = getattr(getattr(function, "func", None), "__name__", type(function).__name__)
    name = _named(n, name)
    fields: dict[str, Any] = {}
    try:
        parameters = inspect.signature(function, eval_str=True).parameters
    except (TypeError, ValueError, NameError) as error:
        raise BadTools(f"tool {n} ({name}): its signature cannot be read: {error}") from None
    for parameter in parameters.values():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            raise BadTools(
                f"tool {n} ({name}): the parameter {parameter.name!r} takes any arguments",
                hint="give each parameter a name and a type",
            )
        kind = Any if parameter.annotation is parameter.empty else parameter.annotation
        fields[parameter.name] = (
            kind,
            ... if parameter.default is parameter.empty else parameter.default,
        )
    try:
        model = create_model(name, **fields)
    except (PydanticUserError, NameError, TypeError) as error:
        reason = cut_text(str(error).partition("\n")[0], 160)
        raise BadTools(
            f"tool {n} ({name}): its parameters cannot be read: {reason}", hint=_HINT
        ) from None
    return _of_model(n, name, model, inspect.getdoc(function) or "")


def schema_of(model: type[BaseModel], where: str) -> dict[str, Any]:
    """Return the JSON schema of what a pydantic model is made from.

    Raises:
        BadSchema: pydantic has none for it.
    """
    try:
        return model.model_json_schema(mode="validation")
    except Exception as error:  # pydantic's own, or of a method of the model
        reason = cut_text(str(error).partition("\n")[0], 160)
        raise BadSchema(f"{where} has no JSON schema: {reason}") from None


def _named(n: int, name: Any) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadTools(
            f"tool {n}: the name must be 1 to 128 letters, digits, '_', '-' or '.', "
            f"got {cut_text(repr(name), 60)}",
            hint=_HINT,
        )
    return name
