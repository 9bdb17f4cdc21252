"""Moments before the year 1, which `datetime` does not reach: bounds of periods of antiquity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeAlias

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000
_CYCLE_YEARS = 400
_CYCLE_DAYS = 146_097
"""The Gregorian calendar repeats itself after so many days."""
FIRST_DATETIME = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
"""The first moment of the year 1, in microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class EarlyMoment:
    """A moment before the year 1, in UTC; it compares with `datetime` and subtracts from it.

    Years are astronomical, of the Gregorian calendar: 0 is 1 BC, -44 is 45 BC.

    >>> str(early_day(-44, 3, 15)), early_day(-44, 3, 15) < datetime.now(UTC)
    ('-0044-03-15T00:00:00+00:00', True)
    """

    microseconds: int
    """Since 1970, as stores keep moments; negative."""

    @property
    def year(self) -> int:
        """The astronomical year, 0 or less."""
        return self._parts()[0]

    @property
    def month(self) -> int:
        """The month, from 1."""
        return self._parts()[1].month

    @property
    def day(self) -> int:
        """The day of the month, from 1."""
        return self._parts()[1].day

    def isoformat(self) -> str:
        """Return the moment as `datetime` writes one, such as "-0044-03-15T00:00:00+00:00"."""
        year, day = self._parts()
        seconds, microsecond = divmod(self.microseconds % _DAY, 1_000_000)
        clock = time(seconds // 3600, seconds // 60 % 60, seconds % 60, microsecond, UTC)
        sign = "-" if year < 0 else ""
        return f"{sign}{-year:04d}-{day.month:02d}-{day.day:02d}T{clock.isoformat()}"

    def _parts(self) -> tuple[int, date]:
        """Return the year, and its day in a year of the same kind that `date` reaches."""
        ordinal = self.microseconds // _DAY + _EPOCH_DAY
        n_cycles = -ordinal // _CYCLE_DAYS + 1
        day = date.fromordinal(ordinal + n_cycles * _CYCLE_DAYS)
        return day.year - n_cycles * _CYCLE_YEARS, day

    def __str__(self) -> str:
        return self.isoformat()

    def __lt__(self, other: Instant) -> bool:
        known = _microseconds_of(other)
        return NotImplemented if known is None else self.microseconds < known

    def __le__(self, other: Instant) -> bool:
        known = _microseconds_of(other)
        return NotImplemented if known is None else self.microseconds <= known

    def __gt__(self, other: Instant) -> bool:
        known = _microseconds_of(other)
        return NotImplemented if known is None else self.microseconds > known

    def __ge__(self, other: Instant) -> bool:
        known = _microseconds_of(other)
        return NotImplemented if known is None else self.microseconds >= known

    def __sub__(self, other: Instant) -> timedelta:
        known = _microseconds_of(other)
        return NotImplemented if known is None else (self.microseconds - known) * _MICROSECOND

    def __rsub__(self, other: Instant) -> timedelta:
        known = _microseconds_of(other)
        return NotImplemented if known is None else (known - self.microseconds) * _MICROSECOND


Instant: TypeAlias = datetime | EarlyMoment
"""A moment of world time; one before the year 1 is an `EarlyMoment`."""


def early_day(year: int, month: int, day: int) -> EarlyMoment:
    """Return the begin of a day that exists, of an astronomical year before 1."""
    n_cycles = -year // _CYCLE_YEARS + 1
    ordinal = date(year + n_cycles * _CYCLE_YEARS, month, day).toordinal() - n_cycles * _CYCLE_DAYS
    return EarlyMoment((ordinal - _EPOCH_DAY) * _DAY)


def early_time(year: int, rest: str) -> datetime:
    """Return what ISO 8601 says behind a year before 1, in a year of the same kind after it.

    Args:
        year: the astronomical year.
        rest: such as "-03-15T12:00:00+00:00".

    Raises:
        ValueError: there is no such time.
    """
    return datetime.fromisoformat(f"{year + shift_of(year)[0]:04d}{rest}")


def shift_of(year: int) -> tuple[int, int]:
    """Return how many years lie to a year of the same kind that `datetime` knows, and microseconds."""
    n_cycles = -year // _CYCLE_YEARS + 2  # a zone may lead to the year before
    return n_cycles * _CYCLE_YEARS, n_cycles * _CYCLE_DAYS * _DAY


def _microseconds_of(other: object) -> int | None:
    if isinstance(other, EarlyMoment):
        return other.microseconds
    if isinstance(other, datetime) and other.tzinfo is not None:
        return (other - _EPOCH) // _MICROSECOND
    return None
