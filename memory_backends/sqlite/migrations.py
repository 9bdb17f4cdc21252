"""Schema migrations of a fact file: each step in its own transaction, and recorded in the file."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.model.old_keys import REKEYED
from lamlam.memory_backends.model.operations import MigrationReport
from lamlam.memory_backends.sqlite.key_migration import rekey
from lamlam.memory_backends.sqlite.near_blocks import add_numbers, near_number
from lamlam.memory_backends.sqlite.row_words import RowWords
from lamlam.memory_backends.sqlite.rows import SPACE_END, row_name
from lamlam.memory_backends.sqlite.schema import ADDED_IN_2, ADDED_IN_3, record_step
from lamlam.memory_backends.sqlite.short_rows import RelationCodes
from lamlam.memory_backends.sqlite.sources import SourceTable

_ROWS = 1000
_SAMPLE = 20_000
"""Rows by which an upgrade tells which relations are frequent."""


class MigrationStep(NamedTuple):
    """One upgrade from a schema version to the next."""

    name: str
    before: int
    after: int
    work: Callable[[sqlite3.Connection], None]
    """Runs inside a transaction."""
    of: Literal["schema", "keys"] = "schema"
    """What has these versions: the tables, or the keys of names."""

    def __str__(self) -> str:
        what = "" if self.of == "schema" else f"{self.of} "
        return f"{what}{self.before} to {self.after}: {self.name}"


def migrate(
    connection: sqlite3.Connection,
    *,
    dry_run: bool = False,
    steps: Sequence[MigrationStep] | None = None,
) -> MigrationReport:
    """Do every step that the file lacks, or only name them (``dry_run``).

    A step that fails leaves the file as the step before it did.
    """
    chosen = STEPS if steps is None else steps
    began = _version(connection)
    if dry_run:
        waiting = [step for step in chosen if step.before >= _version(connection, step.of)]
        after = max([began, *(step.after for step in waiting if step.of == "schema")])
        return MigrationReport(began, after, tuple(map(str, waiting)), dry_run=True)
    done: list[MigrationStep] = []
    try:
        # One by one: an error says which are done.
        done.extend(step for step in chosen if _do(connection, step))
    except BaseException as error:
        error.add_note(f"done before it: {'; '.join(map(str, done)) or 'nothing'}")
        raise
    return MigrationReport(began, _version(connection), tuple(map(str, done)))


def _do(connection: sqlite3.Connection, step: MigrationStep) -> bool:
    """Return whether the step was done here."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been quicker.
        is_due = _version(connection, step.of) == step.before
        if is_due:
            step.work(connection)
            record_step(connection, step.name, step.before, step.after, step.of)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return is_due


def _version(connection: sqlite3.Connection, of: Literal["schema", "keys"] = "schema") -> int:
    asked = "PRAGMA user_version" if of == "schema" else "SELECT key_version FROM store"
    return int(connection.execute(asked).fetchone()[0])


def _to_2(connection: sqlite3.Connection) -> None:
    for change in ADDED_IN_2:
        connection.execute(change)
    connection.execute("UPDATE store SET changes_since = revision")
    # A name that holds what now ends a namespace is marked as one of the usual namespace.
    for ident, name in connection.execute(
        "SELECT id, name FROM ent WHERE instr(name, ?)", (SPACE_END,)
    ).fetchall():
        connection.execute(
            "UPDATE ent SET name = ? WHERE id = ?", (row_name(canonical_key(name), name), ident)
        )
    sources = SourceTable(connection)
    last = -1
    while rows := connection.execute(
        "SELECT id, ent, name, relation, value, source, confidence, asserted, retracted"
        " FROM history WHERE id > ? ORDER BY id LIMIT 1000",
        (last,),
    ).fetchall():
        for _, ent, name, relation, value, source, confidence, asserted, retracted in rows:
            fact = StoredFact(
                relation,
                canonical_key(relation),
                value,
                (source,) if source is not None else (),
                asserted,
                confidence,
            )
            sources.count([fact], 1)
            connection.execute(
                "INSERT INTO past (ent, retracted, name, facts) VALUES (?, ?, ?, ?)",
                (
                    ent,
                    retracted,
                    row_name(canonical_key(name), name),
                    row_codec.pack([fact], sources.id_of),
                ),
            )
        last = rows[-1][0]
    sources.flush()
    connection.execute("DROP TABLE history")


def _to_3(connection: sqlite3.Connection) -> None:
    for change in ADDED_IN_3:
        connection.execute(change)
    # In the order of the index, which is that of the numbers.
    codes = connection.execute("SELECT code, ent FROM near ORDER BY code, ent")
    add_numbers(connection, (near_number(code, place) for code, place in codes))
    connection.execute("DROP TABLE near")
    words = RowWords(connection)
    sample = connection.execute("SELECT facts FROM ent LIMIT ?", (_SAMPLE,)).fetchall()
    words.learn(Counter(key for (text,) in sample for key in row_codec.keys_of_facts(text)))
    for table in ("ent", "past"):
        _shorten(connection, table, words.codes)


def _shorten(connection: sqlite3.Connection, table: str, codes: RelationCodes) -> None:
    last = -(2**63)
    while rows := connection.execute(
        f"SELECT id, facts FROM {table} WHERE id >= ? ORDER BY id LIMIT {_ROWS}", (last,)
    ).fetchall():
        connection.executemany(
            f"UPDATE {table} SET facts = ? WHERE id = ?",
            [(codes.shorten(text), ident) for ident, text in rows if text],
        )
        if rows[-1][0] == 2**63 - 1:
            return
        last = rows[-1][0] + 1


STEPS = (
    MigrationStep(
        "versions of facts, namespaces, merges, references and a log of commits", 1, 2, _to_2
    ),
    MigrationStep(REKEYED, 1, 2, rekey, "keys"),
    # Last: a change of keys reads the tables as they were before it.
    MigrationStep("shorter rows of facts and a smaller index of spellings", 2, 3, _to_3),
)
