"""The words of a text as names are looked for in them, in passages of bounded length."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from lamlam.memory_backends.model.name_spellings import AFTER, BEFORE
from lamlam.memory_backends.model.synonyms import is_known_word as names_relations
from lamlam.memory_backends.model.values import is_text
from lamlam.memory_backends.resolution.known_words import is_common_word
from lamlam.word_lists import WordLists

WORD_LISTS = WordLists(Path(__file__).with_name("text_words.txt"))
_MOST_WORDS = 200
"""Of a passage; it ends with a sentence where one ends in its second half."""
_LETTERS_AS_WORDS = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Of scripts that put no spaces between words: Thai, Lao, Kana, Chinese characters."""
_WORD = re.compile(rf"[{_LETTERS_AS_WORDS}]|(?:(?!\]\()[^\s/—…{_LETTERS_AS_WORDS}])+")
_SENTENCE_END = frozenset(".?!:\n•")
_ABBREVIATION = re.compile(r"\b[A-Z][a-z]{0,2}\.$")
"""Behind which no sentence begins: "Dr. Quill", "St. Ives", "J. Quill"."""
_MARKS_BEFORE = " \t\"'“‘„«([*_-#>"
_TITLE_CASE = 0.6
"""Share of words with a capital above which it may be a heading: there capitals say nothing."""
_FEW_WORDS = 4


@cache
def listed(name: str) -> frozenset[str]:
    """Return one of the lists of ``text_words.txt``."""
    return frozenset(WORD_LISTS.words(name))


@dataclass(frozen=True, slots=True)
class TextWord:
    """A word with the marks beside it."""

    start: int
    end: int
    plain: str
    """Without these marks, in lower case."""
    is_capital: bool
    """It is written as names are: with a capital that no beginning of a sentence explains."""
    begins_sentence: bool
    is_function: bool

    @property
    def is_ordinary(self) -> bool:
        """Whether it is a word of every day, by which no name is known in lower case."""
        return self.is_function or _is_ordinary(self.plain)


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a text."""

    text: str
    """The whole text, to which all offsets belong."""
    words: tuple[TextWord, ...]
    is_cased: bool
    """Capitals tell names from other words."""


def passages(text: str) -> Iterator[Passage]:
    """Yield the text in passages, none of which cuts a sentence unless it is very long."""
    places = [word.span() for word in _WORD.finditer(text)]
    begin = 0
    while begin < len(places):
        end = _end(text, places, begin)
        yield _passage(text, places[begin:end])
        begin = end


def _end(text: str, places: list[tuple[int, int]], begin: int) -> int:
    most = begin + _MOST_WORDS
    if most >= len(places):
        return len(places)
    for end in range(most, begin + _MOST_WORDS // 2, -1):
        if _begins_sentence(text, places[end][0]):
            return end
    return most


def _passage(text: str, places: list[tuple[int, int]]) -> Passage:
    inner = [text[begin:end].strip(BEFORE + AFTER) for begin, end in places]
    n_upper = sum(word[:1].isupper() for word in inner)
    n_lower = sum(word[:1].islower() for word in inner)
    is_title = (
        len(places) >= _FEW_WORDS
        and n_upper > _TITLE_CASE * (n_upper + n_lower)
        and all(word in listed("function words") for word in inner if word[:1].islower())
    )
    is_cased = n_lower > 0 and n_upper > 0 and not is_title
    words = []
    for (begin, end), word in zip(places, inner, strict=True):
        plain = word.casefold().replace("’", "'")
        begins = _begins_sentence(text, begin)
        has_capital = word[:1].isupper() or (any(map(str.isupper, word)) and word != plain)
        if begins and has_capital:  # "iPhone", "NATO" and "McKay" have another one
            has_capital = any(map(str.isupper, word[1:]))
        words.append(
            TextWord(
                begin,
                end,
                plain,
                is_cased and has_capital and plain != "i",
                begins,
                plain.removesuffix("'s") in listed("function words")
                or plain in listed("function words"),
            )
        )
    return Passage(text, tuple(words), is_cased)


def _begins_sentence(text: str, place: int) -> bool:
    before = text[max(0, place - 6) : place]
    rest = before.rstrip(_MARKS_BEFORE)
    return not rest or (rest[-1] in _SENTENCE_END and _ABBREVIATION.search(rest) is None)


@lru_cache(maxsize=16384)
def _is_ordinary(plain: str) -> bool:
    word = plain.removesuffix("'s")
    if not is_text(word) or not any(map(str.isalpha, word)):
        return True
    if word in listed("everyday words") or word in listed("words and names"):
        return True
    return is_common_word(word) or names_relations(word)
