"""Keys: when two spellings are the same name, computed in one place for every backend."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

from lamlam.memory_backends.model.name_signs import is_kept_apart, one_form, sign_places
from lamlam.memory_backends.model.place_names import is_place_part

KEY_VERSION = 2
"""Changes with any change of `canonical_key` or of `fold`'s letters; a store records it."""

_WIDE_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)
_APOSTROPHES = str.maketrans(dict.fromkeys("'’‘ʼ`´"))
_AMPERSAND = re.compile(r"\s*&\s*")
_ANY_APOSTROPHE = re.compile("[’‘ʼʻʽʾʿ`´]")
_BRACKET = re.compile(r"^(.*\S)\s*[(\[]([^()\[\]]*)[)\]]$")
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "v", "phd", "md", "esq"})
_PARTICLES = frozenset(
    "van von der den de del della di da dos du la le al el bin ibn ten ter st".split()
)
_MOST_PLACES = 2
_ASCII_MARKS = re.compile(r"[^0-9a-z]+")
_NO_LETTERS = str.maketrans(dict.fromkeys("™℠"))
_LONGEST_LABEL = 3
"""Letters of a bracket that belongs to the name that it touches: "Fe(III)", not "Mercury(planet)"."""


def canonical_key(text: str) -> str:
    """Return the key under which a name is stored: equal keys are the same name.

    Compatibility forms that say no more than plain characters are unified (NFKC without those
    of `is_kept_apart`: "10²" is not "102"), case is folded, ``_`` is a space, and runs of white
    space are one space. Applied to its own result it changes nothing.

    >>> canonical_key("  Marie_CURIE "), canonical_key("ＡＢＣ 10²")
    ('marie curie', 'abc 10²')
    """
    if text.isascii():
        folded = text.casefold()
    else:
        folded = text
        # One round of folding can open the way for another; three reach the end.
        for _ in range(3):
            folded = _unified(folded).casefold()
        folded = _unified(folded)
    words = folded.replace("_", " ").split() if "_" in folded else folded.split()
    # A name of underscores alone is kept as it is: a key is never empty.
    return " ".join(words or folded.split()) or folded


def _unified(text: str) -> str:
    """Return the text in normal form NFKC, except for characters that are kept apart."""
    plain = unicodedata.normalize("NFKC", text)
    if plain == text:
        return text
    composed = unicodedata.normalize("NFC", text)
    if plain == composed:
        return plain
    parts, begin = [], 0
    for n, char in enumerate(composed):
        if char > "\x7f" and is_kept_apart(char):
            parts += [unicodedata.normalize("NFKC", composed[begin:n]), char]
            begin = n + 1
    return "".join([*parts, unicodedata.normalize("NFKC", composed[begin:])])


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
    signs: str = ""
    """Letters, digits and signs of the name proper, without spaces; empty where it has no sign.

    Names that differ in signs are different things: "C++", "C#" and "C"."""


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

    >>> fold("c++").key, fold("c++").signs
    ('c', 'c++')
    """
    if key.replace(" ", "").isalnum() and key.isascii():
        return FoldedName(_without_the(key), "")
    rest = key.replace(" & ", " and ")
    qualifiers: list[str] = []
    labels: list[str] = []
    while match := _BRACKET.match(rest):
        rest = match[1]
        if _is_label(match[2], is_touching=match.end(1) == match.start(2) - 1):
            labels.insert(0, match[2])
        qualifiers.append(match[2])
    named = rest
    if "," in rest:
        head, *parts = [part.strip() for part in rest.split(",")]
        plain_parts = [_plain(part) for part in parts]
        if not head or not all(plain_parts):
            pass
        elif len(parts) <= _MOST_PLACES and all(map(is_place_part, plain_parts)):
            named = rest = head
            qualifiers += parts
        elif len(parts) == 1 and plain_parts[0] not in _SUFFIXES and _is_last_name(head):
            rest = f"{parts[0]} {head}"
    name = _without_the(_plain(rest)) or _plain(key) or key
    qualifier = " ".join(filter(None, map(_plain_or_signs, qualifiers)))
    signs = _signs(_without_the(rest)) or _signs(_without_the(named))
    if labels:
        signs = f"{signs or _letters(_without_the(rest))}({')('.join(map(_marked, labels))})"
    return FoldedName(name, qualifier, signs)


def with_other_marks(key: str) -> tuple[str, ...]:
    """Return a canonical key with "&" written in the other ways, and apostrophes likewise.

    >>> with_other_marks("at & t"), with_other_marks("ada")
    (('at&t',), ())
    """
    others = [key]
    if "&" in key:
        others += [_AMPERSAND.sub(mark, key) for mark in ("&", " & ")]
    if (plain := _ANY_APOSTROPHE.sub("'", key)) != key or "'" in key:
        others += [plain.replace("'", mark) for mark in "'’ʻ"]
    return tuple(dict.fromkeys(others))[1:]


def written_qualifier(name: str) -> str:
    """Return the qualifier of a name as its author wrote it; empty where it has none.

    >>> written_qualifier("Mercury (planet)"), written_qualifier("Springfield, Ohio")
    ('planet', 'Ohio')
    """
    if not fold(canonical_key(name)).qualifier:
        return ""
    bracket = _BRACKET.match(name.strip())
    return bracket[2].strip() if bracket else name.partition(",")[2].strip()


def names_agree(a: FoldedName, b: FoldedName) -> bool:
    """Return whether neither signs nor qualifiers tell two names of the same letters apart."""
    return a.signs == b.signs and qualifiers_agree(a.qualifier, b.qualifier)


def signs_of(key: str) -> str:
    """Return letters, digits and signs of a canonical key; empty where it has no sign.

    >>> signs_of("price €"), signs_of("birth-place")
    ('price€', '')
    """
    return _signs(key)


def _is_label(text: str, *, is_touching: bool) -> bool:
    """Return whether a bracket at the end is a part of the name: of "(+)" and "Fe(III)" it is."""
    if not any(char.isalnum() for char in text):
        if not text.strip(" –—"):  # where no dates of a life are known
            return False
        return bool(sign_places(f"({text})"))
    return is_touching and all(len(word) <= _LONGEST_LABEL for word in _plain(text).split())


def _plain_or_signs(text: str) -> str:
    """Return a qualifier, folded: as one word where it has signs, by which it differs from others."""
    plain = _plain(text)
    return plain and (_signs(text) or plain)


def _marked(text: str) -> str:
    return _signs(f"({text})") or _letters(text)


def _signs(text: str) -> str:
    places = sign_places(text)
    if not places:
        return ""
    parts, begin = [], 0
    for place in places:
        parts += [_letters(text[begin:place]), one_form(text, place)]
        begin = place + 1
    return "".join([*parts, _letters(text[begin:])]).replace("''", '"')  # as 5″ is written


def _letters(text: str) -> str:
    return _plain(text).replace(" ", "")


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
    decomposed = unicodedata.normalize("NFKD", text.translate(_WIDE_LETTERS))
    if not unicodedata.is_normalized("NFKC", text):  # it has characters that are kept apart
        text = text.translate(_NO_LETTERS)
        decomposed = unicodedata.normalize("NFKD", text.translate(_WIDE_LETTERS)).casefold()
    letters = []
    for char in decomposed:
        if "\u0300" <= char <= "\u036f":  # accents of Latin, Greek and Cyrillic alone:
            continue  # in other scripts such marks are vowels and must stay
        letters.append(char if unicodedata.category(char)[0] in "LNM" else " ")
    return " ".join(unicodedata.normalize("NFC", "".join(letters)).split())
