"""The log of commits of a fact file: no value is in it, and names only where names changed.

Which facts a commit changed follows from the versions in the tables `ent` and `past`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from lamlam.memory_backends.commits.changes import (
    EVENT_KINDS,
    CommitEvent,
    ErasedFacts,
    changes_of_erasure,
    changes_of_events,
)
from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.clock import now
from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.namespaces import parsed, split, written
from lamlam.memory_backends.model.operations import Change
from lamlam.memory_backends.model.relation_rules import RelationRule, RelationRules
from lamlam.memory_backends.model.timestamps import from_us, to_us
from lamlam.memory_backends.model.values import ValueType
from lamlam.memory_backends.sqlite.rows import pack_numbers, unpack_numbers

_ERASED_SOMEWHERE, _ERASED = "erased", "erased_in"
"""The first logs did not name the namespace."""
_FEWEST_OF_ALL = 1000
"""Entities, up to which a commit names them even if they are all that there are."""


class LogEntry(NamedTuple):
    """One commit."""

    revision: int
    events: tuple[tuple[str, ...], ...]
    """Each a kind and what it is about (a `CommitEvent`, or `written_erasure`)."""
    made: CommitInfo


def write_entry(
    connection: sqlite3.Connection,
    revision: int,
    actor: str | None,
    events: Iterable[tuple[str, ...]],
) -> None:
    """Add the row of a commit to the log."""
    connection.execute(
        "INSERT INTO log (revision, time, actor, events) VALUES (?, ?, ?, ?)",
        (revision, to_us(now()), actor, pack_events(events)),
    )


def write_touched(connection: sqlite3.Connection, revision: int, entities: list[int]) -> None:
    """Add entities to those whose facts the commit changed."""
    if entities:
        connection.execute(
            "INSERT INTO touched (revision, entities) VALUES (?, ?)",
            (revision, pack_numbers(entities)),
        )


class TouchedEntities:
    """Writes which entities a commit changes, as it goes on.

    One that changes more than there were names none: its row has no numbers, and whoever asks
    goes through all entities, most of which it changed. So a large load costs nothing here.
    """

    __slots__ = ("_connection", "_is_all", "_most", "_n")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.reset()

    def reset(self) -> None:
        """Begin with the next commit."""
        self._n = 0
        self._most: int | None = None
        self._is_all = False

    def add(self, revision: int, entities: list[int]) -> None:
        """Add entities to those whose facts the commit changed, before any of it is counted."""
        if self._most is None:
            (n_entities,) = self._connection.execute("SELECT entities FROM store").fetchone()
            self._most = max(int(n_entities), _FEWEST_OF_ALL)
        self._n += len(entities)
        if self._is_all:
            return
        if self._n <= self._most:
            write_touched(self._connection, revision, entities)
            return
        self._is_all = True
        self._connection.execute("DELETE FROM touched WHERE revision = ?", (revision,))
        self._connection.execute(
            "INSERT INTO touched (revision, entities) VALUES (?, ?)", (revision, b"")
        )


def forget_log(connection: sqlite3.Connection) -> None:
    """Empty the log: the change log then begins at this revision."""
    from lamlam.memory_backends.sqlite.used_keys import forget_all

    for table in ("log", "touched"):
        connection.execute(f"DELETE FROM {table}")
    forget_all(connection)
    connection.execute("UPDATE store SET changes_since = revision")


def pack_events(events: Iterable[tuple[str, ...]]) -> str | None:
    """Return events as one text, ``None`` where there are none."""
    return "".join([row_codec.RECORD + row_codec.join(event) for event in events]) or None


def unpack_events(text: str | None) -> tuple[tuple[str, ...], ...]:
    """Undo `pack_events`."""
    return tuple([tuple(row_codec.parts(one)) for one in (text or "").split(row_codec.RECORD)[1:]])


def written_erasure(erased: ErasedFacts) -> tuple[str, ...]:
    """Return what the log keeps of an erasure."""
    return (_ERASED, written(erased.namespace), erased.entity_id, *erased.fact_ids)


def is_of_names(event: Sequence[str]) -> bool:
    """Return whether an event is about an entity and another name."""
    return event[0] not in (_ERASED_SOMEWHERE, _ERASED, "rule")


def namespace_of(event: Sequence[str]) -> Namespace | None:
    """Return the namespace that an event is of; ``None`` where it is of the whole store."""
    if event[0] == _ERASED:
        return parsed(event[1])
    return split(event[1])[0] if is_of_names(event) else None


def names_any(event: Sequence[str], keys: Collection[str]) -> bool:
    """Return whether an event is about an entity or an alias with one of these scoped keys."""
    return is_of_names(event) and (event[1] in keys or event[3] in keys)


def next_entry(cursor: sqlite3.Cursor, after: int) -> LogEntry | None:
    """Return the first commit after a revision."""
    row = cursor.execute(
        "SELECT revision, events, time, actor FROM log WHERE revision > ? ORDER BY revision LIMIT 1",
        (after,),
    ).fetchone()
    if not row:
        return None
    return LogEntry(row[0], unpack_events(row[1]), _info(row[0], *row[2:]))


def commits_of(cursor: sqlite3.Cursor, revisions: Collection[int]) -> Mapping[int, CommitInfo]:
    """Return what is known of the commits that made these revisions."""
    found = {}
    for revision in revisions:
        row = cursor.execute(
            "SELECT revision, time, actor FROM log WHERE revision = ?", (revision,)
        ).fetchone()
        if row:
            found[revision] = _info(*row)
    return found


def commits_after(cursor: sqlite3.Cursor, revision: int, most: int) -> list[CommitInfo]:
    """Return so many of the commits after a revision, in order."""
    rows = cursor.execute(
        "SELECT revision, time, actor FROM log WHERE revision > ? ORDER BY revision LIMIT ?",
        (revision, most),
    )
    return [_info(*row) for row in rows.fetchall()]


def _info(revision: int, microseconds: int, actor: str | None) -> CommitInfo:
    at = from_us(microseconds)
    return CommitInfo(revision, at if isinstance(at, datetime) else None, actor)


def touched_by(cursor: sqlite3.Cursor, revision: int, after: int) -> tuple[int, list[int]] | None:
    """Return the next list of entities that a commit changed, and its number.

    An empty list: any may have been changed (`TouchedEntities`).
    """
    row = cursor.execute(
        "SELECT id, entities FROM touched WHERE revision = ? AND id > ? ORDER BY id LIMIT 1",
        (revision, after),
    ).fetchone()
    return (row[0], list(unpack_numbers(row[1]))) if row else None


def changes_of_entry(
    entry: LogEntry, rules: RelationRules, wanted: Namespace | None
) -> Iterator[Change]:
    """Yield what a commit did besides changing facts.

    Args:
        entry: of the commit.
        rules: of the store, now.
        wanted: the namespace that is asked about: erasures of the first logs count as of it.
    """
    for kind, *about in entry.events:
        if kind in (_ERASED_SOMEWHERE, _ERASED):
            namespace = parsed(about.pop(0)) if kind == _ERASED else (wanted or ())
            entity_id, *ids = about
            erased = ErasedFacts(namespace, entity_id, tuple(ids))
            yield from changes_of_erasure(entry.revision, [erased], entry.made)
        else:
            events = [CommitEvent(known, *about) for known in EVENT_KINDS if known == kind]
            yield from changes_of_events(entry.revision, events, rules, entry.made)


def pack_rules(rules: RelationRules) -> str:
    """Return the rules as one text."""
    return "".join(
        [
            row_codec.RECORD
            + row_codec.join(
                (rule.name, rule.cardinality, rule.value_type or "", rule.inverse or "")
            )
            for rule in rules.all()
        ]
    )


def unpack_rules(text: str) -> RelationRules:
    """Undo `pack_rules`."""
    rules = []
    for one in text.split(row_codec.RECORD)[1:]:
        name, cardinality, value_type, inverse = row_codec.parts(one)
        rules.append(
            RelationRule(
                name,
                "one" if cardinality == "one" else "many",
                ValueType(value_type) if value_type else None,
                inverse or None,
            )
        )
    return RelationRules(rules)
