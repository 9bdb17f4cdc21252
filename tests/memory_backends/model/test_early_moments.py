"""Moments before the year 1 against a slow count of days, and what people write for them."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.errors import BadFact
from lamlam.memory_backends.model.early_moments import EarlyMoment, early_day
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.timestamps import as_moment, from_us, to_us

_DAY = 86_400_000_000
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _days_before_year_1(year: int, month: int, day: int) -> int:
    """Count the days from a day to the year 1, one year after the other."""
    n_days = sum(366 if _is_leap(other) else 365 for other in range(year, 1))
    lengths = [*_LENGTHS]
    lengths[1] += _is_leap(year)
    return n_days - sum(lengths[: month - 1]) - (day - 1)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


@given(st.integers(-2_500, 0), st.integers(1, 12), st.integers(1, 28))
def test_days_are_counted_as_the_calendar_has_them(year: int, month: int, day: int) -> None:
    """A day lies as far before the year 1 as its years and months are long, and is written so."""
    moment = early_day(year, month, day)
    first = to_us(datetime(1, 1, 1, tzinfo=UTC))
    assert first is not None
    assert first - moment.microseconds == _days_before_year_1(year, month, day) * _DAY
    assert (moment.year, moment.month, moment.day) == (year, month, day)
    assert as_moment(moment.isoformat()) == moment == as_moment(moment)
    assert from_us(moment.microseconds) == moment


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("-0044", "-0044-01-01T00:00:00+00:00"),
        ("45 BC", "-0044-01-01T00:00:00+00:00"),
        ("15 March 44 BC", "-0043-03-15T00:00:00+00:00"),
        ("0000-02-29", "0000-02-29T00:00:00+00:00"),
        ("-0044-03-15T12:30:00.5+02:00", "-0044-03-15T10:30:00.500000+00:00"),
        ("-0044-03-15T00:00:00Z", "-0044-03-15T00:00:00+00:00"),
        ("0001-01-01T00:00:00+05:00", "0000-12-31T19:00:00+00:00"),
        ("0000-12-31T23:00:00-05:00", "0001-01-01T04:00:00+00:00"),
        ("-9999-01-01", "-9999-01-01T00:00:00+00:00"),
        ("+1867-11-07T00:00:00Z", "1867-11-07T00:00:00+00:00"),
    ],
)
def test_what_is_read(written: str, read: str) -> None:
    """Years are astronomical, zones may lead over the change of eras."""
    assert as_moment(written).isoformat() == read


@pytest.mark.parametrize(
    "written",
    ["-10000", "-0044-13", "-0044-03-15T12:00", "-9999-01-01T00:00:00+05:00", "-0001-02-29"],
)
def test_what_is_refused(written: str) -> None:
    """No such day, no zone, or out of reach."""
    with pytest.raises(BadFact):
        as_moment(written)


def test_they_compare_with_later_moments() -> None:
    """Order and distance go over the change of eras; a time without zone compares with neither."""
    early, late = early_day(0, 12, 31), datetime(1, 1, 1, tzinfo=UTC)
    assert early < late and late > early and early <= late and late >= early and early != late
    assert not late < early and not early >= late and not early > late and not late <= early
    assert sorted([late, early, early_day(-1, 1, 1)], key=to_us)[1:] == [early, late]  # type: ignore[arg-type]
    assert (late - early, early - late) == (timedelta(days=1), timedelta(days=-1))
    assert early - early_day(-1, 12, 31) == timedelta(days=366)
    with pytest.raises(TypeError):
        assert early < datetime(1, 1, 1)


def test_a_fact_keeps_such_a_period_through_its_dumps() -> None:
    """Python, JSON and pickle give the same fact back; an end before its begin is refused."""
    fact = Fact(entity="Caesar", relation="office", value="dictator", valid_from="-0048",
                valid_to="-0043-03-15")  # fmt: skip
    assert isinstance(fact.valid_from, EarlyMoment)
    assert Fact.model_validate(fact.model_dump()) == fact
    assert Fact.model_validate_json(fact.model_dump_json()) == fact
    assert pickle.loads(pickle.dumps(fact)) == fact
    assert Fact.model_json_schema(mode="serialization")
    with pytest.raises(BadFact, match="after valid_from"):
        Fact(entity="a", relation="r", value="v", valid_from="-0043", valid_to="-0044")
    with pytest.raises(BadFact, match="after valid_from"):
        Fact(entity="a", relation="r", value="v", valid_from="0001", valid_to="-0044")
