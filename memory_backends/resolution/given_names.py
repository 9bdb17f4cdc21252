"""Common given names: a misspelling never turns one of them into another."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from lamlam.word_lists import WordLists


def is_given_name(word: str) -> bool:
    """Return whether many people bear a folded word as their first name."""
    return word in _given_names()


@lru_cache(maxsize=1)
def _given_names() -> frozenset[str]:
    return frozenset(WordLists(Path(__file__).with_name("given_names.txt")).words("given names"))
