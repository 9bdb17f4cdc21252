"""What time it is: for what holds now, what has expired, and when a commit was made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from lamlam.errors import BadFact
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.timestamps import as_moment, to_us

Clock = Callable[[], datetime]


def _system_clock() -> datetime:
    return datetime.now(UTC)


_clock: Clock = _system_clock


def now() -> datetime:
    """Return the present moment, in UTC."""
    return _clock()


def microseconds(moment: Instant | None) -> int:
    """Return a moment in microseconds since 1970; ``None`` is now."""
    exact = to_us(as_moment(moment if moment is not None else _clock()))
    assert exact is not None  # a moment was given
    return exact


@contextmanager
def clock_at(moment: object) -> Iterator[None]:
    """Make it this moment for all stores of the process, until the block ends; for tests.

    A Neo4j server stamps commits by its own clock, which this does not move.

    Args:
        moment: a date, a time with its zone, or a text of one; or a function that returns a time.

    Raises:
        BadFact: it is not a moment, or one before the year 1.
    """
    global _clock
    before = _clock
    if callable(moment):
        _clock = moment
    else:
        fixed = as_moment(moment)
        if not isinstance(fixed, datetime):
            raise BadFact("a clock cannot stand before the year 1", hint="give a later moment")
        _clock = lambda: fixed  # noqa: E731
    try:
        yield
    finally:
        _clock = before
