"""The second half of a bulk load: one partition of all runs becomes rows in the order of the table.

What the store held before is read here too, so that joining it to what is new is done by all
processes; the one that writes only writes.
"""

from __future__ import annotations

import marshal
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, repeat
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lamlam.memory_backends.model import row_codec
from lamlam.memory_backends.model.row_codec import RECORD
from lamlam.memory_backends.model.stored_facts import StoredFact
from lamlam.memory_backends.resolution.blocking_codes import index_codes, index_codes_of
from lamlam.memory_backends.sqlite.bulk.number_files import numbers_in, write_numbers
from lamlam.memory_backends.sqlite.bulk.plain_columns import (
    PackedColumns,
    PlainColumns,
    keys_of,
)
from lamlam.memory_backends.sqlite.bulk.row_text import PLAIN_FIELDS, is_distinct, row_of
from lamlam.memory_backends.sqlite.bulk.runs import (
    RunEntities,
    RunGroup,
    RunPiece,
    RunSlice,
    entities_of,
    sources_path,
)
from lamlam.memory_backends.sqlite.near_blocks import near_number
from lamlam.memory_backends.sqlite.rows import name_and_key, target_of
from lamlam.memory_backends.sqlite.schema import open_reader
from lamlam.memory_backends.sqlite.short_rows import RelationCodes

if TYPE_CHECKING:  # most loads need none, and what a process imports is waited for
    from lamlam.memory_backends.commits.entity_edit import EntityEdit


@dataclass(frozen=True, slots=True)
class PartitionTask:
    """Which partition is to be packed."""

    slices: Sequence[RunSlice]
    revision: int
    path: str
    """Where the rows go."""
    store: str | None
    """The file whose rows are joined, unless it is empty."""
    codes: RelationCodes
    """By which rows name frequent relations, those of the store too."""


@dataclass(slots=True)
class PartitionRows:
    """What a partition changes."""

    new: list[tuple[int, str, str]] = field(default_factory=list)
    """Number, name and text of entities, in order; those in `columns` are new too."""
    updated: list[tuple[str, int]] = field(default_factory=list)
    """Text and number of entities that had a row."""
    past: list[tuple[int, int, str, str]] = field(default_factory=list)
    """Rows of versions that ended."""
    references: list[tuple[int, int]] = field(default_factory=list)
    touched: list[int] = field(default_factory=list)
    uses: dict[int, int] = field(default_factory=dict)
    """How many facts more, or fewer, name each source."""
    changed: int = 0
    n_facts: int = 0
    """Facts more than before."""
    columns: PackedColumns = (b"", "", "")
    """Of most new entities, in order: their texts with heads."""
    others: list[RunGroup] = field(default_factory=list)
    """Entities whose place in the table is taken: they are written one by one."""


def pack_partition(task: PartitionTask) -> str:
    """Pack the entities of a partition, and return the path of the file that has them."""
    packed = PartitionRows()
    packer = _Packer(packed, task.revision, task.codes)
    plain, groups = _joined(task.slices, packed.others, is_plain_kept=task.store is None)
    if task.store is None:
        packer.put_plain(plain)
        for number in sorted(groups):
            packer.put(*groups[number], None)
    else:
        with closing(open_reader(Path(task.store))) as connection:
            for number in sorted(groups):
                row = _row(connection, number)
                group = groups[number]
                if row is not None and not _is_of(row[0], group):
                    packed.others.append(group)
                else:
                    packer.put(*group, row)
    packed.changed += packed.n_facts
    write_numbers(codes_path(task.path), sorted(packer.codes))
    path = Path(task.path)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        file.write(marshal.dumps([getattr(packed, name) for name in PartitionRows.__slots__]))
    beside.rename(path)
    return task.path


def packed_rows(path: str) -> PartitionRows:
    """Return what a partition changes, read back."""
    with open(path, "rb") as file:
        return PartitionRows(*marshal.loads(file.read()))  # `load` reads each object apart


def codes_path(path: str) -> str:
    """Return where the numbers of the spelling index are for the new entities of a partition."""
    return f"{path}.codes"


