"""Which relation names mean the same.

A shipped table, not a measure of likeness: "birth place" and "birth date" look alike and
differ, "alma mater" and "studied at" look nothing alike and are the same. Names that turn a
relation round differ: the "owner" of a mill is a person, who is "owner of" the mill.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Literal

from lamlam.memory_backends.model.keys import canonical_key, signs_of

_FILE = Path(__file__).with_name("relation_synonyms.txt")
# Words before a name that say nothing: "the birth place of", "his profession".
_LEADING = frozenset("the a an its his her their".split())
# A name that ends so says by itself what the entity is to the value, and "is" adds nothing:
# "is located in". A noun alone it may turn round: "is owner".
_PREPOSITIONS = frozenset("of in at on by for from to with as after".split())
# Before these "was" tells nothing new; of a state it does: "was married to", "was owned by".
_EVENTS = frozenset(
    "born directed written authored penned produced founded established formed organized built"
    " constructed erected opened inaugurated closed completed launched released published buried"
    " interred entombed educated named developed designed created devised invented discovered"
    " composed recorded performed sung commissioned dissolved abolished disbanded elected drafted"
    " sculpted edited translated illustrated narrated photographed manufactured incorporated".split()
)
# First names of groups whose values are numbers and dates: "population of" can only ask for a
# population, where "owner of" or "currency of" may as well say what the entity is to the value.
_ATTRIBUTES = frozenset(
    (
        "birth date,death date,release date,release year,population,elevation,height,length,"
        "capacity,age,postal code,running time"
    ).split(",")
)
# Of these "the ... of" asks, while "... of" alone may do either.
_ASKED_WITH_THE = _ATTRIBUTES | {"birth place", "death place", "burial place"}
_NO_WORD = re.compile(r"[\W_]+")


Sense = Literal["time", "place"]
_TELLING: dict[Sense, frozenset[str]] = {
    "time": frozenset(("date", "year")),
    "place": frozenset(("place", "location", "venue", "city")),
}


class _SynonymTable:
    """The groups, and the ways in which their names are found."""

    def __init__(self) -> None:
        self.groups: list[tuple[str, ...]] = []
        self.topics: list[int] = []
        """The paragraph of each group: those of one are candidates for one another."""
        self.answering: dict[int, set[int]] = {}
        """Number of the group of a question to those that may answer it too."""
        self.senses: dict[int, Sense] = {}
        """Groups whose values are times, or places."""
        links: list[tuple[int, str, str]] = []
        _, *paragraphs = _FILE.read_text(encoding="utf-8").split("\n\n")
        for topic, paragraph in enumerate(paragraphs):
            first = len(self.groups)
            for part in " ".join(paragraph.split()).split("||"):
                text = part.strip()
                mark = text[0] if text[0] in "<=" else ""
                names = tuple(name.strip() for name in text.removeprefix(mark).split("|"))
                links.append((first, mark, names[0].removeprefix("@")))
                if not names[0].startswith("@"):
                    self.groups.append(names)
                    self.topics.append(topic)
        self.by_name = {name: n for n, group in enumerate(self.groups) for name in group}
        self.by_letters: dict[str, int] = {}
        for name, n in self.by_name.items():
            self.by_letters.setdefault(_letters(name), n)
        self.words = frozenset(word for name in self.by_name for word in name.split())
        for n, group in enumerate(self.groups):
            words = {word for name in group for word in name.split()}
            for sense, telling in _TELLING.items():
                if words & telling:
                    self.senses.setdefault(n, sense)
        for first, mark, name in links:
            if mark:
                self.answering.setdefault(first, set()).add(self.by_name[name])
            if mark == "=":
                self.answering.setdefault(self.by_name[name], set()).add(first)


def relation_groups() -> list[tuple[str, ...]]:
    """Return the groups of names that answer for one another, in the order of the file."""
    return list(_table().groups)


def group_of(relation_key: str) -> int | None:
    """Return the number of the group that a canonical key belongs to, or ``None``."""
    number = _table().by_name.get(relation_key)
    return number if number is not None else _group_of_variant(relation_key)


def names_in_table() -> Collection[str]:
    """Return the canonical keys that stand in the table of synonyms."""
    return _table().by_name.keys()


def synonyms_of(relation_key: str) -> tuple[str, ...]:
    """Return every name of the same group as canonical keys, the name itself included.

    The names come in the order in which the training text uses them most. A name
    outside the table stands alone.

    >>> synonyms_of("alma mater")[0]
    'education'
    """
    number = group_of(relation_key)
    if number is None:
        return (relation_key,)
    names = _table().groups[number]
    return names if relation_key in names else (*names, relation_key)


def same_relation(a: str, b: str) -> bool:
    """Return whether two canonical keys name one relation; two known groups never match.

    >>> same_relation("place of birth", "birth place"), same_relation("owner", "owner of")
    (True, False)
    """
    if a == b:
        return True
    number = group_of(a)
    return number is not None and number == group_of(b)


def may_answer(held: str, wanted: str) -> bool:
    """Return whether a fact of one relation answers a question for another, wider one.

    They are two relations all the same: neither replaces the other.

    >>> may_answer("wife", "spouse"), may_answer("spouse", "wife")
    (True, False)
    """
    asked, answer = group_of(wanted), group_of(held)
    return asked is not None and answer in _table().answering.get(asked, ())


def names_answered_by(relation_key: str) -> tuple[str, ...]:
    """Return every name that a fact of this relation answers to, its synonyms first.

    >>> names_answered_by("wife")
    ('wife', 'spouse', 'married to', 'spouses', 'husband or wife', 'spouse name', 'married with')
    """
    number = group_of(relation_key)
    table = _table()
    wider = [n for n, groups in table.answering.items() if number in groups]
    names = [*synonyms_of(relation_key), *(name for n in wider for name in table.groups[n])]
    return tuple(dict.fromkeys(names))


def names_asking_for(held: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return for each held relation every name that asks for it and for no other of them.

    An entity that has an author and a screenwriter has no one answer to "writer".
    """
    answered = {key: names_answered_by(key) for key in held}
    groups: dict[str, set[int | None]] = {}
    for key, names in answered.items():
        for name in names:
            groups.setdefault(name, set()).add(group_of(key))
    return {
        key: tuple(name for name in names if same_relation(key, name) or len(groups[name]) == 1)
        for key, names in answered.items()
    }


