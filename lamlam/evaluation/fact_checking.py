"""Check what a text states of an entity against what a store holds of it, by rule.

The words before a value name the relation where they can ("was born in"): by the names and
synonyms of relations. Where they name one that the store holds of the entity, the value is right
or wrong; where they name none, it is right if any value of the entity has it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from lamlam.errors import BadFact
from lamlam.evaluation.stated_values import StatedValue, words_of
from lamlam.memory_backends.model.date_texts import date_parts
from lamlam.memory_backends.model.synonyms import (
    asks_for,
    group_of,
    may_answer,
    same_relation,
    same_topic,
    synonyms_of,
)

Verdict = Literal["right", "wrong", "unsupported"]
Held = Mapping[str, Sequence[str]]
"""The relations of an entity, by canonical key, with their values as text."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An entity that a text is about."""

    name: str
    held: Held
    """What the store holds of it; empty where the store does not know it."""
    names: frozenset[str]
    """Canonical keys of its name and aliases."""


_NUMBERS = frozenset(
    "population,area,elevation,height,length,capacity,age,postal code,running time,weight".split(
        ","
    )
)
"""First names of groups whose values are numbers."""
_FARTHEST, _LONGEST = 3, 4  # words between a relation's name and the value, words of the name
# What may stand between: "the population was at 9", "born in the town of Lowmere".
_BETWEEN = frozenset("is was are were be been at in on to as by named called".split())
_KIND_OF_PLACE = re.compile(
    r"(?:the )?(?:(?:small|old) )?(?:town|city|village|state|county|township|parish|district|"
    r"province|region|borough|island|municipality|country|suburb) of"
)
_CLAUSE = re.compile(r"[.,;:()\[\]\"“”!?\n–—]|\s-\s")
_PREPOSITION = re.compile(r"\s*(?:in|at|on|near)(?: the)?\s*")
_BRACKET = re.compile(r"\(\s*(?P<word>born|b\.|died|d\.)?\s*(?:on |in )?$")
_DASH = re.compile(r"\([^()]*\d\s*(?:[–—-]|to)\s*$")
_RELEASED = re.compile(r"\b(?:is|was) (?:an? )?(?:[a-z]+ )?$")
# "by Bolivian novelist Ada Marlow": the first word says what kind of novelist she is.
_ATTRIBUTE = re.compile(r"(?:\w+-)?\w+(?:an|ish|ese|ic|-based|-born)", re.IGNORECASE)
_NEXT_WORD = re.compile(r" ([a-z]{3,})")
_NO_NOUN = frozenset(
    "and but for from with who which that where when while was were has had are into near under"
    " after before during since until because than the its his her their".split()
)
_LIFE_PLACES = frozenset(("birth place", "death place", "burial place"))
_NUMERAL = re.compile(r"\d[\d,]*(?:\.\d+)?")
_ARTICLES = frozenset(("the", "a", "an"))
_PLAIN = frozenset("by in at for from on".split())  # "part of", "cast of" may be said of either end
_LIFE = frozenset(("birth date", "birth year", "birth place", "nationality", "occupation"))


@dataclass(frozen=True, slots=True)
class NamedRelation:
    """A relation that words name."""

    name: str
    """Canonical key: one of the entity's where it holds such a relation."""
    is_held: bool
    clashes: bool = False
    """Its values are of another kind than the one that stands there."""
    is_plain: bool = False
    """Nothing else can be meant: "lyrics by", "died in" right before the value."""


def agrees(stated: StatedValue, held: str) -> bool:
    """Return whether a held value says what is stated: it equals or contains it.

    >>> agrees(StatedValue(0, 4, "1867", "date"), "7 November 1867")
    True
    """
    if stated.kind == "date" and (day := _date(stated.text)) is not None:
        other = _date(held)
        if other is not None:
            return all(mine is None or mine == its for mine, its in zip(day, other, strict=True))
        return stated.text.isdigit() and stated.text in words_of(held)
    if stated.kind == "number":
        numbers = [number.replace(",", "") for number in _NUMERAL.findall(held)]
        wanted = stated.text.replace(",", "")
        if len(wanted) < 3:  # "3" stands in any date: the value itself must be it
            return numbers[:1] == [wanted] and _date(held) is None
        return wanted in numbers
    return _contains(_name_words(held), _name_words(stated.text))


