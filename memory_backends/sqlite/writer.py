"""Write a fact file: plan the operations of a commit, then rewrite each row once."""

from __future__ import annotations

import gc
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from lamlam.memory_backends.commits.commit_plan import CommitPlan, plan_commit
from lamlam.memory_backends.commits.entity_edit import EntityEdit
from lamlam.memory_backends.commits.idempotency import OperationDigest
from lamlam.memory_backends.commits.validation import (
    check_commit,
    check_expected,
    operations,
)
from lamlam.memory_backends.model.entity_reader import MergeRecord
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.model.operations import Commit, Op, Revision
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.resolution.blocking_codes import index_codes
from lamlam.memory_backends.sqlite.bulk_load import new_entities
from lamlam.memory_backends.sqlite.commit_log import (
    TouchedEntities,
    pack_rules,
    unpack_rules,
    write_entry,
)
from lamlam.memory_backends.sqlite.entities import EntityPlace, TransactionReader, keys_of_facts
from lamlam.memory_backends.sqlite.near_blocks import (
    add_numbers,
    near_number,
    places_of,
    remove_numbers,
)
from lamlam.memory_backends.sqlite.row_words import RowWords
from lamlam.memory_backends.sqlite.rows import (
    merge_rows,
    name_and_key,
    next_place,
    pack_merge,
    row_id,
    row_name,
    target_of,
)
from lamlam.memory_backends.sqlite.search_index import SearchIndexWriter
from lamlam.memory_backends.sqlite.used_keys import UsedKeys

_CHUNK = 50_000  # operations that are held in memory and sorted at a time
_PART = 5_000  # operations that are planned at a time
_MANY = 100
_MOST_CODES = 50_000  # index keys that are sorted and written at a time


