"""Sentences in tokens: dates, names, words and marks; what is in brackets is left out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

from lamlam.word_lists import WordLists

_LISTS = WordLists(Path(__file__).with_name("sentence_words.txt"))
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_DAY = r"(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_YEAR = r"(?:1\d\d\d|20\d\d)"
_NAME_WORD = (
    r"(?:(?:[A-Z]\.){2,}|(?:[A-Z]\.)+(?= ?[A-Z])|(?:Mr|Mrs|Ms|Dr|St|Jr|Sr|Col|Gen|Rev|Capt|Lt|Prof|Gov|Sen)\.(?= )"
    rf"|(?!(?:{_MONTH}|{_DAY})\b)[^\W\d_a-z](?:[\w'’-]|\.(?=\w))*)"
)
_FOR = "|".join(
    f"(?<={one} )"
    for one in (
        "Society Center Centre Institute Association Foundation Committee Council Office School Court"
        " Campaign Museum Award Prize Medal Party Fund Department Agency Academy Coalition Movement"
        " Union College Organization Congress Conference Alliance Bureau Commission Board Trust"
        " Hospital Network Library Ministry Secretary Minister Commissioner Partnership"
    ).split()
)
_LINK = (
    r"(?:(?:of the|of|de la|de|von|van der|van|the|&|du|del|della|di|da|al|el|bin|ibn|y|'n'"
    rf"|(?:{_FOR})for(?: the)?"
    r"|(?<=Commission )on|(?<=Committee )on|(?<=Council )on|(?<=Conference )on|(?<=Office )on) )?"
)
_TOKEN = re.compile(
    rf"(?P<date>\b(?:{_MONTH} \d{{1,2}}, {_YEAR}|\d{{1,2}} {_MONTH},? {_YEAR}|{_MONTH},? {_YEAR}"
    rf"|{_YEAR}(?:[-–—](?:{_YEAR}|\d\d))?)(?! [A-Z][a-z])(?![\d\w])(?![-–’']\w)(?! ?[-–] ?\d))"
    rf"|(?P<name>(?<![\w'’-])(?:{_YEAR} (?=[A-Z]))?(?:The )?{_NAME_WORD}(?: {_LINK}(?:{_NAME_WORD}|\d+\b(?![-.,]?\d)))*)"
    r"|(?P<word>[^\W\d_][\w'’-]*|\d[\d.,]*\w*)"
    r"|(?P<mark>[,;:()\[\]–—])"
)
NAME = re.compile(
    rf"(?:{_YEAR} (?=[A-Z]))?(?:The )?{_NAME_WORD}"
    rf"(?: {_LINK}(?:{_NAME_WORD}|\d+\b(?![-.,]?\d))){{0,14}}"
)
"""A name, from its first letter."""
_IS_NAME = re.compile(r"(?:The )?(?:January|February|March|April|May|June|July|August|September"
                      r"|October|November|December|The|A|An|I|In|At|On)\Z")  # fmt: skip
DEMONYM = re.compile(
    r"(?:\w+(?:ian|ean|can|ish|ese|ench|utch|reek|wiss|zech|orse|elsh|man|eli|ani|raqi|ndic|lish)"
    r"|Thai|Roman|African|Arab|Turk|Afghan|Democratic|Republican|Pakistani|Filipino)\Z"
)
"""Of an adjective of a nation, before a noun."""
_NO_ADVERBS = frozenset(
    "family italy july early daily supply assembly monopoly reply fly rally ally belly only"
    " jelly lily bully holy ugly likely friendly weekly monthly butterfly anomaly".split()
)


@dataclass(frozen=True, slots=True)
class Token:
    """One token and where it stands."""

    kind: Literal["date", "name", "word", "mark"]
    said: str
    start: int
    end: int


def tokens_of(text: str, start: int, end: int) -> list[Token]:
    """Return the tokens of a part of a text, without what is in brackets."""
    tokens: list[Token] = []
    depth = 0
    for match in _TOKEN.finditer(text, start, end):
        said = match.group()
        if said in ("(", "["):
            depth += 1
        elif said in (")", "]"):
            depth = max(0, depth - 1)
        elif depth == 0:
            kind = match.lastgroup or "mark"
            if kind == "name" and _IS_NAME.match(said):
                kind = "word"
            tokens.append(
                Token(
                    cast("Literal['date', 'name', 'word', 'mark']", kind),
                    said, match.start(), match.end(),
                )
            )  # fmt: skip
    return tokens


@cache
def words(name: str) -> frozenset[str]:
    """Return the words of one list."""
    return frozenset(_LISTS.words(name))


def is_verb(word: str) -> bool:
    """Return whether a word is the past form or participle of a verb, or one of a list.

    >>> is_verb("founded"), is_verb("hundred"), is_verb("wrote")
    (True, False, True)
    """
    if word in words("irregular verbs"):
        return True
    return len(word) > 4 and word.endswith("ed") and word not in words("not verbs")


def is_adverb(word: str) -> bool:
    """Return whether a word is an adverb by its ending."""
    return len(word) > 4 and word.endswith("ly") and word not in _NO_ADVERBS


def is_gerund(word: str) -> bool:
    """Return whether a word is a participle of the present by its ending."""
    return len(word) > 5 and word.endswith("ing") and word not in words("prepositions")
