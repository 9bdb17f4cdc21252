"""Signs in names: which marks tell two things apart ("C++", "C#"), and which only punctuate.

Hyphens between letters, full stops after initials, apostrophes, quotation marks and brackets come
and go. Mathematical and currency signs, ``# % & * @``, symbols, raised and lowered characters do
not, nor do a minus, a decimal point or a fraction stroke: whether such a mark is one of them is
seen by what stands around it.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_SIGNS = frozenset("#%&*@\\^§¶†‡‰‱′″‴‵‶※٪")
_NO_SIGNS = frozenset("©®℗™℠´`¨")
_APOSTROPHES = frozenset("'’‘ʼ`´")
_QUOTES = frozenset('"“”„')
_DASHES = frozenset("-‐‑‒–—―−⁃")
_LONG_DASHES = frozenset("—―")
_STROKES = frozenset("/⁄∕")
_NUMBER_MARKS = frozenset(".,:·")
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_MATHS = frozenset("+<>=/|~^*±×÷")
_ONE_FORM = str.maketrans(
    {**dict.fromkeys(_DASHES, "-"), **dict.fromkeys(_STROKES, "/"), "’": "'", "′": "'", "″": '"',
     "”": '"', "“": '"', "„": '"', "‘": "'", "ʼ": "'", "`": "'", "´": "'", "·": "."}
)  # fmt: skip
_KEPT_TAGS = ("<super>", "<sub>", "<fraction>", "<circle>", "<square>", "<font>")
_SHORT_SYMBOL = 3
"""Letters of the longest symbol that a sign inside a name belongs to ("OH-", not "hypo- and")."""
_SHORTEST_WORD = 2


@lru_cache(maxsize=4096)
def is_kept_apart(char: str) -> bool:
    """Return whether a compatibility character says more than the plain ones that it stands for.

    Raised, lowered, circled, squared and mathematical characters, and fractions, do. Those of
    other widths, ligatures and forms of a letter inside a word do not.
    """
    if "\ufb20" <= char <= "\ufb29":  # Hebrew letters, only wider
        return False
    return unicodedata.decomposition(char).startswith(_KEPT_TAGS)


def sign_places(text: str) -> list[int]:
    """Return where the signs of a canonical key, or of a part of one, are."""
    if text.replace(" ", "").isalnum() and text.isascii():
        return []
    return [n for n, char in enumerate(text) if not char.isspace() and _is_sign(text, n, char)]


def one_form(text: str, place: int) -> str:
    """Return the sign at a place in the form in which signs are compared: all minus signs are one.

    "½" is 1/2, but "1½" is not 11/2.
    """
    sign = text[place]
    if unicodedata.decomposition(sign).startswith("<fraction>") and not text[:place][-1:].isdigit():
        sign = unicodedata.normalize("NFKD", sign)
    return sign.translate(_ONE_FORM)


def _is_sign(text: str, n: int, char: str) -> bool:
    before, after = text[n - 1 : n] if n else "", text[n + 1 : n + 2]
    if char.isascii() and char.isalnum():
        return False
    if char in _SIGNS:
        return True
    if char in _NO_SIGNS and char not in _APOSTROPHES:
        return False
    if char in _DASHES:
        return _is_minus(text, n)
    if char in _STROKES:
        return _is_stroke(text, n)
    if char in _APOSTROPHES:
        begun = any(text[i] in _APOSTROPHES and not text[i - 1 : i].strip() for i in range(n))
        return before.isdigit() and not after.isalpha() and not begun
    if char in _QUOTES:
        is_open = sum(one in _QUOTES for one in text[:n]) % 2 == 1
        return before.isdigit() and not is_open
    if char in _NUMBER_MARKS:
        if before.isdigit() and after.isdigit():
            return True
        return char == "." and after.isalnum() and not before.strip()
    if char in "!?":
        return _is_loud_sign(text, n)
    category = unicodedata.category(char)
    if category[0] in "LMN":
        return is_kept_apart(char) and _says_more(text, n, char)
    return category in ("Sc", "Sm", "So") or (category == "Sk" and char > "\U0001f000")


def _says_more(text: str, n: int, char: str) -> bool:
    """Return whether a raised, lowered or mathematical character is more than a way of writing.

    "H₂O" is H2O, whereas "10₂" is not 102; "𝓐𝓭𝓪" is Ada, whereas "ℝ" is not R.
    """
    before, after = text[n - 1 : n] if n else "", text[n + 1 : n + 2]
    tag = unicodedata.decomposition(char).partition(" ")[0]
    if tag == "<sub>":
        is_of_formula = before.isalpha() or before in _CLOSING or (before and _is_lowered(before))
        return not (char.isdigit() and is_of_formula)
    if tag == "<font>":
        return not any(
            near and unicodedata.decomposition(near).startswith("<font>")
            for near in (before, after)
        )
    return True


def _is_lowered(char: str) -> bool:
    return char.isdigit() and unicodedata.decomposition(char).startswith("<sub>")


def _is_minus(text: str, n: int) -> bool:
    """Return whether a dash is a minus sign or a charge, and not a hyphen or a dash between words."""
    first, last = n, n
    while first and text[first - 1] in _DASHES:
        first -= 1
    while last + 1 < len(text) and text[last + 1] in _DASHES:
        last += 1
    before, after = text[first - 1 : first] if first else "", text[last + 1 : last + 2]
    if before in _MATHS and before or after in _MATHS and after:
        return True
    if _LONG_DASHES.issuperset(text[first : last + 1]):
        return False
    stands_before = not before.strip() or before in _OPENING or before in _SIGNS
    if after.isalnum():
        if not stands_before:
            return False
        is_letter = after.isalpha() and not text[last + 2 : last + 3].isalnum()
        return after.isdigit() or is_letter
    if stands_before:
        follows = text[last + 1 : last + 3]
        is_number = len(follows) > 1 and not follows[0].isspace() and follows[1].isdigit()
        return is_number or (bool(before) and before in _OPENING and after in _CLOSING)
    if after in _OPENING and after or after in _QUOTES and after:
        return False
    if not after.strip() and after:  # inside a name only behind a short symbol
        symbol = text[:first].split()[-1] if text[:first].split() else ""
        return len(symbol) <= _SHORT_SYMBOL
    return True


def _is_stroke(text: str, n: int) -> bool:
    """Return whether a stroke is more than one between two words, as in "AC/DC"."""
    left, right = text[:n].rstrip(), text[n + 1 :].lstrip()
    return not (
        len(left) >= _SHORTEST_WORD
        and left[-_SHORTEST_WORD:].isalpha()
        and len(right) >= _SHORTEST_WORD
        and right[:_SHORTEST_WORD].isalpha()
    )


def _is_loud_sign(text: str, n: int) -> bool:
    """Return whether ``!`` or ``?`` is not just the end of a word: "5!", "P!nk", "!Kung"."""
    end = n
    while end and text[end - 1] in "!?":
        end -= 1
    after = text[n + 1 : n + 2]
    if after.isalnum():
        return True
    word = text[:end].rstrip(")]}\"'”’")
    return not word[-_SHORTEST_WORD:].isalpha() or len(word) < _SHORTEST_WORD
