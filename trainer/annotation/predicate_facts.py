"""What the predicates of sentences say of their subjects, read off by rules.

``Acme Robotics was founded in 1987 by Ada Quill.`` says that Acme Robotics was
``founded in`` 1987 and ``founded by`` Ada Quill: the entity is the subject, the
relation the verb with its preposition, the value a date or a name. Where a
subordinate clause or another subject begins, reading stops; what is behind a
value that was not understood has no relation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from lamlam.trainer.annotation.clauses import OF_DATES, Clause, Place
from lamlam.trainer.annotation.name_places import names_listed_at
from lamlam.trainer.annotation.sentence_subjects import Predicate, predicates_of
from lamlam.trainer.annotation.sentence_tokens import (
    DEMONYM,
    Token,
    is_adverb,
    is_gerund,
    is_verb,
    tokens_of,
    words,
)
from lamlam.trainer.annotation.subjects import SentenceAbout
from lamlam.trainer.documents import Document, StatedFact

_OF_EVENTS = frozenset("until after before since during".split())
_MOVING = frozenset(
    "moved returned relocated emigrated immigrated born settled transferred".split()
)
_NAMING = frozenset({"named", "called", "titled", "entitled", "renamed"})
_TRANSITIVE = frozenset(
    "attended joined won married directed wrote produced founded captured defeated edited coached"
    " represented starred created published released founded established led managed represents"
    " features stars covers borders contains includes composed designed invented discovered beat"
    " received hosted recorded acquired bought replaced succeeded played portrayed visited taught"
    " starring featuring commanded owned owns operates published edited translated served".split()
)
_FIRST_SINCE = re.compile(r"\b(?:first|second|last|only|time|[a-z]+est)\b")
_LONGER_TITLE = re.compile(r" (?:to|with|in|at|for|from) (?:the )?[A-Z]")


def facts_of_sentences(
    document: Document, sentences: Sequence[SentenceAbout]
) -> Iterator[StatedFact]:
    """Yield what the predicates of the document's sentences say of their subjects."""
    for predicate in predicates_of(document, sentences):
        yield from _PredicateReader(document.text, predicate).facts()


