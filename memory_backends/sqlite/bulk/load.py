"""`load_parts`: a file in parts goes into a fact file in one commit, read by all processors.

Read parts become runs (`runs.py`), the runs partition by partition rows (`partitions.py`), and
these are written in the order of the table (`bulk_write.py`). Runs outlive a process that is
killed: the next one that loads the same file into the same store reads on where it ended.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from lamlam.errors import FactStoreError
from lamlam.memory_backends.model.bulk_rows import BulkParts
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.keys import KEY_VERSION, relation_key
from lamlam.memory_backends.model.operations import AddAlias, Commit, DefineRelation, Op, Revision
from lamlam.memory_backends.sqlite.bulk.bulk_write import BulkWriter
from lamlam.memory_backends.sqlite.bulk.load_place import LoadPlace
from lamlam.memory_backends.sqlite.bulk.number_files import write_numbers
from lamlam.memory_backends.sqlite.bulk.partitions import (
    PartitionTask,
    pack_partition,
)
from lamlam.memory_backends.sqlite.bulk.runs import (
    Run,
    RunTask,
    slice_of,
    sources_of,
    sources_path,
    write_run,
)
from lamlam.memory_backends.sqlite.bulk.workers import Workers
from lamlam.memory_backends.sqlite.commit_log import write_entry
from lamlam.memory_backends.sqlite.writer import SqliteWriter
from lamlam.unfinished_files import resumable_part
from lamlam.usable_cpus import usable_cpus

_BYTES_A_PARTITION = 3 << 20
_MOST_BITS = 12
_BYTES_WORTH_A_PROCESS = 6 << 20
_OPS_AT_ONCE = 5_000


def load_parts(
    writer: SqliteWriter,
    parts: BulkParts,
    place: LoadPlace,
    actor: str | None = None,
) -> Commit | None:
    """Assert the facts of all parts, then do what else they say, in one commit.

    Returns:
        ``None``, and nothing is written, where facts have to be taken one after the other: the
        store has aliases or rules, or a rule stands before a fact.

    Raises:
        BadFact: a line is not a fact, or the store refuses one.
    """
    reader = writer.reader()
    if reader.has_aliases or reader.rules.all():
        return None
    commit = _PartsLoading(writer, parts, place).done(actor)
    if commit is None:
        parts.forget()
    return commit


class _PartsLoading:
    def __init__(self, writer: SqliteWriter, parts: BulkParts, place: LoadPlace) -> None:
        self._writer = writer
        self._parts = parts
        self._place = place
        self._later: list[tuple[int, AddAlias | DefineRelation]] = []
        self._n_lines = self._last_fact = 0
        size = parts.size
        self._bits = min(_MOST_BITS, (size // _BYTES_A_PARTITION).bit_length())
        self._processes = place.processes or (
            usable_cpus() if size >= _BYTES_WORTH_A_PROCESS else 1
        )

    def done(self, actor: str | None) -> Commit | None:
        connection = self._writer.connection
        revision, entities, secret = connection.execute(
            "SELECT revision, entities, secret FROM store"
        ).fetchone()
        new = revision + 1
        with Workers(self._processes) as workers, self._folder() as self._in:
            workers.start()
            runs = self._read(workers)
            if self._is_ordered():
                return None
            self._number_sources(runs)
            store = str(self._place.store) if entities or self._has_marks() else None
            bulk = BulkWriter(self._writer, new)
            tasks = list(self._tasks(runs, new, store))
            for n, path in enumerate(workers.each(pack_partition, tasks), 1):
                bulk.write(path)
                self._parts.show("writing", n, len(tasks))
            bulk.finish(workers)
        changed, events = self._do_later(new, FactIds(secret))
        changed += bulk.changed
        self._writer.sources.flush()
        if not changed:
            return Commit(Revision(revision), 0)
        self._writer.finish(new)
        write_entry(connection, new, actor, events)
        return Commit(Revision(new), changed)

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """Yield the folder for runs, which a killed load of the same file may have begun."""
        self._writer.sources.learn(Counter(map(relation_key, self._parts.sample())))
        mark = None
        if self._parts.identity is not None:
            codes = sorted(self._writer.sources.codes.keys_by_code().items())
            whole = (self._parts.identity, KEY_VERSION, self._bits, self._place.namespace, codes)
            mark = blake2b(repr(whole).encode(), digest_size=16).hexdigest()
        folder = resumable_part(self._place.beside, mark)
        n_there = sum(1 for path in folder.glob("run-??????"))
        if n_there:
            self._parts.note_resumed(n_there)
        for path in folder.glob("rows-*"):
            path.unlink()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _is_ordered(self) -> bool:
        """Return whether facts have to be taken one after the other, or there is nothing at all."""
        if not (self._last_fact or self._later):
            return True
        return any(isinstance(op, DefineRelation) for n, op in self._later if n < self._last_fact)

    def _has_marks(self) -> bool:
        """Return whether there are rows of entities that are gone."""
        found = self._writer.connection.execute("SELECT 1 FROM ent LIMIT 1").fetchone()
        return found is not None

    def _read(self, workers: Workers) -> list[Run]:
        folder, codes = self._in, self._writer.sources.codes
        tasks = (
            RunTask(reader, str(folder / f"run-{n:06}"), self._bits, self._place.namespace, codes)
            for n, reader in enumerate(self._parts.readers())
        )
        runs = []
        for n, run in enumerate(workers.each(write_run, tasks), 1):
            other = self._parts.instead_of(run.read)
            if other is not None:  # the part before it reached into it
                Path(run.path).unlink()
                task = RunTask(other, run.path, self._bits, self._place.namespace, codes)
                (run,) = workers.each(write_run, [task])
            read = run.read
            self._parts.took(read)
            self._later += [(self._n_lines + line, op) for line, op in read.later]
            if read.last_fact:
                self._last_fact = self._n_lines + read.last_fact
            self._n_lines += read.n_lines
            runs.append(run)
            self._parts.show("reading", n, self._parts.n_parts)
        self._parts.ended()
        return runs

    def _number_sources(self, runs: Sequence[Run]) -> None:
        id_of = self._writer.sources.id_of
        for run in runs:
            if run.n_sources:
                write_numbers(sources_path(run.path), [id_of(text) for text in sources_of(run)])

    def _tasks(
        self, runs: Sequence[Run], revision: int, store: str | None
    ) -> Iterator[PartitionTask]:
        codes = self._writer.sources.codes
        for number in range(1 << self._bits):
            slices = [one for run in runs if (one := slice_of(run, number)) is not None]
            if slices:
                path = str(self._in / f"rows-{number:06}")
                yield PartitionTask(slices, revision, path, store, codes)

    def _do_later(self, revision: int, identify: FactIds) -> tuple[int, list[tuple[str, ...]]]:
        """Do what is no fact: rules as they come, aliases last."""
        rules = [one for one in self._later if isinstance(one[1], DefineRelation)]
        space = self._place.namespace
        aliases = [
            (n, op if op.namespace or not space else replace(op, namespace=space))
            for n, op in self._later
            if isinstance(op, AddAlias)
        ]
        ordered = [*rules, *aliases]
        changed = 0
        events: list[tuple[str, ...]] = []
        for start in range(0, len(ordered), _OPS_AT_ONCE):
            several = ordered[start : start + _OPS_AT_ONCE]
            ops: list[Op] = [op for _, op in several]
            try:
                plan = self._writer.do(ops, [], revision, identify)
            except FactStoreError as error:
                self._parts.at([n for n, op in several if op is error.operation])
                raise
            changed += plan.changed
            events += plan.events
        for part, keys in self._writer.parts(self._parts.rest()):
            plan = self._writer.do(part, keys, revision, identify)
            changed += plan.changed
            events += plan.events
        return changed, events
