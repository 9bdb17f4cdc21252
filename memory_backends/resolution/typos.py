"""Misspellings: when one name is a typing error for another, by edit (Levenshtein, OSA) distance.

A slip turns a word into a string that is none. A word that exists is another name, however near.
"""

from __future__ import annotations

from rapidfuzz.distance import OSA, Postfix, Prefix

from lamlam.memory_backends.resolution.given_names import is_given_name
from lamlam.memory_backends.resolution.known_words import is_known_word
from lamlam.memory_backends.resolution.opposites import are_opposed

ACCEPTED_SCORE = 0.80
"""Lowest likeness of two whole names at which one may answer for the other."""
MOST_SLIPS = 2
"""In a whole name."""
_ONE_SLIP_FROM = 5
_ALONE_FROM = 7
_TWO_SLIPS_FROM = 11


def count_slips(typed: str, stored: str, is_qualified: bool = False) -> int:
    """Return how many letters were mistyped; 0 unless the typed name is a slip of the stored one.

    Both folded. The words are compared one by one: as many, in the same order, each with at
    most one slip (two in long words), digits equal; one word alone has at least seven
    letters and keeps its first.
    What was typed for a word is not a word itself ("Gambia" for "Zambia"), nor is it the same
    stem with another ending or beginning ("butene" for "butane"). The first word of several
    is a given name more often than not: it keeps its first and last letter, and what is a
    given name itself ("Marie") is never read as another ("Maria").

    Args:
        is_qualified: both names have the same qualifier, which no slip was made in.
    """
    slips = OSA.distance(typed, stored, score_cutoff=MOST_SLIPS)
    if slips > MOST_SLIPS or not slips:
        return 0
    if slips > (1 - ACCEPTED_SCORE) * max(len(typed), len(stored)):
        return 0
    a, b = typed.split(), stored.split()
    if len(a) != len(b):
        return 0
    if len(a) == 1:
        is_slip = (is_qualified or _may_be_alone(typed, stored)) and _keeps_end(typed, stored)
        return slips if is_slip and _is_slip(typed, stored, slips) else 0
    if a[0] != b[0] and not (_keeps_end(a[0], b[0]) and _is_slip_of_given_name(a[0], b[0])):
        return 0
    for word, other in zip(a, b, strict=True):
        if word != other and not _is_slip(word, other, slips):
            return 0
    return slips


def _may_be_alone(typed: str, stored: str) -> bool:
    """Return whether one word says enough, with no other beside it that is right."""
    return typed[0] == stored[0] and min(len(typed), len(stored)) >= _ALONE_FROM


def likeness(a: str, b: str) -> float:
    """Return one minus the share of letters to insert, delete, replace or swap."""
    return float(OSA.normalized_similarity(a, b))


def _keeps_end(word: str, other: str) -> bool:
    """Return whether neither is the other with an ending: "Georgia" and "Georgian"."""
    return not (word.startswith(other) or other.startswith(word))


def _is_slip_of_given_name(word: str, other: str) -> bool:
    return (
        word[0] == other[0]
        and word[-1] == other[-1]
        and OSA.distance(word, other, score_cutoff=1) <= 1
        and not is_given_name(word)
    )


def _is_slip(word: str, other: str, most: int) -> bool:
    """Return whether a word was mistyped for another, with at most so many slips."""
    n, longest = len(word), len(other)
    if n > longest:
        n, longest = longest, n
    if n < _ONE_SLIP_FROM - 1 or longest < _ONE_SLIP_FROM:
        return False
    # Of other scripts no words are known, and so no slips either: "сульфат" and "сульфит".
    if not (word.isalpha() and other.isalpha() and word.isascii() and other.isascii()):
        return False
    # "Ambridge" and "Cambridge": nobody leaves out or adds the first letter.
    if word.endswith(other) or other.endswith(word):
        return False
    if (
        most > 1
        and OSA.distance(word, other, score_cutoff=1) > 1
        and (n < _TWO_SLIPS_FROM or not _are_apart(word, other))
    ):
        return False
    return not (is_known_word(word) or are_opposed(word, other))


def _are_apart(word: str, other: str) -> bool:
    """Return whether two slips stand in different places.

    Together they are rather another syllable: "prednisone" and "prednisolone".
    """
    same = Prefix.similarity(word, other)
    same_end = Postfix.similarity(word[same:], other[same:])
    return same > 0 and max(len(word), len(other)) - same - same_end > MOST_SLIPS
