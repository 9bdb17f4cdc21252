"""JSON schemas of models in the forms that hosts of tools read."""

from __future__ import annotations

from typing import Any, TypeAlias

from pydantic import BaseModel

Schema: TypeAlias = dict[str, Any]
_NOT_IN_STRICT = frozenset({"default", "maxLength", "minLength", "title"})
"""What OpenAI's strict mode refuses, and titles, which say nothing that a model needs."""


def argument_schema(model: type[BaseModel], hidden: frozenset[str] = frozenset()) -> Schema:
    """Return the schema of arguments, without references: many hosts do not follow them.

    Args:
        hidden: fields that are not offered, those of facts in a list included.
    """
    schema = model.model_json_schema()
    found = _inlined(schema, schema.get("$defs", {}), hidden)
    return {
        "type": "object",
        "properties": found["properties"],
        "required": found.get("required", []),
        "additionalProperties": False,
    }


def result_schema(model: type[BaseModel]) -> Schema:
    """Return the schema of a result, with its title; references stay, as MCP allows them."""
    return model.model_json_schema()


def strict_schema(schema: Schema) -> Schema:
    """Return a schema of arguments as OpenAI's strict mode takes it.

    There each property is required, one that may be left out may be null, and no object has
    others. Limits of lengths are checked by the call alone.
    """
    strict: Schema = {}
    for key, given in schema.items():
        if key in _NOT_IN_STRICT:
            continue
        if key == "properties":
            strict[key] = {name: strict_schema(field) for name, field in given.items()}
            strict["required"] = list(given)
        elif key in ("anyOf", "oneOf"):
            strict["anyOf"] = [strict_schema(one) for one in given]
        elif key == "items":
            strict[key] = strict_schema(given)
        elif key != "required":
            strict[key] = given
    if strict.get("type") == "object":
        strict.setdefault("properties", {})
        strict.setdefault("required", [])
        strict["additionalProperties"] = False
    return strict


def _inlined(node: Any, definitions: Schema, hidden: frozenset[str]) -> Any:  # Any: JSON
    """Return a schema in which each reference is what it refers to; none refers to itself."""
    if isinstance(node, list):
        return [_inlined(one, definitions, hidden) for one in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        referred = definitions[node["$ref"].rpartition("/")[2]]
        rest = {key: one for key, one in node.items() if key != "$ref"}
        return _inlined({**referred, **rest}, definitions, hidden)
    inlined = {
        key: _inlined(one, definitions, hidden) for key, one in node.items() if key != "$defs"
    }
    if "properties" in inlined and "type" in inlined:  # of a model, not a field of that name
        inlined.pop("title", None)
        inlined["properties"] = {
            name: {key: one for key, one in field.items() if key != "title"}
            for name, field in inlined["properties"].items()
            if name not in hidden
        }
    return inlined
