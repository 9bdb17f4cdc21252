"""Values that a text states, found by rule: dates, years, numbers and names.

What the rule cannot see: values in small letters ("a chemist"), numbers as words, days without
a year, decades, ordinals, a name of one word at the beginning of a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from lamlam.memory_backends.model.date_texts import MONTHS

ValueKind = Literal["date", "number", "name"]

_MONTH = "|".join(MONTHS)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_YEAR = r"\d{3,4}(?: BCE?)?"
_DATE = re.compile(
    rf"\b(?:{_DAY} (?:{_MONTH}),? {_YEAR}|(?:{_MONTH}) {_DAY}, {_YEAR}|(?:{_MONTH}),? {_YEAR}"
    r"|\d{4}-\d{2}-\d{2}|(?:1\d|20)\d\d)\b(?!,\d{3})(?!\.\d)"
)
# Read and left out: a day without a year, a decade, an ordinal, a number inside a longer sign.
_NO_VALUE = re.compile(
    rf"\b(?:{_DAY} (?:of )?(?:{_MONTH})|(?:{_MONTH}) {_DAY})\b|\b\d+(?:s|st|nd|rd|th)\b"
    r"|[^\W\d_]+[-–]?\d[\w-]*|\b\d+[-–]?[a-zµ][\w-]*"
)
_NUMBER = re.compile(r"(?<![\w.,/–-])(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\w/])")
_WORD = re.compile(r"[^\W_](?:[^\W_]|['’.&-](?=[^\W_]))*")
_BREAK = re.compile(r"[.!?:]['\"”’)]*\s+$|\n\s*$|^\W*$")
_POSSESSIVE = re.compile(r"['’]s?$")
# Small words that may stand inside a name.
_INSIDE = frozenset("of the de la le du da di del der den van von und y e al bin ibn zu".split())
_SHORTENED = frozenset("St Mt Ft Dr Mr Mrs Ms Prof Gen Col Capt Lt Sgt Rev".split())
# Words that begin sentences and no names; names that begin with one of them lose it there.
_OPENERS = frozenset(
    (
        "a an the he she it they we his her its their this that these those in on at by for from"
        " with as after before during since until while when where who which although though"
        " because both each some many most other there here and but or if so however also later"
        " then today born raised based according one two three her him not no"
    ).split()
)


@dataclass(frozen=True, slots=True)
class StatedValue:
    """A stretch of a text that states a value."""

    start: int
    end: int
    text: str
    kind: ValueKind


def words_of(text: str) -> list[str]:
    """Return the words of a text in small letters, without the "'s" of a possessive.

    >>> words_of("Poland's capital, Warsaw")
    ['poland', 'capital', 'warsaw']
    """
    return [_POSSESSIVE.sub("", match[0]).casefold() for match in _WORD.finditer(text)]


def stated_values(text: str, start: int = 0, known: Collection[str] = ()) -> list[StatedValue]:
    """Return the dates, numbers and names of a text, in order.

    Args:
        start: where the written part begins; the text before it is read for its sentences only.
        known: words in small letters that state nothing: those of the prompt and of the
            entity's names. A value is left out where all its words are among them.
    """
    covered = bytearray(len(text))
    found: list[StatedValue] = []
    for pattern, kind in ((_DATE, "date"), (_NO_VALUE, None), (_NUMBER, "number")):
        for match in pattern.finditer(text, start):
            if any(covered[match.start() : match.end()]):
                continue
            covered[match.start() : match.end()] = b"\1" * (match.end() - match.start())
            if kind == "date":
                found.append(StatedValue(match.start(), match.end(), match[0], "date"))
            elif kind == "number":
                found.append(StatedValue(match.start(), match.end(), match[0], "number"))
    found += _names(text, start, covered)
    nothing_new = {*known, *_INSIDE}
    found = [one for one in found if not nothing_new.issuperset(words_of(one.text))]
    return sorted(found, key=lambda one: one.start)


def _names(text: str, start: int, covered: bytearray) -> Iterator[StatedValue]:
    """Yield the stretches of capitalised words, small words inside them included."""
    run: list[re.Match[str]] = []
    pending: list[re.Match[str]] = []
    for match in _WORD.finditer(text, start):
        is_free = not any(covered[match.start() : match.end()])
        joins = bool(run) and _joins(text[(pending or run)[-1].end() : match.start()], run[-1][0])
        if is_free and _begins_name(match[0]):
            if not joins:
                yield from _name(text, run)
                run = []
            run += [*pending, match] if joins else [match]
            pending = []
        elif joins and is_free and match[0] in _INSIDE and len(pending) < 2:
            pending.append(match)
        else:
            yield from _name(text, run)
            run, pending = [], []
    yield from _name(text, run)


def _begins_name(word: str) -> bool:
    """Return whether a word may be of a name: "Rome", "4Kids"."""
    return word[0].isupper() or (word[0].isdigit() and word.lstrip("0123456789")[:1].isupper())


def _joins(between: str, before: str) -> bool:
    """Return whether two words may belong to one name: "J. Smith", not "Rome. Smith"."""
    is_initial = len(before) == 1 or "." in before or before in _SHORTENED
    return between in (" ", " & ") or (between == ". " and is_initial)


def _name(text: str, run: list[re.Match[str]]) -> Iterator[StatedValue]:
    if not run:
        return
    if _BREAK.search(text[: run[0].start()]):
        if len(run) == 1:  # any word is capitalised here
            return
        if run[0][0].casefold() in _OPENERS:
            run = run[1:]
        while run and run[0][0] in _INSIDE:
            run = run[1:]
        if not run:
            return
    begin, end = run[0].start(), run[-1].end()
    name = _POSSESSIVE.sub("", text[begin:end])
    if name.casefold() in _OPENERS or name in MONTHS or name == "I":
        return
    yield StatedValue(begin, begin + len(name), name, "name")
