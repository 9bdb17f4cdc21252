"""Cut texts for display between characters as people see them, not amid one."""

from __future__ import annotations

import unicodedata

_JOINER = "\u200d"
_MOST_PARTS = 16
"""Code points that one character as seen may have; more is made to be long."""


def cut_text(text: str, most: int, mark: str = "…") -> str:
    """Return the text, or its beginning and a mark, at most ``most`` code points in all.

    Accents stay with their letters, joined emoji and flags stay whole.

    >>> cut_text("abcdef", 4), cut_text("abe\\u0301f", 4)
    ('abc…', 'ab…')
    """
    if len(text) <= most:
        return text
    return text[: cut_place(text, most - len(mark))] + mark


def cut_place(text: str, most: int) -> int:
    """Return where a text may be cut at the latest so that ``most`` code points are left."""
    at = most
    while at > max(0, most - _MOST_PARTS) and _belongs_together(text, at):
        at -= 1
    return at if at > 0 and not _belongs_together(text, at) else most


def _belongs_together(text: str, at: int) -> bool:
    """Return whether the code points before and after a place are one character as seen."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if after == _JOINER or before == _JOINER or unicodedata.category(after)[0] == "M":
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff":  # skin tones
        return True
    if _is_flag_half(after):
        start = at
        while start > 0 and _is_flag_half(text[start - 1]):
            start -= 1
        return (at - start) % 2 == 1
    return before == "\r" and after == "\n"


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
