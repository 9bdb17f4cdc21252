"""Finds names and numbers that a model writes by itself: words that nobody has given it.

A word that contains anything but small letters is taken for part of a name or a number, unless it
stands in the prompt or in a value of memory, or is a common word at the beginning of a sentence.
So is a number in words. Scripts without letter case, such as Arabic, are names throughout.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

_WORD = re.compile(r"\w+")
_BEFORE_GUESS = re.compile(r"[\s(\[{<\"'“‘«$£€¥#]*\Z")
"""What would be left open before a word that is not written."""
_IN_NAME = re.compile(r"[ '’&-]+|\.")
"""Between the words of one name: "Jean-Paul", "U.S."."""
_SENTENCE_START = re.compile(r"(?:\A|[.!?:\n])[\s\"'“‘«(]*\Z")
_COMMON = frozenset(
    "a an the this that these those it its he she they his her their we our i you your there here"
    " in on at by for from with without of to as after before during since until when while where"
    " although though because but and or so if not no then later also both each another other some"
    " many most several such all every who whose which what how however is are was were".split()
)
"""Words that may begin a sentence with a capital."""
_NUMBERS = frozenset(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
    " hundred thousand million billion trillion hundreds thousands millions billions dozen dozens"
    " first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
)


class Guarded(NamedTuple):
    """What a text was found to hold."""

    guess: int | None
    """Where the text must end; ``None`` where it holds nothing but what was given."""
    settled: int
    """No text that follows can make the text up to here a guess."""


class GuessGuard:
    """The words that were given to one sequence, and the search for others."""

    def __init__(self, given: str) -> None:
        """Begin with the words of the prompt."""
        self._given = set(_WORD.findall(given))
        self._is_common: Callable[[str], bool] = _COMMON.__contains__

    def allow_common(self, is_common: Callable[[str], bool]) -> None:
        """Allow more words at the beginning of a sentence than those that begin any text.

        Args:
            is_common: returns whether a word in small letters is one of every text.
        """
        self._is_common = lambda word: word in _COMMON or is_common(word)

    def learn(self, value: str) -> None:
        """Allow the words of a value of memory."""
        self._given.update(_WORD.findall(value))

    def search(self, text: str, begin: int, *, is_complete: bool) -> Guarded:
        """Return where the text after ``begin`` says more than was given.

        Args:
            begin: where the model's own text begins, or what an earlier search found settled.
            is_complete: the last word will not grow.
        """
        name_start: int | None = None
        last_end = begin
        for found in _WORD.finditer(text, _word_start(text, begin)):
            word, start = found[0], max(begin, found.start())
            may_grow = found.end() == len(text) and not is_complete
            is_named = _is_name(word) or (not may_grow and word in _NUMBERS)
            if name_start is None or not _IN_NAME.fullmatch(text[last_end : found.start()]):
                name_start = start
            if not is_named and not may_grow:
                name_start = None
            if is_named and not self._is_given(text, found, may_grow=may_grow):
                assert name_start is not None
                return Guarded(_trimmed(text, name_start, begin), begin)
            last_end = found.end()
        end = len(text)
        if name_start is not None and _may_continue(text[last_end:]):
            end = name_start
        return Guarded(None, end if is_complete else _trimmed(text, end, begin))

    def _is_given(self, text: str, found: re.Match[str], *, may_grow: bool) -> bool:
        word = found[0]
        if word in self._given:
            return True
        is_first = _SENTENCE_START.search(text, max(0, found.start() - 8), found.start())
        may_be_common = is_first is not None and word[1:] == word[1:].lower()
        small = word.lower()
        if may_be_common and self._is_common(small):
            return True
        if not may_grow:
            return False
        return any(one.startswith(word) for one in self._given) or (
            may_be_common and any(one.startswith(small) for one in _COMMON)
        )


def _is_name(word: str) -> bool:
    return any(letter != "_" and letter.isalnum() and not letter.islower() for letter in word)


def _word_start(text: str, begin: int) -> int:
    """Return where the word begins that goes on at a place: "19" in the prompt, "67" behind it."""
    start = begin
    if begin < len(text) and _WORD.match(text[begin]):
        while start and _WORD.match(text[start - 1]):
            start -= 1
    return start


def _may_continue(behind: str) -> bool:
    """Return whether a name may go on behind its last word."""
    return not behind.strip(" '’&-.")


def _trimmed(text: str, at: int, begin: int) -> int:
    """Return the place without white space and opening marks before it."""
    found = _BEFORE_GUESS.search(text, begin, at)
    return max(begin, found.start()) if found else at
