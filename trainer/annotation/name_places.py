"""Whole names at a place of a text, and proper lists of them ("A, B and C")."""

from __future__ import annotations

import re

from lamlam.trainer.annotation.sentence_tokens import NAME, is_adverb, is_gerund, words

_BETWEEN = re.compile(r"(?: \([^()]{1,40}\))?(?:,? (?:and|&) |, )(?:the )?(?=[^\W\d_a-z])")
_END = re.compile(r"(?: \([^()]{1,60}\))?(?:[,;:)\]–—\n\"”]|\.(?:\s|$)|$)")
_WORD = re.compile(r"(?: \([^()]{1,60}\))? ([\w'’-]+)")
_NO_NAMES = frozenset(
    "January February March April May June July August September October November December"
    " Monday Tuesday Wednesday Thursday Friday Saturday Sunday The A An In At On I It He She They"
    " This That These Those".split()
)
Span = tuple[int, int]


def name_at(text: str, at: int) -> Span | None:
    """Return where the whole name at a place begins and ends; None if there is none.

    A name that something longer goes on with ("Boston newspapers", "Ada's") does not count.
    """
    match = NAME.match(text, at)
    if match is None or match.group() in _NO_NAMES or len(match.group()) < 2:
        return None
    return (at, match.end()) if _is_whole(text, match.end()) else None


def names_listed_at(text: str, at: int) -> list[Span]:
    """Return the names of a list that begins at a place, as far as it is one for sure.

    A list with commas has to end with "and"; otherwise only its first name counts.
    """
    first = NAME.match(text, at)
    if first is None or first.group() in _NO_NAMES:
        return []
    spans, end, is_closed, is_broken = [(at, first.end())], first.end(), False, False
    while (between := _BETWEEN.match(text, end)) and not is_closed:
        following = NAME.match(text, between.end())
        if following is None or following.group() in _NO_NAMES:
            is_broken = True
            break
        is_closed = " and " in between.group() or " & " in between.group()
        spans.append((following.start(), following.end()))
        end = following.end()
    if not is_closed or is_broken or not _is_whole(text, end):
        spans = spans[:1]
    if len(spans) == 2 and _is_family(text, spans):
        return []
    return spans if _is_whole(text, spans[0][1]) or len(spans) > 1 else []


def _is_whole(text: str, end: int) -> bool:
    """Return whether nothing behind a name belongs to it."""
    if _END.match(text, end):
        return True
    word = _WORD.match(text, end)
    if word is None:
        return False
    said = word[1]
    return said in words("goes on") or is_adverb(said) or is_gerund(said) or said == "who"


def _is_family(text: str, spans: list[Span]) -> bool:
    """Return whether two names share the last word of the second ("Ada and Tom Quill")."""
    first, second = (text[start:end] for start, end in spans)
    return " " not in first and " " in second
