"""What in a sentence speaks for a relation: phrases, names, and words of names."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from lamlam.memory_backends.model.words import root, stem
from lamlam.runtime.wording.lexicon import (
    Names,
    RelationMention,
    Target,
    find_mentions,
    name_stems,
    own_names,
    shared_names,
)
from lamlam.runtime.wording.phrases import class_stems, flags_of, phrase_table, value_class_of
from lamlam.runtime.wording.sentence_line import PREPOSITIONS, SentenceLine

_ATTACHED = 1.0
"""Added where the sentence ties the relation to the entity: "the R of E", "E's R"."""
_SCATTERED = 0.3
"""Added for a relation of several words that stand in the sentence in any order."""
_LONGEST_HEADING = 4
_BEHIND = 0.25
"""Taken off where other words stand between the entity and the phrase."""


class Evidence(NamedTuple):
    """Words of a sentence that ask for one of some relations."""

    targets: frozenset[Target]
    score: float
    """How many words they are, and how they are tied to the entity."""
    is_tied: bool
    """Nothing stands between the entity and the words, or it is a question."""


def evidence_of(line: SentenceLine, held: tuple[str, ...]) -> list[Evidence]:
    """Return all evidence of a sentence.

    Args:
        held: the relations of the entity.
    """
    return [
        *_phrases(line),
        *_NamesIn(line).found(_own_names(held)),
        *_scattered(line, held),
        *_what_it_is(line, held),
    ]


def is_heading(line: SentenceLine) -> bool:
    """Return whether a sentence is only a name of relations beside the entity: "capital norway"."""
    words = [one for one in line.stems if one not in ("E", "$", "of", "'s")]
    if not words or line.stems.count("E") != 1 or len(words) > _LONGEST_HEADING:
        return False
    if words[-1] in PREPOSITIONS:  # "Marie Curie died in" goes on
        return False
    found = find_mentions(words, shared_names())
    return len(found) == 1 and found[0].end - found[0].start == len(words)


def _phrases(line: SentenceLine) -> list[Evidence]:
    table = phrase_table()
    words = frozenset((*line.stems, "who", "what"))  # a blank is read as one of these too
    found = []
    for word in dict.fromkeys(line.stems):
        for phrase in table.by_word.get(word, ()):
            if not (phrase.takes_value or line.is_asking) or not phrase.may_be_in(words):
                continue
            is_tied = phrase.is_in(line.text)
            if is_tied or (line.form == "open" and phrase.is_behind(line.text)):
                score = phrase.n_words + (_ATTACHED / 2 if phrase.names_entity else 0)
                targets = frozenset((Target("family", phrase.family),))
                found.append(Evidence(targets, score - _BEHIND * (not is_tied), is_tied))
    return found


def _scattered(line: SentenceLine, held: tuple[str, ...]) -> list[Evidence]:
    """Return relations of the entity all of whose words stand in the sentence, in any order.

    "What currency does the bank issue?" names the relation "issues currency".
    """
    roots = {root(one) for one in line.stems}
    found = []
    for number, words in enumerate(_words_of(held)):
        if not words.hard or not words.hard <= roots:
            continue
        n_soft = sum(_asks_for(line, soft) for soft in words.soft)
        if len(words.hard) + n_soft > 1 and (line.is_asking or _ends_by(line, words.hard)):
            score = len(words.hard) + _SCATTERED * (1 + n_soft)
            found.append(Evidence(frozenset((Target("own", number),)), score, True))
    return found


_WHO = ("occupation", "profession", "office", "description", "position", "known for", "title")
_WHAT = ("type", "kind", "instance of", "category", "description")


def _what_it_is(line: SentenceLine, held: tuple[str, ...]) -> list[Evidence]:
    """Return what says who or what the entity is, where nothing else is asked: "Who is E?"."""
    words = [one for one in line.stems if one == "E" or one.isalpha() and one not in _ARTICLES]
    if line.form != "question" or words not in (["who", "be", "E"], ["what", "be", "E"]):
        return []
    names = _WHO if words[0] == "who" else _WHAT
    number = next((held.index(name) for name in names if name in held), None)
    if number is None:
        return []
    return [Evidence(frozenset((Target("own", number),)), 1.0, True)]


_ARTICLES = frozenset(("the", "a", "an"))


def _ends_by(line: SentenceLine, hard: frozenset[str]) -> bool:
    """Return whether one of the words stands at the end of an open sentence."""
    last = [one for one in line.stems[: line.due] if not flags_of(one) and one not in PREPOSITIONS]
    return bool(last) and root(last[-1]) in hard


def _asks_for(line: SentenceLine, soft: str) -> bool:
    """Return whether a word such as "year" in a relation's name is what the sentence wants."""
    if soft in line.stems:
        return True
    wanted = value_class_of(soft)
    before = line.stems[line.due - 1] if line.due else ""
    if wanted == "date":
        return line.value_class == "date" or before in ("in", "on")
    return (bool(wanted) and line.value_class in (wanted, "place")) or before in ("in", "at")


