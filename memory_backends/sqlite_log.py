"""What a fact file keeps of each commit: no value, and of names only what is no entity's any more.

Which facts a commit changed is worked out from the versions that `ent` and `past` hold.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from lamlam.memory_backends import packed
from lamlam.memory_backends.namespaces import split
from lamlam.memory_backends.operations import Change
from lamlam.memory_backends.relation_rules import RelationRule, RelationRules
from lamlam.memory_backends.sqlite_rows import pack_numbers, unpack_numbers
from lamlam.memory_backends.transaction import Event
from lamlam.memory_backends.values import ValueType

ERASED = "erased"


class Entry(NamedTuple):
    """One commit."""

    revision: int
    events: tuple[tuple[str, ...], ...]
    """Each a kind and what it is about (`written_event`, `written_erasure`)."""


def write_entry(
    connection: sqlite3.Connection,
    revision: int,
    actor: str | None,
    events: Sequence[tuple[str, ...]],
) -> None:
    """The log has a row for the commit."""
    connection.execute(
        "INSERT INTO log (revision, time, actor, events) VALUES (?, ?, ?, ?)",
        (revision, time.time_ns() // 1000, actor, pack_events(events)),
    )


def write_touched(connection: sqlite3.Connection, revision: int, entities: list[int]) -> None:
    """The commit changed the facts of these entities too."""
    if entities:
        connection.execute(
            "INSERT INTO touched (revision, entities) VALUES (?, ?)",
            (revision, pack_numbers(entities)),
        )


def forget_log(connection: sqlite3.Connection) -> None:
    """The log is empty, and the feed of changes begins at this revision."""
    for table in ("log", "touched", "done"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("UPDATE store SET changes_since = revision")


def pack_events(events: Sequence[tuple[str, ...]]) -> str | None:
    """Return events as one text, ``None`` where there are none."""
    return "".join([packed.RECORD + packed.join(event) for event in events]) or None


def unpack_events(text: str | None) -> tuple[tuple[str, ...], ...]:
    """Undo `pack_events`."""
    return tuple([tuple(packed.parts(one)) for one in (text or "").split(packed.RECORD)[1:]])


def written_event(event: Event) -> tuple[str, ...]:
    """Return what the log keeps of an event."""
    return (event.kind, event.key, event.name, event.other)


def written_erasure(entity_id: str, fact_ids: Iterable[str]) -> tuple[str, ...]:
    """Return what the log keeps of an erasure."""
    return (ERASED, entity_id, *fact_ids)


def names_any(event: Sequence[str], keys: Collection[str]) -> bool:
    """True where an event is about an entity or an alias with one of these scoped keys."""
    return event[0] not in (ERASED, "rule") and (event[1] in keys or event[3] in keys)


def next_entry(cursor: sqlite3.Cursor, after: int) -> Entry | None:
    """Return the first commit after a revision."""
    row = cursor.execute(
        "SELECT revision, events FROM log WHERE revision > ? ORDER BY revision LIMIT 1", (after,)
    ).fetchone()
    return Entry(row[0], unpack_events(row[1])) if row else None


def touched_by(cursor: sqlite3.Cursor, revision: int, after: int) -> tuple[int, list[int]] | None:
    """Return the next list of entities that a commit changed, and its number."""
    row = cursor.execute(
        "SELECT id, entities FROM touched WHERE revision = ? AND id > ? ORDER BY id LIMIT 1",
        (revision, after),
    ).fetchone()
    return (row[0], list(unpack_numbers(row[1]))) if row else None


def changes_of_events(entry: Entry, rules: RelationRules) -> list[Change]:
    """Return what a commit did besides changing facts."""
    changes: list[Change] = []
    for kind, *about in entry.events:
        if kind == ERASED:
            entity_id, *fact_ids = about
            changes.append(
                Change(entry.revision, "erased", entity_id=entity_id, fact_ids=tuple(fact_ids))
            )
            continue
        key, name, other = about
        if kind == "rule":
            if (rule := rules.of(key)) is not None:
                changes.append(Change(entry.revision, "rule", rule=rule))
            continue
        for known in ("alias", "no_alias", "merged", "split"):
            if kind == known:
                namespace = split(key)[0]
                changes.append(
                    Change(entry.revision, known, namespace, name, alias=split(other)[1])
                )
    return changes


def pack_rules(rules: RelationRules) -> str:
    """Return the rules as one text."""
    return "".join(
        [
            packed.RECORD
            + packed.join((rule.name, rule.cardinality, rule.value_type or "", rule.inverse or ""))
            for rule in rules.all()
        ]
    )


def unpack_rules(text: str) -> RelationRules:
    """Undo `pack_rules`."""
    rules = []
    for one in text.split(packed.RECORD)[1:]:
        name, cardinality, value_type, inverse = packed.parts(one)
        rules.append(
            RelationRule(
                name,
                "one" if cardinality == "one" else "many",
                ValueType(value_type) if value_type else None,
                inverse or None,
            )
        )
    return RelationRules(rules)
