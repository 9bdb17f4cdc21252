"""Idempotency keys of a fact file, as keyed hashes: which commit each made, and of which operations."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable

from lamlam.memory_backends.commits.idempotency import KeptOperations, kept_of
from lamlam.memory_backends.commits.validation import idempotency_hash
from lamlam.memory_backends.model.operations import Commit, Op, Revision

# Made with the first key: files without it are as they were, and older versions ignore it.
_TABLE = (
    "CREATE TABLE IF NOT EXISTS done_operations (key BLOB PRIMARY KEY, digest TEXT NOT NULL,"
    " entities TEXT) WITHOUT ROWID"
)


class UsedKeys:
    """The keys that were used, inside a write transaction."""

    def __init__(self, connection: sqlite3.Connection, secret: bytes) -> None:
        self._connection = connection
        self._secret = secret

    def first_commit(self, idempotency_key: str, ops: Iterable[Op]) -> Commit | None:
        """Return the commit that the key made; ``None``: it was not used.

        Raises:
            Conflict: it was used for other operations.
        """
        mark = idempotency_hash(self._secret, idempotency_key)
        row = self._connection.execute(
            "SELECT revision, facts FROM done WHERE key = ?", (mark,)
        ).fetchone()
        if row is None:
            return None
        if is_there(self._connection):
            digest = self._connection.execute(
                "SELECT digest FROM done_operations WHERE key = ?", (mark,)
            ).fetchone()
            if digest is not None:
                kept_of(self._secret, ops).check(digest[0])
        return Commit(Revision(row[0]), row[1])

    def add(self, idempotency_key: str, commit: Commit, kept: KeptOperations) -> None:
        """Note that the key made a commit of these operations."""
        mark = idempotency_hash(self._secret, idempotency_key)
        self._connection.execute(
            "INSERT INTO done VALUES (?, ?, ?)", (mark, int(commit.revision), commit.facts)
        )
        self._connection.execute(_TABLE)
        entities = None if kept.entities is None else " ".join(kept.entities)
        self._connection.execute(
            "INSERT INTO done_operations VALUES (?, ?, ?)", (mark, kept.digest, entities)
        )


def is_there(connection: sqlite3.Connection) -> bool:
    """Return whether the file has digests of operations."""
    found = connection.execute(
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'done_operations'"
    )
    return found.fetchone() is not None


def forget_operations(
    connection: sqlite3.Connection, entity_ids: Collection[str], revisions: Collection[int]
) -> None:
    """Forget what changes were made of that named one of these entities, or made these revisions.

    Their keys stay used.
    """
    if not is_there(connection):
        return
    made = dict(connection.execute("SELECT key, revision FROM done").fetchall())
    rows = connection.execute("SELECT key, digest, entities FROM done_operations").fetchall()
    for mark, digest, entities in rows:
        kept = KeptOperations(digest, None if entities is None else tuple(entities.split()))
        if made.get(mark) in revisions or kept.name_any(entity_ids):
            connection.execute("DELETE FROM done_operations WHERE key = ?", (mark,))


def forget_all(connection: sqlite3.Connection) -> None:
    """Forget every key."""
    connection.execute("DELETE FROM done")
    if is_there(connection):
        connection.execute("DELETE FROM done_operations")