@contextmanager
def _no_collection(*, is_worth_it: bool) -> Iterator[None]:
    """Pause the garbage collector, which took a third of a load's time looking through facts that
    wait to be written. A part is too short to leave much behind."""
    if not (is_worth_it and gc.isenabled()):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class SqliteWriter:
    """The one connection of a store that writes, inside a transaction that the store holds."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.sources = RowWords(connection)
        self.search = SearchIndexWriter(connection, self.sources)
        self._new_codes: list[int] = []
        self.touched = TouchedEntities(connection)
        self._facts = 0
        self._entities = 0

    def apply(
        self,
        ops: Iterable[Op],
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit:
        """Do the operations; the caller commits or rolls back."""
        check_commit(expected, idempotency_key, actor)
        self.sources.forget()  # another process may have erased what was cached
        revision, secret = self.connection.execute("SELECT revision, secret FROM store").fetchone()
        if idempotency_key is None:
            check_expected(expected, revision)
            return self._apply(ops, revision, FactIds(secret), actor)
        used = UsedKeys(self.connection, secret)
        first = used.first_commit(idempotency_key, ops)
        if first is not None:
            return first
        check_expected(expected, revision)
        digest = OperationDigest(secret)
        commit = self._apply(digest.passing(ops), revision, FactIds(secret), actor)
        used.add(idempotency_key, commit, digest.kept())
        return commit

    def _apply(
        self, ops: Iterable[Op], revision: int, identify: FactIds, actor: str | None
    ) -> Commit:
        new = revision + 1
        changed = 0
        events: list[tuple[str, ...]] = []
        ended: list[Fact] = []
        for part, keys in self.parts(ops):
            with _no_collection(is_worth_it=len(part) > _MANY):
                plan = self.do(part, keys, new, identify)
            changed += plan.changed
            events += plan.events
            ended += plan.ended
        if not changed:
            return Commit(Revision(revision), 0)
        self.finish(new)
        write_entry(self.connection, new, actor, events)
        return Commit(Revision(new), changed, tuple(ended))

    def do(self, part: list[Op], keys: list[str], revision: int, identify: FactIds) -> CommitPlan:
        """Do operations.

        Args:
            part: the operations.
            keys: the scoped key of each, or none at all.
            revision: that the changes have.
            identify: gives the ids of facts.
        """
        reader = self.reader()
        known: dict[str, EntityEdit] = {}
        if len(part) > _MANY:
            reader.read_ahead(keys or keys_of_facts(part))
        if keys:
            known, part = new_entities(part, keys, reader, revision)
        plan = plan_commit(part, reader, revision, identify)
        plan.edits.update(known)
        plan.changed += sum([edit.changed for edit in known.values()])
        self.write_plan(plan, reader)
        return plan

    def parts(self, ops: Iterable[Op]) -> Iterator[tuple[list[Op], list[str]]]:
        """Yield the operations in parts, many facts in the order of the table, with their keys."""
        remaining = iter(operations(ops))
        while chunk := list(islice(remaining, _CHUNK)):
            keys: list[str] = []
            # Under several names of an entity the order of its facts would be another one.
            if len(chunk) > _PART and not self.reader().has_aliases:
                keys = keys_of_facts(chunk)
                if len(keys) == len(chunk):
                    places = {key: row_id(key) for key in set(keys)}
                    order = sorted(range(len(chunk)), key=lambda n: places[keys[n]])
                    chunk = [chunk[n] for n in order]
                    keys = [keys[n] for n in order]
                else:
                    keys = []
            for start in range(0, len(chunk), _PART):
                yield chunk[start : start + _PART], keys[start : start + _PART]
            del chunk, keys  # before the next is taken

    def reader(self) -> TransactionReader:
        """Return what the file holds at this moment."""
        rules, has_aliases = self.connection.execute(
            "SELECT rules, EXISTS (SELECT 1 FROM alias) FROM store"
        ).fetchone()
        return TransactionReader(
            self.connection,
            self.sources,
            unpack_rules(rules) if rules else RelationRules(),
            has_aliases=bool(has_aliases),
        )

    def write_plan(self, plan: CommitPlan, reader: TransactionReader) -> None:
        """Write what a commit changes, but for its entry in the log."""
        # In the order of the table, so that a large load touches each page once. Rows go last: one
        # that was written behind it, as both have one number, would be out of reach.
        edits = sorted([(not edit.facts, row_id(key), key) for key, edit in plan.edits.items()])
        self.sources.learn(
            Counter([fact.key for edit in plan.edits.values() for fact in edit.facts.values()])
        )
        references: set[tuple[int, int]] = set()
        for _, number, key in edits:
            edit = plan.edits[key]
            assert edit.name is not None  # what changed has a name
            self.store(key, edit.name, reader.place_of(key), edit.after)
            self._remember(number, key, edit.name, edit.ended, plan.revision)
            for fact in edit.started:
                if fact.code and (target := target_of(key, fact)) is not None:
                    references.add((target, number))
        self.connection.executemany(
            "INSERT OR IGNORE INTO reference VALUES (?, ?)", sorted(references)
        )
        self._write_aliases(plan)
        for record in plan.unmerged:
            self._end_merge(record)
        for record in plan.merged:
            self._add_merge(record)
        if plan.rules is not None:
            self.connection.execute("UPDATE store SET rules = ?", (pack_rules(plan.rules),))
        self.touched.add(plan.revision, [row_id(key) for key in plan.edits])
        if len(self._new_codes) > _MOST_CODES:
            self._insert_codes()
        self.sources.flush()

    def store(self, key: str, name: str, place: EntityPlace, after: Sequence[StoredFact]) -> None:
        """Write the facts of an entity to its row; without any, remove the entity."""
        before = place.facts
        self.search.touch(place.place)
        self._facts += len(after) - len(before)
        self.sources.count(after, 1)
        self.sources.count(before, -1)
        if not after:
            if before:
                self._remove(place.place, key)
            return
        text = self.sources.pack(after)
        if before:
            self.connection.execute("UPDATE ent SET facts = ? WHERE id = ?", (text, place.place))
            return
        self._entities += 1
        row = row_name(key, name)
        ident = place.place
        try:
            self.connection.execute("INSERT INTO ent VALUES (?, ?, ?)", (ident, row, text))
        except sqlite3.IntegrityError:
            # The place holds the mark of an entity that is gone, or has just been taken.
            ident = self.reader().place_of(key).place
            self.search.touch(ident)
            self.connection.execute(
                "INSERT OR REPLACE INTO ent VALUES (?, ?, ?)", (ident, row, text)
            )
        self._new_codes += [near_number(code, ident) for code in index_codes(key)]

    def count(self, facts: int, entities: int) -> None:
        """Count facts and entities that were written otherwise."""
        self._facts += facts
        self._entities += entities

    def finish(self, revision: int) -> None:
        """Set the revision and the counts of the file."""
        self._insert_codes()
        self.sources.flush()
        self.connection.execute(
            "UPDATE store SET revision = ?, facts = facts + ?, entities = entities + ?",
            (revision, self._facts, self._entities),
        )
        self.search.finish()
        self._facts = self._entities = 0

    def reset(self) -> None:
        """Forget what is pending: a transaction begins, or was given up."""
        self._new_codes.clear()
        self.touched.reset()
        self.sources.reset()
        self.search.reset()
        self._facts = self._entities = 0

    def rewrite_merge(self, ident: int, record: MergeRecord | None) -> None:
        """Replace the record in the row of a merge; without one, remove the row."""
        if record is None:
            self.connection.execute("DELETE FROM merge WHERE id = ?", (ident,))
        else:
            self.connection.execute(
                "UPDATE merge SET record = ? WHERE id = ?", (pack_merge(record), ident)
            )

    # ----------------------------------------------------------------------------------------------

    def _remove(self, place: int, key: str) -> None:
        self._entities -= 1
        self._insert_codes()
        self._remove_codes(place, key)
        self.connection.execute("DELETE FROM alias WHERE ent = ?", (place,))
        follower = self.connection.execute(
            "SELECT 1 FROM ent WHERE id = ?", (next_place(place),)
        ).fetchone()
        if follower is None:
            self.connection.execute("DELETE FROM ent WHERE id = ?", (place,))
        else:
            # What follows may stand there because this place was taken: the way to it stays.
            self.connection.execute("UPDATE ent SET name = '', facts = '' WHERE id = ?", (place,))

    def _remove_codes(self, place: int, key: str) -> None:
        """Remove the codes of an entity, but those of others whose places begin as its own."""
        numbers = {near_number(code, place) for code in index_codes(key)}
        if numbers:
            beside = self.connection.execute(
                "SELECT id, name FROM ent WHERE id BETWEEN ? AND ? AND id <> ? AND name <> ''",
                (*places_of(min(numbers)), place),
            )
            for other, name in beside.fetchall():
                codes = index_codes(name_and_key(name)[1])
                numbers -= {near_number(code, other) for code in codes}
        remove_numbers(self.connection, numbers)

    def _remember(
        self, number: int, key: str, name: str, ended: Sequence[StoredFact], revision: int
    ) -> None:
        if ended:
            self.sources.count(ended, 1)
            self.connection.execute(
                "INSERT INTO past (ent, retracted, name, facts) VALUES (?, ?, ?, ?)",
                (number, revision, row_name(key, name), self.sources.pack(ended)),
            )

    def _write_aliases(self, plan: CommitPlan) -> None:
        if not plan.aliases:
            return
        reader = self.reader()  # rows have moved
        for alias, key in plan.aliases.items():
            self.search.touch_alias(alias)
            if key is None:
                self.connection.execute("DELETE FROM alias WHERE key = ?", (alias,))
            else:
                place = reader.place_of(key).place
                self.search.touch(place)
                self.connection.execute(
                    "INSERT OR REPLACE INTO alias VALUES (?, ?)", (alias, place)
                )

    def _end_merge(self, ended: MergeRecord) -> None:
        for ident, record in merge_rows(self.connection, ended.kept):
            if record.is_reversible and (record.kept, record.merged) == (ended.kept, ended.merged):
                self.rewrite_merge(ident, ended)

    def _add_merge(self, record: MergeRecord) -> None:
        self.connection.execute(
            "INSERT INTO merge (kept, merged, record) VALUES (?, ?, ?)",
            (row_id(record.kept), row_id(record.merged), pack_merge(record)),
        )

    def _insert_codes(self) -> None:
        self._new_codes.sort()
        add_numbers(self.connection, self._new_codes)
        self._new_codes.clear()
