"""Rows of a fact file: the places of entities, the form of their names, records of merges.

A row's name is the entity's as written; before it stands, in any but the usual namespace, that
namespace and a separator, so that most rows pay nothing for it.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING

from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.namespaces import parsed, scoped, split, written

if TYPE_CHECKING:  # what a process of a load imports is waited for
    from lamlam.memory_backends.model.entity_reader import MergeRecord
    from lamlam.memory_backends.model.stored_facts import StoredFact

SPACE_END = "\x1d"
_LAST_ID = 2**63 - 1


def row_id(key: str) -> int:
    """Return the 64-bit row number at which a canonical key belongs (signed)."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)


def next_place(place: int) -> int:
    """Return where a name goes whose place is taken."""
    return place + 1 if place < _LAST_ID else -_LAST_ID - 1


def row_name(key: str, name: str) -> str:
    """Return the name of an entity with this scoped key, as its row has it."""
    namespace = split(key)[0]
    if namespace or SPACE_END in name:
        return f"{written(namespace)}{SPACE_END}{name}"
    return name


def name_and_key(row_name: str) -> tuple[str, str]:
    """Return the name of an entity as written, and its scoped key."""
    if SPACE_END not in row_name:
        return row_name, canonical_key(row_name)
    space, _, name = row_name.partition(SPACE_END)
    return name, scoped(parsed(space), canonical_key(name))


def text_hash(text: str) -> int:
    """Return a 64-bit number by which a text is found (signed)."""
    digest = blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def target_of(owner: str, fact: StoredFact) -> int | None:
    """Return the number of the entity that is the fact's value; ``None`` for any other value."""
    from lamlam.memory_backends.model.entity_reader import value_key

    key = value_key(owner, fact)
    return row_id(key) if key is not None else None


def pack_numbers(numbers: list[int]) -> bytes:
    """Return 64-bit numbers, eight bytes each."""
    return struct.pack(f">{len(numbers)}q", *numbers)


def unpack_numbers(blob: bytes) -> tuple[int, ...]:
    """Undo `pack_numbers`."""
    return struct.unpack(f">{len(blob) // 8}q", blob)


def pack_merge(record: MergeRecord) -> str:
    """Return a merge as one text."""
    lists = (record.moved, record.shared, record.aliases)
    until = "" if record.until is None else str(record.until)
    return row_codec.join(
        (
            record.kept,
            record.merged,
            record.merged_name,
            *map(row_codec.join, lists),
            str(record.since),
            until,
            "stands" if record.is_reversible else "",
        )
    )


def unpack_merge(text: str) -> MergeRecord:
    """Undo `pack_merge`."""
    from lamlam.memory_backends.model.entity_reader import MergeRecord

    kept, merged, name, *more = row_codec.parts(text)
    moved, shared, aliases = [tuple(row_codec.parts(one)) if one else () for one in more[:3]]
    record = MergeRecord(kept, merged, name, moved, shared, aliases)
    if len(more) == 3:  # as the first files had it
        return record
    since, until, stands = more[3:]
    return record._replace(
        since=int(since), until=int(until) if until else None, is_reversible=bool(stands)
    )


def merge_rows(connection: sqlite3.Connection, key: str) -> list[tuple[int, MergeRecord]]:
    """Return the records of merges into an entity and of it into others, oldest first.

    Each with the number of its row.
    """
    rows = connection.execute(
        "SELECT id, record FROM merge WHERE kept = ?1 OR merged = ?1 ORDER BY id", (row_id(key),)
    ).fetchall()
    found = [(ident, unpack_merge(text)) for ident, text in rows]
    return [(ident, record) for ident, record in found if key in (record.kept, record.merged)]


def all_merge_rows(connection: sqlite3.Connection) -> Iterator[tuple[int, MergeRecord]]:
    """Yield every record of a merge, with the number of its row."""
    for ident, text in connection.execute("SELECT id, record FROM merge").fetchall():
        yield ident, unpack_merge(text)
