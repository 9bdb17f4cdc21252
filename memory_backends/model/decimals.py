"""Decimal numbers: made of what is given, compared without their trailing zeros, and written out."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from lamlam.errors import BadFact
from lamlam.memory_backends.model.number_texts import is_plain_number, not_a_number
from lamlam.memory_backends.model.plain_forms import plain_form

_MOST_DIGITS = 1_000


def decimal_of(given: object) -> Decimal:
    """Return the number that something given is.

    Raises:
        BadFact: it is none, is not finite, or has more than a thousand digits.
    """
    if isinstance(given, bool):
        raise BadFact(f"{given} is not a number")
    given = plain_form(given)
    if isinstance(given, float):
        # As it was written, not the binary fraction nearest to it; NumPy's print otherwise.
        given = float.__repr__(given)
    elif isinstance(given, str) and not is_plain_number(given):
        # Python would read "1_000" and the digits of every script.
        raise not_a_number(given)
    try:
        number = Decimal(given)  # type: ignore[arg-type]  # what cannot be read raises
    except (InvalidOperation, TypeError, ValueError):
        raise BadFact(f"{str(given)[:60]!r} is not a number") from None
    if not number.is_finite():
        raise BadFact(f"a number must be finite, got {given}")
    exponent = number.as_tuple().exponent
    if abs(int(exponent)) + len(number.as_tuple().digits) > _MOST_DIGITS:
        raise BadFact(f"a number must have at most {_MOST_DIGITS:,} digits")
    return number


def without_zeros(number: Decimal) -> Decimal:
    """Return the number without trailing zeros, exactly: `normalize` would round to the context."""
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # it is finite
    while len(digits) > 1 and digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    return Decimal(0) if digits == (0,) else Decimal((sign, digits, exponent))


def written_out(number: Decimal) -> str:
    """Return the number without an exponent."""
    return format(number, "f")


def as_it_was_written(surface: str, text: str) -> Decimal:
    """Return the number as it was given ("1.50"), where the surface still says so."""
    number = Decimal(text)
    try:
        written = decimal_of(surface)
    except BadFact:
        return number
    return written if written == number else number
