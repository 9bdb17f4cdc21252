"""Other forms in which texts write a value: dates and numbers, "&" for "and", no qualifier."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from lamlam.trainer.annotation.folding import folded_key
from lamlam.trainer.entity_names import bare_title

MONTHS = (
    "january february march april may june july august september october november december".split()
)
"""Folded."""
_NUMBER_OF_MONTH = {name: i for i, name in enumerate(MONTHS, 1)} | {
    **{name[:3]: i for i, name in enumerate(MONTHS, 1)},
    "sept": 9,
}
_ISO = re.compile(r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?(?:T00:00:00Z?)?")
_DAY_FIRST = re.compile(
    r"(?:(?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?:of )?)?(?P<month>[A-Za-z]{3,9})\.?,? (?:of )?(?P<year>\d{3,4})"
)
_MONTH_FIRST = re.compile(
    r"(?P<month>[A-Za-z]{3,9})\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?P<year>\d{3,4})"
)
_NUMBER = re.compile(
    r"(?P<number>\d{1,3}(?:[, \u00a0\u202f]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:[ \u00a0](?P<scale>thousand|million|billion|trillion)\b)?"
)
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class DateParts:
    """A date as its parts; the month or only the day may be missing."""

    year: int
    month: int | None = None
    day: int | None = None


@lru_cache(maxsize=100_000)
def read_date(value: str) -> DateParts | None:
    """Return the date that a value is, or None.

    >>> read_date("7 November 1867") == read_date("1867-11-07") == read_date("Nov. 7, 1867")
    True
    >>> read_date("7/11/1867") is None
    True
    """
    if not value[-1:].isdecimal() and not value.endswith(("Z", "z")):
        return None
    for pattern in (_ISO, _MONTH_FIRST, _DAY_FIRST):
        match = pattern.fullmatch(value.strip())
        if match is None:
            continue
        month = match["month"]
        number = (
            None
            if month is None
            else int(month)
            if month.isdecimal()
            else _NUMBER_OF_MONTH.get(month.lower(), 0)
        )
        day = int(match["day"]) if match["day"] else None
        if number is not None and not 1 <= number <= 12:
            return None
        return None if day is not None and not 1 <= day <= 31 else _date(match["year"], number, day)
    return None


def _date(year: str, month: int | None, day: int | None) -> DateParts:
    return DateParts(int(year), month, day)


def date_forms(date: DateParts) -> Iterator[str]:
    """Yield how texts write a date of a known day or month, folded; nothing of a mere year."""
    if date.month is None:
        return
    year, name = date.year, MONTHS[date.month - 1]
    names = [name, name[:3], f"{name[:3]}."]
    if name == "september":
        names += ["sept", "sept."]
    if date.day is None:
        for month in names:
            yield from (f"{month} {year}", f"{month}, {year}", f"{month} of {year}")
        yield f"{year:04d} {date.month:02d}"
        return
    days = [str(date.day), f"{date.day}{_ending(date.day)}"]
    if date.day < 10:
        days.append(f"0{date.day}")
    for month in dict.fromkeys(names):
        for day in days:
            yield from (
                f"{month} {day}, {year}",
                f"{day} {month} {year}",
                f"{month} {day} {year}",
                f"{day} of {month} {year}",
                f"{day} {month}, {year}",
                f"{day} of {month}, {year}",
            )
    yield f"{year:04d} {date.month:02d} {date.day:02d}"


def _ending(day: int) -> str:
    if day in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def number_forms(value: str) -> Iterator[str]:
    """Yield a value with its first number written in other ways that are exactly equal, folded.

    >>> sorted(number_forms("1.2 million tonnes"))
    ['1,200,000 tonnes', '1.2 million tonnes', '1200000 tonnes']
    """
    match = _NUMBER.search(value)
    if match is None or _NUMBER.search(value, match.end()) is not None:
        return
    if value[: match.start()][-1:].isalnum() or value[match.end() :][:1].isalnum():
        return
    try:
        number = Decimal(re.sub(r"[, \u00a0\u202f]", "", match["number"]))
    except InvalidOperation:
        return
    number *= _SCALES.get(match["scale"] or "", 1)
    if number != number.to_integral() or len(str(int(number))) > _MOST_DIGITS:
        return
    whole = int(number)
    written = {f"{whole:,}"}
    if whole >= 10_000 or "," not in match["number"]:
        written.add(str(whole))
    for name, scale in _SCALES.items():
        if (
            scale >= 10**6
            and whole >= scale
            and (whole * 1000) % scale == 0
            and whole < scale * 1000
        ):
            share = Decimal(whole) / scale
            written.add(f"{share.normalize():f} {name}")
    if whole < len(_WORDS) and not match["scale"]:
        written.add(_WORDS[whole])
    before, after = value[: match.start()], value[match.end() :]
    for number_text in written:
        yield folded_key(before + number_text + after)


@lru_cache(maxsize=200_000)
def value_forms(value: str) -> tuple[str, ...]:
    """Return the forms of a value that mean exactly it, folded; the value's own comes first."""
    own = folded_key(value)
    forms = dict.fromkeys([own])
    date = read_date(value)
    if date is not None:
        forms |= dict.fromkeys(date_forms(date))
    elif any(char.isdecimal() for char in value) and len(value) < 80:
        forms |= dict.fromkeys(number_forms(value))
    bare = folded_key(bare_title(value))
    forms[bare] = None
    for form in list(forms)[:2]:
        if " & " in form:
            forms[form.replace(" & ", " and ")] = None
        if " and " in form:
            forms[form.replace(" and ", " & ")] = None
            forms[
                form.replace(", and ", " and ")
                if ", and " in form
                else form.replace(" and ", ", and ")
            ] = None
        elif form.count(", ") > 1:  # a list as a record has it
            head, _, last = form.rpartition(", ")
            forms |= dict.fromkeys([f"{head} and {last}", f"{head}, and {last}"])
    return tuple(form for form in forms if form)
