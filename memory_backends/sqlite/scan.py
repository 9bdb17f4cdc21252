"""Scan a fact file: facts of one entity or of all, as of now or as of a revision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from lamlam.errors import ChangesGone
from lamlam.memory_backends.commits.validation import check_reached
from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.entity_reader import EntityHistory, EntityRecord, StoredEntity
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.model.lookups import Identify
from lamlam.memory_backends.model.namespaces import scoped, split
from lamlam.memory_backends.model.operations import KnownEntity, PastFact
from lamlam.memory_backends.model.values import is_text
from lamlam.memory_backends.resolution.entity_facts import facts_of, named_record, past_facts
from lamlam.memory_backends.resolution.views import PastView
from lamlam.memory_backends.sqlite.commit_log import commits_after, commits_of
from lamlam.memory_backends.sqlite.reader import SqliteReader

Reading = Callable[[], AbstractContextManager[SqliteReader]]
"""Gives a reader whose snapshot lasts as long as the block."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Which facts are wanted."""

    identify: Identify
    relation: str | None = None
    namespace: Namespace | None = None
    as_of: int | None = None
    batch: int = 1000
    hiding_from: int | None = None
    """Facts whose period has ended by this moment, in microseconds, are left out."""

    def of_entity(self, reader: SqliteReader, entity: str) -> list[Fact]:
        """Return the facts of one entity, by its key or an alias."""
        if not is_text(entity):
            return []
        key = scoped(self.namespace or (), canonical_key(entity))
        check_reached(self.as_of, reader.revision)
        state = reader if self.as_of is None else PastView(reader, self.as_of)
        record = named_record(state, key)
        return self._facts(record) if record is not None else []

    def of_all(self, reading: Reading) -> Iterator[Fact]:
        """Yield the facts that stand; each batch of entities from a new snapshot."""
        after: int | None = None
        while True:
            with reading() as reader:
                rows = reader.rows_after(after, self.batch)
                facts = [fact for _, row in rows for fact in self._facts(row)]
            yield from facts
            if not rows:
                return
            after = rows[-1][0]

    def of_all_then(self, reader: SqliteReader) -> Iterator[Fact]:
        """Yield the facts that stood at the revision; the reader's snapshot has to last."""
        assert self.as_of is not None
        check_reached(self.as_of, reader.revision)
        for record in entities_at(reader, self.as_of, self.batch):
            yield from self._facts(record)

    def _facts(self, record: EntityRecord) -> list[Fact]:
        if self.namespace is not None and split(record.key)[0] != self.namespace:
            return []
        wanted = relation_key(self.relation) if self.relation is not None else None
        return facts_of(record, wanted, self.identify, self.hiding_from)


def entities_at(reader: SqliteReader, revision: int, batch: int) -> Iterator[StoredEntity]:
    """Yield every entity as it stood at a revision, those that have facts now first."""
    place: int | None = None
    while rows := reader.rows_after(place, batch):
        place = rows[-1][0]
        for _, row in rows:
            if not row.name:
                continue  # the mark of an entity that is gone
            _, past = reader.past(row.key)
            if facts := EntityHistory(row.name, row.stored(), past).at(revision):
                yield StoredEntity(row.name, row.key, facts)
    seen: set[str] = set()
    number = -1
    while ended := list(reader.ended_after(number, batch)):
        number = ended[-1][0]
        for _, key in ended:
            if key in seen or reader.record(key) is not None:
                continue
            seen.add(key)
            name, past = reader.past(key)
            facts = EntityHistory(name, (), past).at(revision)
            if facts and name is not None:
                yield StoredEntity(name, key, facts)


def known_entities(
    reading: Reading, namespace: Namespace | None, batch: int = 1000
) -> Iterator[KnownEntity]:
    """Yield every entity with facts or with a past; each batch from a new snapshot."""
    place: int | None = None
    while True:
        with reading() as reader:
            rows = reader.rows_after(place, batch)
            found = [
                KnownEntity(
                    row.name, split(row.key)[0], len(row.stored()), len(reader.past(row.key)[1])
                )
                for _, row in rows
                if row.name
            ]
        yield from (one for one in found if namespace in (None, one.namespace))
        if not rows:
            break
        place = rows[-1][0]
    seen: set[str] = set()
    number = -1
    while True:
        found = []
        with reading() as reader:
            ended = list(reader.ended_after(number, batch))
            for _, key in ended:
                if key not in seen and reader.record(key) is None:
                    seen.add(key)
                    name, past = reader.past(key)
                    if name is not None:
                        found.append(KnownEntity(name, split(key)[0], 0, len(past)))
        yield from (one for one in found if namespace in (None, one.namespace))
        if not ended:
            return
        number = ended[-1][0]


def check_logged(since: int, reading: Reading) -> None:
    """Raise unless the log reaches from a revision on.

    Raises:
        ChangesGone: it does not reach back so far.
        Conflict: the store has not reached the revision.
    """
    with reading() as reader:
        reached, _, _, begin = reader.state()
    check_reached(since, reached)
    if since < begin:
        raise ChangesGone(
            f"the changes are known from revision {begin} on, not from {since}",
            hint="begin again with changes(None)",
        )


def known_commits(reading: Reading, since: int | None, batch: int = 1000) -> Iterator[CommitInfo]:
    """Yield the commits after a revision, or all that the log has, each batch from a new snapshot."""
    if since is not None:
        check_logged(since, reading)
    after = -1 if since is None else since
    while True:
        with reading() as reader:
            found = commits_after(reader.cursor, after, batch)
        yield from found
        if not found:
            return
        after = found[-1].revision


def entities_named(reading: Reading, namespace: Namespace | None, name: str) -> list[KnownEntity]:
    """Return the entities of one name, in whatever namespaces there are."""
    found = []
    with reading() as reader:
        spaces = reader.namespaces() if namespace is None else [namespace]
        for space in spaces:
            spelt, now, past = reader.history(scoped(space, canonical_key(name)))
            if spelt is not None:
                found.append(KnownEntity(spelt, space, len(now), len(past)))
    return found


def history_of(
    reader: SqliteReader,
    entity: str,
    relation: str | None,
    namespace: Namespace,
    identify: Identify,
) -> list[PastFact]:
    """Return facts and versions of facts that have ended, oldest first."""
    if not is_text(entity):
        return []
    key = scoped(namespace, canonical_key(entity))
    history = reader.history(key)
    if history.name is None and (holder := reader.alias(key)) is not None:
        key, history = holder, reader.history(holder)
    wanted = relation_key(relation) if relation is not None else None
    return past_facts(key, history, wanted, identify, partial(commits_of, reader.cursor))


def aliases_of(reader: SqliteReader, entity: str, namespace: Namespace) -> list[str]:
    """Return the other names of an entity as canonical keys, sorted."""
    if not is_text(entity):
        return []
    found = named_record(reader, scoped(namespace, canonical_key(entity)))
    return [split(alias)[1] for alias in reader.aliases(found.key)] if found is not None else []
