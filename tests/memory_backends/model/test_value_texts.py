"""Texts as values of a known type: read as what they say, refused where they may say another thing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.fact_files import FactFile
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, DefineRelation
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import (
    PartialDate,
    Quantity,
    ValueType,
    from_json,
    parse_value,
)
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import BACKENDS, url_of

INTEGER, DECIMAL, DATE = ValueType.INTEGER, ValueType.DECIMAL, ValueType.DATE
QUANTITY = ValueType.QUANTITY


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1234", "1234"), ("1,234", "1234"), ("12,345,678", "12345678"), ("999,999", "999999"),
        ("1 650", "1650"), ("12\u00a0345\u00a0678", "12345678"), ("1\u202f234.50", "1234.50"),
        ("1\u2009234", "1234"), ("1,234.5", "1234.5"), ("3.14", "3.14"), ("+5", "5"), ("-5", "-5"),
        ("\u22125.5", "-5.5"), (".5", "0.5"), ("5.", "5"), ("1e5", "1E+5"), ("2.5E-3", "0.0025"),
        ("007", "7"), ("1e400", "1E+400"), (" 3.140 ", "3.140"),
    ],
)  # fmt: skip
def test_numbers_that_are_read(text: str, number: str) -> None:
    read = parse_value(DECIMAL, text)
    assert read == Decimal(number)
    assert type(read) is Decimal
    if number.lstrip("-").isdigit() and "." not in text:
        assert parse_value(INTEGER, text) == int(number)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("3,14", "write 3.14"), ("1,5", "write 1.5"), ("-1,65", "write -1.65"),
        ("1.234,56", "write 1234.56"), ("1 234,5", "write 1234.5"), ("0,123", "write 0.123"),
        ("1,2345", "write 1.2345"), ("1,00,000", "write 100000"), ("1'650", "write 1650"),
        ("1,00,000.5", "100000.5"), ("1'234.5", "1234.5"), ("5%", "quantity for 5 %"),
        ("1.234.567", "write 1234567"), ("٣", "write 3"), ("１２", "write 12"),
        ("1,234,56", "3.14"), ("1234,567", "3.14"), ("1,234 567", "3.14"), ("1 65", "3.14"),
        ("1_000", "3.14"), ("–5", "3.14"), ("- 5", "3.14"), ("--5", "3.14"), ("1/2", "3.14"),
        ("½", "3.14"), ("3-4", "3.14"), ("10^6", "3.14"), ("0x10", "3.14"), ("", "3.14"),
        ("1,,234", "3.14"), (",234", "3.14"), ("1,234,", "3.14"), ("1.2.3", "3.14"),
        ("1,234e3", "3.14"), ("1,5e3", "3.14"), ("five", "3.14"), (".", "3.14"),
        ("3m", "quantity for 3 m"), ("1,5 m", "quantity for 1.5 m"),
    ],
)  # fmt: skip
def test_numbers_that_may_be_others_are_refused_with_what_to_write(text: str, hint: str) -> None:
    for kind in (DECIMAL, INTEGER):
        with pytest.raises(BadFact) as caught:
            parse_value(kind, text)
        if kind is DECIMAL:
            assert hint in str(caught.value.hint)


@pytest.mark.parametrize("text", ["NaN", "-inf", "Infinity", "1e5000", "9" * 2_000])
def test_numbers_without_bound_are_refused(text: str) -> None:
    for kind in (DECIMAL, INTEGER):
        with pytest.raises(BadFact):
            parse_value(kind, text)


@pytest.mark.parametrize("text", ["1.5", "3,14", "1e5", "5.", "1,234.0", "9223372036854775808"])
def test_integers_have_no_fraction_and_64_bits(text: str) -> None:
    with pytest.raises(BadFact):
        parse_value(INTEGER, text)


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from([",", " ", "\u00a0", "\u202f", "\u2009"]))
def test_a_number_in_groups_is_the_number(number: int, separator: str) -> None:
    written = f"{number:,}".replace(",", separator)
    assert parse_value(INTEGER, written) == number
    assert parse_value(DECIMAL, f"{written}.250") == Decimal(f"{number}.250")
    assert parse_value(QUANTITY, f"{written} m") == Quantity(Decimal(number), "m")


@given(st.integers(0, 10**9), st.text("0123456789", min_size=1, max_size=8))
def test_a_decimal_comma_never_changes_the_number(whole: int, fraction: str) -> None:
    """It is refused, or where three digits follow it the comma of a thousand."""
    text = f"{whole},{fraction}"
    for kind, written in ((DECIMAL, text), (QUANTITY, f"{text} m"), (INTEGER, text)):
        try:
            read = parse_value(kind, written)
        except BadFact:
            continue
        assert len(fraction) == 3
        assert 0 < whole < 1000
        amount = read.amount if isinstance(read, Quantity) else read
        assert amount == int(f"{whole}{fraction}")


@given(st.text("0123456789.,' -+e/m°%\u202f½٣", max_size=12))
def test_what_is_read_says_the_same_digits(text: str) -> None:
    """Whatever is accepted has the digits of the text, in their order."""
    for kind in (INTEGER, DECIMAL, QUANTITY):
        try:
            read = parse_value(kind, text)
        except BadFact:
            continue
        number = read.amount if isinstance(read, Quantity) else read
        assert isinstance(number, int | Decimal)
        unit = read.unit if isinstance(read, Quantity) else ""
        digits = text.strip().removesuffix(unit).strip()
        for mark in ", \u202f":
            digits = digits.replace(mark, "")
        assert Decimal(digits) == number


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("8,849 m", "8849", "m"), ("1 650 mm", "1650", "mm"), ("1.65m", "1.65", "m"),
        ("5%", "5", "%"), ("12 °C", "12", "°C"), ("-40 °C", "-40", "°C"), ("5 €", "5", "€"),
        ("5 µm", "5", "µm"), ("3 Ω", "3", "Ω"), ("7 $", "7", "$"), ("7 US$", "7", "US$"),
        ("20 ‰", "20", "‰"), ("5 kg/m3", "5", "kg/m3"), ("9.8 m/s^2", "9.8", "m/s^2"),
        ("9.8 m s-2", "9.8", "m s-2"), ("6 L/100 km", "6", "L/100 km"), ("5 m²", "5", "m²"),
        ("5 per 100 000 people", "5", "per 100 000 people"), ("1e5 Pa", "1E+5", "Pa"),
        ("4 GiB", "4", "GiB"), ("4 kB", "4", "kB"), ("5 million euros", "5", "million euros"),
        ("23 ℃", "23", "℃"), ("5\u202fkm", "5", "km"), ("400 ppm CO2", "400", "ppm CO2"),
        ("5 m3h-1", "5", "m3h-1"), ("9 kg m-2 s-1", "9", "kg m-2 s-1"), ("3 t CO2e", "3", "t CO2e"),
        ("12 k8s nodes", "12", "k8s nodes"), ("5 mg/24h", "5", "mg/24h"),
    ],
)  # fmt: skip
def test_quantities_that_are_read(text: str, amount: str, unit: str) -> None:
    assert parse_value(QUANTITY, text) == Quantity(Decimal(amount), unit)


@pytest.mark.parametrize(
    "text",
    [
        "1,65 m", "1.234,5 kg", "1/2 m", "2 1/2 m", "2½ m", "½ m", "3-4 m", "3–4 m", "3 to 4 m",
        "3 m to 4 m", "3 ± 1 m", "5'11\"", "5′11″", "5'", "5 ft 11 in", "5ft11", "5 h 30 min",
        "1h30", "53°20′", "5€50", "3x4 m", "3 × 4 m", "10^6 m", "10⁶ m", "5 m (16 ft)", "$5", "12",
        "tall", "5 #", "5 -", "3.5.1 m", "1e5", "~5 m", "<5 m", "about 5 m", "1,234,56 m", "٣ m",
        "5 m; 6 m", "1 65 mm",
        "3m-4m", "3 m-4 m", "3 m -4 m", "3 m−4 m", "5m30s", "2d12h", "10mx5m", "5ft-11in", "1m85",
        "1 m85 cm",
    ],
)  # fmt: skip
def test_quantities_that_may_be_others_are_refused(text: str) -> None:
    with pytest.raises(BadFact) as caught:
        parse_value(QUANTITY, text)
    assert "write" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("1867-11-07", "1867-11-07"), ("1867-11", "1867-11"), ("1867", "1867"), ("867", "0867"),
        ("0067", "0067"), ("7 November 1867", "1867-11-07"), ("november 7, 1867", "1867-11-07"),
        ("May 1867", "1867-05"), ("44 BC", "-0043"), ("44 BCE", "-0043"), ("1 BC", "0000"),
        ("15 March 44 BC", "-0043-03-15"), ("AD 67", "0067"), ("67 AD", "0067"), ("67 CE", "0067"),
        ("7 May AD 12", "0012-05-07"), ("-0043", "-0043"), ("0000", "0000"), (" 1867 ", "1867"),
    ],
)  # fmt: skip
def test_dates_that_are_read(text: str, iso: str) -> None:
    assert parse_value(DATE, text) == PartialDate.parse(iso)
    assert PartialDate.parse(iso).isoformat() == iso


@pytest.mark.parametrize(
    "text",
    [
        "May 12", "12 May", "May 5", "12 May 67", "May 12, 67", "67", "7", "5/5/67", "12/05/2020",
        "12.05.2020", "2020/05/12", "20200512", "1867-13-01", "1867-02-30", "1867-1-5", "Q3 1867",
        "summer 1867", "ca. 1867", "1867?", "1860s", "1867-1868", "1867/68", "12345", "١٨٦٧", "0 BC",
        "AD 0", "000", "31 April 1867", "AD 44 BC", "May", "", "1867-11-07T12:00", "-867", "+1867",
        "first of May 1867", "19th century", "MDCCCLXVII",
    ],
)  # fmt: skip
def test_dates_that_may_be_others_are_refused(text: str) -> None:
    with pytest.raises(BadFact):
        parse_value(DATE, text)
    with pytest.raises(BadFact):
        from_json({"date": text})


@given(st.integers(-9999, 9999), st.none() | st.integers(1, 12), st.none() | st.integers(1, 28))
def test_every_date_is_read_back_from_its_surface(year: int, month: int | None, day: int | None) -> None:  # fmt: skip
    date = PartialDate(year, month, day if month else None)
    assert PartialDate.parse(str(date)) == date


@pytest.mark.parametrize("text", ["yes", "No", "TRUE", "false"])
def test_booleans_that_are_read(text: str) -> None:
    assert parse_value(ValueType.BOOLEAN, text) is (text in ("yes", "TRUE"))


@pytest.mark.parametrize("text", ["ja", "0", "1", "on", "off", "y", "t", "", "yes!", "nein"])
def test_other_words_are_not_booleans(text: str) -> None:
    with pytest.raises(BadFact, match="is not a value of type boolean"):
        parse_value(ValueType.BOOLEAN, text)


@pytest.mark.parametrize(
    "given_",
    [
        {"decimal": "3,14"}, {"decimal": "1_000"}, {"decimal": "٣"}, {"decimal": "1,234"},
        {"amount": "1,65", "unit": "m"}, {"amount": "٣", "unit": "m"}, {"date": "May 12"},
    ],
)  # fmt: skip
def test_json_has_numbers_without_groups(given_: object) -> None:
    with pytest.raises(BadFact):
        from_json(given_)


@pytest.mark.parametrize(
    ("kind", "text"),
    [("decimal", "3,14"), ("quantity", "1,65 m"), ("integer", "1,5"), ("date", "May 12")],
)
def test_a_table_with_a_decimal_comma_is_refused_by_its_line(
    tmp_path: Path, kind: str, text: str
) -> None:
    path = tmp_path / "facts.tsv"
    path.write_text(f"entity\trelation\tvalue\ttype\nA\tr\t1\tinteger\nA\tr\t{text}\t{kind}\n")
    with pytest.raises(BadFact, match="line 3"):
        list(FactFile(str(path)))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_relation_of_numbers_takes_no_decimal_comma(backend: str, tmp_path: Path) -> None:
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        store.apply([DefineRelation(RelationRule("height", value_type=QUANTITY))])
        with pytest.raises(BadFact):
            store.apply([Assert(Fact(entity="A", relation="height", value="1,65 m"))])
        store.apply([Assert(Fact(entity="A", relation="height", value="1.65 m"))])
        assert [fact.value for fact in store.scan()] == [Quantity(Decimal("1.65"), "m")]
