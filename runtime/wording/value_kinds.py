"""Kinds of values, and which of them can stand behind the words of a sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lamlam.memory_backends.model.place_names import is_place_part

_MONTH = (
    "january|february|march|april|may|june|july|august|september|october|november|december"
    "|jan|feb|mar|apr|jun|jul|aug|sep|sept|oct|nov|dec"
)
_DAY = re.compile(
    rf"(?:\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?(?:{_MONTH})\b|(?:{_MONTH})\.?\s+\d{{1,2}}\b(?!\d)"
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})",
    re.IGNORECASE,
)
_YEAR = re.compile(
    rf"^(?:(?:c|ca|circa|about|early|mid|late)\.?[\s-]*)?(?:(?:{_MONTH})\.?,?\s+)?\d{{3,4}}s?"
    r"(?:\s*(?:bc|ad|bce|ce))?$",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"^[~≈<>+\-−$€£¥]?\s*\d[\d.,\s]*\D{0,24}[23]?$")
_SPELT_DATE = re.compile(rf"\b(?:{_MONTH})\b.*\b\d{{3,4}}\b", re.IGNORECASE)


def kind_of_value(value: str) -> str:
    """Return ``day``, ``year``, ``number`` or ``text``, by how a value is written.

    >>> [kind_of_value(v) for v in ("7 November 1867", "1867", "385,207 km2", "Oslo", "BBC 2")]
    ['day', 'year', 'number', 'text', 'text']
    """
    text = value.strip()
    if len(text) > 64 or not any(char.isdigit() for char in text):
        return "text"
    if _DAY.search(text):
        return "day"
    if _YEAR.match(text) or _SPELT_DATE.search(text):
        return "year"
    return "number" if _NUMBER.match(text) else "text"


def may_stand(value: str, before: Sequence[str]) -> bool:
    """Return whether a value can stand behind the last words of a sentence, by its kind alone.

    Args:
        before: the stems of the sentence, in order.
    """
    kind = kind_of_value(value)
    if kind == "text" or not before:
        return True
    last = before[-1]
    if last in ("by", "with", "who"):
        return False
    if last == "in":
        has_unit = any(char.isalpha() or char in "²%$€£" for char in value)
        return kind != "day" and not (kind == "number" and has_unit)
    if last == "on":
        return kind != "number"
    if last == "the":
        return kind != "day"
    return True


_BEFORE_NUMBERS = frozenset(
    "of be have at about around approximately roughly over nearly almost some only exactly ( : = to"
    " by with from under above measur cover reach number ~ than long tall hav".split()
)


def may_stand_freely(value: str, before: Sequence[str]) -> bool:
    """Return whether a value can stand where the words before it name no relation.

    A bare number stands only behind words that announce one: "Oslo, a city in the 385,207 km2"
    is what a model writes that asks without thinking.
    """
    if not may_stand(value, before):
        return False
    return kind_of_value(value) != "number" or not before or before[-1] in _BEFORE_NUMBERS


def fits_class(kind: str, wanted: str, values: Sequence[str]) -> bool:
    """Return whether a relation can be what a class of values asks for ("which country").

    Args:
        kind: of the relation's values, by the phrase table; empty where it is not known.
        wanted: the class.
        values: of the relation.
    """
    written = {kind_of_value(value) for value in values}
    match wanted:
        case "date":
            return bool(written & {"day", "year"}) or kind == "date"
        case "number":
            return "number" in written or "year" in written or kind == "number"
        case "person":
            return kind in ("person", "any", "") and "text" in written
        case "org":
            return kind in ("org", "any", "") and "text" in written
        case "place":
            return kind in ("place", "country", "continent", "any", "") and "text" in written
        case "city" | "region":
            return kind in ("place", "any", "") and "text" in written
        case "country":
            n_countries = sum(is_place_part(value.casefold()) for value in values)
            is_country = kind in ("country", "") or (
                kind == "place" and 2 * n_countries > len(values)
            )
            return is_country and "text" in written
        case "continent" | "language":
            return kind in (wanted, "")
    return True
