"""Keys: when two spellings are the same name, computed in one place for every backend."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from lamlam.memory_backends.model.place_names import is_place_part

KEY_VERSION = 1
"""Changes with any change of the functions below; a store records it."""

_WIDE_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)
_APOSTROPHES = str.maketrans(dict.fromkeys("'’‘ʼ`´"))
_BRACKET = re.compile(r"^(.*\S)\s*[(\[]([^()\[\]]*)[)\]]$")
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "v", "phd", "md", "esq"})
_PARTICLES = frozenset(
    "van von der den de del della di da dos du la le al el bin ibn ten ter st".split()
)
_MOST_PLACES = 2
_ASCII_MARKS = re.compile(r"[^0-9a-z]+")


def canonical_key(text: str) -> str:
    """Return the key under which a name is stored: equal keys are the same name.

    Compatibility forms are unified (NFKC), case is folded, ``_`` is a space, and runs of
    white space are one space. Applied to its own result it changes nothing.

    >>> canonical_key("  Marie_CURIE ")
    'marie curie'
    """
    if text.isascii():
        folded = text.casefold()
    else:
        folded = text
        # One round of folding can open the way for another; three reach the end.
        for _ in range(3):
            folded = unicodedata.normalize("NFKC", folded).casefold()
        folded = unicodedata.normalize("NFKC", folded)
    words = folded.replace("_", " ").split() if "_" in folded else folded.split()
    # A name of underscores alone is kept as it is: a key is never empty.
    return " ".join(words or folded.split()) or folded


@lru_cache(maxsize=4096)
def relation_key(text: str) -> str:
    """Return the canonical key of a relation; the same few names are asked for again and again."""
    return canonical_key(text)


class FoldedName(NamedTuple):
    """A name without what people add, drop or spell differently."""

    key: str
    """Letters and digits of the name proper, single spaces between the words."""
    qualifier: str
    """What stood in brackets at the end or named a place after a comma, folded; or empty."""


def folded_key(text: str) -> str:
    """Return the name without accents, punctuation, leading "the" and trailing qualifier.

    >>> folded_key("The Béatles (band)"), folded_key("Lovelace, Ada")
    ('beatles', 'ada lovelace')
    """
    return fold(canonical_key(text)).key


@lru_cache(maxsize=4096)
def fold(key: str) -> FoldedName:
    """Return the folded form of a canonical key.

    "Last, First" becomes "first last"; "Springfield, Ohio" leaves Ohio as the qualifier.
    """
    if key.replace(" ", "").isalnum() and key.isascii():
        return FoldedName(_without_the(key), "")
    rest, qualifiers = key, []
    while match := _BRACKET.match(rest):
        rest = match[1]
        qualifiers.append(match[2])
    if "," in rest:
        head, *parts = [part.strip() for part in rest.split(",")]
        plain_parts = [_plain(part) for part in parts]
        if not head or not all(plain_parts):
            pass
        elif len(parts) <= _MOST_PLACES and all(map(is_place_part, plain_parts)):
            rest = head
            qualifiers += parts
        elif len(parts) == 1 and plain_parts[0] not in _SUFFIXES and _is_last_name(head):
            rest = f"{parts[0]} {head}"
    name = _without_the(_plain(rest)) or _plain(key) or key
    return FoldedName(name, _plain(" ".join(qualifiers)) if qualifiers else "")


def qualifiers_agree(a: str, b: str) -> bool:
    """Return false where both names carry a qualifier and these differ ("actor", "footballer")."""
    if not a or not b or a == b:
        return True
    first, second = set(a.split()), set(b.split())
    return first <= second or second <= first


def _is_last_name(head: str) -> bool:
    """Return whether it may stand before the comma of "Gogh, Vincent" and "van Gogh, Vincent".

    Of "Tony Curtis, Edward Fox" no one name can be made.
    """
    *particles, _ = head.split()
    return all(particle in _PARTICLES for particle in particles)


def _without_the(name: str) -> str:
    return name[4:] if name.startswith("the ") else name


def _plain(text: str) -> str:
    """Return letters, digits and single spaces only, without accents on letters."""
    text = text.translate(_APOSTROPHES)
    if text.isascii():
        return _ASCII_MARKS.sub(" ", text).strip()
    letters = []
    for char in unicodedata.normalize("NFKD", text.translate(_WIDE_LETTERS)):
        if "\u0300" <= char <= "\u036f":  # accents of Latin, Greek and Cyrillic alone:
            continue  # in other scripts such marks are vowels and must stay
        letters.append(char if unicodedata.category(char)[0] in "LNM" else " ")
    return " ".join(unicodedata.normalize("NFC", "".join(letters)).split())
