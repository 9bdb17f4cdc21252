"""Dates as people write them: a day, a month or a year; what may mean two things is refused."""

from __future__ import annotations

import re

from lamlam.errors import BadFact

MONTHS = (
    "January February March April May June July August September October November December"
).split()
_NUMBER_OF = {month.casefold(): number for number, month in enumerate(MONTHS, 1)}
_ISO = re.compile(r"(-?\d{4}|\+\d{4}(?=-\d{2}-\d{2}))(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_YEAR = (
    r"(?P<ad>AD |A\.D\. )?(?P<year>\d{1,5})(?: (?P<era>BCE?|B\.C\.(?:E\.)?|AD|A\.D\.|CE|C\.E\.))?"
)
_WRITTEN = re.compile(
    rf"(?:(?:(?P<day>\d{{1,2}}) )?(?P<month>(?!AD )[A-Za-z]+) )?{_YEAR}", re.ASCII
)
_AMERICAN = re.compile(rf"(?P<month>[A-Za-z]+) (?P<day>\d{{1,2}}), {_YEAR}", re.ASCII)
_FEWEST_DIGITS = 3
"""Of a year without "AD" or "BC": fewer may be short for one of this century, or be a day."""


def date_parts(text: str) -> tuple[int, int | None, int | None]:
    """Return year, month and day that a text names; years before 1 are 0, -1, …

    Read are ISO dates ("1867", "1867-11", "1867-11-07", "-0043", and as Wikidata writes a day,
    "+1867-11-07"), "7 November 1867", "November 7, 1867", "November 1867", and years with "BC" or "AD". The day is not checked.

    Raises:
        BadFact: the text names no date, or may name another one.
    """
    if match := _ISO.fullmatch(text):
        year, month, day = match.groups()
        return int(year), int(month) if month else None, int(day) if day else None
    plain = " ".join(text.split())
    if plain != text and _ISO.fullmatch(plain):
        return date_parts(plain)
    match = _AMERICAN.fullmatch(plain) or _WRITTEN.fullmatch(plain)
    if match is None:
        raise _refused(text)
    year, month, day = match["year"], match["month"], match["day"]
    if month is not None and month.casefold() not in _NUMBER_OF:
        raise _refused(text)
    number = _NUMBER_OF[month.casefold()] if month else None
    era = match["era"] or match["ad"]
    if match["era"] and match["ad"]:
        raise _refused(text)
    if not era and len(year) < _FEWEST_DIGITS:
        raise _too_short(text, int(year), number, day)
    if int(year) == 0:
        raise BadFact(f"{text!r} is not a date: there is no year 0", hint="write 1 BC or AD 1")
    is_before = bool(era) and era.startswith("B")
    return 1 - int(year) if is_before else int(year), number, int(day) if day else None


def _too_short(text: str, year: int, month: int | None, day: str | None) -> BadFact:
    if month is None:
        return BadFact(
            f"{text!r} is not a date: the year is not clear",
            hint=f'write all digits of the year, or "{year:04d}" for the year {year}',
        )
    rest = f"-{month:02d}" + (f"-{int(day):02d}" if day else "")
    return BadFact(
        f"{text!r} is not a date: the year is not clear",
        hint=f'write it as "1867{rest}", or "{year:04d}{rest}" for the year {year}',
    )


def _refused(text: str) -> BadFact:
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    return BadFact(f"{shown!r} is not a date", hint='write "1867-11-07", "1867-11" or "1867"')