def stored_facts(pieces: Sequence[RunPiece], codes: RelationCodes) -> Iterator[StoredFact]:
    """Yield the facts of a group as stores keep them, their sources by number as text."""
    for piece in pieces:
        if len(piece) == PLAIN_FIELDS:
            source, text, *_ = piece
            for fact in row_codec.unpack(codes.expand(row_of(text, source, 0)), str):
                yield fact._replace(seq=0)
        else:
            given = StoredFact(*piece)
            yield given._replace(sources=tuple(map(str, given.sources)))


class _PlainSlice(NamedTuple):
    """Entities of one run."""

    source: int
    columns: PlainColumns


class _Packer:
    def __init__(self, packed: PartitionRows, revision: int, codes: RelationCodes) -> None:
        self._packed = packed
        self._codes = codes
        self._revision = revision
        self.codes: list[int] = []

    def put_plain(self, slices: Iterable[_PlainSlice]) -> None:
        """Pack the facts of entities of which the store holds nothing, each in one slice.

        As `put` does, for most of a large file.
        """
        packed = self._packed
        numbers: list[int] = []
        names: list[str] = []
        texts: list[str] = []
        for source, columns in slices:
            numbers += columns.numbers
            names += columns.names
            texts += map(add, repeat(row_of("", source, self._revision)), columns.texts)
            if source:
                n_uses = sum(map(str.count, columns.texts, repeat(RECORD)))
                packed.uses[source] = packed.uses.get(source, 0) + n_uses
        order = sorted(range(len(numbers)), key=numbers.__getitem__)
        columns = PlainColumns(numbers, names, texts).at(order)
        packed.columns = columns.packed()
        packed.n_facts += packed.columns[2].count(RECORD)
        codes = index_codes_of(keys_of(columns.names))
        places = [near_number(0, number) for number in columns.numbers]
        self.codes += [
            (code << 32) + place
            for several, place in zip(codes, places, strict=True)
            for code in several
        ]

    def put(
        self,
        number: int,
        key: str,
        name: str,
        pieces: list[RunPiece],
        row: tuple[str, str] | None,
    ) -> None:
        """Pack the facts of an entity, joined to those of its row."""
        packed = self._packed
        if row is None:
            self.codes += [near_number(code, number) for code in index_codes(key)]
            text = self._plain(pieces)
            if text is not None:
                packed.new.append((number, name, text))
                packed.touched.append(number)
                return
        from lamlam.memory_backends.commits.entity_edit import EntityEdit

        before = row_codec.unpack(self._codes.expand(row[1]), str) if row is not None else []
        edit = EntityEdit(key, name, before, self._revision)
        for fact in stored_facts(pieces, self._codes):
            edit.assert_(fact, None)
        if edit.changed:
            self._write(edit, number, row[0] if row is not None else None)

    def _plain(self, pieces: list[RunPiece]) -> str | None:
        """Return the text of the row, if all facts are plain and none is there twice."""
        packed = self._packed
        if len(pieces) == 1 and len(pieces[0]) == PLAIN_FIELDS:
            source, text, n_facts, has_each_once = pieces[0]
            if not (has_each_once or is_distinct(text)):
                return None
            packed.n_facts += n_facts
            if source:
                packed.uses[source] = packed.uses.get(source, 0) + n_facts
            return row_of(text, source, self._revision)
        if any([len(piece) != PLAIN_FIELDS for piece in pieces]):
            return None
        text = "".join([piece[1] for piece in pieces])
        if not is_distinct(text):
            return None
        for source, _, n_facts, _ in pieces:
            packed.n_facts += n_facts
            if source:
                packed.uses[source] = packed.uses.get(source, 0) + n_facts
        source = pieces[0][0]
        if all([piece[0] == source for piece in pieces]):
            return row_of(text, source, self._revision)
        rows = [row_of(text, source, self._revision) for source, text, *_ in pieces]
        return self._codes.shorten("".join(map(self._codes.expand, rows)))

    def _write(self, edit: EntityEdit, number: int, name_before: str | None) -> None:
        packed = self._packed
        after = edit.after
        text = self._codes.shorten(row_codec.pack(after, int))
        assert edit.name is not None
        if name_before is None:
            packed.new.append((number, edit.name, text))
        else:
            packed.updated.append((text, number))
        if edit.ended:
            past = self._codes.shorten(row_codec.pack(edit.ended, int))
            packed.past.append((number, self._revision, name_before or edit.name, past))
        for fact in edit.started:
            if fact.code and (target := target_of(edit.key, fact)) is not None:
                packed.references.append((target, number))
        self._count(after, 1)
        self._count(edit.ended, 1)
        self._count(edit.before, -1)
        packed.touched.append(number)
        n_more = len(after) - len(edit.before)
        packed.n_facts += n_more
        packed.changed += edit.changed - n_more  # the rest is counted at the end

    def _count(self, facts: Sequence[StoredFact], change: int) -> None:
        uses = self._packed.uses
        for fact in facts:
            for source in fact.sources:
                uses[int(source)] = uses.get(int(source), 0) + change


