"""A value as two texts, its type and what stands for it, for formats that hold nothing else."""

from __future__ import annotations

import json

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.jsonl import json_object
from lamlam.memory_backends.model.values import (
    EntityRef,
    PartialDate,
    Value,
    ValueType,
    as_json,
    from_json,
    parse_value,
    surface_of,
    type_of,
)


def typed_text(value: Value) -> tuple[ValueType, str]:
    """Return the type of a value and a text that `value_from` reads as the same value.

    The text is the one that people would write; where that would be misread, as of a unit with
    a space before it, it is the value's JSON.
    """
    kind = type_of(value)
    if isinstance(value, PartialDate):
        text = value.isoformat()
    elif isinstance(value, EntityRef):
        text = value.name
    else:
        text = surface_of(value)
    if kind in (ValueType.QUANTITY, ValueType.ENTITY) and not _is_read_as(value, kind, text):
        text = json.dumps(as_json(value), ensure_ascii=False)
    return kind, text


def value_from(kind: str, text: str) -> Value:
    """Return the value of a type that a text stands for.

    Raises:
        BadFact: there is no such type, or the text is not a value of it.
    """
    try:
        type = ValueType(kind.strip().casefold() or "text")
    except ValueError:
        known = ", ".join(ValueType)
        raise BadFact(
            f"invalid fact: there is no type {kind[:40]!r}", hint=f"known are {known}"
        ) from None
    if type is not ValueType.TEXT and text.startswith("{"):
        value = from_json(json_object(text))
        if type_of(value) is not type:
            raise BadFact(
                f"invalid fact: value must be of type {type.value}, got {type_of(value).value}"
            )
        return value
    return parse_value(type, text)


def _is_read_as(value: Value, kind: ValueType, text: str) -> bool:
    try:
        return value_from(kind, text) == value
    except BadFact:
        return False
