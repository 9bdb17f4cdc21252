"""Values of facts: text, numbers, dates, quantities and other entities, and how each is written.

A value has three forms: what Python works with (`Value`), the text that a model writes (its
surface), and a short string that keeps its type in a store (its code, empty for text).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeAlias
from uuid import UUID

from lamlam.errors import BadFact
from lamlam.memory_backends.model.date_texts import MONTHS, date_parts
from lamlam.memory_backends.model.decimals import (
    as_it_was_written,
    decimal_of,
    without_zeros,
    written_out,
)
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.number_texts import amount_of, decimal_text_of, integer_of
from lamlam.memory_backends.model.plain_forms import CalendarDay, plain_form, plain_text

MAX_NAME_CHARACTERS = 1_000
"""Longest name of an entity or a relation, as written and as its canonical key; longest unit."""
MAX_VALUE_CHARACTERS = 1_000_000
_SHORT_NAME = MAX_NAME_CHARACTERS // 18
"""No key of a character is longer than 18 characters, so that no key of such a name is too long."""
_MOST_INTEGER = 2**63
OBJECTS = (
    '{"date": "1867-11"}, {"amount": "8849", "unit": "m"}, {"decimal": "3.14"}'
    ' or {"entity": "Paris"}'
)
"""What stands in JSON for a value that JSON has no form of."""
_PLAIN_TYPES = frozenset({str, int, bool, Decimal})


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
        for name in ("year", "month", "day"):
            part = getattr(self, name)
            if part is None or type(part) is int:
                continue
            number = plain_form(part)  # of NumPy, or a member of `calendar.Month`
            if isinstance(number, bool) or not isinstance(number, int):
                raise BadFact(
                    f"invalid date: the {name} {part!r} is not a whole number",
                    hint='PartialDate.parse("1867-11-07") reads a text',
                )
            object.__setattr__(self, name, number)
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
            BadFact: it names none, or the year has fewer than three digits and no "AD" or "BC":
                "May 12" may be a day.
        """
        if not isinstance(text, str):
            raise BadFact(f"a date must be a string, got {type(text).__name__}", hint="give a text")
        return cls(*date_parts(plain_text(text)))

    def isoformat(self) -> str:
        """Return the date as "1867", "1867-11" or "1867-11-07"."""
        parts = [f"{self.year:04d}" if self.year >= 0 else f"-{-self.year:04d}"]
        parts += [f"{part:02d}" for part in (self.month, self.day) if part is not None]
        return "-".join(parts)

    def __str__(self) -> str:
        year = str(self.year) if self.year > 0 else f"{1 - self.year} BC"
        if 0 < self.year < 100:  # "January 12" would be a day
            year = f"AD {year}"
        if self.month is None:
            return year
        month = f"{MONTHS[self.month - 1]} {year}"
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
        object.__setattr__(self, "amount", decimal_of(self.amount))
        fault = text_fault(self.unit, MAX_NAME_CHARACTERS)
        if fault:
            raise BadFact(f"invalid quantity: the unit {fault}")
        object.__setattr__(self, "unit", plain_text(self.unit))

    def __str__(self) -> str:
        return f"{written_out(self.amount)} {self.unit}"


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
        if type(self.name) is not str:
            object.__setattr__(self, "name", plain_text(self.name))

    def __str__(self) -> str:
        return self.name


Value: TypeAlias = str | int | Decimal | bool | PartialDate | Quantity | EntityRef
VALUE_CLASSES = frozenset({str, int, Decimal, bool, PartialDate, Quantity, EntityRef})
"""The classes of values in a store: none of their subclasses."""


