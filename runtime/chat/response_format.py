"""The form that a caller wants of an answer: any JSON object, a JSON schema, or a pydantic model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from pydantic import BaseModel, ValidationError

from lamlam.cut_text import cut_text
from lamlam.errors import BadSchema, UnknownOption
from lamlam.runtime.chat.json_schemas import check_compiles, read_schema, schema_source
from lamlam.runtime.chat.tool_definitions import schema_of

_HINT = (
    '"text", "json_object", {"type": "json_schema", "json_schema": {"schema": …}}, '
    "or a pydantic model"
)
_WHERE = "the schema of response_format"
_ANY_OBJECT: dict[str, Any] = {"type": "object"}


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """What the text of an answer must be."""

    schema: dict[str, Any]
    model: type[BaseModel] | None = None

    @property
    def source(self) -> str:
        """Rule of a grammar for the text."""
        return schema_source(self.schema)

    @property
    def instruction(self) -> str:
        """What the model is told."""
        if self.schema == _ANY_OBJECT:
            return "Answer with a JSON object and nothing else."
        schema = json.dumps(self.schema, ensure_ascii=False)
        return f"Answer with JSON and nothing else. It must fit this schema:\n{schema}"

    def parsed(self, text: str) -> tuple[Any, str | None]:
        """Return what a text says, or ``None`` and what is wrong with it."""
        try:
            if self.model is not None:
                return self.model.model_validate_json(text), None
            return json.loads(text, parse_float=_finite), None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part)[:40] for part in first["loc"])
            return None, f"{where}: {first['msg']}" if where else str(first["msg"])
        except (ValueError, RecursionError) as error:
            return None, f"the answer is not JSON: {error}"
        except Exception as error:  # a validator of the caller's own
            said = cut_text(str(error), 200)
            return None, f"{type(error).__name__} of a validator: {said}"


def read_response_format(given: Any) -> ResponseFormat | None:
    """Return the form that was asked for; ``None`` for any text.

    Raises:
        UnknownOption: it is of no known kind.
        BadSchema: the schema cannot become a mask.
    """
    if given is None:
        return None
    if isinstance(given, type) and issubclass(given, BaseModel):
        form = ResponseFormat(read_schema(schema_of(given, "response_format"), _WHERE), given)
    else:
        kind = given.get("type") if isinstance(given, Mapping) else given
        if kind == "text":
            return None
        if kind == "json_object":
            return ResponseFormat(_ANY_OBJECT)
        if kind != "json_schema" or not isinstance(given, Mapping):
            said = f"type {kind!r}" if isinstance(given, Mapping) else repr(given)
            raise UnknownOption(
                f"unknown response_format: {cut_text(said, 80)}", hint=f"one of: {_HINT}"
            )
        held = given.get("json_schema", given)
        schema = held.get("schema") if isinstance(held, Mapping) else None
        if schema is None:
            raise BadSchema("response_format has no schema", hint=f"one of: {_HINT}")
        form = ResponseFormat(read_schema(schema, _WHERE))
    check_compiles(form.source, _WHERE)
    return form


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError(f"the number {cut_text(digits, 40)} is too large")
    return number
