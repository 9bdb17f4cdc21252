"""Words of a text that say which relation a value near them is of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

from lamlam.trainer.annotation.folding import folded_key
from lamlam.word_lists import WordLists, read_sections

_PATH = Path(__file__).with_name("relation_cues.txt")
_LISTS = WordLists(_PATH)
_STEM = 4
"""Letters of a relation's word by which the text is searched for it."""
_BEHIND = 24
_WEAK = 2
"""Letters of a cue that says little: it counts only directly before the value."""
# A person's dates as they follow the name in brackets: "(7 November 1867 – 4 July 1934)".
_OPENS = re.compile(r"\((?:[^()\d]{0,60}[;,] )?(?:born|b\.|c\.|ca\.)? ?$", re.IGNORECASE)
_SECOND = re.compile(r"\d(?: ?bc)? ?[–—−-] ?(?:died |d\. |c\. )?$", re.IGNORECASE)


@cache
def _kinds() -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.split()[0] for name in read_sections(_PATH)))


@lru_cache(maxsize=20_000)
def kinds_of(relation: str) -> frozenset[str]:
    """Return the kinds that a relation is of by the words of its name.

    >>> sorted(kinds_of("Birth Place")), sorted(kinds_of("favourite colour"))
    (['birth'], [])
    """
    words = set(re.findall(r"[^\W_]+", folded_key(relation)))
    found = {kind for kind in _kinds() if not words.isdisjoint(_LISTS.words(f"{kind} relations"))}
    # "Birth Place" is of birth, and no other place.
    return frozenset(found - {"location"} if found - {"location"} else found)


@cache
def _kinds_of_cue() -> dict[str, frozenset[str]]:
    cues: dict[str, set[str]] = {}
    for kind in _kinds():
        for cue in _LISTS.words(f"{kind} cues"):
            cues.setdefault(cue, set()).add(kind)
    return {cue: frozenset(kinds) for cue, kinds in cues.items()}


def kinds_said(before: str, behind: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the kinds that the words nearest to a value say, and all that its clause says.

    Args:
        before: what stands before the value in its clause, folded.
        behind: what follows it there, folded.
    """
    nearest: frozenset[str] = frozenset()
    every: set[str] = set()
    for cue, kinds, is_last in _cues_in(before):
        every |= kinds
        # "in" and "of" stand in every clause; a verb before them says what they are of.
        if len(cue) > _WEAK or (is_last and not nearest):
            nearest = kinds
    for cue, kinds, _ in _cues_in(behind[:_BEHIND]):
        if len(cue) > _WEAK:
            every |= kinds
    return nearest, frozenset(every)


def _cues_in(text: str) -> Iterator[tuple[str, frozenset[str], bool]]:
    """Yield the cues in a text, what they say, and whether one is its last word."""
    of_cue = _kinds_of_cue()
    words = text.replace("(", " ( ").replace(",", " ").split()
    last = len(words) - 1
    before = ""
    for i, word in enumerate(words):
        word = word if word in of_cue else word.strip(".:;)]\"'")
        pair = f"{before} {word}"
        if pair in of_cue:
            yield pair, of_cue[pair], i == last
        elif word in of_cue:
            yield word, of_cue[word], i == last
        before = word


def kind_by_brackets(before: str) -> str | None:
    """Return whether a date here is one of birth or of death by the brackets around, if any."""
    tail = before[-80:]
    if _SECOND.search(tail) and "(" in tail:
        return "death"
    return "birth" if _OPENS.search(tail) else None


@lru_cache(maxsize=20_000)
def stems_of(relation: str) -> tuple[str, ...]:
    """Return the beginnings of a relation's words that a text may have too."""
    words = re.findall(r"[^\W\d_]+", folded_key(relation))
    return tuple(word[: max(_STEM, len(word) - 2)] for word in words if len(word) >= _STEM)


def says_relation(relation: str, clause: str) -> bool:
    """Return whether a folded clause has a word of the relation's name.

    >>> says_relation("head coach", "its coaches were"), says_relation("head coach", "he won")
    (True, False)
    """
    return any(re.search(rf"\b{re.escape(stem)}", clause) for stem in stems_of(relation))
