"""The first half of a bulk load: a part of the input becomes a run, its facts together by entity.

A run is a file. The entities in it are in the order of the table, cut into partitions at the same
places in every run, so that the second half takes one partition of all runs at a time.
"""

from __future__ import annotations

import marshal
import os
import pickle
import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import count, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from lamlam.memory_backends.model.bulk_rows import BulkRow, PartReader, ReadPart
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.namespaces import scoped
from lamlam.memory_backends.model.row_codec import RECORD
from lamlam.memory_backends.sqlite.bulk.plain_columns import (
    NO_COLUMNS,
    PlainColumns,
    keys_of,
    unpacked,
)
from lamlam.memory_backends.sqlite.bulk.row_text import PieceMaker, is_distinct
from lamlam.memory_backends.sqlite.rows import SPACE_END, row_name
from lamlam.memory_backends.sqlite.short_rows import RelationCodes

RunPiece: TypeAlias = tuple[Any, ...]  # Any: of two kinds
"""A `PlainRecord`, or those of a `StoredFact`; sources by the numbers that they have in
the run."""
RunGroup: TypeAlias = tuple[int, str, str, list[RunPiece]]
"""The number of an entity, its scoped key, the name of its row, and its facts in the order of the
input."""
_KIND_OF = itemgetter(3, 4)


class RunEntities(NamedTuple):
    """The entities of a run, or of a partition of it."""

    columns: PlainColumns
    """Those with nothing but plain facts of one source, or of none."""
    source: int
    """Of the facts of these, by its number in the run; 0 for none."""
    groups: Iterable[RunGroup]
    """The others."""
    sources: Sequence[str] = ()
    """Of all of the run, by their numbers less one."""


@dataclass(frozen=True, slots=True)
class RunTask:
    """What is to be read."""

    reader: PartReader
    path: str
    """Of the run."""
    bits: int
    """Partitions are told apart by so many first bits of the numbers of entities."""
    space: tuple[str, ...]
    """The namespace of facts that name none."""
    codes: RelationCodes
    """Of the relations of the store."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is written."""

    path: str
    places: array[int]
    """Where each partition begins in the file, and where the last one ends."""
    read: ReadPart
    """Of its part, without the rows."""
    n_sources: int


def write_run(task: RunTask) -> Run:
    """Read a part and write its run; one that is there already is not read again."""
    path = Path(task.path)
    if path.exists():
        return _kept_run(path)
    read = task.reader()
    found = grouped(read.rows, task.space, PieceMaker(task.codes))
    sources = found.sources
    read = replace(read, rows=[], n_facts=len(read.rows))
    shift, half = 64 - task.bits, (1 << task.bits) >> 1
    plain: list[list[int]] = [[] for _ in range(1 << task.bits)]
    for place, number in enumerate(found.columns.numbers):
        plain[(number >> shift) + half].append(place)
    partitions: list[list[RunGroup]] = [[] for _ in range(1 << task.bits)]
    for group in found.groups:
        partitions[(group[0] >> shift) + half].append(group)
    places = array("q", [0])
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        for own, partition in zip(plain, partitions, strict=True):
            if own or partition:
                columns = found.columns.at(own).packed()
                file.write(marshal.dumps((found.source, columns, partition)))
            places.append(file.tell())
        file.write(marshal.dumps(list(sources)))
        state = (read, list(places), len(sources))
        at = file.tell()
        pickle.dump(state, file)
        file.write(struct.pack(">q", at))
    beside.rename(path)  # what is there is whole
    return Run(str(path), places, read, len(sources))


def _kept_run(path: Path) -> Run:
    with path.open("rb") as file:
        file.seek(-8, os.SEEK_END)
        (at,) = struct.unpack(">q", file.read(8))
        file.seek(at)
        read, places, n_sources = pickle.load(file)
    return Run(str(path), array("q", places), read, n_sources)


class RunSlice(NamedTuple):
    """Where a partition of a run is."""

    path: str
    begin: int
    end: int
    has_sources: bool


def slice_of(run: Run, partition: int) -> RunSlice | None:
    """Return where a partition of a run is; None where the run has nothing of it."""
    begin, end = run.places[partition], run.places[partition + 1]
    return RunSlice(run.path, begin, end, run.n_sources > 0) if begin < end else None


def sources_path(run_path: str) -> str:
    """Return where the numbers in the store are of the sources of a run."""
    return f"{run_path}.sources"


def sources_of(run: Run) -> list[str]:
    """Return the sources that a run names, by their numbers less one."""
    with open(run.path, "rb") as file:
        file.seek(run.places[-1])
        found: list[str] = marshal.loads(file.read())
    return found


