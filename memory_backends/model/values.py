"""Values of facts: text, numbers, dates, quantities and other entities, and how each is written.

A value has three forms: what Python works with (`Value`), the text that a model writes (its
surface), and a short string that keeps its type in a store (its code, empty for text).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeAlias

from lamlam.errors import BadFact
from lamlam.memory_backends.model.keys import canonical_key

MAX_NAME_CHARACTERS = 1_000
"""Longest name of an entity or a relation, as written and as its canonical key; longest unit."""
MAX_VALUE_CHARACTERS = 1_000_000
_SHORT_NAME = MAX_NAME_CHARACTERS // 18
"""No key of a character is longer than 18 characters, so that no key of such a name is too long."""
_MOST_DIGITS = 1_000
_MOST_INTEGER = 2**63
_MONTHS = (
    "January February March April May June July August September October November December"
).split()
_ISO_DATE = re.compile(r"(-?\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_WRITTEN_DATE = re.compile(r"(?:(?:(\d{1,2}) )?([A-Za-z]+) )?(\d{1,5})( BC)?")
_AMERICAN_DATE = re.compile(r"([A-Za-z]+) (\d{1,2}), (\d{1,5})( BC)?")
_OBJECTS = (
    '{"date": "1867-11"}, {"amount": "8849", "unit": "m"}, {"decimal": "3.14"}'
    ' or {"entity": "Paris"}'
)
_QUANTITY = re.compile(r"([+-]?[\d,]*\.?\d+(?:[eE][+-]?\d+)?)\s*(.*)", re.DOTALL)


class ValueType(StrEnum):
    """What kind of value a fact has; a relation may be bound to one."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    QUANTITY = "quantity"
    ENTITY = "entity"


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A day, a month or a year of the Gregorian calendar; years before 1 are counted as 0, -1, …

    >>> str(PartialDate(1867, 11, 7)), str(PartialDate(1867, 11)), str(PartialDate(-43))
    ('7 November 1867', 'November 1867', '44 BC')
    """

    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        """Check the date.

        Raises:
            BadFact: there is no such day, month or year (from -9999 to 9999).
        """
        for part in (self.year, self.month, self.day):
            if isinstance(part, bool) or not isinstance(part, int | None):
                raise BadFact(f"invalid date: {part!r} is not a whole number")
        if not -9999 <= self.year <= 9999:
            raise BadFact(f"invalid date: the year {self.year} is not between -9999 and 9999")
        if self.month is None and self.day is not None:
            raise BadFact("invalid date: a day without a month")
        try:
            # A year of the same kind that `datetime` knows: leap years repeat every 400.
            date(2000 + self.year % 400, self.month or 1, self.day or 1)
        except ValueError as error:
            raise BadFact(f"invalid date: {error}") from None

    @classmethod
    def parse(cls, text: str) -> PartialDate:
        """Return the date that a text names: ISO, "7 November 1867", "November 7, 1867", "44 BC".

        Raises:
            BadFact: it names none.
        """
        if not isinstance(text, str):
            raise BadFact(f"a date must be a string, got {type(text).__name__}", hint="give a text")
        plain = " ".join(text.split())
        if match := _ISO_DATE.fullmatch(plain):
            year, month, day = match.groups()
            return cls(int(year), int(month) if month else None, int(day) if day else None)
        if match := _WRITTEN_DATE.fullmatch(plain):
            day, name, year, before = match.groups()
        elif match := _AMERICAN_DATE.fullmatch(plain):
            name, day, year, before = match.groups()
        else:
            raise BadFact(f"{_shown(text)} is not a date", hint='write "1867-11-07" or "1867"')
        number = 1 - int(year) if before else int(year)
        if name is None:
            return cls(number)
        months = [n for n, month in enumerate(_MONTHS, 1) if month.casefold() == name.casefold()]
        if not months:
            raise BadFact(f"{_shown(text)} is not a date", hint='write "1867-11-07" or "1867"')
        return cls(number, months[0], int(day) if day else None)

    def isoformat(self) -> str:
        """Return the date as "1867", "1867-11" or "1867-11-07"."""
        parts = [f"{self.year:04d}" if self.year >= 0 else f"-{-self.year:04d}"]
        parts += [f"{part:02d}" for part in (self.month, self.day) if part is not None]
        return "-".join(parts)

    def __str__(self) -> str:
        year = str(self.year) if self.year > 0 else f"{1 - self.year} BC"
        if self.month is None:
            return year
        month = f"{_MONTHS[self.month - 1]} {year}"
        return month if self.day is None else f"{self.day} {month}"


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of a unit; the unit is kept as written and never converted.

    >>> str(Quantity(Decimal("8849"), "m"))
    '8849 m'
    """

    amount: Decimal
    unit: str

    def __post_init__(self) -> None:
        """Check the amount and the unit.

        Raises:
            BadFact: the amount is not a finite number, or the unit is empty or too long.
        """
        object.__setattr__(self, "amount", _decimal(self.amount))
        fault = text_fault(self.unit, MAX_NAME_CHARACTERS)
        if fault:
            raise BadFact(f"invalid quantity: the unit {fault}")

    def __str__(self) -> str:
        return f"{_plain(self.amount)} {self.unit}"


