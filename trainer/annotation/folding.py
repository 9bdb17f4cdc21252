"""Text folded for comparison, character by character, so that offsets stay.

Letter case, accents, kinds of dashes, quotation marks and spaces count alike;
a hyphen counts as a space ("Jean-Paul", "Jean Paul").
"""

from __future__ import annotations

import re
import unicodedata

_KINDS = {"Pd": " ", "Zs": " ", "Cc": " "}
_ALIKE = {"_": " ", "‘": "'", "’": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"'}
# Letters that Unicode does not take apart, but English texts write without their stroke.
_STROKES = {"ø": "o", "đ": "d", "ł": "l", "ı": "i", "ħ": "h"}


class _Folds(dict[int, str]):
    """The folded form of each character that was met."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold(chr(code))
        return folded


def _fold(char: str) -> str:
    if char in _ALIKE:
        return _ALIKE[char]
    if kind := _KINDS.get(unicodedata.category(char)):
        return kind
    parts = unicodedata.normalize("NFKD", char)
    base = "".join(part for part in parts if not unicodedata.combining(part)).lower()
    base = _STROKES.get(base, base)
    return base if len(base) == 1 else char


_FOLDS = _Folds()
_SPACES = re.compile("  +")


def folded(text: str) -> str:
    """Return the text folded, of the same length.

    >>> folded("Łódź, Jean-Paul’s")
    "lodz, jean paul's"
    """
    return text.translate(_FOLDS)


def folded_key(name: str) -> str:
    """Return a name or value folded, with single spaces and none around it."""
    composed = unicodedata.normalize("NFC", name)
    return _SPACES.sub(" ", composed.translate(_FOLDS)).strip()
