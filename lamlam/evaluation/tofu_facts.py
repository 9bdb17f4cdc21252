"""Facts in TOFU's answers, found by rule: an answer is a sentence, a memory holds values.

Only kinds that a few patterns find reliably: dates and places of birth, genres, awards, what
the parents did. Every value stands in its answer word for word and not in the question.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lamlam.memory_backends.model.date_texts import MONTHS

_MONTH = "|".join(MONTHS)
_DATE = rf"(?:(?:{_MONTH}) \d{{1,2}}, \d{{4}}|\d{{1,2}} (?:{_MONTH}),? \d{{4}}|\d{{1,2}}/\d{{1,2}}/\d{{4}})"
_CAPITALISED = r"[^\W\d_a-z][\w'’./+-]*"
_PLACE = rf"{_CAPITALISED}(?: {_CAPITALISED})*(?:, {_CAPITALISED}(?: {_CAPITALISED})*)?"
_TITLE = rf"{_CAPITALISED}(?: (?:(?:of|for|the|in|to|&) )*{_CAPITALISED})*"
_PERSON = re.compile(r"[A-Z][\w'’-]+(?: [A-Z][\w'’-]+){1,3}")
_NO_TITLE = re.compile(r"^(?:(?:Winning|Receiving|Yes|Her|His|Their|The) (?:the )?)+")
_AWARD_WORD = re.compile(r"\b(?:Award|Prize|Medal|Laureate)\b")
_OF_WORK = r"(?:(?:was|is|worked|works|served|serves|being)(?: \w+ly)?(?: as)?|(?:profession|occupation|career|work) as)"
_PRAISE = re.compile(
    r"^(?:(?:local|respected|noted|renowned|distinguished|accomplished|skilled|well-regarded|"
    r"well-known|talented|dedicated|acclaimed|successful|professional|prominent|celebrated) )+"
)
_JOB = r"(?P<value>[A-Za-z][A-Za-z/-]*(?: [A-Za-z][A-Za-z/-]*){0,2}?)"
_JOB_END = (
    r"(?=[.,;]| and\b| while\b| who\b| in\b| –| -|$| (?:subtly|instilled|that|which|has|have)\b)"
)


def _parent(who: str, pronoun: str) -> list[re.Pattern[str]]:
    return [
        re.compile(rf"\b{who}(?:['’]s)? {_OF_WORK} (?:an? )?{_JOB}{_JOB_END}"),
        re.compile(rf"\b{who} of (?:[A-Z][\w'’-]+ ?)+(?:was|is) an? {_JOB}{_JOB_END}"),
        re.compile(rf"\ban? (?P<value>(?:(?!an? |and )[\w/-]+ ){{0,2}}?[\w/-]+) {who}\b"),
    ]


_RULES: dict[str, list[re.Pattern[str]]] = {
    "birth date": [re.compile(rf"\bborn\b[^.;]*?\b(?P<value>{_DATE})")],
    "birth place": [
        re.compile(rf"\b(?:born|born and raised) in (?P<value>{_PLACE})"),
        re.compile(rf"\bhails from (?P<value>{_PLACE})"),
    ],
    "genre": [
        re.compile(r"\bgenre of (?P<value>[A-Za-z][\w-]*(?: [A-Za-z][\w-]*){0,2}?)(?=[.,;]|$)"),
        re.compile(r"\bthe (?P<value>(?:(?!the |in |of )[\w-]+ ){0,2}?[\w-]+) genre\b"),
    ],
    "award": [re.compile(rf"(?P<value>{_TITLE})")],
    "father's occupation": _parent("father", "his"),
    "mother's occupation": _parent("mother", "her"),
}
_WORK = r"(?:occupation|profession|vocation|career|job|do\b|do for)"
_ASKED = {
    "birth date": re.compile(r"^When\b.*\bborn|\bdate of birth|\bbirth ?date", re.IGNORECASE),
    "birth place": re.compile(
        r"\b(?:where|which city)\b.*\bborn|\bbirth ?place|city and country", re.I
    ),
    "genre": re.compile(r"\bgenre\b.*\?", re.IGNORECASE),
    "award": re.compile(r"\b(?:awards?|prizes?)\b", re.IGNORECASE),
    "father's occupation": re.compile(rf"(?=.*\b(?:father|parents?)\b)(?=.*\b{_WORK})", re.I),
    "mother's occupation": re.compile(rf"(?=.*\b(?:mother|parents?)\b)(?=.*\b{_WORK})", re.I),
}
_NO_GENRE = frozenset("same this that literary whole writing".split())


@dataclass(frozen=True, slots=True)
class AnswerFact:
    """One value in an answer, and what it is the value of."""

    entity: str
    relation: str
    value: str
    at: int
    """Its offset in the answer."""
    is_asked: bool
    """The question asks for the relation by name, and does not only lead to a mention of it."""


@dataclass(frozen=True, slots=True)
class AnswerText:
    """An answer, right or wrong, and where values of its facts stand."""

    text: str
    places: tuple[tuple[int, AnswerFact], ...] = ()
    """Offset of a value, right or wrong, and the fact that is due there."""


def people_in(texts: Iterable[str]) -> Counter[str]:
    """Return how often each name of two to four words occurs; a first word may be no name."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_people(text))
    return counts