def entities_of(one: RunSlice) -> RunEntities:
    """Return the entities of a partition of a run."""
    with open(one.path, "rb") as file:
        file.seek(one.begin)
        source, columns, groups = marshal.loads(file.read(one.end - one.begin))
    return RunEntities(unpacked(columns), source, groups)


class _Groups:
    """Gathers the facts of entities in the order of the input."""

    def __init__(self, space: tuple[str, ...]) -> None:
        self._space = space
        self._by_name: dict[tuple[tuple[str, ...], str], list[RunPiece]] = {}
        self._by_plain_name: dict[str, list[RunPiece]] = {}
        self._by_key: dict[str, tuple[str, list[RunPiece]]] = {}

    def of(self, name: str) -> list[RunPiece]:
        """Return what is gathered of a name in the usual namespace."""
        pieces = self._by_plain_name.get(name)
        if pieces is None:
            pieces = self._by_plain_name[name] = self._new(name, self._space)
        return pieces

    def of_other(self, name: str, namespace: tuple[str, ...]) -> list[RunPiece]:
        """Return what is gathered of a name in a namespace."""
        pieces = self._by_name.get((namespace, name))
        if pieces is None:
            pieces = self._by_name[namespace, name] = self._new(name, namespace)
        return pieces

    def _new(self, name: str, namespace: tuple[str, ...]) -> list[RunPiece]:
        key = canonical_key(name)
        if namespace:
            key = scoped(namespace, key)
        group = self._by_key.get(key)
        if group is None:
            spelt = name
            if namespace or SPACE_END in name:
                spelt = row_name(key, name)
            group = self._by_key[key] = (spelt, [])
        return group[1]

    def all(self) -> Iterator[RunGroup]:
        """Yield the groups with their numbers."""
        numbers = _numbers_of(list(self._by_key))
        for number, key, (name, pieces) in zip(
            numbers, self._by_key, self._by_key.values(), strict=True
        ):
            yield number, key, name, pieces


def _numbers_of(keys: Sequence[str]) -> tuple[int, ...]:
    """Return the places of scoped keys, as `rows.row_id` does."""
    digests = b"".join([blake2b(key.encode(), digest_size=8).digest() for key in keys])
    return struct.unpack(f">{len(keys)}q", digests)


def grouped(rows: Sequence[BulkRow], space: tuple[str, ...], maker: PieceMaker) -> RunEntities:
    """Return the entities of rows.

    Args:
        rows: in the order of the input.
        space: the namespace of facts that name none.
        maker: of texts.
    """
    groups = _Groups(space)
    of = groups.of
    sources: dict[str, int] = {}
    if not rows:
        return RunEntities(NO_COLUMNS, 0, ())
    entities, relations, values, named, fulls = zip(*rows, strict=True)
    if not space and not any(fulls) and named.count(named[0]) == len(named):
        return _plain_entities(maker.runs_of(entities, relations, values), named[0])
    for (source, full), several in groupby(rows, _KIND_OF):
        if not full:
            number = sources.setdefault(source, len(sources) + 1) if source else 0
            for name, piece in maker.pieces(list(several), number):
                of(name).append(piece)
            continue
        namespace, fact = full
        numbers = [sources.setdefault(one, len(sources) + 1) for one in fact.sources]
        fields = tuple(fact._replace(sources=tuple(numbers)))
        for row in several:
            groups.of_other(row[0], namespace or space).append(fields)
    return RunEntities(NO_COLUMNS, 0, groups.all(), list(sources))


def _plain_entities(runs: tuple[list[str], list[str], list[bool]], source_text: str) -> RunEntities:
    """Return the entities of plain facts of one source, or of none, in the usual namespace."""
    names, texts, are_sure = runs
    source, sources = (1, [source_text]) if source_text else (0, [])
    keys = keys_of(names)
    firsts: dict[str, int] = {}
    places = list(map(firsts.setdefault, keys, count()))
    if len(firsts) == len(keys) and all(are_sure):
        return RunEntities(PlainColumns(_numbers_of(keys), names, texts), source, (), sources)
    # Facts of an entity are apart from each other, or several have one relation.
    several: dict[int, list[str]] = {}
    for place, first in enumerate(places):
        if place != first or not are_sure[place]:
            several.setdefault(first, [texts[first]] if place != first else []).append(texts[place])
    held = list(firsts.values())
    doubtful: list[RunGroup] = []
    numbers = dict(zip(held, _numbers_of(list(firsts)), strict=True))
    for place, parts in several.items():
        text = texts[place] = "".join(parts)
        if not is_distinct(text):
            piece = (source, text, text.count(RECORD), False)
            doubtful.append((numbers.pop(place), keys[place], names[place], [piece]))
    kept = list(numbers)
    columns = PlainColumns(
        list(numbers.values()), [names[at] for at in kept], [texts[at] for at in kept]
    )
    return RunEntities(columns, source, doubtful, sources)
