"""Values as RDF literals, and back; what is written is read strictly, as XML Schema has it."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.rdf_vocabulary import QUANTITY, XSD
from lamlam.memory_backends.model.decimals import without_zeros
from lamlam.memory_backends.model.values import (
    EntityRef,
    PartialDate,
    Quantity,
    Value,
    ValueType,
    as_value,
    parse_value,
    surface_of,
    type_of,
)

_TYPES = {
    "boolean": ValueType.BOOLEAN,
    "date": ValueType.DATE, "gYear": ValueType.DATE, "gYearMonth": ValueType.DATE,
    "decimal": ValueType.DECIMAL, "double": ValueType.DECIMAL, "float": ValueType.DECIMAL,
} | dict.fromkeys(
    (
        "integer", "int", "long", "short", "byte", "nonNegativeInteger", "positiveInteger",
        "nonPositiveInteger", "negativeInteger", "unsignedInt", "unsignedLong", "unsignedShort",
        "unsignedByte",
    ),
    ValueType.INTEGER,
)  # fmt: skip
_KINDS = {f"{XSD}{name}": kind for name, kind in _TYPES.items()}
_DATES = {1: "gYear", 2: "gYearMonth", 3: "date"}
_WRITTEN_DATE = re.compile(r"(-?\d{4,}(?:-\d\d){0,2})(Z|[+-]\d\d:\d\d)?", re.ASCII)
_FAR_YEAR = re.compile(r"-?\d{5}", re.ASCII)
"""Of a date that no type here reaches, such as the age of the universe."""
_DATE_TIME = f"{XSD}dateTime"
_MIDNIGHT = re.compile(r"\+?(-?\d{4})-(\d\d)-(\d\d)T00:00:00(?:\.0+)?(?:Z|[+-]00:00)?", re.ASCII)
"""As Wikidata writes a day; a month or a year has zeros for what it lacks."""
_WRITTEN_NUMBER = {
    ValueType.INTEGER: re.compile(r"[+-]?\d+", re.ASCII),
    # NaN and INF have a message of their own
    ValueType.DECIMAL: re.compile(
        r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|INF)|NaN", re.ASCII
    ),
}
_CANONICAL_DOUBLE = re.compile(r"-?\d\.\d+E-?\d+", re.ASCII)
"""As programs write doubles, and the parser those of JSON-LD: nobody else's spelling."""
_UTC = (None, "Z", "+00:00", "-00:00")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class RdfLiteral(NamedTuple):
    """A literal: its text and its datatype, empty for text in whatever language."""

    text: str
    datatype: str


def literal_of(value: Value) -> RdfLiteral:
    """Return the literal of a value that is not an entity; `value_of_literal` undoes it."""
    match value:
        case str():
            return RdfLiteral(value, "")
        case bool():
            return RdfLiteral(str(value).lower(), f"{XSD}boolean")
        case PartialDate(_, month, day):
            parts = 1 + (month is not None) + (day is not None)
            return RdfLiteral(value.isoformat(), f"{XSD}{_DATES[parts]}")
        case Quantity():
            return RdfLiteral(surface_of(value), QUANTITY)
        case EntityRef():
            raise TypeError("an entity is not a literal")
        case _:
            return RdfLiteral(surface_of(value), f"{XSD}{type_of(value).value}")


def value_of_literal(text: str, datatype: str) -> Value:
    """Return the value that a literal is; of a datatype that lamlam lacks, its text.

    A date of another time zone than UTC stays text, as no type here holds both, and so does a
    time of day; a time that is the begin of a day is that day.

    Raises:
        BadFact: the text is not of its datatype.
    """
    kind = _KINDS.get(datatype)
    if datatype == _DATE_TIME:
        return _day_of(text.strip()) or as_value(text)
    if kind is None:
        return _quantity(text) if datatype == QUANTITY else as_value(text)
    plain = text.strip()
    if kind is ValueType.BOOLEAN:
        if plain not in _BOOLEANS:
            raise BadFact(f"invalid fact: value {plain[:40]!r} is not a boolean")
        return _BOOLEANS[plain]
    if kind is ValueType.DATE:
        match = _WRITTEN_DATE.fullmatch(plain)
        if match is None:
            raise BadFact(
                f"invalid fact: value {plain[:40]!r} is not a date", hint='write "1867-11-07"'
            )
        is_known = match[2] in _UTC and not _FAR_YEAR.match(plain)
        return parse_value(kind, match[1]) if is_known else as_value(plain)
    if not _WRITTEN_NUMBER[kind].fullmatch(plain):
        raise BadFact(f"invalid fact: value {plain[:40]!r} is not a value of type {kind.value}")
    value = parse_value(kind, plain)
    if isinstance(value, Decimal) and _CANONICAL_DOUBLE.fullmatch(plain):
        return without_zeros(value)  # "1.0E-1" is how 0.1 is written, not 0.10
    return value


def surface_of_literal(text: str, datatype: str, value: Value) -> str | None:
    """Return a number as it is written, where that is not its usual surface; else ``None``."""
    if not datatype or isinstance(value, str | bool | PartialDate | Quantity):
        return None
    plain = text.strip()
    if plain == surface_of(value) or _CANONICAL_DOUBLE.fullmatch(plain):
        return None
    return plain


def _day_of(text: str) -> PartialDate | None:
    """Return the date of a time that is the begin of a day; ``None`` for any other."""
    match = _MIDNIGHT.fullmatch(text)
    if match is None:
        return None
    year, month, day = map(int, match.groups())
    return PartialDate(year, month or None, day or None)


def _quantity(text: str) -> Quantity:
    amount, _, unit = text.partition(" ")
    number = parse_value(ValueType.DECIMAL, amount)
    return Quantity(number, unit)  # type: ignore[arg-type]  # a decimal, as asked for
