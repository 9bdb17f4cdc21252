"""Numbers and amounts as people write them; what may mean two things is refused.

A point parts the fraction. Commas, or spaces of any kind, may stand between groups of three
digits. Every error says what to write instead.
"""

from __future__ import annotations

import re
import unicodedata

from lamlam.errors import BadFact

_SPACES = "\u0020\u00a0\u2009\u202f"
"""A space, and those that do not break a line or are thin, as typesetters part groups."""
_GROUPED = "|".join(rf"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+" for mark in f",{_SPACES}")
_WHOLE = rf"(?:{_GROUPED}|\d+)"
_SIGN = "[+\u2212-]?"
_INTEGER = re.compile(f"{_SIGN}{_WHOLE}", re.ASCII)
_DECIMAL = re.compile(rf"{_SIGN}(?:{_WHOLE}(?:\.\d*)?|\.\d+)", re.ASCII)
_SCIENTIFIC = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)[eE][+-]?\d+", re.ASCII)
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_AMOUNT = re.compile(
    rf"((?:{_SIGN}(?:\d+(?:\.\d+)?|\.\d+)[eE][+-]?\d+)|(?:{_SIGN}(?:{_WHOLE}(?:\.\d+)?|\.\d+)))"
    rf"(?![\d.,])[\s{_SPACES}]*(.+)",
    re.ASCII | re.DOTALL,
)
_NOT_IN_A_NUMBER = re.compile(f"[,{_SPACES}]")
_SEPARATORS = re.compile(rf"[.,'’{_SPACES}]")
_NUMBER_THEN_UNIT = re.compile(
    rf"({_SIGN})(\d(?:[\d.,'’{_SPACES}]*\d)?)[\s{_SPACES}]*(.*)", re.ASCII | re.DOTALL
)
_DECIMAL_COMMA = re.compile(
    rf"\d+,\d{{1,2}}|\d+,\d{{4,}}|0,\d+|[1-9]\d{{0,2}}(?:[.'’{_SPACES}]\d{{3}})+,\d+", re.ASCII
)
_OTHER_GROUPS = (
    re.compile(r"\d{1,3}(?:['’]\d{3})+(?:\.\d+)?", re.ASCII),  # 1'650
    re.compile(r"\d{1,3}(?:\.\d{3}){2,}", re.ASCII),  # 1.234.567
    re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d+)?", re.ASCII),  # 1,00,000
)
_WITH_POINT = frozenset({_OTHER_GROUPS[0], _OTHER_GROUPS[2]})
"""Those whose point parts the fraction."""
_NOT_FINITE = frozenset({"nan", "snan", "inf", "infinity"})
_EXAMPLES = {
    "integer": "write it in the digits 0 to 9, such as 1234",
    "decimal": "write it in the digits 0 to 9, with a point before the fraction, such as 3.14",
    "quantity": "write one number, with a point before the fraction, and its unit: 1.65 m",
}
_MOST_CHARACTERS = 2_000
_MOST_SHOWN = 60
_SIGNS_OF_UNITS = frozenset("%‰‱°′″µ")  # the sign, not the letter
_SHORT = "(?:sec|min|[hmsd]|hr|[mck]m|in|ft|oz|lb|k?g)"
_SECOND_NUMBER = re.compile(
    # "5 ft 11 in", "3 to 4 m"; "3 m -4 m", where an exponent has no space before its sign
    r"(?<![\w^/*·⋅.−-])\d|\s[−-]\d"
    # "5m30s", "3m-4m", "10mx5m"; not "m3h-1", "k8s" or "CO2e"
    rf"|(?<![a-z]){_SHORT}x?[−-]?\d+(?:[.,]\d+)?{_SHORT}(?![\w^−-])"
    # "3 m-4 m", "1 m85 cm": the same unit again, or more digits than exponents have
    r"|\b([^\W\d]+)[−-]\d+(?:[.,]\d+)?\s*\1\b|^[a-z]+\d\d"
)
_PER = re.compile(r"(?:\bper|/)\s+\d[\d\s,.]*", re.IGNORECASE)
_COMPOUND = re.compile(r"(?:h|hr|min|ft|lb|st|x|e[+-]?)\d|[^\w]+\d", re.IGNORECASE)


