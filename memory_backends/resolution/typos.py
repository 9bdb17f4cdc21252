"""Misspellings: when one name is a typing error for another, by edit (Levenshtein, OSA) distance."""

from __future__ import annotations

from rapidfuzz.distance import OSA

from lamlam.memory_backends.resolution.given_names import is_given_name

ACCEPTED_SCORE = 0.80
"""Lowest likeness of two whole names at which one may answer for the other."""
_ONE_SLIP_FROM = 5
_TWO_SLIPS_FROM = 9


def misspelling_score(typed: str, stored: str) -> float:
    """Return how alike a typed and a stored name are; 0 unless each word is a slip of the other.

    Both folded. The words are compared one by one: as many, in the same order, each with at
    most one slip (two in long words), digits equal. The first word of several is a given
    name more often than not: it keeps its first and last letter, and what is a given name
    itself ("Marie") is never read as another ("Maria").
    """
    a, b = typed.split(), stored.split()
    if len(a) != len(b):
        return 0.0
    for n, (word, other) in enumerate(zip(a, b, strict=True)):
        is_slip = _is_slip(word, other, is_only=len(a) == 1, is_first=n == 0 and len(a) > 1)
        if word != other and not is_slip:
            return 0.0
    score = likeness(typed, stored)
    return score if score >= ACCEPTED_SCORE else 0.0


def likeness(a: str, b: str) -> float:
    """Return one minus the share of letters to insert, delete, replace or swap."""
    return float(OSA.normalized_similarity(a, b))


def _is_slip(word: str, other: str, *, is_only: bool, is_first: bool) -> bool:
    shorter = min(len(word), len(other))
    if shorter < _ONE_SLIP_FROM - 1 or max(len(word), len(other)) < _ONE_SLIP_FROM:
        return False
    if not (word.isalpha() and other.isalpha()):
        return False
    # "Georgia" and "Georgian", "Paul" and "Paula": there an ending is not a slip.
    if (is_only or is_first) and (word.startswith(other) or other.startswith(word)):
        return False
    if is_first and (word[0] != other[0] or word[-1] != other[-1] or is_given_name(word)):
        return False
    allowed = 2 if shorter >= _TWO_SLIPS_FROM and not is_first else 1
    return OSA.distance(word, other, score_cutoff=allowed) <= allowed
