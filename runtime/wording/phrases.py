"""The phrases that ask for a relation, compiled from ``phrases.txt`` and from relation names."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

from lamlam.memory_backends.model.words import stem, words_of
from lamlam.word_lists import WordLists

_FILE = Path(__file__).with_name("phrases.txt")
CLASSES = WordLists(Path(__file__).with_name("word_classes.txt"))
_VALUE_CLASSES = ("country", "city", "region", "continent", "date", "language", "org")
_SIGNS = ("E", "$", "...", "'s")
# In the line that phrases are matched with, "~" marks a word that may stand between those of a
# phrase, and "^" one that may stand between a phrase and its value.
_BETWEEN = r"(?:~\S+ )*"
_LOOSELY_BETWEEN = r"(?:(?:~\S+|E|'s) )*"
_BEFORE_VALUE = r"(?:~?\^\S+ )*"
_LED_BY_ENTITY = f" E {_BETWEEN}"
_MARKS = r"[~^]{0,2}"
_GAP = r"(?:\S+ ){0,6}?"


@dataclass(frozen=True, slots=True)
class Family:
    """Relations that the same phrases ask for."""

    number: int
    names: tuple[str, ...]
    """Canonical keys, best first."""
    kind: str
    """Of their values: place, country, person, date, number, language, any."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One phrase of a family."""

    family: int
    source: str
    """A regular expression over the line of a text's stems."""
    n_words: float
    """Words that it needs, without those that may stand anywhere; an article where it matters
    ("plays the") counts for a quarter."""
    names_entity: bool
    takes_value: bool
    """It ends where the value is due."""
    needs: tuple[frozenset[str], ...] = ()
    """Words of which a text must have one each: it is compared only then."""

    def may_be_in(self, words: frozenset[str]) -> bool:
        """Return whether all of its words are among those of a text, in whatever order."""
        return not any(map(words.isdisjoint, self.needs))

    def is_in(self, line: str) -> bool:
        """Return whether the line of stems holds the phrase."""
        return _compiled(self.source).search(line) is not None

    def is_behind(self, line: str) -> bool:
        """Return whether a line holds it with other words between the entity and the phrase."""
        if self.n_words < 2 or not (self.takes_value and self.source.startswith(" E ")):
            return False
        return (
            _compiled(f" E .*? {self.source.removeprefix(_LED_BY_ENTITY)}").search(line) is not None
        )


@dataclass(slots=True)
class PhraseTable:
    """All families and phrases, the phrases by a word that each of them needs."""

    families: list[Family] = field(default_factory=list)
    by_word: dict[str, list[Phrase]] = field(default_factory=dict)
    bare: list[tuple[str, int]] = field(default_factory=list)
    """Phrases of plain words, with their families: they are found as names of relations are."""


@cache
def flags_of(word: str) -> str:
    """Return the marks of a stem in a line: where it may be passed over."""
    is_between = word in class_stems("between") or word in (",", ";")
    is_before = word in _before_value()
    return ("~" if is_between else "") + ("^" if is_before else "")


@lru_cache(maxsize=1)
def phrase_table() -> PhraseTable:
    """Return the table; it is read once."""
    table = PhraseTable()
    counts: dict[str, int] = {}
    read: list[tuple[int, list[list[str]]]] = []
    for paragraph in _FILE.read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in paragraph.splitlines() if line and not line.startswith("#")]
        if not lines:
            continue
        names, _, kind = lines[0].removeprefix("=").partition(";")
        number = len(table.families)
        keys = tuple(name.strip().casefold() for name in names.split(","))
        table.families.append(Family(number, keys, kind.strip()))
        phrases = [_tokens(text) for line in lines[1:] for text in line.split("|") if text.strip()]
        read.append((number, phrases))
        for tokens in phrases:
            for word in {word for token in tokens for word in _alternatives(token)}:
                counts[word] = counts.get(word, 0) + 1
    for number, phrases in read:
        for tokens in phrases:
            if _is_bare(tokens):
                table.bare.append((" ".join(tokens), number))
                continue
            phrase = _phrase(number, tokens)
            for word in _anchor(tokens, counts):
                table.by_word.setdefault(word, []).append(phrase)
    return table


def _tokens(text: str) -> list[str]:
    """Return the parts of a phrase: words with their alternatives, signs, optional words."""
    spaced = re.sub(r"E's\b", "E 's", text.strip())
    spaced = re.sub(r"\(([^()]*)\)", lambda found: _each_optional(found[1]), spaced)
    return spaced.split()


def _each_optional(words: str) -> str:
    return " ".join(f"({word})" for word in words.split())


def _alternatives(token: str) -> tuple[str, ...]:
    """Return the stems that a part of a phrase may be; none for signs and optional words."""
    if token in _SIGNS or token.startswith("("):
        return ()
    return tuple(words_of(word)[0].norm for word in token.split("/"))


_QUESTION_WORDS = frozenset("who what which where when how why whom whose".split())


def _is_bare(tokens: list[str]) -> bool:
    """Return whether a phrase is plain words without a question word."""
    return _QUESTION_WORDS.isdisjoint(tokens) and all(
        token.isalpha() and token not in _SIGNS for token in tokens
    )


def _anchor(tokens: list[str], counts: dict[str, int]) -> tuple[str, ...]:
    """Return the words of which a text must contain one to match: the rarest part."""
    parts = [words for token in tokens if (words := _alternatives(token))]
    skipped = class_stems("between")
    wanted = [words for words in parts if not skipped & set(words)] or parts
    if not wanted:
        return ("E",)
    return min(wanted, key=lambda words: sum(counts[word] for word in words))


def _phrase(number: int, tokens: list[str]) -> Phrase:
    names_entity = "E" in tokens
    skip = _BETWEEN if names_entity else _LOOSELY_BETWEEN
    parts: list[str] = []
    needs: list[frozenset[str]] = []
    n_words = 0.0
    for token in tokens:
        if token == "...":
            parts.append(_GAP)
        elif token == "$":
            parts.append(f"{_BEFORE_VALUE}\\$ ")
        elif token.startswith("("):
            parts.append(f"(?:{_literal(_alternatives(token.strip('()')))}{skip})?")
        elif token in ("E", "'s"):
            parts.append(f"{token} {skip}")
        else:
            words = _alternatives(token)
            n_words += _weight(words)
            needs.append(frozenset(words))
            parts.append(_literal(words) + skip)
    source = " " + "".join(parts).removesuffix(skip)
    return Phrase(number, source, max(n_words, 1.0), names_entity, "$" in tokens, tuple(needs))


def _weight(words: tuple[str, ...]) -> float:
    if words == ("the",):
        return 0.25
    return 0 if class_stems("between") & set(words) else 1


def _literal(words: tuple[str, ...]) -> str:
    return f"{_MARKS}(?:{'|'.join(map(re.escape, words))}) "


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source)


@cache
def class_stems(name: str) -> frozenset[str]:
    """Return the stems of the one-word entries of a word class."""
    return frozenset(
        stem(word) if word.isalpha() else word for word in CLASSES.words(name) if " " not in word
    )


@cache
def _before_value() -> frozenset[str]:
    return class_stems("before value").union(*map(class_stems, _VALUE_CLASSES))


def value_class_of(word: str) -> str:
    """Return the class of values that a noun names: "city", "country", "date"; or empty."""
    return next((name for name in _VALUE_CLASSES if word in class_stems(name)), "")
