"""The form in which texts are compared by a search, and the letter groups by which an index finds them.

Every backend compares this form, made in Python, and none the folding of its database: so that
all find the same. It has no case, accents or apostrophes; dashes, underscores and marks of
punctuation are spaces, but for dots, which go without a trace; other signs stay ("c++").
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

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
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)
_UNSPACED = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3040, 0x30FF),
    (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip
"""Thai, Lao, Burmese, Khmer, kana, Han: written without spaces, so that any letter begins a word."""


def search_form(text: str) -> str:
    """Return the form of a text that a search compares; empty where it has no letters or signs.

    >>> search_form("Beyoncé  Knowles-Carter"), search_form("O'Brien, J. R."), search_form("C++")
    ('beyonce knowles carter', 'obrien j r', 'c++')
    """
    text = text[:MAX_SEARCHED_CHARACTERS]
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


def is_unspaced(text: str) -> bool:
    """Return whether a text has a letter of a script that is written without spaces."""
    return not text.isascii() and any(
        first <= code <= last for code in map(ord, text) for first, last in _UNSPACED
    )


def is_indexed(part: str) -> bool:
    """Return whether an index finds every form that has a part: not of one or two letters.

    These are in nearly every text; but of scripts without spaces they are indexed, too.
    """
    return len(part) >= GRAM or is_unspaced(part)


def sought(part: str) -> str:
    """Return what an index looks for to find forms with a part, in forms with a space at both ends.

    Of parts that are not indexed it finds those where two letters begin a word, and one is a word.

    >>> sought("resl"), sought("u2"), sought("x")
    ('resl', ' u2', ' x ')
    """
    if is_indexed(part):
        return part
    return f" {part}" if len(part) == GRAM - 1 else f" {part} "


def grams_of(form: str) -> set[str]:
    """Return the letter groups of a form: of three with a space at both ends, and where a script
    is written without spaces of one and two.

    >>> sorted(grams_of("u2 x"))
    [' u2', ' x ', '2 x', 'u2 ']
    """
    if not form:
        return set()
    padded = f" {form} "
    grams = {padded[n : n + GRAM] for n in range(len(padded) - GRAM + 1)}
    if is_unspaced(form):
        grams |= {form[n : n + size] for size in (1, 2) for n in range(len(form) - size + 1)}
        grams = {one for one in grams if len(one) == GRAM or is_unspaced(one)}
    return grams


def grams_to_find(needed: str) -> list[str]:
    """Return letter groups that every form has that holds a text (`sought`); one at least."""
    if len(needed) < GRAM:
        return [needed]
    return list(dict.fromkeys(needed[n : n + GRAM] for n in range(len(needed) - GRAM + 1)))


def all_grams(texts: Iterable[str]) -> set[str]:
    """Return the letter groups of many texts, as written."""
    grams: set[str] = set()
    for form in search_forms(texts):
        grams |= grams_of(form)
    return grams


def search_forms(texts: Iterable[str]) -> Iterator[str]:
    """Yield the forms of texts, each form once."""
    seen: set[str] = set()
    for text in texts:
        form = search_form(text)
        if form not in seen:
            seen.add(form)
            yield form
