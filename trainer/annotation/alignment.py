"""Known facts aligned to a text: which of them it states, and where.

A value in a text states a fact only if the sentence is about the fact's entity
and its words speak of the relation, or if the value is unmistakable. What is
doubtful is left out and counted: a model learns a wrong lookup as well as a
right one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lamlam.trainer.annotation.cues import (
    kind_by_brackets,
    kinds_of,
    kinds_said,
    says_relation,
)
from lamlam.trainer.annotation.folding import folded
from lamlam.trainer.annotation.known_facts import KnownFact, KnownFacts, NameMention
from lamlam.trainer.annotation.subjects import SentenceAbout, names_of_title, sentences_about
from lamlam.trainer.annotation.value_forms import read_date, value_forms
from lamlam.trainer.documents import Document, StatedFact
from lamlam.trainer.entity_names import find_name
from lamlam.trainer.pronouns import pronoun_of

_RELATIVES = (" who ", " whose ", " which ", " whom ")
_GOES_ON = re.compile(r"(?: (?:& )?|[-–])[^\W\d_a-z]|-[^\W\d_]")
_STARTS = re.compile(r"[\"“‘(\[]*(?:The |the )?(?:[^\W\d_a-z][^\W\d_]+ )?")
"""What may stand before a value at the start of its sentence: an article, a rank."""
_OWNED = re.compile(r"[\"“‘(\[]*(?:His|Her|Its|Their) ")
_WORDS = re.compile(r"[^\W_]\S* [^\W\d_]{3,}")
"""Two words, of which the second is none such as "of": "340 miles", "pale blue"."""
_NO_NAME = re.compile(r"[^,;()\n“”\"A-ZÀ-Þ]{0,60}")
"""What may stand between a name and a value of it: few words, all in small letters."""
_AT_A_PLACE = re.compile(r"(?:at|in|on|inside|outside|for|of|from)(?: the)? ")
_HEAD = re.compile(r"(?!(?:He|She|It|They|His|Her|Its|Their) )[^\W\d_][^,;:()\n“”\"A-ZÀ-Þ]{1,60}")
"""The words of a sentence before the only name in it: "The keeper of the lamp at "."""
_NAME_BEFORE = re.compile(r"([^\W\d_a-z][\w'’]*)[ -]\Z")
_OPEN_WORDS = frozenset(
    "In On At By The A An From To For Of And But As With After Before Since Until Near Born".split()
)
_MOST_PLACES = 8
"""Places of one value in a text that are looked at."""
_FEW_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Alignment:
    """The facts that a text states, and what was left out."""

    facts: tuple[StatedFact, ...]
    left_out: Counter[str]
    """Values of the text's entities that stand in it and were left out, by reason."""
    n_entities: int = 0
    """Entities with known facts that the text names."""
    stated: tuple[tuple[str, str, str], ...] = ()
    """The facts as they are known, in the order of the others."""


@dataclass(frozen=True, slots=True)
class _PossibleFact:
    start: int
    end: int
    entity: str
    fact: KnownFact
    score: int


