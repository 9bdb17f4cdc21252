"""Moments of world time: what bounds the period in which a fact holds.

A period is half-open: it begins at ``valid_from`` and no longer holds at ``valid_to``; an open
end is ``None``. Stores keep moments as whole microseconds since 1970, UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from lamlam.errors import BadFact
from lamlam.memory_backends.model.early_moments import (
    FIRST_DATETIME,
    EarlyMoment,
    Instant,
    early_day,
    early_time,
    shift_of,
)
from lamlam.memory_backends.model.plain_forms import CalendarDay, plain_form
from lamlam.memory_backends.model.values import PartialDate

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST_DAY = early_day(-9999, 1, 1).microseconds
_PLAIN_MOMENTS = frozenset({datetime, date, EarlyMoment, PartialDate})
_EARLY_TIME = re.compile(r"([+-]\d{4}|0000)(-\d{2}-\d{2}[T ].+)", re.ASCII)


def as_moment(given: object) -> Instant:
    """Return the moment that something given stands for, in UTC.

    A day, month or year stands for its first moment; a text is read as ISO 8601 or as a
    `PartialDate`, years before 1 as astronomical ones: "-0044" is 45 BC.

    Raises:
        BadFact: a time without its zone, or no time at all.
    """
    if isinstance(given, str):
        given = _parsed(given)
    elif type(given) not in _PLAIN_MOMENTS:
        given = _plain(given)
    if isinstance(given, datetime):
        if given.tzinfo is None:
            raise BadFact(
                f"the time {given.isoformat()} has no zone", hint="add one: …+00:00, or give a date"
            )
        return _at((given - _EPOCH) // _MICROSECOND, given)
    if isinstance(given, EarlyMoment):
        return _at(given.microseconds, given)
    if isinstance(given, date):
        return datetime(given.year, given.month, given.day, tzinfo=UTC)
    if isinstance(given, PartialDate):
        day = given.year, given.month or 1, given.day or 1
        return datetime(*day, tzinfo=UTC) if given.year > 0 else early_day(*day)
    raise BadFact(
        f"a moment must be a date or a time, got {type(given).__name__}",
        hint="give a date or a time with its zone",
    )


def _plain(given: object) -> object:
    """Return a day of NumPy as a date; anything else as it is.

    Raises:
        BadFact: NaT, or a time of NumPy, which has no zone.
    """
    if isinstance(given, datetime) and given == given:  # of a class of its own, with its zone
        return given
    try:
        form = plain_form(given)
    except BadFact as error:
        if "time of day" in str(error):
            raise BadFact(
                f"the time {str(given)[:40]} has no zone", hint="add one: …+00:00, or give a date"
            ) from None
        raise BadFact(str(error).replace("value", "a moment"), hint=error.hint) from None
    return PartialDate(*form) if isinstance(form, CalendarDay) else form


def to_us(moment: Instant | None) -> int | None:
    """Return a moment in microseconds since 1970; ``None`` stays ``None``.

    Raises:
        BadFact: a time without its zone, or no time at all.
    """
    if moment is None:
        return None
    if isinstance(moment, EarlyMoment):
        return moment.microseconds
    try:
        return (moment - _EPOCH) // _MICROSECOND
    except TypeError:  # of a fact or an operation that nobody checked
        return to_us(as_moment(moment))


def from_us(microseconds: int | None) -> Instant | None:
    """Undo `to_us`."""
    if microseconds is None:
        return None
    if microseconds < FIRST_DATETIME:
        return EarlyMoment(microseconds)
    return _EPOCH + microseconds * _MICROSECOND


def written_moment(moment: Instant) -> str:
    """Return a moment as a day, where it is the begin of one, or in full; in UTC."""
    text = moment.isoformat()
    return text.removesuffix("T00:00:00+00:00")


def holds_at(valid_from: int | None, valid_to: int | None, moment: int) -> bool:
    """Return whether the period covers the moment (all in microseconds)."""
    return (valid_from is None or valid_from <= moment) and (valid_to is None or moment < valid_to)


def overlap(a_from: int | None, a_to: int | None, b_from: int | None, b_to: int | None) -> bool:
    """Return whether two periods have a moment in common."""
    return (a_from is None or b_to is None or a_from < b_to) and (
        b_from is None or a_to is None or b_from < a_to
    )


def _at(microseconds: int, given: Instant) -> Instant:
    """Return the moment in UTC.

    Raises:
        BadFact: it is too far off.
    """
    try:
        moment = from_us(microseconds)
    except OverflowError:
        moment = None
    if moment is None or microseconds < _FIRST_DAY:
        raise BadFact(f"the time {given.isoformat()} is out of range")
    return moment


def _parsed(text: str) -> Instant | PartialDate:
    try:
        return PartialDate.parse(text)
    except BadFact:
        pass
    try:
        if match := _EARLY_TIME.fullmatch(text.strip()):
            year = int(match[1])
            if year > 0:
                return datetime.fromisoformat(f"{year:04d}{match[2]}")
            shifted = early_time(year, match[2])
            if shifted.tzinfo is None:
                raise BadFact(
                    f"the time {text} has no zone", hint="add one: …+00:00, or give a date"
                )
            microseconds = (shifted - _EPOCH) // _MICROSECOND - shift_of(year)[1]
            return _at(microseconds, EarlyMoment(microseconds))
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadFact(
            f"{text[:40]!r} is not a moment", hint="write 2024, 2024-05, 2024-05-31 or ISO 8601"
        ) from None