@dataclass(frozen=True, slots=True)
class EntityRef:
    """Another entity of the same namespace, by its name."""

    name: str

    def __post_init__(self) -> None:
        """Check the name.

        Raises:
            BadFact: it is not a name.
        """
        fault = name_fault(self.name)
        if fault:
            raise BadFact(f"invalid entity: the name {fault}")

    def __str__(self) -> str:
        return self.name


Value: TypeAlias = str | int | Decimal | bool | PartialDate | Quantity | EntityRef


def as_value(given: object) -> Value:
    """Return the value of a fact that something given to it stands for.

    Text stays text, whatever it looks like. `datetime.date` becomes a `PartialDate`, a float
    the decimal number that Python prints for it.

    Raises:
        BadFact: it is not a value: NaN, an infinite number, an integer of more than 64 bits, a
            time, a text that cannot be stored, or of another type.
    """
    match given:
        case str():
            if fault := text_fault(given, MAX_VALUE_CHARACTERS):
                raise BadFact(f"invalid fact: value {fault}")
            return given
        case bool() | PartialDate() | Quantity() | EntityRef():
            return given
        case int():
            if not -_MOST_INTEGER <= given < _MOST_INTEGER:
                raise BadFact("invalid fact: value must be an integer of at most 64 bits")
            return given
        case float() | Decimal():
            return _decimal(given)
        case datetime():
            raise BadFact("invalid fact: value must not be a time of day", hint="give a date")
        case date():
            return PartialDate(given.year, given.month, given.day)
        case _:
            raise BadFact(
                "invalid fact: value must be a text, number, boolean, date, lamlam.Quantity or"
                f" lamlam.EntityRef, got {type(given).__name__}"
            )


def type_of(value: Value) -> ValueType:
    """Return the type of a value."""
    match value:
        case str():
            return ValueType.TEXT
        case bool():
            return ValueType.BOOLEAN
        case int():
            return ValueType.INTEGER
        case Decimal():
            return ValueType.DECIMAL
        case PartialDate():
            return ValueType.DATE
        case Quantity():
            return ValueType.QUANTITY
        case EntityRef():
            return ValueType.ENTITY


def surface_of(value: Value) -> str:
    """Return the text that a model writes for a value."""
    match value:
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return _plain(value)
        case _:
            return str(value)


def code_of(value: Value) -> str:
    """Return the string that keeps type and value in a store; equal values have equal codes.

    Empty for text, which is its own surface. The name of an entity is in its code as its
    canonical key.
    """
    match value:
        case str():
            return ""
        case bool():
            return f"b:{int(value)}"
        case int():
            return f"i:{value}"
        case Decimal():
            return f"d:{_plain(_normal(value))}"
        case PartialDate():
            return f"t:{value.isoformat()}"
        case Quantity(amount, unit):
            return f"q:{_plain(_normal(amount))} {unit}"
        case EntityRef(name):
            return f"e:{canonical_key(name)}"


def value_of(code: str, surface: str) -> Value:
    """Return the value that a store keeps as this code and this surface."""
    if not code:
        return surface
    kind, _, text = code.partition(":")
    match kind:
        case "b":
            return text == "1"
        case "i":
            return int(text)
        case "d":
            return _written_as(surface, text)
        case "t":
            return PartialDate.parse(text)
        case "q":
            amount, _, unit = text.partition(" ")
            return Quantity(_written_as(surface.removesuffix(f" {unit}"), amount), unit)
        case "s":
            return text  # a text that is written as another one
        case "e":
            # The surface keeps the spelling, unless the fact has a surface that differs.
            return _kept_entity(surface if canonical_key(surface) == text else text)
        case _:
            raise BadFact(f"the store holds a value of unknown type {kind!r}")


def as_json(value: Value) -> Any:
    """Return what stands for a value in a line of JSON; `from_json` undoes it."""
    match value:
        case Decimal():
            return {"decimal": _plain(value)}
        case PartialDate():
            return {"date": value.isoformat()}
        case Quantity(amount, unit):
            return {"amount": _plain(amount), "unit": unit}
        case EntityRef(name):
            return {"entity": name}
        case _:
            return value


