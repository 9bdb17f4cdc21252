"""Texts of plain facts as rows have them (`row_codec`), made of many facts at a time.

A piece is the text of plain facts of one entity that follow each other in the input and have one
source, or none; where a row has the number of the source and the revision, a piece has a mark,
since these numbers are given later.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from lamlam.memory_backends.model.bulk_rows import BulkRow
from lamlam.memory_backends.model.keys import relation_key
from lamlam.memory_backends.model.row_codec import FIELD, RECORD, escape

MARK = f"{FIELD}\0"
"""No text that is stored has a NUL."""
_MOST_KEPT = 50_000
_KEYS = re.compile(f"{RECORD}([^{FIELD}]*)").findall


class _Before(dict[str, str]):
    """What stands before a value, by relation."""

    def __missing__(self, relation: str) -> str:
        if len(self) > _MOST_KEPT:
            self.clear()
        text = self[relation] = f"{RECORD}{escape(relation_key(relation))}{FIELD}"
        return text


class _After(dict[str, str]):
    """What stands after a value, by relation."""

    def __missing__(self, relation: str) -> str:
        if len(self) > _MOST_KEPT:
            self.clear()
        key = relation_key(relation)
        spelt = ""
        if relation != key:
            spelt = f"{FIELD}^" if relation == key.title() else f"{FIELD}={escape(relation)}"
        text = self[relation] = MARK + spelt
        return text


_BEFORE, _AFTER = _Before(), _After()


def piece_of(rows: Sequence[BulkRow]) -> str:
    """Return the piece of plain facts with one source."""
    before, after = _BEFORE, _AFTER
    return "".join([before[row[1]] + row[2] + after[row[1]] for row in rows])


def is_distinct(text: str) -> bool:
    """Return whether no fact is twice in a text of plain facts."""
    keys = _KEYS(text)
    if len(set(keys)) == len(keys):
        return True
    records = text.split(RECORD)[1:]
    return len({tuple(record.split(FIELD, 2)[:2]) for record in records}) == len(records)


def filled(piece: str, source: int, revision: int) -> str:
    """Return a piece with the number of its source, 0 for none, and the revision."""
    return piece.replace(MARK, f"{FIELD}{source:x},{revision:x}")