class Aligner:
    """Aligns the known facts to one document after the other."""

    def __init__(self, known: KnownFacts) -> None:
        self._known = known

    def align(self, document: Document) -> Alignment:
        """Return the facts of the document, those that it has already and those found.

        Values never overlap; of two that would, the one that was there, then the longer one wins.
        """
        text = document.text
        folded_text = folded(text)
        entity = self._known.entity_titled(document.title)
        left_out: Counter[str] = Counter()
        mentions = list(self._known.mentions(text, folded_text))
        if entity is None and not mentions and not document.other_facts:
            return Alignment(document.facts, left_out)
        reading = _ReadDocument.of(document, folded_text, entity, mentions)
        candidates = [*self._of_title(document, reading, left_out)]
        candidates += self._of_others(reading, left_out)
        taken = sorted((fact.at, fact.at + len(fact.value)) for fact in document.facts)
        has = {(fact.entity, fact.relation) for fact in document.facts}
        chosen = _choose(candidates, taken, has, left_out)
        facts = [
            StatedFact(one.entity, one.fact.relation, text[one.start : one.end], one.start, True)
            for one in chosen
        ]
        return Alignment(
            tuple(sorted([*document.facts, *facts], key=lambda fact: fact.at)),
            left_out,
            len({mention.entity for mention in reading.mentions} | ({entity} if entity else set())),
            tuple((one.entity, one.fact.relation, one.fact.value) for one in chosen),
        )

    def _of_title(
        self, document: Document, reading: _ReadDocument, left_out: Counter[str]
    ) -> Iterator[_PossibleFact]:
        if not reading.names:  # the text never names its title: it may be about anything
            return
        own = [
            (KnownFact(relation, value), form)
            for entity, relation, value in document.other_facts
            if entity == document.title
            for form in value_forms(value)
            if form in reading.folded_text
        ]
        known = self._known.values_in(reading.entity, reading.folded_text) if reading.entity else ()
        entity = document.title if own or not reading.entity else reading.entity
        for fact, form in [*own, *known]:
            for start, end in _places(form, reading.folded_text, 0, len(reading.text)):
                sentence = reading.sentence_at(start)
                score, reason = reading.score_title(fact, start, end, sentence)
                if reason:
                    left_out[reason] += 1
                else:
                    yield _PossibleFact(start, end, entity, fact, score)

    def _of_others(self, reading: _ReadDocument, left_out: Counter[str]) -> Iterator[_PossibleFact]:
        by_sentence: dict[int, list[NameMention]] = {}
        for mention in reading.mentions:
            if mention.entity != reading.entity:
                by_sentence.setdefault(reading.number_at(mention.start), []).append(mention)
        for number, mentions in by_sentence.items():
            sentence = reading.sentences[number]
            seen: set[str] = set()
            for mention in mentions:
                if mention.entity in seen:
                    continue
                seen.add(mention.entity)
                behind = reading.folded_text[mention.end : sentence.end]
                for fact, form in self._known.values_in(mention.entity, behind):
                    for start, end in _places(form, reading.folded_text, mention.end, sentence.end):
                        score, reason = reading.score_other(fact, mention, start, end, sentence)
                        if reason:
                            left_out[reason] += 1
                        else:
                            yield _PossibleFact(start, end, mention.entity, fact, score)


