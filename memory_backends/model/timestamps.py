"""Moments of world time: what bounds the period in which a fact holds.

A period is half-open: it begins at ``valid_from`` and no longer holds at ``valid_to``; an open
end is ``None``. Stores keep moments as whole microseconds since 1970, UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from lamlam.errors import BadFact
from lamlam.memory_backends.model.values import PartialDate

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def as_moment(given: object) -> datetime:
    """Return the moment that something given stands for, in UTC.

    A day, month or year stands for its first moment; a text is read as ISO 8601 or as a
    `PartialDate`.

    Raises:
        BadFact: a time without its zone, a year before 1, or no time at all.
    """
    if isinstance(given, str):
        given = _parsed(given)
    if isinstance(given, datetime):
        if given.tzinfo is None:
            raise BadFact(
                f"the time {given.isoformat()} has no zone", hint="add one: …+00:00, or give a date"
            )
        try:
            return given.astimezone(UTC)
        except OverflowError:
            raise BadFact(f"the time {given.isoformat()} is out of range") from None
    if isinstance(given, date):
        return datetime(given.year, given.month, given.day, tzinfo=UTC)
    if isinstance(given, PartialDate):
        if given.year < 1:
            raise BadFact("periods begin and end after the year 1 BC")
        return datetime(given.year, given.month or 1, given.day or 1, tzinfo=UTC)
    raise BadFact(
        f"a moment must be a date or a time, got {type(given).__name__}",
        hint="give a date or a time with its zone",
    )


def to_us(moment: datetime | None) -> int | None:
    """Return a moment in microseconds since 1970; ``None`` stays ``None``.

    Raises:
        BadFact: a time without its zone, or no time at all.
    """
    if moment is None:
        return None
    try:
        return (moment - _EPOCH) // _MICROSECOND
    except TypeError:  # of a fact or an operation that nobody checked
        return to_us(as_moment(moment))


def from_us(microseconds: int | None) -> datetime | None:
    """Undo `to_us`."""
    return None if microseconds is None else _EPOCH + microseconds * _MICROSECOND


def holds_at(valid_from: int | None, valid_to: int | None, moment: int) -> bool:
    """Return whether the period covers the moment (all in microseconds)."""
    return (valid_from is None or valid_from <= moment) and (valid_to is None or moment < valid_to)


def overlap(a_from: int | None, a_to: int | None, b_from: int | None, b_to: int | None) -> bool:
    """Return whether two periods have a moment in common."""
    return (a_from is None or b_to is None or a_from < b_to) and (
        b_from is None or a_to is None or b_from < a_to
    )


def _parsed(text: str) -> datetime | PartialDate:
    try:
        return PartialDate.parse(text)
    except BadFact:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadFact(
            f"{text[:40]!r} is not a moment", hint="write 2024, 2024-05, 2024-05-31 or ISO 8601"
        ) from None