def _joined(
    slices: Sequence[RunSlice], doubtful: list[RunGroup], *, is_plain_kept: bool
) -> tuple[list[_PlainSlice], dict[int, RunGroup]]:
    """Return the entities of all runs: those that are plain and in one of them alone, and the others.

    Args:
        slices: of the runs, in the order of the input.
        doubtful: gets what cannot be told apart by its number.
        is_plain_kept: otherwise all are among the others, which are by their numbers.
    """
    found = list(map(_read, slices))
    mixed: set[int] = set()
    if is_plain_kept:
        mixed = _more_than_once([one.columns.numbers for one in found])
        mixed.update([group[0] for one in found for group in one.groups])
    plain: list[_PlainSlice] = []
    groups: dict[int, RunGroup] = {}
    for columns, source, others, _ in found:
        apart: Sequence[int] = range(len(columns.numbers))
        if is_plain_kept:
            apart = [n for n, number in enumerate(columns.numbers) if number in mixed]
            kept = columns
            if apart:
                kept = columns.at(
                    [n for n, number in enumerate(columns.numbers) if number not in mixed]
                )
            plain.append(_PlainSlice(source, kept))
        for group in chain(_as_groups(columns.at(apart), source), others):
            held = groups.get(group[0])
            if held is None:
                groups[group[0]] = group
            elif held[1] == group[1]:
                held[3].extend(group[3])
            else:
                doubtful.append(group)
    return plain, groups


def _read(one: RunSlice) -> RunEntities:
    """Return the entities of a slice, with their sources by the numbers of the store."""
    found = entities_of(one)
    if not one.has_sources:
        return found
    with numbers_in(sources_path(one.path)) as numbers:
        return RunEntities(
            found.columns,
            numbers[found.source - 1] if found.source else 0,
            [(*group[:3], _renumbered(group[3], numbers)) for group in found.groups],
        )


def _more_than_once(columns: Iterable[Sequence[int]]) -> set[int]:
    """Return the numbers that are there more than once."""
    numbers = list(chain.from_iterable(columns))
    if len(seen := set(numbers)) == len(numbers):
        return set()
    double = set()
    for number in numbers:
        if number in seen:
            seen.remove(number)
        else:
            double.add(number)
    return double


def _as_groups(columns: PlainColumns, source: int) -> Iterator[RunGroup]:
    keys = keys_of(columns.names)
    for number, key, name, text in zip(columns.numbers, keys, *columns[1:], strict=True):
        yield number, key, name, [(source, text, text.count(RECORD), True)]


def _is_of(row_name: str, group: RunGroup) -> bool:
    """Return whether a row is that of an entity."""
    return row_name == group[2] or name_and_key(row_name)[1] == group[1]


def _row(connection: sqlite3.Connection, number: int) -> tuple[str, str] | None:
    row: tuple[str, str] | None = connection.execute(
        "SELECT name, facts FROM ent WHERE id = ?", (number,)
    ).fetchone()
    return row


def _renumbered(pieces: list[RunPiece], numbers: Sequence[int]) -> list[RunPiece]:
    """Return pieces with their sources by the numbers of the store."""
    found: list[RunPiece] = []
    for piece in pieces:
        if len(piece) == PLAIN_FIELDS:
            source = piece[0]
            found.append((numbers[source - 1], *piece[1:]) if source else piece)
        else:
            sources = tuple([numbers[source - 1] for source in piece[3]])
            found.append((*piece[:3], sources, *piece[4:]))
    return found
