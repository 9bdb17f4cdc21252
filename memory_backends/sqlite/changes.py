"""The change log of a fact file, from its log of commits and the versions of facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lamlam.memory_backends.commits.changes import changes_of_entity, present_changes, within
from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import Identify
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.operations import Change
from lamlam.memory_backends.sqlite.commit_log import changes_of_entry, next_entry, touched_by
from lamlam.memory_backends.sqlite.reader import SqliteReader
from lamlam.memory_backends.sqlite.scan import Reading, check_logged

_BATCH = 500  # entities that are read at a time


@dataclass(frozen=True, slots=True)
class SqliteChanges:
    """Changes of one namespace or of all; rules belong to every one."""

    identify: Identify
    namespace: Namespace | None = None

    def whole(self, reader: SqliteReader) -> Iterator[Change]:
        """Yield what holds in the reader's snapshot, all with its revision."""
        revision = reader.revision
        for rule in reader.rules.all():
            yield Change(revision, "rule", rule=rule)
        place: int | None = None
        while rows := reader.rows_after(place, _BATCH):
            for place, row in rows:
                if row.name and self._is_wanted(row.key):
                    aliases = reader.aliases_at(place) if reader.has_aliases else ()
                    yield from present_changes(row, aliases, revision, self.identify)

    def since(self, revision: int, reading: Reading) -> Iterator[Change]:
        """Yield what was committed after a revision, up to now.

        Raises:
            ChangesGone: the change log does not reach back so far.
            Conflict: the store has not reached the revision.
        """
        revision = max(revision, 0)
        check_logged(revision, reading)
        while True:
            with reading() as reader:
                entry = next_entry(reader.cursor, revision)
                if entry is None:
                    return
                rules = reader.rules
            revision = entry.revision
            yield from within(changes_of_entry(entry, rules, self.namespace), self.namespace)
            yield from self._facts(entry.made, reading)

    def _facts(self, made: CommitInfo, reading: Reading) -> Iterator[Change]:
        revision = made.revision
        after = -1
        seen: set[int] = set()
        while True:
            with reading() as reader:
                touched = touched_by(reader.cursor, revision, after)
            if touched is None:
                return
            after, listed = touched
            if not listed:
                yield from self._of_all(made, reading)
                return
            # A large commit was written in parts, and an entity may be in several.
            numbers = [number for number in dict.fromkeys(listed) if number not in seen]
            seen.update(numbers)
            for start in range(0, len(numbers), _BATCH):
                with reading() as reader:
                    keys = [
                        key
                        for number in numbers[start : start + _BATCH]
                        for key in reader.keys_of(number)
                        if self._is_wanted(key)
                    ]
                    changes = self._of_keys(keys, made, reader)
                yield from changes

    def _of_all(self, made: CommitInfo, reading: Reading) -> Iterator[Change]:
        """Yield the changes of a commit that changed most of what there was."""
        place: int | None = None
        while True:
            with reading() as reader:
                rows = reader.rows_after(place, _BATCH)
                keys = [row.key for _, row in rows if row.name and self._is_wanted(row.key)]
                changes = self._of_keys(keys, made, reader)
            yield from changes
            if not rows:
                break
            place = rows[-1][0]
        number = -1
        seen: set[str] = set()
        while True:
            with reading() as reader:
                ended = list(reader.ended_after(number, _BATCH))
                gone = [
                    key
                    for key in dict.fromkeys([key for _, key in ended])
                    if key not in seen and self._is_wanted(key) and reader.record(key) is None
                ]
                changes = self._of_keys(gone, made, reader)
            yield from changes
            if not ended:
                return
            seen.update(gone)
            number = ended[-1][0]

    def _of_keys(self, keys: Iterable[str], made: CommitInfo, reader: SqliteReader) -> list[Change]:
        return [
            change
            for key in keys
            for change in changes_of_entity(
                key, reader.history(key), made.revision, self.identify, made
            )
        ]

    def _is_wanted(self, key: str) -> bool:
        return self.namespace is None or split(key)[0] == self.namespace
