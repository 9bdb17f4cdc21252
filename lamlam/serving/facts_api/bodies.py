"""Bodies of changes: a fact that holds from now on, a fact that ends."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from lamlam.agent_tools.arguments import NewFact
from lamlam.agent_tools.hostile_text import MAX_NAME, MAX_VALUE
from lamlam.serving.facts_api.fields import (
    DATE_PATTERN,
    NAME_PATTERN,
    TEXT_PATTERN,
    VALUE_PATTERNS,
    EntityName,
    RelationName,
    SpaceText,
    ValueText,
)


def _one_for_each_type(schema: dict[str, Any]) -> None:
    """Describe a fact by its type: what its value may be depends on that."""
    fields = schema.pop("properties")
    for name in ("entity", "relation"):
        fields[name] |= {"minLength": 1, "maxLength": MAX_NAME, "pattern": NAME_PATTERN}
    text = {"type": "string", "minLength": 1, "maxLength": MAX_VALUE, "pattern": TEXT_PATTERN}
    fields["source"] = {"anyOf": [text, {"type": "null"}]}
    for name in ("valid_from", "valid_to"):
        moment = {"type": "string", "pattern": DATE_PATTERN}
        fields[name] = {"anyOf": [moment, {"type": "null"}], "description": "As 2024-05-31."}
    kinds: list[tuple[str, dict[str, Any], list[str]]] = [("text", text, [])]
    for kind, pattern in VALUE_PATTERNS.items():
        kinds.append((kind, {"type": "string", "maxLength": 300, "pattern": pattern}, ["type"]))
    schema.pop("required", None)
    schema.pop("additionalProperties", None)
    schema.pop("type", None)
    schema["oneOf"] = [
        {
            "type": "object",
            "title": f"A fact of type {kind}",
            "properties": fields | {"value": value, "type": {"type": "string", "enum": [kind]}},
            "required": ["entity", "relation", "value", *more],
            "additionalProperties": False,
        }
        for kind, value, more in kinds
    ]


class FactBody(NewFact):
    """A fact that holds from now on."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra=_one_for_each_type)

    replace: Annotated[
        StrictBool, Field(description="End what the relation held before in its period.")
    ] = False
    namespace: SpaceText | None = None


class RetractBody(BaseModel):
    """Facts that end; their history stays."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    entity: EntityName
    relation: RelationName
    value: ValueText | None = Field(None, description="One value; without it, all of the relation.")
    namespace: SpaceText | None = None
