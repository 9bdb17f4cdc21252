"""A document while it is written: its text, its facts and where their values stand."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from lamlam.trainer.documents import Document, StatedFact, UnansweredLookup

LetterCase = Literal["", "lower", "upper", "title"]
_WORD = re.compile(r"\S+")
_SMALL = frozenset("a an the of in on at to by for and or is".split())


def in_case(text: str, case: LetterCase) -> str:
    """Return the text in another letter case; its length may change.

    >>> in_case("Who wrote the book?", "title")
    'Who Wrote the Book?'
    """
    if case == "lower":
        return text.lower()
    if case == "upper":
        return text.upper()
    if case == "title":
        return _WORD.sub(lambda w: w[0] if w[0] in _SMALL else w[0][:1].upper() + w[0][1:], text)
    return text


@dataclass(slots=True)
class Draft:
    """The text so far; values keep their letters whatever the case of the text."""

    case: LetterCase = ""
    text: str = ""
    facts: list[StatedFact] = field(default_factory=list)
    unanswered: list[UnansweredLookup] = field(default_factory=list)
    told: int = 0
    """How many of the first facts the text tells by itself, as a user's prompt does."""

    def say(self, text: str) -> None:
        """Write ordinary text."""
        self._add(in_case(text, self.case))

    def say_value(self, value: str) -> None:
        """Write a value without a lookup: one that the text has already, or what stands for it."""
        self._add(value)

    def _add(self, text: str) -> None:
        # An abbreviation's full stop ends the sentence too.
        if text.startswith(".") and self.text.endswith("."):
            text = text[1:]
        self.text += text

    def name(self, entity: str) -> None:
        """Write the name of an entity."""
        self.text += self.called(entity)

    def called(self, entity: str) -> str:
        """Return how this text writes the name."""
        return in_case(entity, self.case) if self.case in ("lower", "upper") else entity

    def value(self, entity: str, relation: str, value: str) -> None:
        """Write the value of a fact, with the lookup that fetches it."""
        self.facts.append(StatedFact(self.called(entity), relation, value, len(self.text), True))
        self.text += value

    def ask_in_vain(self, entity: str, relation: str) -> None:
        """Put a lookup here that memory has no answer for."""
        at = len(self.text)
        self.unanswered.append(UnansweredLookup(self.called(entity), relation, at))

    def tell(self) -> None:
        """Take what was stated so far as told: a text before a question has no lookups."""
        if not self.unanswered:
            self.told = len(self.facts)

    def finish(self, title: str, *, is_person: bool) -> Document:
        """Return the document."""
        return Document(
            title=self.called(title),
            text=self.text.rstrip(" "),
            facts=tuple(self.facts),
            source="worded",
            is_person=is_person,
            told=self.told,
            unanswered=tuple(self.unanswered),
        )