@dataclass(frozen=True, slots=True)
class _ReadDocument:
    """One document as it is read: its sentences, and where it names whom."""

    text: str
    folded_text: str
    entity: str | None
    """The title's entity, if facts of it are known."""
    names: tuple[str, ...]
    sentences: list[SentenceAbout]
    starts: list[int]
    mentions: list[NameMention]

    @classmethod
    def of(
        cls,
        document: Document,
        folded_text: str,
        entity: str | None,
        mentions: list[NameMention],
    ) -> _ReadDocument:
        text = document.text
        pronoun = pronoun_of(document)
        is_person = document.is_person or pronoun in ("he", "she")
        names = names_of_title(document.title, text, is_person=is_person)
        sentences = sentences_about(text, document.title, names, pronoun)
        return cls(
            text, folded_text, entity, names, sentences, [one.start for one in sentences], mentions
        )

    def number_at(self, at: int) -> int:
        return max(0, bisect_right(self.starts, at) - 1)

    def sentence_at(self, at: int) -> SentenceAbout:
        return self.sentences[self.number_at(at)]

    def score_title(
        self, fact: KnownFact, start: int, end: int, sentence: SentenceAbout
    ) -> tuple[int, str]:
        """Return how surely a value states a fact of the title's entity, or why not."""
        if reason := self._misplaced(start, end, sentence):
            return 0, reason
        before = self.text[sentence.start : start]
        named = max((before.rfind(name) for name in self.names), default=-1)
        if self._is_relative_to_other(before):
            return 0, "another entity"
        is_first = _STARTS.fullmatch(before) is not None  # "Captain Ida Marrow steers it."
        if sentence.about == "other" and not is_first:
            if sentence.is_unsure:
                return 0, "pronoun"
            is_kin = sentence.is_of_kin and (
                kinds_of(fact.relation) & _OF_KIN
                or says_relation(fact.relation, folded(before[: _FEW_LETTERS * 8]))
            )
            if not is_kin and (named < 0 or sentence.is_of_kin):
                return 0, "another entity"
        others = [
            one.start
            for one in self.mentions
            if sentence.start + max(named, 0) < one.start
            and one.end <= start - 1
            and one.entity != self.entity
        ]
        cue = self._cue(fact, start, end, sentence)
        if cue < 0:
            return 0, "no cue"
        if cue == 0 and (others or sentence.about == "other"):
            return 0, "no cue"
        if cue == 0 and sentence.about == "perhaps":
            # "Its brother, Tom Harker": of something of the title's entity.
            if kinds_of(fact.relation) or _OWNED.match(before):
                return 0, "no cue"
        return 10 * cue + (sentence.about == "title") + (named >= 0), ""

    def score_other(
        self,
        fact: KnownFact,
        mention: NameMention,
        start: int,
        end: int,
        sentence: SentenceAbout,
    ) -> tuple[int, str]:
        """Return how surely a value states a fact of an entity that its sentence names before."""
        if reason := self._misplaced(start, end, sentence):
            return 0, reason
        between = self.text[mention.end : start]
        is_direct = len(between) <= 3 or re.fullmatch(r"['’]s \w+ |,? \(?", between) is not None
        others = any(mention.end <= one.start and one.end <= start for one in self.mentions) or any(
            find_name(name, between) >= 0 for name in self.names
        )
        is_relative = re.match(r",? (?:who|whose|which) ", between) is not None
        is_subject = self.text[sentence.start : mention.start].strip('"“(') in ("", "The", "the")
        is_alone = not others and not sentence.is_of_kin and _NO_NAME.fullmatch(between) is not None
        if is_alone and self._names_relation_of(fact, mention, start, sentence):
            return 20, ""
        if not (is_direct or is_relative or is_subject):
            return 0, "another entity"
        cue = self._cue(fact, start, end, sentence, mention.end)
        is_own_words = is_subject and is_alone and not kinds_of(fact.relation)
        if cue < 0 or (cue == 0 and (others or not (is_direct or is_own_words))):
            return 0, "no cue"
        if others and cue < 2:
            return 0, "another entity"
        return 10 * cue + is_direct + is_relative, ""

    def _names_relation_of(
        self, fact: KnownFact, mention: NameMention, start: int, sentence: SentenceAbout
    ) -> bool:
        """Return whether a sentence that is not about a name says which relation of it follows.

        "The keeper of Harl Mill is Ona Pell", "At Harl Mill the keeper is Ona Pell".
        """
        before = self.folded_text[sentence.start : mention.start]
        if any(
            find_name(name, self.text[sentence.start : mention.start]) >= 0 for name in self.names
        ):
            return False
        if _AT_A_PLACE.fullmatch(before):
            return says_relation(fact.relation, self.folded_text[mention.end : start])
        is_head = _HEAD.fullmatch(self.text, sentence.start, mention.start) is not None
        return is_head and says_relation(fact.relation, before)

    def _misplaced(self, start: int, end: int, sentence: SentenceAbout) -> str:
        """Return why a value here is part of something longer, or of a name."""
        text = self.text
        if end > sentence.end:
            return "across sentences"
        for mention in self.mentions:
            if mention.start <= start and end <= mention.end:
                if mention.end - mention.start > end - start:
                    return "inside a name"
            elif mention.start > start:
                break
        is_name = text[start].isupper()
        if not is_name:
            return ""
        if _GOES_ON.match(text, end) and text[end - 1] not in ".,":
            return "inside a name"
        if " " not in text[start:end]:
            word = _NAME_BEFORE.search(text, max(sentence.start, start - 24), start)
            if word and word[1] not in _OPEN_WORDS and word.start() > sentence.start:
                return "inside a name"
        for name in self.names:
            at = text.rfind(name, max(0, end - len(name)), start + len(name))
            if at >= 0 and at <= start and end <= at + len(name):
                return "inside a name"
        return ""

    def _is_relative_to_other(self, before: str) -> bool:
        at = max(before.rfind(word) for word in _RELATIVES)
        if at < 0 or ";" in before[at:]:
            return False
        word = before[max(0, at - 40) : at].rstrip(",)").rpartition(" ")[2]
        return word[:1].isupper() and not any(word in name for name in self.names)

    def _cue(
        self, fact: KnownFact, start: int, end: int, sentence: SentenceAbout, after: int = 0
    ) -> int:
        """Return what the words around say: 2 the relation, 1 perhaps, 0 nothing, -1 another."""
        first = max(sentence.start, after)
        clause_start = max(first, self.text.rfind(";", first, start) + 1)
        clause_end = self.text.find(";", end, sentence.end)
        clause_end = sentence.end if clause_end < 0 else clause_end
        before = self.folded_text[clause_start:start]
        behind = self.folded_text[end:clause_end]
        kinds = kinds_of(fact.relation)
        value = self.text[start:end]
        date = read_date(value)
        if date is not None and kinds & _OF_DATES:
            by_brackets = kind_by_brackets(self.text[max(0, start - 80) : start])
            if by_brackets is not None:
                return 2 if by_brackets in kinds else -1
        nearest, every = kinds_said(before[-120:], behind)
        if kinds & nearest:
            return 2
        if says_relation(fact.relation, before[-120:] + behind[:40]):
            return 2
        if kinds & every and not nearest & _OF_DATES:
            return 1
        if kinds & _NEEDING:
            return 0 if date is not None and date.day is not None else -1
        return 0 if _is_unmistakable(value) or (not kinds and _WORDS.search(value)) else -1


