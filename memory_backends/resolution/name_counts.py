"""How many people bear a first and a last name: may somebody else of that name be meant?"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from lamlam.memory_backends.resolution.known_words import is_common_word
from lamlam.word_lists import WordLists

N_COUNTED = 61_142
"""Biographies of the training corpus, whose titles were counted."""


def expected_bearers(first: str, last: str) -> float:
    """Return how many of the counted people would have both names, if these were independent.

    Folded words. A name that is not in the table counts as one person's.
    """
    firsts, lasts = _counts()
    return firsts.get(first, 1) * lasts.get(last, 1) / N_COUNTED


def is_name_like(word: str) -> bool:
    """Return false for a common word that few people have as a name ("motor", "free")."""
    firsts, lasts = _counts()
    return word in firsts or word in lasts or not is_common_word(word)


@lru_cache(maxsize=1)
def _counts() -> tuple[dict[str, int], dict[str, int]]:
    lists = WordLists(Path(__file__).with_name("name_counts.txt"))
    return _read(lists.words("first names")), _read(lists.words("last names"))


def _read(entries: tuple[str, ...]) -> dict[str, int]:
    pairs = (entry.split(" ") for entry in entries)
    return {name: int(count) for name, count in pairs}
