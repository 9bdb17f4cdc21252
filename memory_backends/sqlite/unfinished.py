"""Erasures whose clean-up of the bytes is not done yet: what a later one has to finish.

Noted in the transaction that erases, because afterwards the disk may be too full to note anything.
Which texts were erased is not noted, so the file is then written anew as a whole.
"""

from __future__ import annotations

import sqlite3

# Made with the first erasure; older versions ignore it.
_TABLE = "CREATE TABLE IF NOT EXISTS unfinished (revision INTEGER PRIMARY KEY)"


def unfinished_erasures(connection: sqlite3.Connection) -> tuple[int, ...]:
    """Return the revisions of erasures that left something, oldest first."""
    if not _is_there(connection):
        return ()
    rows = connection.execute("SELECT revision FROM unfinished ORDER BY revision").fetchall()
    return tuple(revision for (revision,) in rows)


def note_unfinished(connection: sqlite3.Connection, revision: int) -> None:
    """Note an erasure, inside its transaction."""
    connection.execute(_TABLE)
    connection.execute("INSERT OR IGNORE INTO unfinished VALUES (?)", (int(revision),))


def note_finished(connection: sqlite3.Connection) -> None:
    """Note that nothing is left of any erasure before."""
    if _is_there(connection):
        connection.execute("DELETE FROM unfinished")


def _is_there(connection: sqlite3.Connection) -> bool:
    found = connection.execute(
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'unfinished'"
    )
    return found.fetchone() is not None
