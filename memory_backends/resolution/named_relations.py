"""Which relations the words of a text name: "born" names birth place and birth date."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from lamlam.memory_backends.model.synonyms import asks_for, names_answered_by
from lamlam.memory_backends.model.words import root, stem, words_of
from lamlam.memory_backends.resolution.text_passages import listed

_PART = 0.5
"""Of a name of which the text has not all words."""
_FITS = 0.5
"""Where the text asks for a time or a place, and the relation gives one."""
_MOST_WORDS = 400
"""Different words of a text that are compared with relations: what stands first."""


class WordsOfText:
    """The words of a text outside the names in it, by their roots."""

    def __init__(self, parts: Iterable[str]) -> None:
        """Read the parts of a text between its names."""
        words: dict[str, None] = {}
        for part in parts:
            for word in words_of(part):
                if word.kind == "word" and len(words) < _MOST_WORDS:
                    words[word.text.casefold()] = None
        self._roots = frozenset(root(stem(word)) for word in words)
        self._asks_for_time = not listed("asking for a time").isdisjoint(words)
        self._asks_for_place = not listed("asking for a place").isdisjoint(words)
        self._scores: dict[str, float] = {}

    def score(self, relation_key: str) -> float:
        """Return how surely the words name a relation; 0: not at all."""
        score = self._scores.get(relation_key)
        if score is None:
            score = self._scores[relation_key] = self._score(relation_key)
        return score

    def _score(self, key: str) -> float:
        best = 0.0
        for n, form in enumerate(_forms(key)):
            if form <= self._roots:
                best = max(best, float(len(form)))
            elif n == 0:  # of its own name a part says something: "topping" of "pizza topping"
                best = max(best, _PART * len(form & self._roots) / len(form))
        if best:
            sense = asks_for(key)
            if (sense == "time" and self._asks_for_time) or (
                sense == "place" and self._asks_for_place
            ):
                best += _FITS
        return best


@lru_cache(maxsize=8192)
def _forms(key: str) -> tuple[frozenset[str], ...]:
    """Return the words of each name that asks for a relation, its own name first."""
    names = dict.fromkeys((key, *names_answered_by(key)))
    light = listed("light words")
    forms = (
        frozenset(root(word.norm) for word in words_of(name) if word.kind == "word")
        for name in names
    )
    own, *others = [form - light for form in forms]
    return tuple(dict.fromkeys(form for form in (own, *others) if form))