def _says_more(stated: StatedValue, held: str) -> bool:
    """Return whether what is stated has a held value as a part."""
    if stated.kind == "date":
        day, other = _date(stated.text), _date(held)
        if day is None or other is None:
            return False
        return all(its is None or mine == its for mine, its in zip(day, other, strict=True))
    return _contains(_name_words(stated.text), _name_words(held))


def judge_parametric(
    text: str, stated: StatedValue, before: StatedValue | None, subject: Subject
) -> tuple[Verdict, str | None]:
    """Return the verdict on a value that the weights wrote, and the relation that words name.

    Args:
        before: the value that is stated before this one.
    """
    held = subject.held
    named = named_relation(text, stated, before, subject)
    if named is None:
        is_right = any(agrees(stated, value) for values in held.values() for value in values)
        return ("right" if is_right else "unsupported"), None
    if not named.is_held:
        return "unsupported", named.name
    if any(agrees(stated, value) for value in held[named.name]):
        return "right", named.name
    # What says more than the store may be true or not: "Rome, Ohio" where it holds Rome.
    is_open = any(_says_more(stated, value) for value in held[named.name])
    return ("unsupported" if is_open else "wrong"), named.name


def judge_fetched(
    text: str, stated: StatedValue, before: StatedValue | None, subject: Subject, relation: str
) -> tuple[Verdict, str | None]:
    """Return the verdict on a value that memory gave for a relation of the entity itself.

    Wrong where the store does not hold it, or where the words before it name another relation
    that the entity has with other values, or one whose values are of another kind. Unsupported
    where they plainly name another relation of which the store holds nothing.
    """
    held = subject.held
    if not any(stated.text == value for values in held.values() for value in values):
        return "wrong", relation
    named = named_relation(text, stated, before, subject, keep_clash=True)
    if named is None or _is_near(named.name, relation):
        return "right", relation
    if named.is_plain and group_of(relation) is not None:
        return "unsupported", named.name
    if named.clashes:
        return "wrong", named.name
    if named.is_held and not any(agrees(stated, value) for value in held[named.name]):
        return "wrong", named.name
    return "right", relation


def named_relation(
    text: str,
    stated: StatedValue,
    before: StatedValue | None,
    subject: Subject,
    *,
    keep_clash: bool = False,
) -> NamedRelation | None:
    """Return the relation that the words before a value name, nearest first; ``None`` if none.

    Args:
        keep_clash: where no relation fits the value's kind, return the one right before it that
            does not.
    """
    held = subject.held
    if stated.kind == "date" and (special := _by_form(text[: stated.start], subject)) is not None:
        return special
    if _is_attribute(text, stated):
        return None
    words = _words_before(text, stated, before)
    clash: NamedRelation | None = None
    unheld: NamedRelation | None = None
    for skipped in range(min(_FARTHEST + 1, len(words))):
        end = len(words) - skipped
        between = " ".join(words[end:])
        is_far_place = stated.kind == "name" and bool(_KIND_OF_PLACE.fullmatch(between))
        if not (is_far_place or _may_stand_between(words[end:], stated)):
            continue
        for length in range(min(_LONGEST, end), 0, -1):
            name = " ".join(words[end - length : end])
            key = _held_key(name, held)
            if key is None and group_of(name) is None:
                continue
            first = synonyms_of(name)[0]
            if is_far_place and first not in _LIFE_PLACES:
                continue
            if not _fits(stated, name, () if key is None else held[key]):
                if skipped == 0:
                    clash = clash or NamedRelation(key or first, key is not None, clashes=True)
            elif key is not None:
                return NamedRelation(key, True)
            elif skipped == 0 and length > 1:  # nothing farther away is meant
                return NamedRelation(first, False, is_plain=words[-1] in _PLAIN)
            else:
                unheld = unheld or NamedRelation(first, False)
    return unheld or (clash if keep_clash else None)