def integer_of(text: str) -> int:
    """Return the whole number that a text is.

    Raises:
        BadFact: it is none, or may be another one.
    """
    plain = text.strip()
    if len(plain) < 40 and _INTEGER.fullmatch(plain):
        return int(_without_groups(plain))
    raise _refused(text, "integer")


def decimal_text_of(text: str) -> str:
    """Return the number that a text is, as `Decimal` reads it.

    Raises:
        BadFact: it is none, or may be another one.
    """
    plain = text.strip()
    if len(plain) <= _MOST_CHARACTERS and (
        _DECIMAL.fullmatch(plain) or _SCIENTIFIC.fullmatch(plain)
    ):
        return _without_groups(plain)
    raise not_a_number(text)


def amount_of(text: str) -> tuple[str, str]:
    """Return the number, as `Decimal` reads it, and the unit that a text is.

    A unit begins with a letter or a sign that units have ("%", "°", "€"), and holds no second
    amount: "5 ft 11 in" is not 5 of anything.

    Raises:
        BadFact: it is none, or may be another one.
    """
    plain = text.strip()
    match = _AMOUNT.fullmatch(plain)
    if match is None or not _is_unit(match[2]):
        raise _refused(text, "quantity")
    return _without_groups(match[1]), match[2]


def is_plain_number(text: str) -> bool:
    """Return whether a text is a number without groups, in the digits 0 to 9."""
    plain = text.strip()
    return bool(_PLAIN.fullmatch(plain))


def _is_unit(unit: str) -> bool:
    first = unit[0]
    if not (
        first.isalpha()
        or first in _SIGNS_OF_UNITS
        or unicodedata.category(first) == "Sc"
        or first in "℃℉"
    ):
        return False
    return not (_SECOND_NUMBER.search(_PER.sub("", unit)) or _COMPOUND.match(unit))


def _without_groups(number: str) -> str:
    return _NOT_IN_A_NUMBER.sub("", number).replace("\u2212", "-")


def _instead(plain: str, kind: str) -> str:
    """Return what to write in place of a text; the very number where it is clear which is meant."""
    match = None if len(plain) > _MOST_SHOWN else _NUMBER_THEN_UNIT.fullmatch(_in_our_digits(plain))
    if match is None or (match[3] and not _is_unit(match[3])):
        return _EXAMPLES[kind]
    sign, number, unit = match[1].replace("\u2212", "-"), match[2], match[3]
    if _DECIMAL_COMMA.fullmatch(number):
        whole, _, fraction = number.rpartition(",")
        number = f"{_SEPARATORS.sub('', whole)}.{fraction}"
    elif shape := next((one for one in _OTHER_GROUPS if one.fullmatch(number)), None):
        whole, _, fraction = number.partition(".") if shape in _WITH_POINT else (number, "", "")
        number = _SEPARATORS.sub("", whole) + (f".{fraction}" if fraction else "")
    elif _DECIMAL.fullmatch(number):
        number = _without_groups(number)
    else:
        return _EXAMPLES[kind]
    if kind != "quantity" and unit:
        return f"{kind}s have no unit; take the type quantity for {sign}{number} {unit}"
    if kind == "quantity" and not unit:
        return f"write {sign}{number} and its unit, as in 1.65 m"
    if kind == "integer" and "." in number:
        return f"an integer has no fraction; for {sign}{number} take the type decimal"
    return f"write {sign}{number} {unit}".rstrip()


def _in_our_digits(text: str) -> str:
    return "".join(
        str(unicodedata.decimal(char)) if unicodedata.category(char) == "Nd" else char
        for char in text
    )


def not_a_number(text: str) -> BadFact:
    """Return the error of a text that is not a decimal number, with what to write."""
    if text.strip().lstrip("+-").casefold() in _NOT_FINITE:
        return BadFact(f"a number must be finite, got {text.strip()}")
    return BadFact(f"{_shown(text)} is not a number", hint=_instead(text.strip(), "decimal"))


def _refused(text: str, kind: str) -> BadFact:
    return BadFact(
        f"{_shown(text)} is not a value of type {kind}", hint=_instead(text.strip(), kind)
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}...")
