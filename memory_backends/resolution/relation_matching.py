"""Match a name to one of an entity's relations: exact, by synonym, by edit distance."""

from __future__ import annotations

from collections.abc import Sequence

from lamlam.memory_backends.model.keys import signs_of
from lamlam.memory_backends.model.lookups import MatchKind
from lamlam.memory_backends.model.synonyms import (
    group_of,
    is_known_word,
    same_relation,
    synonyms_of,
)
from lamlam.memory_backends.resolution.typos import likeness

ACCEPTED_SCORE = 0.90
"""Lowest likeness at which a name outside the synonym table is taken for another."""
_NEAR_RELATION = 0.55
_MOST_CANDIDATES = 3
_SHORTEST_MISSPELT = 5


def match_relation(wanted: str, held: Sequence[str]) -> tuple[MatchKind, float, str | None]:
    """Return how, how surely and which of the held relation keys is meant, or none of them.

    Exact, then the synonym table, then likeness of letters. Where the entity holds two
    synonyms of the wanted name, the first stored is taken. Two names that are both in the
    table and not synonyms never match, however alike they look.
    """
    if wanted in held:
        return "exact", 1.0, wanted
    for key in held:
        if same_relation(wanted, key):
            return "synonym", 1.0, key
    # Vectors of meaning belong here, for names outside the table only.
    if group_of(wanted) is not None:
        others = [key for key in held if group_of(key) is None]
        scored = [(_slip_score(wanted, key), key) for key in others]
    else:
        scored = [
            (max(_slip_score(wanted, name) for name in synonyms_of(key)), key) for key in held
        ]
    score, best = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    return ("fuzzy", score, best) if score >= ACCEPTED_SCORE else ("none", 0.0, None)


def near_relations(wanted: str, held: Sequence[str]) -> list[tuple[str, float]]:
    """Return the held keys that look like the wanted name, best first."""
    scored = [(key, round(likeness(wanted, key), 4)) for key in held]
    near = sorted((pair for pair in scored if pair[1] >= _NEAR_RELATION), key=lambda p: -p[1])
    return near[:_MOST_CANDIDATES]


def _slip_score(a: str, b: str) -> float:
    """Return how alike two relation names are; 0 where a word became another word.

    "winner" and "winners", "head coach" and "head-coach", "birth plce" and "birth place";
    but not "county of birth" and "country of birth", nor "cast member 2" and "3", nor "price €"
    and "price $".
    """
    if signs_of(a) != signs_of(b):
        return 0.0
    first, second = _words(a), _words(b)
    if len(first) != len(second):
        return 1.0 if "".join(first) == "".join(second) else 0.0
    score = 1.0
    for word, other in zip(first, second, strict=True):
        if word == other:
            continue
        if _singular(word) == _singular(other):
            score = min(score, 0.95)
            continue
        short = min(len(word), len(other)) < _SHORTEST_MISSPELT - 1
        if short or not (word.isalpha() and other.isalpha()):
            return 0.0
        if is_known_word(word) and is_known_word(other):
            return 0.0
        score = min(score, likeness(" ".join(first), " ".join(second)))
    return score


def _words(name: str) -> list[str]:
    return "".join(char if char.isalnum() else " " for char in name).split()


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
