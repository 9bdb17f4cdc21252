"""Find the names in a text that memory holds: any position and letter case, the longest first."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from lamlam.memory_backends.model.synonyms import group_of
from lamlam.memory_backends.model.text_names import KnownName, longest, spelt
from lamlam.memory_backends.model.values import MAX_NAME_CHARACTERS
from lamlam.memory_backends.resolution.given_names import is_given_name
from lamlam.memory_backends.resolution.text_passages import Passage, TextWord, listed, passages

_MOST_WORDS = 12
"""Of a name that has capitals."""
_MOST_SMALL_WORDS = 8
"""Of a name in lower case."""
_MOST_OTHERWISE = 4
"""Of a name that is looked for in other spellings, which takes longer."""
_LEADING_WORDS = 3
"""Within which a name that begins in lower case has a capital: "congress of Berlin"."""
_ENOUGH_WORDS = 2
"""Ordinary words in lower case that are a name together: "paper lanterns"."""
_SHORT_QUESTION = 20
"""Words of a question that is about one thing."""
_ARTICLES = frozenset(("the", "a", "an"))
_INNER_MARK = re.compile(r"[,;:?!/]|[^\W\d_]{3,}\.\s")


class _Stretch(NamedTuple):
    name: KnownName
    first: int
    last: int
    """Its words in the passage."""
    is_sure: bool
    """It is written as a name, or is no word of every day. Others are names only where memory
    writes them in lower case."""
    is_one_plain_word: bool
    """A word of every day, with a capital: "Class" is hardly "The Class"."""


class AskedName(NamedTuple):
    """A name in a text, and the name under which memory is asked what it means."""

    name: KnownName
    asked: str
    is_plain_word: bool = False
    """It counts only where memory writes it in lower case too."""


@dataclass(frozen=True, slots=True)
class PassageNames:
    """What was found in a passage; none overlaps another."""

    sure: tuple[KnownName, ...] = ()
    unsure: tuple[KnownName, ...] = ()
    """Words of every day: names only where memory writes them in lower case."""
    author: tuple[KnownName, ...] = ()
    """Words by which the author means himself or herself."""

    def asked(self, me: str | None) -> Iterator[AskedName]:
        """Yield what memory is to be asked about.

        Args:
            me: the author; ``None``: words such as "my" mean nobody.
        """
        for one in self.sure:
            yield AskedName(one, one.name)
        for one in self.unsure:
            yield AskedName(one, one.name, is_plain_word=True)
        if me is not None:
            for one in self.author:
                yield AskedName(one, me)


def readings(text: str) -> Iterator[PassageReader]:
    """Yield what to ask about each passage of a text."""
    for passage in passages(text):
        yield PassageReader(passage)


class PassageReader:
    """The stretches of a passage that may be names, of which memory is asked which it knows."""

    def __init__(self, passage: Passage) -> None:
        self._passage = passage
        self._stretches = list(_stretches(passage))

    def names(self) -> list[str]:
        """Return all of them, to ask which are known as they are."""
        return list(dict.fromkeys(one.name.name for one in self._stretches))

    def other_spellings(self, known: Collection[str]) -> list[str]:
        """Return those that may be known in another spelling, but are not as they are."""
        # Of "Bergen)" nobody asks where "Bergen" is known, nor of "the Orb" where "Orb" is.
        done = {(one.first, one.last) for one in self._stretches if one.name.name in known}
        short = (
            one.name.name
            for one in self._stretches
            if _may_be_spelt_otherwise(one)
            and (one.first, one.last) not in done
            and not ((one.first + 1, one.last) in done and self._begins_with_article(one))
        )
        return list(dict.fromkeys(short))

    def found(self, known: Collection[str]) -> PassageNames:
        """Return the names, given which of the stretches are known in any way."""
        found = [one for one in self._stretches if one.name.name in known]
        if not found:
            return PassageNames(author=tuple(_author(self._passage)))
        by_name = {one.name: one for one in found}
        sure = [by_name[name] for name in longest(one.name for one in found if one.is_sure)]
        sure = [one for one in sure if not _is_part_of_name(self._passage, one, sure)]
        taken = longest(one.name for one in sure)
        unsure = longest(
            one.name
            for one in found
            if not one.is_sure and all(_is_apart(one.name, other) for other in taken)
        )
        if not taken and _asks_in_lower_case(self._passage):
            # "who directed home?" must be about something.
            asked = {one.name for one in found if self._may_be_asked_about(one)}
            taken = [one for one in unsure if one in asked]
            unsure = [one for one in unsure if one not in asked]
        author = [
            one for one in _author(self._passage) if all(_is_apart(one, other) for other in taken)
        ]
        return PassageNames(tuple(taken), tuple(unsure), tuple(author))

    def _begins_with_article(self, one: _Stretch) -> bool:
        return self._passage.words[one.first].plain in _ARTICLES

    def _may_be_asked_about(self, one: _Stretch) -> bool:
        words = self._passage.words[one.first : one.last + 1]
        return all(group_of(word.plain) is None for word in words if not word.is_function)


def _asks_in_lower_case(passage: Passage) -> bool:
    words = passage.words
    if any(word.is_capital for word in words):
        return False
    is_short = len(words) <= _SHORT_QUESTION
    return is_short and (words[0].plain in listed("question words") or passage.text[-1:] == "?")


def _is_apart(one: KnownName, other: KnownName) -> bool:
    return one.end <= other.start or one.start >= other.end


def _stretches(passage: Passage) -> Iterator[_Stretch]:
    words = passage.words
    counts = _Counts(words)
    never_last = listed("never last")
    for first, word in enumerate(words):
        is_led = word.is_capital or any(
            one.is_capital for one in words[first + 1 : first + _LEADING_WORDS]
        )
        most = _MOST_WORDS if is_led else _MOST_SMALL_WORDS
        for last in range(min(first + most, len(words)) - 1, first - 1, -1):
            end = words[last]
            if end.end - word.start > MAX_NAME_CHARACTERS:
                continue
            if end.plain in never_last and not end.is_capital:
                continue
            is_sure = counts.is_sure(first, last)
            if is_sure is None:
                continue
            for name in spelt(passage.text, word.start, word.end, end.end):
                yield _Stretch(name, first, last, is_sure, first == last and end.is_ordinary)


class _Counts:
    """How many words of each kind stand before a place: of any stretch a subtraction tells."""

    def __init__(self, words: Sequence[TextWord]) -> None:
        self._capitals = [0]
        self._content = [0]
        self._telling = [0]
        for word in words:
            self._capitals.append(self._capitals[-1] + word.is_capital)
            self._content.append(self._content[-1] + (not word.is_function))
            self._telling.append(self._telling[-1] + (not word.is_ordinary))

    def is_sure(self, first: int, last: int) -> bool | None:
        """Return whether words are surely a name if memory knows them; ``None``: surely not."""
        end = last + 1
        has_capital = self._capitals[end] > self._capitals[first]
        n_content = self._content[end] - self._content[first]
        if has_capital:
            return True
        if n_content == 0:
            return None
        return n_content >= _ENOUGH_WORDS or self._telling[end] > self._telling[first]


def _may_be_spelt_otherwise(one: _Stretch) -> bool:
    return (
        one.is_sure
        and not one.is_one_plain_word
        and one.last - one.first < _MOST_OTHERWISE
        and _INNER_MARK.search(one.name.name) is None
    )


def _is_part_of_name(passage: Passage, one: _Stretch, found: list[_Stretch]) -> bool:
    """Return whether a name of one word stands beside another: "Linwood" in "Barbara Linwood"."""
    if one.first != one.last:
        return False
    words, text = passage.words, passage.text
    taken = {n for other in found if other is not one for n in range(other.first, other.last + 1)}
    before, after = one.first - 1, one.last + 1
    if before >= 0 and before not in taken and text[words[before].end : one.name.start] == " ":
        word = words[before]
        if word.plain not in listed("titles") and _reads_as_name(word):
            return True
        if not passage.is_cased and is_given_name(word.plain):
            return True
    if after < len(words) and after not in taken:
        is_beside = text[one.name.end : words[after].start] == " "
        return is_beside and words[after].is_capital and not words[after].is_function
    return False


def _reads_as_name(word: TextWord) -> bool:
    """Return whether a word before a name may be the first part of it: "New" in "New Lowmere"."""
    if word.is_function:
        return False
    return word.is_capital or (word.begins_sentence and is_given_name(word.plain))


def _author(passage: Passage) -> Iterator[KnownName]:
    """Yield the words by which the author means himself or herself."""
    for n, word in enumerate(passage.words):
        if word.plain not in listed("first person"):
            continue
        written = passage.text[word.start : word.end]
        if (word.plain == "i" and _is_number(passage, n)) or (
            word.plain == "mine" and _is_pit(passage, n)
        ):
            continue
        if passage.is_cased and "ME" in written:  # the state
            continue
        yield from spelt(passage.text, word.start, word.end, word.end)[:1]


def _is_number(passage: Passage, n: int) -> bool:
    """Return whether an "I" is a number: "Elizabeth I"."""
    words = passage.words
    if n == 0 or words[n].begins_sentence:
        return False
    before = words[n - 1]
    if passage.text[before.end : words[n].start] != " " or before.is_function:
        return False
    follows = words[n + 1].plain if n + 1 < len(words) else ""
    is_name = before.is_capital or (before.begins_sentence and not before.is_ordinary)
    is_name = is_name or before.plain == "war"
    return is_name and follows not in listed("behind I")


def _is_pit(passage: Passage, n: int) -> bool:
    """Return whether "mine" is one of coal: only at the end of a clause it is the author's."""
    words = passage.words
    ends = n + 1 == len(words) or passage.text[words[n].end - 1] in ",.;:?!)"
    has_article = any(word.plain in ("the", "a", "an") for word in words[max(0, n - 3) : n])
    return has_article or not ends
