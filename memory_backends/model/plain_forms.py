"""What is given in a class of its own, such as a member of an `Enum` or a NumPy number, as plain Python.

A store keeps and compares plain strings and numbers. A subclass may print otherwise than it
compares ("K.MOVIE" for "movie"), which breaks a store only when it is read.
"""

from __future__ import annotations

import sys
from decimal import Context, Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, NamedTuple

from lamlam.errors import BadFact

_DAY_UNITS = ("Y", "M", "D")
"""NumPy's names of what a calendar has; finer units are times."""
_MOST_BITS = 4_000  # of a number of about a thousand digits
_TIME_UNITS = ("h", "m", "s", "ms", "us", "ns", "ps", "fs", "as")


def plain_text(text: str) -> str:
    """Return a string of whatever class as the plain string that it holds."""
    return text if type(text) is str else str.__str__(text)


def plain_int(number: int) -> int:
    """Return an integer of whatever class as the plain integer that it holds."""
    return number if type(number) is int else int.__int__(number)


def make_plain(record: object, *names: str) -> None:
    """Make plain strings of these fields of a frozen record and of its namespace, if it has one.

    What is not a string stays as it is, to be refused where fields are checked.
    """
    for name in names:
        text = getattr(record, name)
        if isinstance(text, str) and type(text) is not str:
            object.__setattr__(record, name, plain_text(text))
    namespace = getattr(record, "namespace", None)
    if isinstance(namespace, tuple) and any(type(part) is not str for part in namespace):
        plain = tuple(plain_text(part) if isinstance(part, str) else part for part in namespace)
        object.__setattr__(record, "namespace", plain)


def plain_form(given: object) -> object:
    """Return text, numbers and scalars of NumPy and pandas as plain Python; others as they are.

    A time of NumPy or pandas that is the begin of a day is that day, as their columns of dates
    hold nothing else.

    Raises:
        BadFact: a member of an `Enum` that is neither text nor a number, a fraction without a
            finite decimal, a time of day, or NaT.
    """
    if _is_numpy(given):
        return _from_numpy(given)
    if type(given).__module__.partition(".")[0] == "pandas":
        return _from_pandas(given)
    match given:
        case bool():
            return given
        case str():
            return plain_text(given)
        case int():
            return plain_int(given)
        case float():
            return float.__float__(given)
        case Decimal():
            return Decimal(given)
        case Fraction():
            return _from_fraction(given)
        case Enum():
            raise BadFact(
                f"invalid fact: value must not be a member of {type(given).__name__}",
                hint="give its .value",
            )
        case _:
            return given


class CalendarDay(NamedTuple):
    """A day, month or year that NumPy gave; `datetime.date` holds neither of the latter two."""

    year: int
    month: int | None
    day: int | None


def _is_numpy(given: object) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(given, numpy.generic)


def _from_numpy(given: Any) -> object:  # Any: NumPy may not be loaded
    import numpy as np

    match given:
        case np.datetime64():
            return _from_numpy_date(given)
        case np.float64():
            return float(given)
        case np.floating():
            # As NumPy prints it: 0.1 in 32 bits is no longer 0.1 as a Python float.
            return Decimal(str(given)) if np.isfinite(given) else float(given)
        case np.timedelta64():  # an integer to NumPy
            return given
        case np.bool_() | np.integer() | np.str_():
            return given.item()
        case _:
            return given


def _from_numpy_date(given: Any) -> CalendarDay:
    import numpy as np

    unit, step = np.datetime_data(given.dtype)
    if np.isnat(given):
        raise _missing()
    if unit in _TIME_UNITS and given == given.astype("datetime64[D]"):
        unit, step, given = "D", 1, given.astype("datetime64[D]")
    if unit not in _DAY_UNITS or step != 1:
        raise BadFact("invalid fact: value must not be a time of day", hint="give a date")
    months = int(given.astype("datetime64[M]").astype(int))
    day = int((given.astype("datetime64[D]") - given.astype("datetime64[M]")).astype(int)) + 1
    return CalendarDay(
        1970 + months // 12,
        months % 12 + 1 if unit != "Y" else None,
        day if unit == "D" else None,
    )


def _from_pandas(given: Any) -> object:  # Any: pandas may not be loaded
    kind = type(given).__name__
    if kind == "NaTType":
        raise _missing()
    if kind == "NAType":
        raise BadFact("invalid fact: value must not be NA", hint="leave such rows out")
    if kind == "Timestamp" and given == given.normalize():
        return CalendarDay(given.year, given.month, given.day)
    return given


def _from_fraction(given: Fraction) -> Decimal:
    divisor = given.denominator
    if divisor.bit_length() > _MOST_BITS or given.numerator.bit_length() > _MOST_BITS:
        raise BadFact("invalid fact: value must not be a fraction of so many digits")
    for prime in (2, 5):
        while divisor % prime == 0:
            divisor //= prime
    if divisor != 1:
        raise BadFact(
            f"invalid fact: value must not be the fraction {str(given)[:40]}: no decimal is exact",
            hint="round it: Decimal(…)",
        )
    # Long enough for all digits: each factor of the denominator gives one more.
    context = Context(prec=len(str(given.numerator)) + 4 * given.denominator.bit_length())
    return context.divide(Decimal(given.numerator), Decimal(given.denominator))


def _missing() -> BadFact:
    return BadFact(
        "invalid fact: value must not be NaT, a missing time", hint="leave such rows out"
    )
