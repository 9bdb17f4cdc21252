"""What messages and items look like, for programs that read the description.

They are read by the engine itself, which also takes what clients and frameworks make of them.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, JsonValue, WithJsonSchema

_TEXT = {"type": "string", "pattern": r"\S"}
_PARTS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "anyOf": [
            {"type": "string"},  # some frameworks send bare texts, or leave the type out
            {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "enum": ["text", "input_text", "output_text"]},
                    "text": _TEXT,
                },
                "required": ["text"],
            },
        ]
    },
}
_CONTENT = {"anyOf": [_TEXT, _PARTS]}


def _saying(roles: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"role": {"type": "string", "enum": roles}, "content": _CONTENT},
        "required": ["role", "content"],
    }


_ROLES = ["system", "developer", "user", "assistant"]
_CALL = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "type": {"type": "string", "enum": ["function"]},
        "function": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "arguments": {"type": "string", "description": "JSON text of an object."},
            },
            "required": ["name", "arguments"],
            "additionalProperties": False,
        },
    },
    "required": ["id", "type", "function"],
}
_CALLING = {
    "type": "object",
    "properties": {
        "role": {"type": "string", "enum": ["assistant"]},
        "content": {"anyOf": [_TEXT, {"type": "null"}]},
        "tool_calls": {"type": "array", "minItems": 1, "items": _CALL},
    },
    "required": ["role", "tool_calls"],
}
_RESULT = _saying(["tool"])
_RESULT["properties"]["tool_call_id"] = {"description": "As the call has it."}


def describe_message(schema: dict[str, Any]) -> None:
    """Describe a message by its role."""
    for name in ("type", "properties", "required"):
        schema.pop(name, None)
    schema["anyOf"] = [_saying(_ROLES), _CALLING, _RESULT]


_ITEMS = [
    _saying(_ROLES),
    {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["function_call"]},
            "call_id": {"type": "string"},
            "name": {"type": "string"},
            "arguments": {"type": "string", "description": "JSON text of an object."},
        },
        "required": ["type", "call_id", "name", "arguments"],
    },
    {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["function_call_output"]},
            "call_id": {"description": "As the call has it."},
            "output": {"description": "A text, or parts of text."},
        },
        "required": ["type"],
    },
]
InputText = Annotated[str, Field(pattern=r"\S")]
InputItem = Annotated[dict[str, JsonValue], WithJsonSchema({"anyOf": _ITEMS})]
