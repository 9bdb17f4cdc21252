"""Texts with the reference's calls, ``[dblookup('E', 'R') -> V]``, as documents.

A value that the text repeats right after its call has a place; one that it
writes otherwise ("A, B and C" for "A, B, C", "painter and sculptor") is looked
for in the words that follow. Without a place, a fact is one of the document
that its text does not state.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lamlam.trainer.annotation.folding import folded
from lamlam.trainer.annotation.value_forms import value_forms
from lamlam.trainer.documents import Document, StatedFact
from lamlam.trainer.lookup_format import LookupCall, PlainText, read_calls

_OPEN = "[dblookup("
_REACH = 160
"""Characters behind a call within which its value may stand."""
_SHOWN = 60
# A call that could not be read: its text goes, up to the bracket that closes it on its line.
_BROKEN = re.compile(r"[ \t]?\[dblookup\([^\]\n]*(?:\]|$)?")


@dataclass(frozen=True, slots=True)
class ReadCalls:
    """A document, and the calls that could not be read."""

    document: Document
    malformed: tuple[str, ...]
    """How each begins."""


def has_calls(text: str) -> bool:
    """Return whether a text has calls, well formed or not."""
    return _OPEN in text


def document_of_calls(text: str, *, title: str = "", source: str = "") -> ReadCalls:
    """Return the document that a text with calls is.

    Args:
        text: with calls.
        title: of the document; the entity of its first call if empty.
        source: where it is from.
    """
    parts: list[str] = []
    calls: list[tuple[int, LookupCall]] = []
    malformed: list[str] = []
    length = 0
    for piece in read_calls(text):
        if isinstance(piece, LookupCall):
            calls.append((length, piece))
            continue
        plain = _without_broken(piece, malformed)
        if not parts:
            plain = plain.lstrip()
        parts.append(plain)
        length += len(plain)
    whole = "".join(parts).rstrip()
    stated: list[StatedFact] = []
    others: list[tuple[str, str, str]] = []
    folded_text = folded(whole)
    end = 0
    for n, (at, call) in enumerate(calls):
        reach = (
            calls[n + 1][0] + len(calls[n + 1][1].value) + 2 if n + 1 < len(calls) else at + _REACH
        )
        place = _place_of(call.value, folded_text, max(at, end), min(reach, at + _REACH))
        if place is None:
            others.append((call.entity, call.relation, call.value))
            continue
        value = whole[place[0] : place[1]]
        stated.append(StatedFact(call.entity, call.relation, value, place[0]))
        end = place[1]
    title = title or (calls[0][1].entity if calls else "")
    return ReadCalls(Document(title, whole, tuple(stated), tuple(others), source), tuple(malformed))


def _without_broken(piece: PlainText, malformed: list[str]) -> str:
    if _OPEN not in piece.text:
        return piece.text

    def drop(match: re.Match[str]) -> str:
        malformed.append(match.group().strip()[:_SHOWN])
        return ""

    return _BROKEN.sub(drop, piece.text)


def _place_of(value: str, folded_text: str, at: int, end: int) -> tuple[int, int] | None:
    """Return where a value stands at or behind a place, in the first form that does."""
    found = None
    for form in value_forms(value):
        start = folded_text.find(form, at, end + len(form))
        while start >= 0 and _is_within_word(folded_text, start, start + len(form)):
            start = folded_text.find(form, start + 1, end + len(form))
        if start >= 0 and (found is None or start < found[0]):
            found = (start, start + len(form))
    return found


def _is_within_word(text: str, start: int, end: int) -> bool:
    return (start > 0 and text[start - 1].isalnum() and text[start].isalnum()) or (
        text[end : end + 1].isalnum() and text[end - 1].isalnum()
    )
