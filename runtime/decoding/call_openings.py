"""Where in an answer a call begins."""

from __future__ import annotations

import re

from lamlam.runtime.decoding.output_marks import CALL_OPENINGS, HEADERS

MARKS = (*CALL_OPENINGS, *HEADERS)
_ANY = re.compile("|".join(map(re.escape, sorted(MARKS, key=len, reverse=True))))
_AT_START = ("functools[", ">>>", "<function=", "<invoke ")
"""Marks that a text may well contain; they open a call only where a line begins."""
_QUOTES = "`\"'"
_TO_ALL = re.compile(r">>>\s*all\s*\n")


def find_opening(text: str, start: int = 0, end: int | None = None) -> int | None:
    """Return where the first call opens; marks in quotation marks or code are text.

    Args:
        start: of the part that is searched.
        end: of it; by default that of the text.
    """
    for found in _ANY.finditer(text, start, len(text) if end is None else end):
        at = found.start()
        before = text[start:at]
        if found[0] in _AT_START and before.rpartition("\n")[2].strip():
            continue
        if before[-1:] in _QUOTES and before and before[-1] in text[at:].partition("\n")[0]:
            continue
        if _TO_ALL.match(text, at):  # addressed to the user
            continue
        if before.count("```") % 2 == 0 or found[0] == "[TOOL_CALLS]":
            return at
    return None
