"""Which relation names mean the same.

A shipped table, not a measure of likeness: "birth place" and "birth date" look alike and
differ, "alma mater" and "education" look nothing alike and are the same.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from lamlam.memory_backends.model.keys import canonical_key, signs_of

_FILE = Path(__file__).with_name("relation_synonyms.txt")
# Words around a name that say nothing: "the birth place of", "his profession".
_LEADING = frozenset("the a an its his her their was is were are has had of".split())
_TRAILING = frozenset("of is was the name".split())
_NO_WORD = re.compile(r"[\W_]+")


class _SynonymTable:
    """The groups, and the ways in which their names are found."""

    def __init__(self) -> None:
        self.groups = relation_groups()
        self.by_name = {name: n for n, group in enumerate(self.groups) for name in group}
        self.by_letters: dict[str, int] = {}
        for name, n in self.by_name.items():
            self.by_letters.setdefault(_letters(name), n)
        self.words = frozenset(word for name in self.by_name for word in name.split())


def relation_groups() -> list[tuple[str, ...]]:
    """Return the groups of names in the file, without the comment that it begins with."""
    _, *paragraphs = _FILE.read_text(encoding="utf-8").split("\n\n")
    return [
        tuple(name.strip() for name in " ".join(paragraph.split()).split("|"))
        for paragraph in paragraphs
    ]


def group_of(relation_key: str) -> int | None:
    """Return the number of the group that a canonical key belongs to, or ``None``."""
    number = _table().by_name.get(relation_key)
    return number if number is not None else _group_of_variant(relation_key)


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
    group = _table().groups[number]
    return group if relation_key in group else (*group, relation_key)


def same_relation(a: str, b: str) -> bool:
    """Return whether two canonical keys name one relation; two known groups never match.

    >>> same_relation("place of birth", "birth place"), same_relation("birth place", "birth date")
    (True, False)
    """
    if a == b:
        return True
    number = group_of(a)
    return number is not None and number == group_of(b)


def is_known_word(word: str) -> bool:
    """Return whether the names of the table contain the word."""
    return word in _table().words


@lru_cache(maxsize=1)
def _table() -> _SynonymTable:
    return _SynonymTable()


@lru_cache(maxsize=8192)
def _group_of_variant(relation_key: str) -> int | None:
    """Return the group of "placeOfBirth", "birth-place", "his birth place", "the birth place of"."""
    table = _table()
    if signs_of(relation_key):  # "price €" is not just any price
        return None
    letters = _letters(relation_key)
    if letters in table.by_letters:
        return table.by_letters[letters]
    words = _NO_WORD.sub(" ", canonical_key(relation_key)).split()
    while len(words) > 1 and words[0] in _LEADING:
        words = words[1:]
        if (number := table.by_letters.get("".join(words))) is not None:
            return number
    while len(words) > 1 and words[-1] in _TRAILING:
        words = words[:-1]
        if (number := table.by_letters.get("".join(words))) is not None:
            return number
    return None


def _letters(name: str) -> str:
    return _NO_WORD.sub("", name)