_OF_DATES = frozenset({"birth", "death"})
_OF_KIN = frozenset({"parents", "siblings", "marriage", "children"})
_NEEDING = frozenset(
    "birth death burial schooling marriage parents children siblings founding end residence"
    " location capital award population area start office position release".split()
)


def _is_unmistakable(value: str) -> bool:
    """Return whether a value is so special that it is seldom met by chance."""
    if any(char.isdecimal() for char in value):
        date = read_date(value)
        return date is not None and date.day is not None
    return value[0].isupper() and (" " in value or len(value) > 2 * _FEW_LETTERS)


def _places(form: str, folded_text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where a folded form stands as whole words, the first few places."""
    at = folded_text.find(form, start, end)
    n = 0
    while at >= 0 and n < _MOST_PLACES:
        stop = at + len(form)
        if not _is_within_word(form, folded_text, at, stop):
            n += 1
            yield at, stop
        at = folded_text.find(form, at + 1, end)


def _is_within_word(form: str, text: str, start: int, end: int) -> bool:
    before, behind = text[start - 1 : start] if start else "", text[end : end + 1]
    if (before.isalnum() and form[0].isalnum()) or (behind.isalnum() and form[-1].isalnum()):
        return True
    # "538" in "1,538", "3" in "3.5"
    if form[0].isdecimal() and before in (",", ".") and text[max(0, start - 2)].isdecimal():
        return True
    return form[-1].isdecimal() and behind in (",", ".") and text[end + 1 : end + 2].isdecimal()


def _choose(
    candidates: Iterable[_PossibleFact],
    taken: list[tuple[int, int]],
    has: set[tuple[str, str]],
    left_out: Counter[str],
) -> list[_PossibleFact]:
    """Return at most one place for each fact and one fact for each place, longest first."""
    by_place: dict[tuple[int, int], list[_PossibleFact]] = {}
    for one in candidates:
        if (one.entity, one.fact.relation) in has or _overlaps((one.start, one.end), taken):
            continue
        by_place.setdefault((one.start, one.end), []).append(one)
    best: dict[tuple[str, str, str], _PossibleFact] = {}
    for place in sorted(by_place, key=lambda place: (place[0] - place[1], place)):
        found = sorted(by_place[place], key=lambda one: -one.score)
        first = found[0]
        if any(_is_rival(first, one) for one in found[1:] if one.score == first.score):
            left_out["ambiguous"] += 1
            continue
        key = (first.entity, first.fact.relation, first.fact.value)
        if key not in best or best[key].score < first.score:
            best[key] = first
    chosen: list[_PossibleFact] = []
    spans = list(taken)
    for one in sorted(best.values(), key=lambda one: (one.start - one.end, one.start)):
        if not _overlaps((one.start, one.end), spans):
            spans.append((one.start, one.end))
            chosen.append(one)
    return sorted(chosen, key=lambda one: one.start)


def _is_rival(first: _PossibleFact, other: _PossibleFact) -> bool:
    """Return whether two facts for one place are different ones."""
    if first.entity != other.entity:
        return True
    if first.fact.relation == other.fact.relation:
        return False
    return not kinds_of(first.fact.relation) & kinds_of(other.fact.relation)


def _overlaps(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    return any(start < span[1] and span[0] < end for start, end in others)
