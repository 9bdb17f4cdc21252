"""The form in which texts are compared by a search, and the letter groups by which an index finds them.

Every backend compares this form, made in Python, and none the folding of its database: so that
all find the same. It has no case, accents or apostrophes; dashes, underscores and marks of
punctuation are spaces, but for dots, which go without a trace; other signs stay ("c++").
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from lamlam.memory_backends.model.keys import canonical_key

MAX_SEARCHED_CHARACTERS = 10_000
"""Of a longer value or source only the beginning is searched."""
GRAM = 3
_SIGNS = "+#&%$@*=<>~^"
_GONE = "'`."
_ASCII = str.maketrans(
    {
        **{chr(n): " " for n in range(128) if not chr(n).isalnum() and chr(n) not in _SIGNS},
        **dict.fromkeys(_GONE),
    }
)
_GONE_TOO = frozenset("’‘ʼʻʽʾʿ´·")
_ALPHABET = f"abcdefghijklmnopqrstuvwxyz0123456789{_SIGNS} "
"""All that forms of ASCII are made of."""
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)


def search_form(text: str, most: int = MAX_SEARCHED_CHARACTERS) -> str:
    """Return the form of a text that a search compares; empty where it has no letters or signs.

    Only so many characters from its beginning are read.

    >>> search_form("Beyoncé  Knowles-Carter"), search_form("O'Brien, J. R."), search_form("C++")
    ('beyonce knowles carter', 'obrien j r', 'c++')
    """
    text = text[:most]
    if text.isascii():
        return " ".join(text.casefold().translate(_ASCII).split())
    key = canonical_key(text).translate(_LETTERS)
    plain = unicodedata.normalize("NFKD", key).casefold().translate(_ASCII)
    letters = [_plain(char) for char in plain]
    return " ".join(unicodedata.normalize("NFC", "".join(letters)).split())


def _plain(char: str) -> str:
    if char <= "\x7f":
        return char
    # Accents of Latin, Greek and Cyrillic alone: elsewhere such marks are vowels.
    if "\u0300" <= char <= "\u036f" or char in _GONE_TOO:
        return ""
    return " " if unicodedata.category(char)[0] in "PZC" else char


def is_indexed(part: str) -> bool:
    """Return whether an index finds every form that has a part: all but single letters of ASCII."""
    return len(part) > 1 or not part.isascii()


def grams_of(form: str) -> set[str]:
    """Return the letter groups of a form: of three letters, with a space at both ends.

    Of a form that is not ASCII alone, those of one and two too: names of Chinese have no more,
    and what may stand beside two letters is not known there.

    >>> sorted(grams_of("u2 x"))
    [' u2', ' x ', '2 x', 'u2 ']
    """
    if not form:
        return set()
    padded = f" {form} "
    grams = {padded[n : n + GRAM] for n in range(len(padded) - GRAM + 1)}
    if not form.isascii():
        grams |= {form[n : n + size] for size in (1, 2) for n in range(len(form) - size + 1)}
    return grams


def grams_to_find(needed: str) -> list[list[str]]:
    """Return lists of letter groups: every form that holds a text has all groups of one of them.

    For a single letter of ASCII they are those of forms in which it is a word.

    >>> grams_to_find("resl"), grams_to_find("x"), len(grams_to_find("u2"))
    ([['res', 'esl']], [[' x ']], 50)
    """
    if len(needed) >= GRAM:
        every = [needed[n : n + GRAM] for n in range(len(needed) - GRAM + 1)]
        return [list(dict.fromkeys(every))]
    if not needed.isascii():
        return [[needed]]
    if len(needed) == 1:
        return [[f" {needed} "]]
    return [[needed], *([needed + letter] for letter in _ALPHABET)]


def all_grams(texts: Iterable[str]) -> set[str]:
    """Return the letter groups of many texts, as written."""
    grams: set[str] = set()
    for form in {search_form(text) for text in texts}:
        grams |= grams_of(form)
    return grams