def author_of(question: str, answer: str, counts: Counter[str]) -> str | None:
    """Return whom an item is about: its name that most items mention, or ``None``.

    Args:
        counts: of the names in all items (`people_in`).
    """
    names = list(_people(question)) or list(_people(answer))
    known = [name for name in names if counts[name] > 1]
    return max(known, key=lambda name: (counts[name], len(name)), default=None)


def facts_in(question: str, answer: str, author: str) -> list[AnswerFact]:
    """Return the facts that an answer states of its author, at most one a relation."""
    asked = question.casefold()
    found = []
    for relation, patterns in _RULES.items():
        for value, at in _values(relation, patterns, answer):
            known = value.casefold()
            if known not in asked and known not in author.casefold():
                is_asked = _ASKED[relation].search(question) is not None
                found.append(AnswerFact(author, relation, value, at, is_asked))
                break
    return found


def with_values(answer: str, facts: Sequence[AnswerFact], values: Sequence[str]) -> AnswerText:
    """Return the answer with other values in the places of its facts."""
    parts, end, places, n = [], 0, [], 0
    for fact, value in sorted(zip(facts, values, strict=True), key=lambda pair: pair[0].at):
        if fact.at < end:  # two facts of one stretch: the first is replaced
            continue
        n += fact.at - end
        places.append((n, fact))
        parts += [answer[end : fact.at], value]
        n += len(value)
        end = fact.at + len(fact.value)
    return AnswerText("".join([*parts, answer[end:]]), tuple(places))


def _values(
    relation: str, patterns: Sequence[re.Pattern[str]], answer: str
) -> Iterator[tuple[str, int]]:
    for pattern in patterns:
        for match in pattern.finditer(answer):
            value, at = match["value"], match.start("value")
            if relation == "award" and not _AWARD_WORD.search(value):
                continue
            extra = {"award": _NO_TITLE}.get(relation, _PRAISE).match(value)
            if extra is not None:
                value, at = value[extra.end() :], at + extra.end()
            kept = value.rstrip(".'’")
            if kept and not (relation == "genre" and set(kept.casefold().split()) & _NO_GENRE):
                yield kept, at


def _people(text: str) -> Iterator[str]:
    for match in _PERSON.finditer(text):
        name = re.sub(r"['’]s?$", "", match[0])
        words = name.split()
        if match.start() == 0 and text.rstrip().endswith("?"):
            words = words[1:]  # "Has Ada Marlow …?"
        if len(words) > 1:
            yield " ".join(words)
