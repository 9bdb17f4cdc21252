"""Whether a column of a damaged file holds bytes, a number or nothing where it always has text."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

_TEXTS = {
    "ent": ("name", "facts"),
    "past": ("name", "facts"),
    "source": ("text",),
    "alias": ("key",),
    "relation": ("key",),
    "merge": ("record",),
}
_TEXTS_OR_NULL = {"log": ("events", "actor"), "store": ("rules",)}


def has_wrong_types(path: Path) -> bool:
    """Return whether any column has: of a whole file, so only after a read went wrong.

    Nothing is checked as rows are read, which would cost each lookup.
    """
    with suppress(sqlite3.Error):
        url = f"file:{quote(str(path))}?mode=ro"
        with closing(sqlite3.connect(url, uri=True)) as connection:
            return any(_has_wrong_types(connection, statement) for statement in _statements())
    return False


def _statements() -> list[str]:
    asked = []
    for kinds, tables in (("('text')", _TEXTS), ("('text', 'null')", _TEXTS_OR_NULL)):
        for table, columns in tables.items():
            odd = " OR ".join(f"typeof({column}) NOT IN {kinds}" for column in columns)
            asked.append(f"SELECT 1 FROM {table} WHERE {odd} LIMIT 1")
    return asked


def _has_wrong_types(connection: sqlite3.Connection, statement: str) -> bool:
    with suppress(sqlite3.OperationalError):  # a table that an older file lacks
        return connection.execute(statement).fetchone() is not None
    return False
