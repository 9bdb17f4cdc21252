"""The lookups that the questions of a chat are to be answered by, until they are made.

The model writes its sentence. Where it opens a lookup, would write a name or a number that the
question does not hold, or would end, the lookup that its sentence speaks of is written. A sentence
that speaks of something else is taken back, and one that the value ends is written in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lamlam.runtime.decoding.guess_guard import GuessGuard

DUE_BIAS = 4.0
"""Added to the lookup bias until a lookup that is due is made."""
_TELLING = 3
"""Letters of a value's first word that stand in a text by chance no more."""
_SENTENCE_END = re.compile(r"(?:[.!?:…][\"'”’)\]*_]*\s+|\n\s*)")


@dataclass(frozen=True, slots=True)
class DueLookup:
    """What one question asks memory."""

    entity: str
    key: str
    """Of the entity in memory."""
    relations: tuple[str, ...]
    """Any of them answers it, best first."""
    lead: str
    """The sentence up to the value: "The capital of France is"."""
    begins_answer: bool = False
    """The sentence is not left to the model: it would say yes or no, or make something up."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the open end of a text asks: an entity, its key, and a relation that it holds."""

    entity: str
    key: str
    relation: str


class SpokenWatch:
    """Notices where an answer, of which nothing is asked, states what memory holds."""

    def __init__(self, read: Callable[[str], Spoken | None]) -> None:
        """Begin with nothing stated.

        Args:
            read: returns what the open end of a text speaks of.
        """
        self._read = read
        self._had: set[tuple[str, str]] = set()

    def stated(self, before: str, piece: str) -> tuple[str, str] | None:
        """Return entity and relation whose value the next piece of a text would begin."""
        word = _begun_word(before, piece)
        if not (word[:1].isupper() or word[:1].isdigit()) or is_sentence_over(before):
            return None
        spoken = self._read(before)
        if spoken is None or (spoken.key, spoken.relation) in self._had:
            return None
        self._had.add((spoken.key, spoken.relation))
        return spoken.entity, spoken.relation


class DueLookups:
    """The questions of one message that are not answered yet."""

    def __init__(
        self,
        waiting: Sequence[DueLookup],
        question: str,
        values: Sequence[str],
        read: Callable[[str], Spoken | None] = lambda _: None,
        *,
        is_whole: bool = True,
    ) -> None:
        """Begin with nothing written.

        Args:
            question: its words may be written before a lookup.
            values: what memory holds: a value in small letters is told from other words by it.
            read: returns what the end of the answer speaks of.
            is_whole: the message wants nothing else, so that the answer ends with its sentence.
        """
        self.waiting = list(waiting)
        self.is_whole = is_whole
        self._read = read
        self._guard = GuessGuard(question)
        self._firsts = {value.split()[0].casefold() for value in values if value.strip()}
        self._settled = 0

    def begin_at(self, place: int) -> None:
        """Read the answer from a place on: what is before it was written by the runtime."""
        self._settled = place

    def value_place(self, before: str, piece: str) -> int | None:
        """Return where the next piece would make a text state what memory was not asked for.

        Args:
            before: the text up to here.

        Returns:
            Where the name begins that would be stated; ``None`` where there is none.
        """
        found = self._guard.search(before + piece, self._settled, is_complete=False)
        if found.guess is not None:
            return min(found.guess, len(before))
        self._settled = min(found.settled, len(before))
        word = _begun_word(before, piece)
        if len(word) >= _TELLING and word.casefold() in self._firsts:
            return len(before)
        if (word[:1].isupper() or word[:1].isdigit()) and before.strip():
            # A name that the question holds may be the wrong answer that it proposes.
            return len(before) if self._match(self._read(before)) is not None else None
        return None

    def end_place(self, text: str) -> int:
        """Return where a text is to end that the model ends: before a name that nobody gave."""
        found = self._guard.search(text, min(self._settled, len(text)), is_complete=True)
        return len(text) if found.guess is None else found.guess

    def take_spoken(self, text: str) -> tuple[str, str] | None:
        """Return entity and relation that a sentence can go on with; its question is answered."""
        spoken = self._read(text) if text[sentence_start(text) :].strip() else None
        due = self._match(spoken)
        if due is None or spoken is None:
            return None
        self.waiting.remove(due)
        return due.entity, spoken.relation

    def take_next(self) -> DueLookup:
        """Return the first question that waits; it is answered."""
        return self.waiting.pop(0)

    def _match(self, spoken: Spoken | None) -> DueLookup | None:
        if spoken is None:
            return None
        return next(
            (
                one
                for one in self.waiting
                if one.key == spoken.key and spoken.relation in one.relations
            ),
            None,
        )


def _begun_word(before: str, piece: str) -> str:
    """Return what a piece begins a word with; empty where it goes on with one."""
    return piece.strip() if piece[:1].isspace() or before[-1:].isspace() else ""


def sentence_start(text: str, begin: int = 0) -> int:
    """Return where the last sentence of a text begins, or is to begin."""
    start = begin
    for found in _SENTENCE_END.finditer(text, begin):
        start = found.end()
    return start


def is_sentence_over(text: str) -> bool:
    """Return whether a text ends where a sentence does.

    >>> is_sentence_over("Yes."), is_sentence_over("Yes"), is_sentence_over("")
    (True, False, True)
    """
    bare = text.rstrip(" \t\"'”’)]*_")
    return not bare or bare[-1] in ".!?:…\n"