def from_json(given: object) -> Value:
    """Return the value that stands in a line of JSON; plain numbers may stand for themselves.

    Raises:
        BadFact: none does.
    """
    if given is None or isinstance(given, list):
        raise BadFact(
            f"invalid fact: value must not be {'null' if given is None else 'a list'}",
            hint=f"write a text, a number, true or false, or {_OBJECTS}",
        )
    if not isinstance(given, Mapping):
        return as_value(given)
    match dict(given):
        case {"decimal": str(text), **rest} if not rest:
            return _decimal(text)
        case {"date": str(text), **rest} if not rest:
            return PartialDate.parse(text)
        case {
            "amount": (str() | int() | float() | Decimal()) as amount,
            "unit": str(unit),
            **rest,
        } if not rest and not isinstance(amount, bool):
            return Quantity(_decimal(amount), unit)
        case {"entity": str(name), **rest} if not rest:
            return EntityRef(name)
        case _:
            raise BadFact(
                "invalid fact: value must not be such an object", hint=f"write {_OBJECTS}"
            )


def parse_value(type: ValueType, text: str) -> Value:
    """Return the value of a known type that a text stands for.

    Raises:
        BadFact: it stands for none.
    """
    plain = text.strip()
    match type:
        case ValueType.TEXT:
            return as_value(text)
        case ValueType.INTEGER:
            if re.fullmatch(r"[+-]?\d[\d,]*", plain) and plain.isascii() and len(plain) < 40:
                return as_value(int(plain.replace(",", "")))
        case ValueType.DECIMAL:
            return _decimal(plain.replace(",", ""))
        case ValueType.BOOLEAN:
            if (word := plain.casefold()) in ("yes", "true", "no", "false"):
                return word in ("yes", "true")
        case ValueType.DATE:
            return PartialDate.parse(text)
        case ValueType.QUANTITY:
            if (match := _QUANTITY.fullmatch(plain)) and match[2]:
                return Quantity(_decimal(match[1].replace(",", "")), match[2])
        case ValueType.ENTITY:
            return EntityRef(text)
    hint = "write yes, no, true or false" if type is ValueType.BOOLEAN else None
    raise BadFact(f"{_shown(text)} is not a value of type {type.value}", hint=hint)


def text_fault(text: object, limit: int) -> str | None:
    """Return what is wrong with a text that is to be stored, or ``None``."""
    if not isinstance(text, str):
        return f"must be a string, got {type(text).__name__}"
    if not text or text.isspace():
        return "must not be empty"
    if len(text) > limit:
        return f"must have at most {limit:,} characters, got {len(text):,}"
    if "\0" in text:
        return "must not contain the character NUL"
    return None if is_text(text) else NOT_TEXT


def name_fault(name: object) -> str | None:
    """Return what is wrong with the name of an entity or a relation, or ``None``.

    Its key is a name too, of aliases the only one that is kept, and must be as good.
    """
    fault = text_fault(name, MAX_NAME_CHARACTERS)
    if fault or not isinstance(name, str) or name.isascii() or len(name) <= _SHORT_NAME:
        return fault
    n_characters = len(canonical_key(name))
    if n_characters <= MAX_NAME_CHARACTERS:
        return None
    return f"must have a key of at most {MAX_NAME_CHARACTERS:,} characters, got {n_characters:,}"


NOT_TEXT = "must be text, without halves of surrogate pairs"


def is_text(text: str) -> bool:
    """Return false for halves of surrogate pairs, which bytes that are not UTF-8 become."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _decimal(given: object) -> Decimal:
    if isinstance(given, float):
        # As it was written, not the binary fraction nearest to it; NumPy's print otherwise.
        given = float.__repr__(given)
    try:
        number = Decimal(given)  # type: ignore[arg-type]  # what cannot be read raises
    except (InvalidOperation, TypeError, ValueError):
        raise BadFact(f"{_shown(str(given))} is not a number") from None
    if not number.is_finite():
        raise BadFact(f"a number must be finite, got {given}")
    exponent = number.as_tuple().exponent
    if abs(int(exponent)) + len(number.as_tuple().digits) > _MOST_DIGITS:
        raise BadFact(f"a number must have at most {_MOST_DIGITS:,} digits")
    return number


def _normal(number: Decimal) -> Decimal:
    """Return the number without trailing zeros, exactly: `normalize` would round to the context."""
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # it is finite
    while len(digits) > 1 and digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    return Decimal(0) if digits == (0,) else Decimal((sign, digits, exponent))


def _plain(number: Decimal) -> str:
    return format(number, "f")


def _written_as(surface: str, text: str) -> Decimal:
    """Return the number as it was given ("1.50"), where the surface still says so."""
    number = Decimal(text)
    try:
        written = _decimal(surface)
    except BadFact:
        return number
    return written if written == number else number


def _kept_entity(name: str) -> EntityRef:
    """Return the entity as a store holds it, unchecked: what was once written is read."""
    entity = object.__new__(EntityRef)
    object.__setattr__(entity, "name", name)
    return entity


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
