"""Give the entities of a fact file the keys of this version: few rows move, all others stay."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.entity_reader import MergeRecord
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.model.old_keys import (
    has_other_codes,
    may_differ,
    new_scoped_key,
    old_scoped_key,
    rekeyed,
    rekeyed_event,
    rekeyed_merge,
)
from lamlam.memory_backends.resolution.blocking_codes import index_codes
from lamlam.memory_backends.sqlite.commit_log import pack_events, unpack_events
from lamlam.memory_backends.sqlite.rows import (
    all_merge_rows,
    name_and_key,
    next_place,
    pack_merge,
    pack_numbers,
    row_id,
    target_of,
    unpack_numbers,
)
from lamlam.memory_backends.sqlite.search_index import mark_stale
from lamlam.memory_backends.sqlite.sources import SourceTable

# SQLite tells texts that are not ASCII by their length in bytes, without a call for each row.
_NOT_ASCII = "length({0}) <> length(CAST({0} AS BLOB))"


class _Row(NamedTuple):
    ident: int
    name: str
    key: str
    """The scoped key of now."""


def rekey(connection: sqlite3.Connection) -> None:
    """Move what has another key now, and index it anew; nothing that was stored is lost.

    Runs inside a transaction. Where version 1 had two names as one entity ("10²", "102"), the facts
    stay with the one whose name is stored.
    """
    sources = SourceTable(connection)
    (secret,) = connection.execute("SELECT secret FROM store").fetchone()
    rows = _rows(connection, "ent")
    # Records of merges hold ids of facts: these are found while the rows are as they were.
    merges = list(all_merge_rows(connection))
    keys: dict[str, str] = {}
    for row in rows:
        if (old := old_scoped_key(row.key)) != row.key:
            keys[old] = row.key
    renamed = _merges(connection, sources, FactIds(secret), merges, keys)
    for row in rows:
        _rewrite(connection, sources, "ent", row)
    _index(connection, [row for row in rows if has_other_codes(row.name)], keys)
    for row in _rows(connection, "past"):
        if (old := old_scoped_key(row.key)) != row.key:
            keys.setdefault(old, row.key)
            connection.execute("UPDATE past SET ent = ? WHERE id = ?", (row_id(row.key), row.ident))
        _rewrite(connection, sources, "past", row)
    _references_and_touched(connection, {row_id(old): row_id(new) for old, new in keys.items()})
    _events(connection, keys, renamed)
    mark_stale(connection)


def _rows(connection: sqlite3.Connection, table: str) -> list[_Row]:
    """Return the rows in which a name may have another key or other codes now."""
    wanted = f"{_NOT_ASCII.format('name')} OR {_NOT_ASCII.format('facts')} OR instr(name, ' & ')"
    found = connection.execute(f"SELECT id, name, facts FROM {table} WHERE {wanted}")
    return [
        _Row(ident, *name_and_key(name))
        for ident, name, text in found
        if name and (has_other_codes(name) or may_differ(text))
    ]


def _rewrite(connection: sqlite3.Connection, sources: SourceTable, table: str, row: _Row) -> None:
    """Give the facts of a row the keys of their relations, and of entities that are values."""
    (text,) = connection.execute(f"SELECT facts FROM {table} WHERE id = ?", (row.ident,)).fetchone()
    before = row_codec.unpack(text, sources.text_of) if may_differ(text) else []
    after = [rekeyed(fact) for fact in before]
    if after == before:
        return
    text = row_codec.pack(after, sources.id_of)
    connection.execute(f"UPDATE {table} SET facts = ? WHERE id = ?", (text, row.ident))
    targets = {target_of(row.key, fact) for fact in after} - {None}
    connection.executemany(
        "INSERT OR IGNORE INTO reference VALUES (?, ?)",
        [(target, row_id(row.key)) for target in targets],
    )


def _index(connection: sqlite3.Connection, rows: list[_Row], keys: Mapping[str, str]) -> None:
    """Move the rows whose keys are others, and write the codes of all of them anew."""
    connection.executemany("DELETE FROM near WHERE ent = ?", [(row.ident,) for row in rows])
    moved = set(keys.values())
    for row in rows:
        place = _move(connection, row) if row.key in moved else row.ident
        connection.executemany(
            "INSERT OR IGNORE INTO near VALUES (?, ?)",
            [(code, place) for code in sorted(index_codes(row.key))],
        )


def _move(connection: sqlite3.Connection, row: _Row) -> int:
    """Move an entity to the place of its key, and return that."""
    name, text = connection.execute(
        "SELECT name, facts FROM ent WHERE id = ?", (row.ident,)
    ).fetchone()
    follower = connection.execute(
        "SELECT 1 FROM ent WHERE id = ?", (next_place(row.ident),)
    ).fetchone()
    if follower is None:
        connection.execute("DELETE FROM ent WHERE id = ?", (row.ident,))
    else:  # what follows may stand there because this place was taken
        connection.execute("UPDATE ent SET name = '', facts = '' WHERE id = ?", (row.ident,))
    place = row_id(row.key)
    while True:
        found = connection.execute("SELECT name FROM ent WHERE id = ?", (place,)).fetchone()
        if found is None or not found[0]:
            break
        place = next_place(place)
    connection.execute("INSERT OR REPLACE INTO ent VALUES (?, ?, ?)", (place, name, text))
    connection.execute("UPDATE alias SET ent = ? WHERE ent = ?", (place, row.ident))
    return place


def _merges(
    connection: sqlite3.Connection,
    sources: SourceTable,
    identify: FactIds,
    merges: list[tuple[int, MergeRecord]],
    keys: Mapping[str, str],
) -> dict[str, str]:
    """Change the records of merges, and return the new keys of merged entities, which are aliases."""
    renamed: dict[str, str] = {}
    for ident, record in merges:
        new_key = new_scoped_key(record.merged, record.merged_name)
        facts = _all_facts(connection, sources, record.kept, is_all=new_key != record.merged)
        ids = {identify(record.merged, fact): identify(new_key, rekeyed(fact)) for fact in facts}
        new = rekeyed_merge(record, keys, ids)
        if new == record:
            continue
        connection.execute(
            "UPDATE merge SET kept = ?, merged = ?, record = ? WHERE id = ?",
            (row_id(new.kept), row_id(new.merged), pack_merge(new), ident),
        )
        if new_key != record.merged:
            renamed[record.merged] = new_key
            connection.execute(
                "UPDATE OR IGNORE alias SET key = ? WHERE key = ?", (new_key, record.merged)
            )
    return renamed


def _all_facts(
    connection: sqlite3.Connection, sources: SourceTable, key: str, *, is_all: bool
) -> list[StoredFact]:
    """Return every version of the facts of an entity, by its key of version 1.

    Args:
        is_all: also those whose own keys stay as they are.
    """
    texts = [text for (text,) in connection.execute(
        "SELECT facts FROM past WHERE ent = ?", (row_id(key),)
    )]  # fmt: skip
    place = row_id(key)
    while row := connection.execute(
        "SELECT name, facts FROM ent WHERE id = ?", (place,)
    ).fetchone():
        if row[0] and old_scoped_key(name_and_key(row[0])[1]) == key:
            texts.append(row[1])
            break
        place = next_place(place)
    return [
        fact
        for text in texts
        if is_all or may_differ(text)
        for fact in row_codec.unpack(text, sources.text_of)
    ]


def _references_and_touched(connection: sqlite3.Connection, moved: Mapping[int, int]) -> None:
    """Put the new numbers of entities where they are owners of values, or were changed."""
    for old, new in moved.items():
        connection.execute(
            "INSERT OR IGNORE INTO reference SELECT target, ? FROM reference WHERE owner = ?",
            (new, old),
        )
        # Another entity may have the old number: one that only has a past.
        staying = connection.execute("SELECT 1 FROM past WHERE ent = ?", (old,)).fetchone()
        if staying is None:
            connection.execute("DELETE FROM reference WHERE owner = ?", (old,))
        touched = connection.execute(
            "SELECT id, entities FROM touched WHERE instr(entities, ?)", (pack_numbers([old]),)
        ).fetchall()
        for ident, blob in touched:
            numbers = dict.fromkeys(unpack_numbers(blob))
            if old in numbers:
                numbers[new] = None
                if staying is None:
                    del numbers[old]
                connection.execute(
                    "UPDATE touched SET entities = ? WHERE id = ?",
                    (pack_numbers(list(numbers)), ident),
                )


def _events(
    connection: sqlite3.Connection, keys: Mapping[str, str], renamed: Mapping[str, str]
) -> None:
    """Put the new keys into the log of commits."""
    rows = connection.execute(
        "SELECT revision, events FROM log WHERE events IS NOT NULL"
    ).fetchall()
    for revision, text in rows:
        events = unpack_events(text)
        new = tuple([rekeyed_event(event, keys, renamed) for event in events])
        if new != events:
            connection.execute(
                "UPDATE log SET events = ? WHERE revision = ?", (pack_events(new), revision)
            )
