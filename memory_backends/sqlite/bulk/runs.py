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
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from lamlam.memory_backends.model.bulk_rows import BulkRow, PartReader, ReadPart
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.namespaces import scoped
from lamlam.memory_backends.sqlite.bulk.row_text import PieceMaker
from lamlam.memory_backends.sqlite.rows import SPACE_END, row_name
from lamlam.memory_backends.sqlite.short_rows import RelationCodes

RunPiece: TypeAlias = tuple[Any, ...]  # Any: of two kinds
"""A `PlainRecord`, or those of a `StoredFact`; sources by the numbers that they have in
the run."""
RunGroup: TypeAlias = tuple[int, str, str, list[RunPiece]]
"""The number of an entity, its scoped key, the name of its row, and its facts in the order of the
input."""
_KIND_OF = itemgetter(3, 4)


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
    groups, sources = grouped(read.rows, task.space, PieceMaker(task.codes))
    read = replace(read, rows=[], n_facts=len(read.rows))
    shift, half = 64 - task.bits, (1 << task.bits) >> 1
    partitions: list[list[RunGroup]] = [[] for _ in range(1 << task.bits)]
    for group in groups:
        partitions[(group[0] >> shift) + half].append(group)
    places = array("q", [0])
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        for partition in partitions:
            if partition:
                file.write(marshal.dumps(partition))
            places.append(file.tell())
        file.write(marshal.dumps(sources))
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


def groups_of(one: RunSlice) -> list[RunGroup]:
    """Return the entities of a partition of a run."""
    with open(one.path, "rb") as file:
        file.seek(one.begin)
        found: list[RunGroup] = marshal.loads(file.read(one.end - one.begin))
    return found


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
        keys = list(self._by_key)
        digests = b"".join([blake2b(key.encode(), digest_size=8).digest() for key in keys])
        numbers = struct.unpack(f">{len(keys)}q", digests)
        for number, key, (name, pieces) in zip(numbers, keys, self._by_key.values(), strict=True):
            yield number, key, name, pieces


def grouped(
    rows: Sequence[BulkRow], space: tuple[str, ...], maker: PieceMaker
) -> tuple[Iterable[RunGroup], list[str]]:
    """Return the entities of rows, and their sources by the numbers that they get, less one.

    Args:
        rows: in the order of the input.
        space: the namespace of facts that name none.
        maker: of texts.
    """
    groups = _Groups(space)
    of = groups.of
    sources: dict[str, int] = {}
    if not rows:
        return groups.all(), []
    entities, relations, values, named, fulls = zip(*rows, strict=True)
    if not any(fulls) and not any(named):
        for name, piece in maker.pieces_of(entities, relations, values):
            of(name).append(piece)
        return groups.all(), []
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
    return groups.all(), list(sources)
