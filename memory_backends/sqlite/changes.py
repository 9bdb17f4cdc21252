"""The feed of changes of a fact file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lamlam.errors import ChangesGone, Conflict
from lamlam.memory_backends.commits.changes import changes_of_entity
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import Identify, as_fact
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.operations import Change
from lamlam.memory_backends.sqlite.commit_log import changes_of_events, next_entry, touched_by
from lamlam.memory_backends.sqlite.reader import Reader
from lamlam.memory_backends.sqlite.scan import Reading

_BATCH = 500  # entities that are read at a time


@dataclass(frozen=True, slots=True)
class Feed:
    """Changes of one namespace or of all; rules belong to every one."""

    identify: Identify
    namespace: Namespace | None = None

    def whole(self, reader: Reader) -> Iterator[Change]:
        """Give what holds in the reader's snapshot, as if it had been asserted at once."""
        revision = reader.revision
        for rule in reader.rules.all():
            yield Change(revision, "rule", rule=rule)
        place: int | None = None
        while rows := reader.rows_after(place, _BATCH):
            for place, row in rows:
                namespace = split(row.key)[0]
                if not row.name or (self.namespace is not None and namespace != self.namespace):
                    continue
                for fact in row.stored():
                    ident = self.identify(row.key, fact)
                    given = as_fact(row.name, fact, ident, namespace)
                    yield Change(revision, "asserted", namespace, row.name, given)
                if reader.has_aliases:
                    for alias in reader.aliases_at(place):
                        yield Change(revision, "alias", namespace, row.name, alias=split(alias)[1])

    def since(self, revision: int, reading: Reading) -> Iterator[Change]:
        """Give what was committed after a revision, up to now.

        Raises:
            ChangesGone: the feed does not reach back so far.
            Conflict: the store has not reached the revision.
        """
        revision = max(revision, 0)
        with reading() as reader:
            reached, _, _, begin = reader.state()
        if revision > reached:
            raise Conflict(
                f"the store is at revision {reached} and has not reached {revision}",
                hint="ask the store that gave the revision",
            )
        if revision < begin:
            raise ChangesGone(
                f"the changes are known from revision {begin} on, not from {revision}",
                hint="begin again with changes(None)",
            )
        while True:
            with reading() as reader:
                entry = next_entry(reader.cursor, revision)
                if entry is None:
                    return
                events = changes_of_events(entry, reader.rules, self.namespace)
            revision = entry.revision
            yield from events
            yield from self._facts(revision, reading)

    def _facts(self, revision: int, reading: Reading) -> Iterator[Change]:
        after = -1
        told: set[int] = set()
        while True:
            with reading() as reader:
                touched = touched_by(reader.cursor, revision, after)
            if touched is None:
                return
            after, listed = touched
            # A large commit was written in parts, and an entity may be in several.
            numbers = [number for number in dict.fromkeys(listed) if number not in told]
            told.update(numbers)
            for start in range(0, len(numbers), _BATCH):
                with reading() as reader:
                    changes = [
                        change
                        for number in numbers[start : start + _BATCH]
                        for key in reader.keys_of(number)
                        for change in self._of_entity(reader, key, revision)
                    ]
                yield from changes

    def _of_entity(self, reader: Reader, key: str, revision: int) -> Iterator[Change]:
        if self.namespace is not None and split(key)[0] != self.namespace:
            return
        name, now, past = reader.versions(key)
        yield from changes_of_entity(key, name or "", now, past, revision, self.identify)
