"""What partitions of a bulk load change goes into the tables, in the order of each table."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path

from lamlam.memory_backends.commits.commit_plan import CommitPlan
from lamlam.memory_backends.commits.entity_edit import EntityEdit
from lamlam.memory_backends.sqlite.bulk.near_ranges import numbers_of, ranges_of, rows_of_range
from lamlam.memory_backends.sqlite.bulk.partitions import codes_path, packed_rows, stored_facts
from lamlam.memory_backends.sqlite.bulk.plain_columns import unpacked
from lamlam.memory_backends.sqlite.bulk.runs import RunGroup
from lamlam.memory_backends.sqlite.bulk.workers import Workers
from lamlam.memory_backends.sqlite.near_blocks import add_numbers, add_rows, has_numbers
from lamlam.memory_backends.sqlite.rows import name_and_key
from lamlam.memory_backends.sqlite.writer import SqliteWriter


class BulkWriter:
    """Writes the partitions of a load in their order, inside a transaction."""

    def __init__(self, writer: SqliteWriter, revision: int) -> None:
        self._writer = writer
        self._connection = writer.connection
        self._revision = revision
        self._codes: list[str] = []
        self._others: list[RunGroup] = []
        self.changed = 0

    def write(self, path: str) -> None:
        """Write a partition, and remove the file that has it."""
        packed = packed_rows(path)
        Path(path).unlink()
        columns = unpacked(packed.columns)
        touched = [*columns.numbers, *packed.touched]
        if self._writer.search.state is not None:
            for number in touched:
                self._writer.search.touch(number)
        execute = self._connection.executemany
        new: Iterable[tuple[int, str, str]] = zip(*columns, strict=True)
        if packed.new:
            new = sorted([*new, *packed.new], key=itemgetter(0))
        execute("INSERT INTO ent VALUES (?, ?, ?)", new)
        execute("UPDATE ent SET facts = ? WHERE id = ?", packed.updated)
        execute("INSERT INTO past (ent, retracted, name, facts) VALUES (?, ?, ?, ?)", packed.past)
        execute("INSERT OR IGNORE INTO reference VALUES (?, ?)", sorted(packed.references))
        self._writer.touched.add(self._revision, touched)
        self._writer.sources.count_numbers(packed.uses)
        self._writer.count(packed.n_facts, len(columns.numbers) + len(packed.new))
        self.changed += packed.changed
        self._codes.append(codes_path(path))
        self._others += packed.others

    def finish(self, workers: Workers) -> None:
        """Write what goes to the end: the spelling index in its order, entities without a place."""
        ranges = ranges_of(self._codes)
        if has_numbers(self._connection):
            for numbers in map(numbers_of, ranges):
                add_numbers(self._connection, numbers)
        else:
            for rows in workers.each(rows_of_range, ranges):
                add_rows(self._connection, rows)
        if self._others:
            self._write_others()

    def _write_others(self) -> None:
        """Write the entities whose places are taken, as a small commit does."""
        reader = self._writer.reader()
        plan = CommitPlan(self._revision)
        for group in self._others:
            self._edit(plan, group)
        self._writer.write_plan(plan, reader)
        self.changed += sum(edit.changed for edit in plan.edits.values())

    def _edit(self, plan: CommitPlan, group: RunGroup) -> None:
        key, name = group[1], name_and_key(group[2])[0]
        edit = plan.edits.get(key)
        if edit is None:
            record = self._writer.reader().record(key)
            before = record.stored() if record is not None else ()
            known = record.name if record is not None else name
            edit = plan.edits[key] = EntityEdit(key, known, before, self._revision)
        text_of = self._writer.sources.text_of
        for fact in stored_facts(group[3], self._writer.sources.codes):
            texts = [text_of(int(number)) for number in fact.sources]
            sources = tuple([text for text in texts if text is not None])
            edit.assert_(fact._replace(sources=sources), None)