def asks_for(relation_key: str) -> Sense | None:
    """Return whether a known relation has times or places as values; ``None`` for any other.

    >>> asks_for("founded"), asks_for("born in"), asks_for("owner")
    ('time', 'place', None)
    """
    number = group_of(relation_key)
    return None if number is None else _table().senses.get(number)


def same_topic(a: str, b: str) -> bool:
    """Return whether two known relations are close enough that one may be suggested for the other."""
    first, second = group_of(a), group_of(b)
    if first is None or second is None:
        return False
    topics = _table().topics
    return topics[first] == topics[second]


def is_known_word(word: str) -> bool:
    """Return whether the names of the table contain the word."""
    return word in _table().words


@lru_cache(maxsize=1)
def _table() -> _SynonymTable:
    return _SynonymTable()


@lru_cache(maxsize=8192)
def _group_of_variant(relation_key: str) -> int | None:
    """Return the group of "placeOfBirth", "birth-place", "his birth place", "the birth place of"."""
    if signs_of(relation_key):  # "price €" is not just any price
        return None
    known = _table().by_letters
    if (number := known.get(_letters(relation_key))) is not None:
        return number
    words = _NO_WORD.sub(" ", canonical_key(relation_key)).split()
    if len(words) > 2 and words[0] in ("is", "are") and words[-1] in _PREPOSITIONS:
        words = words[1:]
    elif len(words) > 1 and words[0] in ("was", "were") and words[1] in _EVENTS:
        words = words[1:]
    has_the = words[:1] == ["the"]
    while len(words) > 1 and words[0] in _LEADING:
        words = words[1:]
    if len(words) > 1 and words[-1] == "is":
        words = words[:-1]
    if (number := known.get("".join(words))) is not None or words[-1:] != ["of"]:
        return number
    number = known.get("".join(words[:-1]))
    if number is None:
        return None
    asked = _ASKED_WITH_THE if has_the else _ATTRIBUTES
    return number if _table().groups[number][0] in asked else None


def _letters(name: str) -> str:
    return _NO_WORD.sub("", name)
