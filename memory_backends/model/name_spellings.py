"""How a stretch of words in a text may be written as a name: with and without the marks beside it."""

from __future__ import annotations

# Marks beside a word that do not belong to its name.
BEFORE = "([{<\"'“‘«„‚¿¡*_–—-"
AFTER = ")]}>\"'”’»,.;:!?*_–—-"
# Marks after a word that may belong to the name: "Jr.", "Mercury (planet)", "Oliver!", "A*", "Na-"
_MAYBE_OF_NAME = frozenset(".)!?*-–")
# And before it: "-40 °C", "(+)-limonene", "(500) Days of Summer".
_MAYBE_BEFORE_NAME = frozenset("-–")
_POSSESSIVES = ("'s", "’s")


def spellings(text: str, start: int, first_end: int, end: int) -> list[tuple[int, int]]:
    """Return where each spelling of a stretch begins and ends; the first is without all marks.

    Args:
        start: of the first word, marks included.
        first_end: the end of the first word.
        end: of the last word, marks included.
    """
    plain = start
    while plain < first_end and text[plain] in BEFORE:
        plain += 1
    bare = end
    while bare > plain and text[bare - 1] in AFTER:
        bare -= 1
    if bare <= plain:
        return []
    ends = [bare]
    if bare < end and text[bare] in _MAYBE_OF_NAME:
        ends.append(bare + 1)
    if text.endswith(_POSSESSIVES, plain, bare) and bare - 2 > plain:
        ends.append(bare - 2)
    found = [(plain, one) for one in ends]
    if plain > start and _may_be_sign(text, plain - 1, first_end):
        found += [(plain - 1, one) for one in ends]
    return found


def _may_be_sign(text: str, place: int, first_end: int) -> bool:
    """Return whether a mark before a word may belong to its name."""
    if text[place] == "(":  # which the first word closes
        return text.find(")", place, first_end) > 0
    return text[place] in _MAYBE_BEFORE_NAME and text[place + 1 : place + 2].isdigit()
