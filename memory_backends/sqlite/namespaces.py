"""Namespaces of a fact file: all names that it has of one, and how much it holds of each."""

from __future__ import annotations

import sqlite3

from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.namespaces import parsed, split, written
from lamlam.memory_backends.model.operations import KnownNamespace
from lamlam.memory_backends.sqlite.commit_log import is_of_names, unpack_events
from lamlam.memory_backends.sqlite.reader import SqliteReader
from lamlam.memory_backends.sqlite.rows import SPACE_END, all_merge_rows, name_and_key

_SPACE = f"substr(name, 1, max(instr(name, '{SPACE_END}') - 1, 0))"
_N_FACTS = f"sum(length(facts) - length(replace(facts, '{row_codec.RECORD}', '')))"
_NOW = f"SELECT {_SPACE}, count(*), {_N_FACTS} FROM ent WHERE name != '' GROUP BY 1"
_PAST = f"SELECT {_SPACE}, {_N_FACTS} FROM past GROUP BY 1"
# Entities that may hold nothing now: of the others most stand in the row of their number.
_ENDED = (
    "SELECT DISTINCT past.name FROM past LEFT JOIN ent ON ent.id = past.ent"
    " WHERE ent.name IS NOT past.name"
)


def known_namespaces(reader: SqliteReader, prefix: Namespace) -> list[KnownNamespace]:
    """Return every namespace below a prefix in which anything is or was known, in order."""
    counts: dict[Namespace, list[int]] = {}

    def of(space: Namespace) -> list[int]:
        return counts.setdefault(space, [0, 0, 0])

    for text, n_entities, n_facts in reader.cursor.execute(_NOW).fetchall():
        of(parsed(text))[:2] = n_entities, n_facts
    for text, n_past in reader.cursor.execute(_PAST).fetchall():
        of(parsed(text))[2] = n_past
    ended = [name_and_key(name)[1] for (name,) in reader.cursor.execute(_ENDED).fetchall()]
    for key in dict.fromkeys(ended):
        if reader.record(key) is None:
            of(split(key)[0])[0] += 1
    return [
        KnownNamespace(space, *counts[space])
        for space in sorted(counts)
        if space[: len(prefix)] == prefix
    ]


def keys_in(connection: sqlite3.Connection, namespace: Namespace) -> list[str]:
    """Return the scoped keys of all names of a namespace: of entities, former ones, and aliases.

    Also those that the log of commits and the records of merges alone still have.
    """
    begin = f"{written(namespace)}{SPACE_END}"
    found: dict[str, None] = {}
    for table in ("ent", "past"):
        statement = f"SELECT name FROM {table} WHERE substr(name, 1, ?) = ?"
        for (name,) in connection.execute(statement, (len(begin), begin)):
            found[name_and_key(name)[1]] = None
    aliases = connection.execute(
        "SELECT key FROM alias WHERE substr(key, 1, ?) = ?", (len(begin), begin)
    )
    others = [alias for (alias,) in aliases]
    for _, record in all_merge_rows(connection):
        others += [record.kept, record.merged, *record.aliases]
    logged = connection.execute("SELECT events FROM log WHERE instr(events, ?)", (begin,))
    for (text,) in logged:
        for event in unpack_events(text):
            if is_of_names(event):
                others += [event[1], event[3]]
    found.update(dict.fromkeys([key for key in others if split(key)[0] == namespace]))
    return list(found)