def _is_attribute(text: str, stated: StatedValue) -> bool:
    """Return whether a name only describes the noun after it."""
    following = _NEXT_WORD.match(text, stated.end)
    if stated.kind != "name" or following is None or following[1] in _NO_NOUN:
        return False
    return _ATTRIBUTE.fullmatch(stated.text.split()[-1]) is not None


def _may_stand_between(words: Sequence[str], stated: StatedValue) -> bool:
    """Return whether these may part a relation's name from its value.

    "The team of Lowmere" names Lowmere's team, while "a population of 900" says how many.
    """
    allowed = _BETWEEN | _ARTICLES | ({"of"} if stated.kind != "name" else set())
    return allowed.issuperset(words)


def _words_before(text: str, stated: StatedValue, before: StatedValue | None) -> list[str]:
    """Return the words of the clause before a value, over "<date> in" back to "born"."""
    left = text[: stated.start]
    if before is not None and before.end <= stated.start:
        between = left[before.end :]
        # "born <date> in Lowmere", "born in Lowmere on <date>"; not "born in Lowmere in Vask"
        if before.kind != stated.kind and _PREPOSITION.fullmatch(between):
            left = left[: before.start] + between
        else:
            left = between
    clause = _CLAUSE.split(left)[-1]
    words = words_of(clause)[-(_FARTHEST + _LONGEST) :]
    while words and words[-1] in _ARTICLES:
        words.pop()
    return words


def _by_form(left: str, subject: Subject) -> NamedRelation | None:
    """Return what a date's place says: the dates in brackets behind a name, "is a 1994 film"."""
    name = None
    opened = left.rfind("(")
    if opened > left.rfind(")") and _is_name_of(subject, left[:opened]):
        match = _BRACKET.search(left)
        if _DASH.search(left) or (match is not None and match["word"] in ("died", "d.")):
            name = "death date"
        # Of a film or firm a date in brackets may be anything.
        elif match is not None and (match["word"] or _LIFE & subject.held.keys()):
            name = "birth date"
    elif _RELEASED.search(left):
        name = "release year"
    if name is None:
        return None
    key = _held_key(name, subject.held)
    if key is None and name == "release year":
        return None
    return NamedRelation(key or name, key is not None)


def _is_name_of(subject: Subject, left: str) -> bool:
    """Return whether a text ends with a word of the entity's names."""
    last = words_of(left)[-1:]
    return any(last == words_of(name)[-1:] for name in (subject.name, *subject.names))


def _is_near(named: str, relation: str) -> bool:
    """Return whether two relations are one, or so close that words for one may mean the other."""
    return (
        same_relation(named, relation)
        or may_answer(relation, named)
        or may_answer(named, relation)
        or same_topic(named, relation)
    )


def _held_key(name: str, held: Held) -> str | None:
    """Return the relation of the entity that a name asks for: itself, a synonym, a narrower one."""
    for answers in (lambda key: key == name, lambda key: same_relation(key, name)):
        if (key := next(filter(answers, held), None)) is not None:
            return key
    return next((key for key in held if may_answer(key, name)), None)


def _fits(stated: StatedValue, name: str, values: Sequence[str]) -> bool:
    """Return whether a relation may have a value of such a kind."""
    if values:
        kinds = {_kind_of(value) for value in values}
        return stated.kind in kinds
    sense = asks_for(name)
    if sense == "time":
        return stated.kind == "date"
    if synonyms_of(name)[0] in _NUMBERS:
        return stated.kind != "name"
    return stated.kind == "name"


def _kind_of(value: str) -> str:
    if _date(value) is not None:
        return "date"
    return "number" if value[:1].isdigit() else "name"


def _date(text: str) -> tuple[int, int | None, int | None] | None:
    plain = re.sub(r"\b(\d{1,2})(?:st|nd|rd|th)\b", r"\1", text)
    plain = re.sub(r"^(\d{1,2} \w+), ", r"\1 ", plain)
    try:
        return date_parts(plain)
    except BadFact:
        return None


def _name_words(text: str) -> list[str]:
    return [word for word in words_of(text) if word not in _ARTICLES]


def _contains(whole: list[str], part: list[str]) -> bool:
    n = len(part)
    return n > 0 and any(whole[i : i + n] == part for i in range(len(whole) - n + 1))
