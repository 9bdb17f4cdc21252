"""Texts of plain facts as rows have them (`short_rows`), made of many facts at a time.

A piece is the text of plain facts of one entity that follow each other in the input and have one
source, or none; it is a short row without its head, which holds the number of the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import compress, count, islice, pairwise
from operator import add, ne
from typing import TypeAlias

from lamlam.memory_backends.model.bulk_rows import BulkRow
from lamlam.memory_backends.model.keys import relation_key
from lamlam.memory_backends.model.row_codec import FIELD, RECORD, escape
from lamlam.memory_backends.sqlite.short_rows import SHORTEST_PLAIN, RelationCodes

_MOST_KEPT = 50_000
_PREFIX = f"{RECORD}(?:{FIELD}[^{FIELD}]*{FIELD}|.)"
_RELATIONS = re.compile(_PREFIX).findall
_FACTS = re.compile(f"{_PREFIX}[^{RECORD}{FIELD}]*").findall


PlainRecord: TypeAlias = tuple[int, str, int, bool]
"""A piece: the number of its source, 0 for none; its text; how many facts it has; and whether each
has another relation."""
PLAIN_FIELDS = 4


class _Prefixes(dict[str, str]):
    """What stands before a value, by relation as it is written."""

    def __init__(self, codes: RelationCodes) -> None:
        super().__init__()
        self._codes = codes

    def __missing__(self, relation: str) -> str:
        if len(self) > _MOST_KEPT:
            self.clear()
        text = self[relation] = RECORD + self._codes.prefix(relation_key(relation))
        return text


class PieceMaker:
    """Makes pieces with the codes of a file."""

    def __init__(self, codes: RelationCodes) -> None:
        self._prefixes = _Prefixes(codes)

    def pieces(self, rows: Sequence[BulkRow], source: int = 0) -> Iterator[tuple[str, PlainRecord]]:
        """Yield the names of entities with pieces of plain facts, all with one source."""
        entities, relations, values, _, _ = zip(*rows, strict=True)
        runs = self.runs_of(entities, relations, values)
        for name, text, is_sure in zip(*runs, strict=True):
            yield name, (source, text, text.count(RECORD), is_sure)

    def runs_of(
        self, entities: Sequence[str], relations: Sequence[str], values: Sequence[str]
    ) -> tuple[list[str], list[str], list[bool]]:
        """Return the entities of plain facts, which are given by columns.

        The loops over facts are those of built-in functions: this is where a load spends its time.

        Returns:
            names, one for facts of an entity that follow each other; the texts of these facts; and
            whether each of them has another relation.
        """
        begins = list(map(self._prefixes.__getitem__, relations))
        texts = list(map(add, begins, values))
        spellings = {one: text for one in set(relations) if (text := self._spelling(one))}
        if spellings or min(map(len, values)) < SHORTEST_PLAIN:
            ends = [
                spellings.get(relation) or (FIELD if len(value) < SHORTEST_PLAIN else "")
                for relation, value in zip(relations, values, strict=True)
            ]
            texts = list(map(add, texts, ends))
        # Where another entity begins, and behind the last one.
        changes = list(map(ne, entities, islice(entities, 1, None)))
        places = [0, *compress(count(1), changes), len(entities)]
        bounds = list(pairwise(places))
        return (
            [entities[0], *compress(islice(entities, 1, None), changes)],
            ["".join(texts[begin:end]) for begin, end in bounds],
            [end - begin == 1 or len({*begins[begin:end]}) == end - begin for begin, end in bounds],
        )

    def _spelling(self, relation: str) -> str:
        """Return what stands behind a value of a relation that is not written as its key."""
        key = relation_key(relation)
        if relation == key:
            return ""
        return f"{FIELD}^" if relation == key.title() else f"{FIELD}={escape(relation)}"


def is_distinct(text: str) -> bool:
    """Return whether no fact is twice in a text of plain facts."""
    relations = _RELATIONS(text)
    if len(set(relations)) == len(relations):
        return True
    facts = _FACTS(text)
    return len(set(facts)) == len(facts)


def row_of(text: str, source: int, revision: int) -> str:
    """Return the short row of pieces with one source."""
    return f"{FIELD}{source:x},{revision:x}{text}"