def as_value(given: object) -> Value:
    """Return the value of a fact that something given to it stands for.

    Text stays text, whatever it looks like. `datetime.date` becomes a `PartialDate`, a float
    the decimal number that Python prints for it. Of a subclass of a text, a number or a date
    the text, number or date is kept, so of ``class Kind(str, Enum)`` the member's value; and
    NumPy's numbers, texts and dates are what Python has for them.

    Raises:
        BadFact: it is not a value: NaN, an infinite number, an integer of more than 64 bits, a
            time, a text that cannot be stored, or of another type.
    """
    if type(given) not in _PLAIN_TYPES:
        given = plain_form(given)
    match given:
        case str():
            if fault := text_fault(given, MAX_VALUE_CHARACTERS):
                raise BadFact(f"invalid fact: value {fault}")
            return given
        case bool():
            return given
        case PartialDate(year, month, day) | CalendarDay(year, month, day):
            return given if type(given) is PartialDate else PartialDate(year, month, day)
        case Quantity(amount, unit):
            return given if type(given) is Quantity else Quantity(amount, unit)
        case EntityRef(name):
            return given if type(given) is EntityRef else EntityRef(name)
        case int():
            if not -_MOST_INTEGER <= given < _MOST_INTEGER:
                raise BadFact("invalid fact: value must be an integer of at most 64 bits")
            return given
        case float() | Decimal():
            return decimal_of(given)
        case UUID():
            raise BadFact("invalid fact: value must not be a UUID", hint="give it as text: str(…)")
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
            return written_out(value)
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
            return f"d:{written_out(without_zeros(value))}"
        case PartialDate():
            return f"t:{value.isoformat()}"
        case Quantity(amount, unit):
            return f"q:{written_out(without_zeros(amount))} {unit}"
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
            return as_it_was_written(surface, text)
        case "t":
            return PartialDate.parse(text)
        case "q":
            amount, _, unit = text.partition(" ")
            return Quantity(as_it_was_written(surface.removesuffix(f" {unit}"), amount), unit)
        case "s":
            return text  # a text that is written as another one
        case "e":
            # The surface keeps the spelling, unless the fact has a surface that differs.
            return kept_entity(surface if canonical_key(surface) == text else text)
        case _:
            raise BadFact(f"the store holds a value of unknown type {kind!r}")


def as_json(value: Value) -> Any:
    """Return what stands for a value in a line of JSON; `from_json` undoes it."""
    match value:
        case Decimal():
            return {"decimal": written_out(value)}
        case PartialDate():
            return {"date": value.isoformat()}
        case Quantity(amount, unit):
            return {"amount": written_out(amount), "unit": unit}
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
            hint=f"write a text, a number, true or false, or {OBJECTS}",
        )
    if not isinstance(given, Mapping):
        return as_value(given)
    match dict(given):
        case {"decimal": str(text), **rest} if not rest:
            return decimal_of(text)
        case {"date": str(text), **rest} if not rest:
            return PartialDate.parse(text)
        case {
            "amount": (str() | int() | float() | Decimal()) as amount,
            "unit": str(unit),
            **rest,
        } if not rest and not isinstance(amount, bool):
            return Quantity(decimal_of(amount), unit)
        case {"entity": str(name), **rest} if not rest:
            return EntityRef(name)
        case _:
            raise BadFact("invalid fact: value must not be such an object", hint=f"write {OBJECTS}")


def parse_value(type: ValueType, text: str) -> Value:
    """Return the value of a known type that a text stands for.

    Numbers have a point before the fraction and at most commas or spaces between groups of
    three digits; a text that may mean another value is refused, with what to write.

    Raises:
        BadFact: it stands for none, or not for one alone.
    """
    match type:
        case ValueType.TEXT:
            return as_value(text)
        case ValueType.INTEGER:
            return as_value(integer_of(text))
        case ValueType.DECIMAL:
            return decimal_of(decimal_text_of(text))
        case ValueType.BOOLEAN:
            if (word := text.strip().casefold()) in ("yes", "true", "no", "false"):
                return word in ("yes", "true")
        case ValueType.DATE:
            return PartialDate.parse(text)
        case ValueType.QUANTITY:
            amount, unit = amount_of(text)
            return Quantity(decimal_of(amount), unit)
        case ValueType.ENTITY:
            return EntityRef(text)
    raise BadFact(
        f"{_shown(text)} is not a value of type {type.value}", hint="write yes, no, true or false"
    )


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


def kept_entity(name: str) -> EntityRef:
    """Return the entity as a store holds it, unchecked: what was once written is read."""
    entity = object.__new__(EntityRef)
    object.__setattr__(entity, "name", name)
    return entity


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
