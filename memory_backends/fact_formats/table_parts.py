"""Tables of text in parts, each read from its first line on as if a row began there.

Whether one does only the part before it can tell: a quoted cell may go on over lines. So each part
says where its last row ended, and one that began inside of a row is read again from there.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from lamlam.errors import BadFact, NotSupported
from lamlam.memory_backends.commits.plain_rows import plain_row, row_of_fact
from lamlam.memory_backends.fact_formats.file_lines import MOST_BYTES, Progress, lines_of
from lamlam.memory_backends.fact_formats.file_parts import FileParts, is_plain_file
from lamlam.memory_backends.fact_formats.format import Faults, TableShape
from lamlam.memory_backends.fact_formats.table_columns import (
    REQUIRED,
    LayoutFinder,
    TableLayout,
)
from lamlam.memory_backends.fact_formats.table_lines import (
    BrokenQuote,
    TableLines,
    has_returns_alone,
)
from lamlam.memory_backends.fact_formats.tables import items_of_row
from lamlam.memory_backends.model.bulk_rows import BulkFault, PartReader, ReadPart
from lamlam.memory_backends.model.operations import Assert

_PLAIN = frozenset((*REQUIRED, "source", None))


class TableParts(FileParts):
    """A table in parts."""

    def __init__(
        self,
        path: str,
        layout: TableLayout,
        header: tuple[int, int],
        faults: Faults,
        on_progress: Progress | None,
    ) -> None:
        """Take note of the file as it is now.

        Args:
            path: of the file.
            layout: of its rows.
            header: the lines and the bytes before the first row.
            faults: where the reading stands, and what is left out.
            on_progress: is called with bytes and their total.
        """
        super().__init__(path, faults, on_progress)
        self._layout = layout
        self._header = header
        self._notes: list[str] = []
        self._n_lines, self._at = header

    def _reader(self, begin: int, end: int, is_skipping: bool) -> PartReader:
        first = self._header[1]
        return RowsOfFile(
            self._path,
            max(begin, first),
            end,
            self._layout,
            is_skipping,
            self._faults.ignore_unknown,
            is_exact=begin <= first,
        )

    def _shape(self) -> object:
        return self._layout, self._header

    def instead_of(self, part: ReadPart) -> PartReader | None:
        """Return the reader of a part from where the one before it ended."""
        assert part.span is not None
        if part.span[0] == self._at:
            return None
        faults = self._faults
        return RowsOfFile(
            self._path,
            self._at,
            self._end_of(self._n_taken),
            self._layout,
            faults.is_skipping,
            faults.ignore_unknown,
            is_exact=True,
        )

    def took(self, part: ReadPart) -> None:
        """Count the lines of a part, and note where it ended."""
        super().took(part)
        assert part.span is not None
        self._at = part.span[1]

    def note(self, notes: list[str]) -> None:
        """Note for the user what was taken for granted of the columns."""
        self._notes = notes
        self._faults.notes += notes

    def forget(self) -> None:
        """Begin anew: the file will be read in another way."""
        super().forget()
        self._faults.notes[:] = [one for one in self._faults.notes if one not in self._notes]


def table_parts_of(
    path: str,
    delimiters: str,
    shape: TableShape,
    faults: Faults,
    on_progress: Progress | None = None,
) -> TableParts | None:
    """Return the parts of a table; None for what has to be read from its begin to its end.

    That is a pipe, a packed file, one in another encoding than UTF-8, one whose lines end with
    carriage returns alone, and one whose columns cannot be told.
    """
    if not is_plain_file(path):
        return None
    probe = Faults(
        faults.name, skip_invalid=faults.is_skipping, ignore_unknown=faults.ignore_unknown
    )
    try:
        with lines_of(path, None, is_read_twice=False, is_one_text=False) as lines:
            first = next(iter(lines), b"")
        with open(path, "rb") as file:
            if not first or file.readline(len(first)) != first or has_returns_alone(first):
                return None
            file.seek(0)
            ends = array("q")
            source = TableLines(_lines_of(file, 0, ends))
            layout = LayoutFinder(source, delimiters, shape, probe).found()
    except (OSError, BadFact, NotSupported, _EndlessLine):  # the usual way says what is wrong
        return None
    if layout is None or probe.rejected:
        return None
    n_lines = source.number
    header = n_lines, ends[n_lines - 1] if n_lines else 0
    parts = TableParts(path, layout, header, faults, on_progress)
    parts.note(probe.notes)
    return parts


@dataclass(frozen=True, slots=True)
class RowsOfFile:
    """Reads the rows that begin in a range of bytes of a table."""

    path: str
    begin: int
    end: int
    layout: TableLayout
    is_skipping: bool
    ignore_unknown: bool
    is_exact: bool
    """A row begins at the first byte; otherwise one may begin with the first line behind it."""

    def __call__(self) -> ReadPart:
        """Return what they hold."""
        with open(self.path, "rb") as file:
            begin = self.begin
            if not self.is_exact:
                file.seek(begin - 1)
                while (rest := file.readline(MOST_BYTES)) and not rest.endswith(b"\n"):
                    pass
                begin = file.tell()
            file.seek(begin)
            part = ReadPart(span=(begin, begin))
            if begin < self.end:
                ends = array("q")
                source = TableLines(_lines_of(file, begin, ends), is_begin=begin == 0)
                try:
                    self._read(source, begin, ends, part)
                except _EndlessLine:
                    said = f"it has more than {MOST_BYTES >> 20} MiB"
                    hint = "write one fact on each line"
                    part.fault = BulkFault(len(ends) + 1, said, hint, is_last=True)
                part.n_lines = source.number
                part.span = begin, ends[source.number - 1] if source.number else begin
        return part

    def _read(self, source: TableLines, begin: int, ends: array[int], part: ReadPart) -> None:
        layout = self.layout
        names, rule, rows = layout.names, layout.rule, part.rows
        is_plain = not layout.is_wide and set(names) <= _PLAIN
        at = [names.index(name) for name in REQUIRED] if is_plain else []
        source_at = names.index("source") if is_plain and "source" in names else None
        while not source.number or ends[source.number - 1] < self.end:
            line = source.take()
            if line is None:
                return
            number = source.number
            if line.isspace():
                continue
            try:
                cells = source.cells(line, rule)
                if is_plain and len(cells) == len(names):
                    entity, relation, value = [cells[n] for n in at]
                    cited = cells[source_at] if source_at is not None else ""
                    row = plain_row(entity, relation, value, cited if cited.strip() else None)
                    if row is not None:
                        rows.append(row)
                        part.last_fact = number
                        continue
                items = items_of_row(layout, cells, self.ignore_unknown)
            except BadFact as error:
                fault = BulkFault(number, str(error), error.hint)
                if isinstance(error, BrokenQuote):
                    fault = BulkFault(error.line, error.said, error.hint, begins=error.begins)
                if not self.is_skipping:
                    part.fault = fault
                    return
                part.rejected += 1
                part.first_rejected = part.first_rejected or fault
                continue
            for item in items:
                assert isinstance(item, Assert)  # a table has nothing else
                rows.append(row_of_fact(item.fact))
                part.last_fact = number


class _EndlessLine(Exception):
    """A line is longer than any fact."""


def _lines_of(file: IO[bytes], begin: int, ends: array[int]) -> Iterator[bytes]:
    """Yield the lines of a file, and note where each ends."""
    at = begin
    while line := file.readline(MOST_BYTES):
        if len(line) == MOST_BYTES and not line.endswith(b"\n"):
            raise _EndlessLine
        at += len(line)
        ends.append(at)
        yield line
