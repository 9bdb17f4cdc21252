"""Values keep their type and their exact content through codes, JSON and text."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.errors import BadFact
from lamlam.memory_backends.commits.entity_edit import is_value, stored_form
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import as_fact
from lamlam.memory_backends.model.values import (
    EntityRef,
    PartialDate,
    Quantity,
    Value,
    ValueType,
    as_json,
    as_value,
    code_of,
    from_json,
    name_fault,
    parse_value,
    surface_of,
    type_of,
    value_of,
)
from tests.memory_backends.any_facts import values


def _same(a: Value, b: Value) -> bool:
    """Equal and of one type: Python holds True, 1 and Decimal(1) for equal."""
    return type(a) is type(b) and a == b


@given(values())
def test_json_keeps_every_value(value: Value) -> None:
    assert _same(from_json(as_json(value)), value)


@given(values())
def test_code_and_surface_keep_every_value(value: Value) -> None:
    """Entities are the same where their canonical keys are; everything else is equal."""
    stored = stored_form(Fact(entity="e", relation="r", value=value), None)
    again = value_of(stored.code, stored.value)
    assert type_of(again) is type_of(value)
    assert code_of(again) == code_of(value)
    if not isinstance(value, EntityRef):
        assert _same(again, value)


@given(values(), st.text("ab ", min_size=1).filter(str.strip))
def test_a_surface_of_its_own_changes_no_value(value: Value, surface: str) -> None:
    stored = stored_form(Fact(entity="e", relation="r", value=value, surface=surface), None)
    read = as_fact("e", stored, None)
    assert read.surface == surface
    assert code_of(read.value) == code_of(value)
    assert is_value(stored, value)
    assert is_value(stored, surface)


@given(values(), values())
def test_codes_are_equal_where_values_of_one_type_are(a: Value, b: Value) -> None:
    if type(a) is type(b) and not isinstance(a, str | EntityRef):
        assert (code_of(a) == code_of(b)) == (a == b)


@given(st.dates())
def test_a_date_is_read_back_from_iso_and_from_its_surface(day: date) -> None:
    value = PartialDate(day.year, day.month, day.day)
    assert PartialDate.parse(value.isoformat()) == value
    assert PartialDate.parse(str(value)) == value
    assert as_value(day) == value


@given(st.integers(-9999, 9999), st.none() | st.integers(1, 12))
def test_months_and_years_are_read_back(year: int, month: int | None) -> None:
    value = PartialDate(year, month)
    assert PartialDate.parse(value.isoformat()) == value
    assert PartialDate.parse(str(value)) == value


def test_dates_as_people_write_them() -> None:
    assert PartialDate.parse("November 7, 1867") == PartialDate(1867, 11, 7)
    assert PartialDate.parse(" 7  november 1867 ") == PartialDate(1867, 11, 7)
    assert PartialDate.parse("44 BC") == PartialDate(-43)
    assert PartialDate.parse("15 March 44 BC") == PartialDate(-43, 3, 15)
    assert str(PartialDate(1600, 2, 29)) == "29 February 1600"
    for text in ("", "yesterday", "7 Novembr 1867", "1867-13", "1867-02-30", "30 February 1867"):
        with pytest.raises(BadFact):
            PartialDate.parse(text)
    with pytest.raises(BadFact, match="a date must be a string, got NoneType"):
        PartialDate.parse(None)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    "given_",
    [
        math.nan, math.inf, Decimal("NaN"), Decimal("-Infinity"), 2**63, -(2**63) - 1,
        datetime(2020, 1, 1, tzinfo=UTC), b"bytes", None, ["a"], {"a": 1}, "", "  ", "a\0b",
        "\ud800", Decimal("1e5000"), 1 + 2j,
    ],
)  # fmt: skip
def test_what_is_no_value_is_refused(given_: object) -> None:
    with pytest.raises(BadFact):
        as_value(given_)


def test_an_entity_that_was_written_with_a_longer_name_is_read() -> None:
    """Of a store that accepted it; writing one now is an error."""
    key = "x" * 1_800
    assert value_of(f"e:{key}", "x") == value_of(f"e:{key}", key)
    read = value_of(f"e:{key}", "x")
    assert isinstance(read, EntityRef)
    assert read.name == key
    with pytest.raises(BadFact, match="got 1,800"):
        EntityRef(key)
    with pytest.raises(BadFact, match="a key of at most 1,000 characters, got 1,800"):
        EntityRef("\ufdfa" * 100)


def test_a_name_is_as_short_as_its_key() -> None:
    assert name_fault("\ufdfa" * 55) is None
    assert name_fault("\ufdfa" * 56) is not None
    assert name_fault("ł" * 1_000) is None
    assert name_fault(None) is not None


def test_text_is_never_guessed_at() -> None:
    for text in ("42", "yes", "1867-11-07", "3.14", "8849 m"):
        assert type_of(as_value(text)) is ValueType.TEXT


def test_a_float_is_the_decimal_that_python_prints() -> None:
    assert as_value(0.1) == Decimal("0.1")
    assert as_value(np.float64(0.1)) == Decimal("0.1")
    assert Quantity(np.float64(0.1), "m").amount == Decimal("0.1")  # type: ignore[arg-type]  # as people do
    for given_ in (np.float64("nan"), np.float64("inf")):
        with pytest.raises(BadFact, match="must be finite"):
            as_value(given_)


def test_surfaces() -> None:
    written: list[tuple[Value, str]] = [
        (True, "yes"), (False, "no"), (42, "42"), (Decimal("1.50"), "1.50"),
        (Decimal("1E+3"), "1000"), (Quantity(Decimal("8849"), "m"), "8849 m"),
        (EntityRef("Ada"), "Ada"), (PartialDate(-43), "44 BC"),
    ]  # fmt: skip
    for value, surface in written:
        assert surface_of(value) == surface


def test_texts_are_read_as_a_known_type() -> None:
    read: list[tuple[ValueType, str, Value]] = [
        (ValueType.INTEGER, "1,234", 1234),
        (ValueType.DECIMAL, " 3.140 ", Decimal("3.140")),
        (ValueType.BOOLEAN, "Yes", True),
        (ValueType.DATE, "7 November 1867", PartialDate(1867, 11, 7)),
        (ValueType.QUANTITY, "8,849 m", Quantity(Decimal(8849), "m")),
        (ValueType.ENTITY, "Paris", EntityRef("Paris")),
        (ValueType.TEXT, "x", "x"),
    ]
    for type_, text, value in read:
        assert _same(parse_value(type_, text), value)
    for type_, text in [
        (ValueType.INTEGER, "1.5"), (ValueType.INTEGER, "१२"), (ValueType.BOOLEAN, "maybe"),
        (ValueType.QUANTITY, "tall"), (ValueType.QUANTITY, "12"), (ValueType.DECIMAL, "much"),
        (ValueType.DATE, "soon"),
    ]:  # fmt: skip
        with pytest.raises(BadFact):
            parse_value(type_, text)


@pytest.mark.parametrize(
    "given_",
    [
        {}, {"date": 1867}, {"date": "1867", "more": 1}, {"amount": True, "unit": "m"},
        {"amount": "x", "unit": "m"}, {"entity": ""}, {"decimal": 1.5}, {"decimal": "NaN"}, [1],
        None,
    ],
)  # fmt: skip
def test_json_that_is_no_value_is_refused(given_: object) -> None:
    with pytest.raises(BadFact):
        from_json(given_)


def test_an_amount_given_as_a_float_is_what_was_written() -> None:
    """Not the binary fraction next to it."""
    assert str(Quantity(1.65, "m")) == "1.65 m"  # type: ignore[arg-type]  # as people write it
