"""Statements that ask about many keys or codes at once, each compiled by SQLite a single time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

_AT_ONCE = (16, 64)
"""Arguments of one statement: those of a few words, and of a prompt; more are no faster."""
Statements = dict[int, str]


def for_each(statement: str, mark: str = "?") -> Statements:
    """Return a statement for each number of arguments, which stand where its braces are."""
    return {n: statement.format(",".join([mark] * n)) for n in _AT_ONCE}


ROWS = for_each("SELECT id, name FROM ent WHERE id IN ({})")
ENDED = for_each("SELECT DISTINCT ent FROM past WHERE ent IN ({})")
ALIASES = for_each("SELECT key FROM alias JOIN ent ON ent.id = alias.ent WHERE key IN ({})")
REFERRED = for_each(
    "WITH asked (place) AS (VALUES {}) SELECT place FROM asked"
    " WHERE EXISTS (SELECT 1 FROM reference WHERE reference.target = asked.place)",
    "(?)",
)


def rows_of(
    cursor: sqlite3.Cursor, statements: Statements, asked: Sequence[Any]
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows that statements find for so many arguments; one is repeated to fill each."""
    few, most = _AT_ONCE
    for begin in range(0, len(asked), most):
        part = list(asked[begin : begin + most])
        n = few if len(part) <= few else most
        part += part[:1] * (n - len(part))
        yield from cursor.execute(statements[n], part).fetchall()