class _NamesIn:
    """Finds the names of relations in a line."""

    def __init__(self, line: SentenceLine) -> None:
        self.line = line
        self.stems = line.stems

    def found(self, own: Names) -> list[Evidence]:
        """Return the names that the sentence can be about."""
        found = []
        for mention in find_mentions(self.stems, own, shared_names()):
            attached = self._is_attached(mention)
            if not (attached or self.line.is_asking):
                continue
            is_tied = self.line.form != "open" or self._is_next(mention)
            is_tied = is_tied or (
                attached == _ATTACHED and not self.line.is_by_pronoun(mention.start)
            )
            if not attached and not self._may_be_asked(mention):
                continue
            score = mention.n_words + attached - _BEHIND * (not is_tied)
            if any(target.kind == "own" for target in mention.targets):
                score += 0.005  # the very name, where several fit
            elif not attached and self._says_class(mention):
                score = 0.4  # "which city" says of what class the value is, and no more
            found.append(Evidence(mention.targets, score, is_tied))
        return found

    def _says_class(self, mention: RelationMention) -> bool:
        return mention.end - mention.start == 1 and bool(value_class_of(self.stems[mention.start]))

    def _is_next(self, mention: RelationMention) -> bool:
        """Return whether only words without weight stand between the entity and a name."""
        before = self.stems[: mention.start]
        if "E" not in before:
            return False
        last = len(before) - 1 - before[::-1].index("E")
        return all(
            "~" in flags_of(one) or one in ("'s", ":", "-", "|", "/", "[", "=")
            for one in before[last + 1 :]
        )

    def _is_attached(self, mention: RelationMention) -> float:
        """Return how surely the words around a name say whose relation it is, and that it is due.

        "The R of E is" and "E's R is" do so more surely than "E, R" and "E was R by".
        """
        stems = self.stems
        before = mention.start - 1
        while before >= 0 and stems[before] in class_stems("modifiers"):
            before -= 1
        after = mention.end
        is_of_entity = False
        place = after
        if place < len(stems) and stems[place] in PREPOSITIONS:
            place += 1
            while place < len(stems) and stems[place] in ("the", '"', "'"):
                place += 1
            if place < len(stems) and stems[place] == "E":
                is_of_entity, after = True, place + 1
        if not is_of_entity and before >= 0:
            is_of_entity = stems[before] == "'s" and before > 0 and stems[before - 1] == "E"
        if self.line.form == "question":
            if before >= 0 and stems[before] in ("what", "which") and self._may_be_asked(mention):
                # "What currency does E use?", but "which city" leaves open what of it is asked.
                return 0 if self._says_class(mention) and not is_of_entity else _ATTACHED
            is_whole = before < 0 or self._is_plain(stems[before])
            return _ATTACHED if is_of_entity and is_whole else 0
        sure = _ATTACHED if is_of_entity else 0
        if "$" not in stems:
            return sure
        due = stems.index("$")
        if due < after:  # "____ is the capital of Norway"
            return sure
        rest = stems[after:due]
        if not all("^" in flags_of(one) or "~" in flags_of(one) for one in rest):
            return 0
        if not is_of_entity and any(one in (",", ";") for one in rest):
            return 0
        if is_of_entity:
            return 0 if rest and rest[-1] in ("of", "in") and "be" not in rest else sure
        if "E" not in stems[: mention.start]:
            return 0
        return _ATTACHED / 2 if self._follows_entity(mention, before, rest) else 0

    def _follows_entity(self, mention: RelationMention, before: int, rest: list[str]) -> bool:
        """Return whether a name behind the entity is a statement about it that ends here."""
        stems = self.stems
        last = stems[mention.end - 1]
        if last in PREPOSITIONS and mention.n_words > 1:  # "E was born in", "E, written by"
            return True
        while before >= 0 and stems[before] in ("the", '"', "'", *class_stems("modifiers")):
            before -= 1
        lead = stems[before] if before >= 0 else ""
        if lead in ("with", "have"):  # "E has a population of"
            return rest[:1] != ["be"]
        if lead == "," and self.line.form == "open":  # "born in Lowell, Mass."
            return False
        if lead in ("E", ",", ":", "-", "|", "(", "=", "/", "["):
            return rest[:1] not in (["of"], ["in"])
        return "be" in rest and rest[-1] != "of" and "be" != lead  # "In E, the currency is"

    def _may_be_asked(self, mention: RelationMention) -> bool:
        """Return whether a name in a question is a whole one: not the "population" of "population
        density", nor that of "urban population"."""
        stems = self.stems
        if mention.end < len(stems) and not self._is_plain(stems[mention.end], is_after=True):
            return False
        before = mention.start - 1
        return before < 0 or self._is_plain(stems[before])

    @staticmethod
    def _is_plain(word: str, *, is_after: bool = False) -> bool:
        """Return whether a word beside a name leaves its meaning as it is."""
        if not word[:1].isalpha() or word in ("E", "$"):
            return True
        if flags_of(word) or word in PREPOSITIONS or word in _QUESTION_WORDS:
            return True
        if is_after:
            return word in _VERBS
        return word in class_stems("modifiers") or word in _VERBS


_QUESTION_WORDS = frozenset(
    "what which who wher when how whos whose and or me you i us know tell nam giv".split()
)
_VERBS = frozenset(
    "use hold play work live speak belong serv hav come go call nam describ giv apply read list"
    " match go get associat know see own mak produc locat attend state say find identify"
    " possess carry bear show enter provid remember look ask wonder guess recall think need want"
    " consider study pursue practic practis write".split()
)


class _NameWords(NamedTuple):
    hard: frozenset[str]
    """Roots that a sentence must have."""
    soft: frozenset[str]
    """Stems of words that say of what kind the values are: "year" in "award year"."""


_SOFT = frozenset(map(stem, "year date place location city country name title".split()))


@lru_cache(maxsize=1024)
def _words_of(held: tuple[str, ...]) -> tuple[_NameWords, ...]:
    """Return the words of each relation's name, without those that carry nothing."""
    found = []
    for key in held:
        stems = [
            one
            for one in name_stems(key)
            if one not in PREPOSITIONS and not flags_of(one).startswith("~")
        ]
        hard = frozenset(root(one) for one in stems if one not in _SOFT)
        found.append(_NameWords(hard, frozenset(stems) & _SOFT))
    return tuple(found)


@lru_cache(maxsize=1024)
def _own_names(held: tuple[str, ...]) -> Names:
    return own_names((key, number) for number, key in enumerate(held))