class _PredicateReader:
    """Reads one predicate from left to right."""

    def __init__(self, text: str, predicate: Predicate) -> None:
        self._text = text
        self._predicate = predicate
        self._clause = Clause()
        self._place: Place = "subject"
        self._waiting = [predicate.opening] if predicate.opening else []
        self._found: list[StatedFact] = []
        self._entity = predicate.entity
        self._is_title = True
        self._part = predicate.part
        self._last_name = ""
        self._last_relation = ""
        self._date_relation = ""
        self._was_noun = False
        self._head_end = -1
        self._listed: set[int] = set()
        if predicate.participle:
            self._clause.begin_verb(predicate.participle, is_passive=True)
            self._place = "verb"

    def facts(self) -> Iterator[StatedFact]:
        tokens = tokens_of(self._text, self._predicate.start, self._predicate.end)
        for n, token in enumerate(tokens):
            following = tokens[n + 1] if n + 1 < len(tokens) else None
            if not self._read(token, following):
                break
        yield from sorted(self._found, key=lambda fact: fact.at)

    def _read(self, token: Token, following: Token | None) -> bool:
        """Read a token; returns whether to go on."""
        if token.kind == "mark":
            return self._read_mark(token)
        if token.kind == "date":
            return self._read_date(token, following)
        if token.kind == "name":
            return self._read_name(token, following)
        return self._read_word(token, following)

    def _state(self, relation: str, token: Token) -> None:
        if not relation or token.said == self._entity:
            return
        relation = f"{self._part} {relation}" if self._part else relation
        self._found.append(StatedFact(self._entity, relation, token.said, token.start))

    def _read_mark(self, token: Token) -> bool:
        if token.said == ";":
            if not self._predicate.is_list:
                return False
            self._clause, self._place, self._date_relation = Clause(), "subject", ""
            self._entity, self._part, self._is_title = self._predicate.entity, "", True
            return True
        if token.said in ":–—":
            return False
        if token.said == ",":
            self._was_noun = self._place == "noun"
            self._place = "comma"
        return True

    def _read_date(self, token: Token, following: Token | None) -> bool:
        gap = self._text[token.end : following.start] if following else ""
        is_whole = not (
            following and gap == " " and following.kind in ("name", "word")
            and following.said.lower() not in words("goes on")
            and not is_adverb(following.said)
        )  # fmt: skip
        relation = self._clause.date_relation(self._place, is_list=self._predicate.is_list)
        if self._clause.preposition == "since" and _FIRST_SINCE.search(
            self._text, self._predicate.start, token.start
        ):
            relation = ""
        if not relation and self._place in ("and", "comma"):
            relation = self._date_relation
        self._date_relation = relation
        if relation == "year":
            is_whole = self._text[: token.start].endswith((" a ", " an "))
        if is_whole:
            self._state(relation, token)
        self._clause.goes_on = False
        self._clause.preposition = ""
        if relation != "year":
            self._clause.after_name = False
            self._place = "value"
        return True

    def _read_name(self, token: Token, following: Token | None) -> bool:
        clause = self._clause
        # "since their album of 1990", "until the Games in 1990"
        clause.has_no_dates = clause.has_no_dates or clause.preposition in _OF_EVENTS
        outcome = self._outcome(token, following)
        if outcome == "stop":
            return False
        if outcome == "adjective":
            if self._place == "auxiliary" and clause.is_copular and not clause.verb:
                self._read_adjective(token)
            return True
        if outcome == "skip":
            clause.is_dead, clause.goes_on, clause.preposition = True, False, ""
            self._place = "name"
            return True
        if self._place in ("comma", "and") and clause.goes_on:
            relation = self._last_relation
        elif clause.preposition:
            relation = clause.name_relation()
        else:
            relation = clause.verb
        self._state(relation, token)
        if relation and token.start not in self._listed:
            spans = names_listed_at(self._text, token.start)
            # "the Academy of Film and Television"
            is_doubtful = len(spans) == 2 and clause.preposition in ("at", "of")
            self._listed = set() if is_doubtful else {at for at, _ in spans[1:]}
        self._last_relation = relation
        self._last_name = token.said
        clause.goes_on = bool(relation)
        clause.is_dead = clause.is_dead or not relation
        clause.after_name = True
        self._place = "value"
        return True

    def _read_adjective(self, token: Token) -> None:
        """Read "American", or "1975 American", before the noun that says what the subject is."""
        year, _, nation = token.said.rpartition(" ")
        if year.isdecimal():
            self._state("year", Token("date", year, token.start, token.start + len(year)))
        elif year:
            return
        relation = "nationality" if self._predicate.is_person else "country"
        self._state(relation, Token("name", nation, token.end - len(nation), token.end))

    def _outcome(
        self, token: Token, following: Token | None
    ) -> Literal["value", "skip", "stop", "adjective"]:
        text, clause = self._text, self._clause
        if token.start in self._listed and clause.goes_on and self._place in ("comma", "and"):
            return "value"
        if token.said.endswith(("'s", "’s", "'", "’", " No")):
            return "skip"
        if following is not None and text[token.end : following.start] == " ":
            word = following.said.lower()
            if following.kind == "word":
                if DEMONYM.match(token.said.split()[-1]) and word not in words("goes on"):
                    return "adjective"
                if word in words("be") or word in ("has", "had", "have"):
                    return "stop"
                if is_verb(word) and word not in ("born", "based", "featuring", "starring"):
                    return "stop"
                if word not in words("goes on") and not is_adverb(word) and not is_gerund(word):
                    return "skip"
            elif following.kind == "name" or not self._predicate.is_list:
                return "skip"
        if text[token.end : token.end + 1] in ("-", "/", "'", "’") or (
            text[token.end : token.end + 2] in (" '", " ’")
        ):
            return "skip"
        if clause.verb in ("based", "adapted") and _LONGER_TITLE.match(text, token.end):
            return "skip"
        if self._place in ("comma", "and") and clause.goes_on:
            is_list = clause.verb in _MOVING or clause.preposition in (
                "in",
                "at",
                "near",
                "featuring",
                "starring",
                "with",
                "by",
            )
            if self._place == "and":  # "the Indoor Track and Field Championships"
                return "skip" if clause.preposition in ("at", "of") else "value"
            return "value" if is_list else "skip"
        if self._place in ("comma", "and", "value", "name"):
            return "skip"
        if clause.preposition not in ("in", "to", "from", "near", "") and " " not in token.said:
            if re.match(r" and [A-Z]\w+ [A-Z]", text[token.end : token.end + 40]):
                return "skip"  # "by Ada and Tom Quill"
        if clause.preposition:
            return "value" if clause.name_relation() else "skip"
        if self._place == "verb" and not clause.is_passive and clause.verb in _TRANSITIVE:
            return "value"
        if self._place == "verb" and clause.verb in _NAMING:
            return "value"
        return "skip"

    def _read_word(self, token: Token, following: Token | None) -> bool:
        clause, word = self._clause, token.said.lower()
        if (
            word in ("who", "which")
            and clause.after_name
            and self._last_name
            and (self._place == "value" or (self._place == "comma" and not self._was_noun))
        ):
            self._entity, self._part, self._last_name = self._last_name, "", ""
            self._clause, self._place, self._is_title = Clause(), "subject", False
            return True
        if word in words("stoppers"):
            return False
        if word in ("and", "but"):
            self._place = "and"
            return True
        if word in ("he", "she", "it"):
            is_same = (
                self._is_title
                and word == self._predicate.pronoun
                and self._place in ("and", "comma")
            )
            self._place = "subject"
            return is_same
        if word in words("be") or word in ("has", "had", "have"):
            return self._read_auxiliary(word)
        if word in words("auxiliaries") or is_adverb(word):
            return True
        if is_verb(word):
            return self._read_verb(word)
        if word in words("prepositions"):
            is_infinitive = (
                word == "to"
                and following is not None
                and following.kind == "word"
                and following.said.lower() not in words("transparent") | words("roles")
                and not following.said[0].isdecimal()
            )
            if is_infinitive:
                return False
            if self._place == "and" and word in OF_DATES:
                clause.is_dead = clause.has_no_dates = True  # of the verb that is to come
            clause.preposition = word
            clause.n_prepositions += 1
            clause.after_noun = self._place == "noun"
            clause.goes_on = False
            self._place = "preposition"
            return True
        if is_gerund(word) and self._place in ("comma", "value", "name", "noun"):
            if self._place == "noun" and clause.is_copular and not clause.n_prepositions:
                clause.begin_verb(word, is_passive=True)
                self._place = "verb"
                return True
            return False
        return self._read_noun(word, token.start, following)

    def _read_auxiliary(self, word: str) -> bool:
        if self._place not in ("subject", "and", "comma", "auxiliary"):
            return False
        self._clause = Clause(is_copular=word in words("be"), is_passive=word in words("be"))
        self._place = "auxiliary"
        return True

    def _read_verb(self, verb: str) -> bool:
        clause = self._clause
        is_reduced = self._place == "noun" and clause.is_copular and not clause.n_prepositions
        if self._place not in ("subject", "and", "comma", "auxiliary") and not is_reduced:
            if self._place == "preposition":  # "in renewed efforts"
                return True
            return False
        if (
            self._place == "comma"
            and (clause.after_name or self._was_noun)
            and not clause.is_copular
            and not self._predicate.is_list
        ):
            return False  # what the name before the comma did or underwent
        is_passive = is_reduced or (
            clause.is_passive if self._place in ("auxiliary", "and") else self._place == "comma"
        )
        clause.begin_verb(verb, is_passive=is_passive)
        for opening in self._waiting:
            preposition, start, end = opening
            self._state(f"{verb} {preposition}", Token("date", self._text[start:end], start, end))
        self._waiting = []
        self._place = "verb"
        return True

    def _read_noun(self, word: str, start: int, following: Token | None) -> bool:
        clause = self._clause
        if word in words("transparent"):
            if self._place == "and" and word in words("determiners"):
                return False
            if self._place in ("comma", "value", "name"):
                clause.goes_on = False
                clause.is_dead = True
            return True
        if (
            clause.preposition
            and following is not None
            and following.kind == "name"
            and (word in words("roles"))
        ):
            return True
        if self._place in ("comma", "value", "name") and not self._is_list_head():
            clause.is_dead = True
        if self._place == "and" and clause.verb:
            clause.is_dead = True
        if not clause.n_prepositions and not clause.verb:
            is_name_next = following is not None and following.kind == "name"
            before = clause.head if self._head_end == start - 1 else ""
            clause.head = "" if is_name_next or not word.isalpha() else f"{before} {word}".strip()
            self._head_end = start + len(word)
        if clause.verb == "took" and word == "place":
            clause.verb, self._place = "took place", "verb"
            return True
        if following is not None and following.said.lower() in words("prepositions"):
            if not clause.n_prepositions:
                clause.noun = word if word.isalpha() and len(word) > 2 else ""
        clause.has_no_dates = clause.has_no_dates or clause.preposition in _OF_EVENTS
        if self._place == "preposition" and is_gerund(word):
            clause.is_dead = True  # "known for winning … at"
        clause.preposition = ""
        clause.goes_on = False
        self._place = "noun"
        return True

    def _is_list_head(self) -> bool:
        return self._predicate.is_list and not self._clause.verb
