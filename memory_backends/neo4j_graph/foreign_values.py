"""Properties of a graph that others made, as values, moments and texts.

The server writes dates, times and durations as text: its calendar has years that no Python type
has, and a driver hands those out as broken objects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from lamlam.errors import BadFact
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.timestamps import as_moment
from lamlam.memory_backends.model.values import PartialDate, Value, as_value, surface_of

_MOST_BYTES = 64
_VECTOR_SIZE = 16
"""Numbers of a list that is more likely an embedding."""
_VECTOR_NAME = re.compile(r"(?:^|_)(?:embeddings?|vectors?)(?:$|_)|Embedding|Vector", re.ASCII)
_LIST = re.compile(r"LIST<(.*?)(?: NOT NULL)?> NOT NULL")
_ZONE_NAME = re.compile(r"\[[^\]]*\]$")
_OPEN = frozenset({"", "null", "none", "present", "now", "ongoing"})
_NANOSECONDS = re.compile(r"(\.\d{6})\d+")
_TIMES = " OR ".join(
    f"kind STARTS WITH '{{begin}}{name}'"
    for name in ("DATE", "LOCAL ", "ZONED ", "DURATION")
)  # fmt: skip


class Property(NamedTuple):
    """A property as the server gives it."""

    name: str
    kind: str
    """Its type, as ``valueType`` of Cypher names it."""
    given: Any  # Any: of a type of Neo4j
    """``None`` for a vector."""


def properties_of(variable: str) -> str:
    """Return the Cypher expression of the properties of a node or relationship: `Property` rows."""
    is_vector = (
        f"kind STARTS WITH 'VECTOR' OR kind STARTS WITH 'LIST<FLOAT' AND size(v) > {_VECTOR_SIZE}"
    )
    return (
        f"COLLECT {{ UNWIND keys({variable}) AS key WITH key, {variable}[key] AS v"
        " WITH key, v, valueType(v) AS kind RETURN [key, kind, CASE"
        f" WHEN {is_vector} THEN null"
        f" WHEN {_TIMES.format(begin='')} THEN toString(v)"
        f" WHEN {_TIMES.format(begin='LIST<')} THEN [x IN v | toString(x)]"
        " ELSE v END] }"
    )


def is_vector(one: Property) -> bool:
    """Return whether a property is an embedding, which says nothing to a reader."""
    is_numbers = "FLOAT" in one.kind or "INTEGER" in one.kind
    return one.given is None or (
        one.kind.startswith("LIST<") and is_numbers and bool(_VECTOR_NAME.search(one.name))
    )


def values_of(one: Property) -> Iterator[tuple[Value, str] | None]:
    """Give the values of a property, each with its text; ``None`` for what no fact can say."""
    of_list = _LIST.fullmatch(one.kind)
    kind = of_list[1] if of_list else one.kind.removesuffix(" NOT NULL")
    for given in one.given if isinstance(one.given, list) else [one.given]:
        try:
            yield _value(kind, given)
        except BadFact:
            yield None


def moment_of(one: Property) -> Instant | None:
    """Return the moment that a property names; ``None`` where it is empty.

    A time without zone is taken for UTC, a whole number for a year.

    Raises:
        BadFact: it is no moment.
    """
    given = one.given
    if isinstance(given, int) and not isinstance(given, bool):
        return as_moment(PartialDate(given))
    if not isinstance(given, str):
        raise BadFact("a moment must be a date or a time")
    text = _NANOSECONDS.sub(r"\1", _ZONE_NAME.sub("", given.strip()))
    if text.lower() in _OPEN:
        return None
    try:
        return as_moment(text)
    except BadFact:
        return as_moment(f"{text}Z")


def _value(kind: str, given: Any) -> tuple[Value, str]:  # Any: of a type of Neo4j
    if kind == "DATE":
        try:
            return PartialDate.parse(given), given
        except BadFact:  # a year of five digits
            return as_value(given), given
    if isinstance(given, bytes | bytearray) and 0 < len(given) <= _MOST_BYTES:
        return as_value(given.hex()), given.hex()
    if isinstance(given, str | bool | int):
        value = as_value(given)
        return value, surface_of(value)
    if isinstance(given, float):
        value = as_value(Decimal(repr(given)))
        return value, surface_of(value)
    if kind == "POINT":
        text = _point(given)
        return as_value(text), text
    raise BadFact(f"invalid fact: a value of type {kind} has no text")


def _point(given: Any) -> str:  # Any: a point of the driver
    """Return the coordinates; on a globe latitude first, as people write them."""
    numbers = [f"{number:.10g}" for number in given]
    if given.srid in (4326, 4979):
        numbers[:2] = reversed(numbers[:2])
    return ", ".join(numbers)
