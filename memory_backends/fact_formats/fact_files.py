"""Files of facts: every fault is named by its line, and a file is written whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lamlam.errors import NotSupported, UsageError
from lamlam.memory_backends.fact_formats.arrow_files import format_of_table, read_table
from lamlam.memory_backends.fact_formats.file_lines import Progress, lines_of
from lamlam.memory_backends.fact_formats.foreign_files import check_suffix_to_write, error_of_suffix
from lamlam.memory_backends.fact_formats.format import (
    Faults,
    Format,
    Item,
    LossReport,
    TableShape,
)
from lamlam.memory_backends.fact_formats.registry import FORMATS
from lamlam.memory_backends.fact_formats.table_columns import checked_shape
from lamlam.memory_backends.fact_formats.tables import DELIMITERS
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.packed_files import PACKED_SUFFIXES, created
from lamlam.unfinished_files import part_beside

if TYPE_CHECKING:
    from lamlam.memory_backends.model.bulk_rows import BulkParts

_OF_SUFFIX = {suffix: one.name for one in FORMATS.values() for suffix in (one.name, *one.suffixes)}
JSONL_NAME = "jsonl"
_SQLITE_MAGIC = b"SQLite format 3\0"


class FactFile:
    """What a file holds, in order, as operations that put it into a store; iterate once.

    A JSON line is ``{"entity": …, "relation": …, "value": …}`` with optional further fields;
    `docs/memory.md` has them, and the other formats.
    """

    def __init__(
        self,
        path: str,
        *,
        format: str | None = None,
        skip_invalid: bool = False,
        ignore_unknown: bool = False,
        columns: Sequence[str] | None = None,
        header: bool | None = None,
        wide: bool = False,
        language: str = "en",
        on_progress: Progress | None = None,
    ) -> None:
        """Take note of what to read.

        Args:
            path: its suffix names the format; ``.gz``, ``.xz``, ``.bz2`` or ``.zst`` may follow;
                ``-`` is standard input.
            format: overrides what the name says.
            skip_invalid: leave bad lines out and count them in ``rejected``.
            ignore_unknown: leave keys and columns alone that mean nothing here.
            columns: of a table: what its columns are, in order, such as ``entity``, ``relation``,
                ``value``; ``-`` for one to leave alone.
            header: of a table: whether its first line names the columns.
            wide: a table has a row for each entity: first its name, then a column a relation.
            language: of RDF: whose labels and texts come first, as ``de``; the same in other
                languages is left out and counted. ``*``: all of them.
            on_progress: is called with bytes read and their total (``None`` where unknown).

        Raises:
            NotSupported: there is no such format.
            UsageError: ``columns``, ``header`` or ``wide`` for a format that is not a table, or a
                column that does not exist.
        """
        self.path = path
        self._table = format_of_table(path, format)
        if self._table is not None:
            if columns is not None or header is not None or wide:
                raise UsageError(
                    f"columns, header and wide are of CSV and TSV; the format is {self._table}",
                    hint="name the columns in the file entity, relation and value",
                )
            format = JSONL_NAME  # whose keys its columns have
        if format is None and (foreign := error_of_suffix(path)):
            raise foreign
        self._format = _checked(format or format_of(path))
        self._read = self._format.read
        self._shape = TableShape()
        if columns is not None or header is not None or wide:
            if self._format.read_shaped is None:
                raise UsageError(
                    f"columns, header and wide are of tables; the format is {self._format.name}",
                    hint="--format csv or tsv (format=), if it is one",
                )
            self._shape = checked_shape(columns, header, wide)
            self._read = self._format.read_shaped(self._shape)
        self._faults = Faults(
            "standard input" if path == "-" else path,
            skip_invalid=skip_invalid,
            ignore_unknown=ignore_unknown,
            language=language,
        )
        self._on_progress = on_progress

    @property
    def format(self) -> str:
        """The name of its format."""
        return self._table or self._format.name

    @property
    def rejected(self) -> int:
        """Lines that were left out."""
        return self._faults.rejected

    @property
    def first_reason(self) -> str | None:
        """Why the first of them was, and its number."""
        return self._faults.first_reason

    @property
    def notes(self) -> list[str]:
        """What was taken for granted, for people to read."""
        return self._faults.notes

    @property
    def left_out(self) -> dict[str, int]:
        """What the file has that no fact holds, counted by what it is."""
        return dict(self._faults.left.counts)

    @property
    def qualified(self) -> int:
        """Entities that got a qualifier, as another one has their name."""
        return self._faults.qualified

    def keep_apart_from(
        self,
        stored: Callable[[], Iterable[Fact]],
        holder_of: Callable[[str], str | None] | None = None,
    ) -> None:
        """Give entities other names than those in a store that are other entities.

        Args:
            stored: returns the facts of the usual namespace; is called when the first operation
                is asked for, if the file has IRIs.
            holder_of: returns the entity of the store that has a name or alias.
        """
        self._faults.holder_of = holder_of
        self._faults.stored = stored

    @property
    def name(self) -> str:
        """What messages call the file."""
        return self._faults.name

    @property
    def where(self) -> str:
        """The file, and the line that the last operation came from."""
        return self._faults.where

    def parts(self) -> BulkParts | None:
        """Return the file as parts that are read apart from each other, for a store that can.

        ``None`` where it has to be read from begin to end: any other format than JSON lines and
        tables of text, a pipe, a packed file.
        """
        if self._table is None and self._format.name in DELIMITERS:
            from lamlam.memory_backends.fact_formats.table_parts import table_parts_of

            delimiters = DELIMITERS[self._format.name]
            return table_parts_of(
                self.path, delimiters, self._shape, self._faults, self._on_progress
            )
        if self._table is not None or self._format.name != JSONL_NAME:
            return None
        from lamlam.memory_backends.fact_formats.file_parts import parts_of

        return parts_of(self.path, self._faults, self._on_progress)

    def __iter__(self) -> Iterator[Item]:
        """Give each operation: facts and rules as they come, then aliases.

        Raises:
            BadFact: a line that is not a fact, by its number; or a file that cannot be unpacked.
            MissingExtra: the format needs a package that is not installed.
            OSError: the file cannot be opened.
        """
        if self._table is not None:
            yield from read_table(self.path, self._table, self._faults)
            return
        with lines_of(
            self.path,
            self._on_progress,
            is_read_twice=self._format.is_read_twice,
            is_one_text=self._format.is_one_text,
        ) as lines:
            yield from self._read(lines, self._faults)


@dataclass(frozen=True, slots=True)
class Written:
    """What went into a file."""

    facts: int
    lost: str
    """What the format could not keep, with counts; empty if nothing."""


def write_facts(items: Iterable[Item | Fact], path: str, *, format: str | None = None) -> Written:
    """Write facts, aliases and rules to a file (``.gz``, ``.xz`` and ``.bz2`` packed).

    The file is written beside its place and renamed at the end; a pipe or a device is written
    to as it is. ``-`` is standard output.

    Raises:
        NotSupported: there is no such format, the name does not say one, or the place is taken by a
            SQLite file, which holds more than any format keeps.
    """
    if format is None:
        check_suffix_to_write(path)
    chosen = _checked(format or format_of(path))
    write = chosen.write
    if write is None:
        written = ", ".join(name for name, one in FORMATS.items() if one.write is not None)
        raise NotSupported(f"{chosen.name} is only read", hint=f"written are {written}")
    lost = LossReport()
    n_facts = 0

    def counted() -> Iterator[Item]:
        nonlocal n_facts
        for given in items:
            item = Assert(given) if isinstance(given, Fact) else given
            n_facts += isinstance(item, Assert)
            yield item

    if path == "-":
        write(counted(), sys.stdout.buffer, lost)
        sys.stdout.buffer.flush()
        return Written(n_facts, str(lost))
    target = Path(path)
    if _is_sqlite(target):
        raise NotSupported(
            f"{path} is a SQLite file, and would be written over", hint="name another file"
        )
    if target.exists() and not target.is_file():  # a new file must not take its place
        with created(target, target.suffix) as file:
            write(counted(), file, lost)
        return Written(n_facts, str(lost))
    target = Path(os.path.realpath(target))  # a link goes on pointing to its file
    # Of its own: two may write the same file, and the last to finish wins.
    beside = part_beside(target)
    try:
        with created(beside, target.suffix) as file:
            with suppress(FileNotFoundError):  # who could not read the old one cannot read this
                beside.chmod(target.stat().st_mode & 0o777)
            write(counted(), file, lost)
        beside.replace(target)
    except BaseException as error:
        beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename == str(beside):
            error.filename, error.filename2 = path, None  # the name that was given
        raise
    return Written(n_facts, str(lost))


def format_of(path: str) -> str:
    """Return the format that a file's name says; without any suffix ``jsonl``.

    Raises:
        NotSupported: no format has this suffix.
    """
    suffixes = [suffix for suffix in Path(path).suffixes if suffix not in PACKED_SUFFIXES]
    suffix = suffixes[-1].removeprefix(".").casefold() if suffixes else "jsonl"
    if suffix not in _OF_SUFFIX:
        raise NotSupported(
            f"the name of {path} does not say its format",
            hint=f"name one with --format (format=): {', '.join(FORMATS)}",
        )
    return _OF_SUFFIX[suffix]


def _checked(format: str) -> Format:
    format = _OF_SUFFIX.get(format.casefold(), format)
    if format not in FORMATS:
        raise NotSupported(
            f"there is no format {format[:40]!r}", hint=f"known are {', '.join(FORMATS)}"
        )
    return FORMATS[format]


def _is_sqlite(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
