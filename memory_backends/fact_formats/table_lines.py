"""`TableLines`: the rows of a table, as cells; nothing of a file without quoting is lost.

A program that quotes doubles the quotes in a cell and closes it before the next separator. Tables
of others often have no quoting at all, and a name in them may begin with a quote. Where both
readings are possible, a row is never joined with lines that are rows themselves.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.format import without_mark

_MOST_IN_A_CELL = 20_000_000
"""Characters: a hundred sources of the greatest length, as JSON."""
_MOST_IN_A_ROW = 2 * _MOST_IN_A_CELL
MOST_COLUMNS = 100_000
_END = re.compile(r"\r\n|\r|\n")
_WITH_END = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class BrokenQuote(BadFact):
    """A quote that opens a cell and does not close it."""

    def __init__(self, said: str, line: int, opened: int) -> None:
        self.said = said
        self.begins = opened if opened != line else 0
        """The line on which the row begins, where that is another one."""
        more = f"; the row begins on line {opened}" if self.begins else ""
        super().__init__(
            f"{said}{more}", hint="write a quote in a quoted cell twice, and close the cell"
        )
        self.line = line
        """Where that was found."""


@dataclass(frozen=True, slots=True)
class RowRule:
    """How the lines of a table become cells."""

    delimiter: str
    is_quoting: bool
    """Cells are in quotes where they need it, as in CSV; false: perhaps, and perhaps not."""
    least: int = 0
    """Cells of the shortest row that is whole."""
    most: int = 0
    has_quoted_commas: bool = False
    """A cell in quotes with a comma in it is a quoted one, as spreadsheets write it."""
    is_spaced: bool = False
    """A space follows each separator, as people write by hand."""

    def fits(self, cells: list[str]) -> bool:
        """Return whether the cells are a whole row; empty ones at its end do not count."""
        return self.least <= len(cells) and without_empty_end(cells, self.most) <= self.most


class TableLines:
    """The lines of a table as text, their numbers, and the rows that they make."""

    def __init__(self, lines: Iterable[bytes], *, is_begin: bool = True) -> None:
        """Begin before the first line; lines may end with carriage returns alone.

        Args:
            lines: of a table.
            is_begin: they begin a file. Otherwise they end with line feeds.
        """
        # The limit is of the whole process; a higher one that the program set stays.
        csv.field_size_limit(max(csv.field_size_limit(), _MOST_IN_A_CELL))
        self._lines = _texts(lines, is_begin)
        self._given_back: deque[str] = deque()
        self.number = 0
        """Of the line that was taken last, from 1."""

    def take(self) -> str | None:
        """Return the next line with its end, or ``None``."""
        line = self._given_back.popleft() if self._given_back else next(self._lines, None)
        self.number += line is not None
        return line

    def give_back(self, lines: list[str]) -> None:
        """Put lines that were taken back, in their order."""
        self._given_back.extendleft(reversed(lines))
        self.number -= len(lines)

    def peek(self, n_lines: int) -> list[str]:
        """Return the next lines, at most so many, without taking them."""
        taken: list[str] = []
        while len(taken) < n_lines and (line := self.take()) is not None:
            taken.append(line)
        self.give_back(taken)
        return taken

    def cells(self, line: str, rule: RowRule) -> list[str]:
        """Return the cells of the row that begins with the line, which was taken.

        Raises:
            BrokenQuote: a quote that opens is not closed, or too much stands behind it; the next
                line is then the one after this.
            BadFact: the line has too many columns.
        """
        if len(line) > _MOST_IN_A_ROW:
            raise BadFact(f"invalid fact: a row has more than {_MOST_IN_A_ROW:,} characters")
        if '"' not in line:
            cells = split(line, rule.delimiter)
            return [cell.lstrip(" ") for cell in cells] if rule.is_spaced else cells
        if rule.is_quoting:
            return self._quoted(line, rule)[0]
        plain = _unquoted(split(line, rule.delimiter), rule)
        if all(not cell.startswith('"') for cell in plain):
            return plain
        try:
            quoted, more = self._quoted(line, rule)
        except BrokenQuote:
            return plain
        rows = [rule.fits(split(other, rule.delimiter)) for other in more]
        if rule.fits(plain):
            is_quoted = bool(more) and not any(rows)
        else:
            is_quoted = not any(rows[:-1])
        if is_quoted and rule.fits(quoted):
            return quoted
        self.give_back(more)
        return plain

    def readings(self, line: str, delimiter: str) -> list[list[str]]:
        """Return the cells that the line, which was taken, may begin with: one list, or two.

        Raises:
            BadFact: the line has too many columns.
        """
        plain = split(line, delimiter)
        if '"' not in line:
            return [plain]
        rule = RowRule(delimiter, is_quoting=True, is_spaced=is_spaced(plain))
        try:
            quoted, more = self._quoted(line, rule)
        except BrokenQuote:
            return [plain]
        self.give_back(more)
        if delimiter != "\t" or all(map(is_in_quotes, filter(None, plain))):
            return [quoted]
        return [plain, quoted]

    def _quoted(self, line: str, rule: RowRule) -> tuple[list[str], list[str]]:
        """Return the cells as CSV has them, and the further lines that were taken for them."""
        taken: list[str] = []
        begun = self.number
        try:
            source = self._on_from(line, taken)
            rows = csv.reader(
                source, delimiter=rule.delimiter, skipinitialspace=rule.is_spaced, strict=True
            )
            row = next(rows)
        except csv.Error as error:
            ended = self.number
            self.give_back(taken)
            raise BrokenQuote(str(error), ended, begun) from None
        return row, taken

    def _on_from(self, line: str, taken: list[str]) -> Iterator[str]:
        yield line
        size = len(line)
        while (more := self.take()) is not None:
            taken.append(more)
            size += len(more)
            if size > _MOST_IN_A_ROW:
                raise csv.Error(f"a row has more than {_MOST_IN_A_ROW:,} characters")
            yield more


def split(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line in which quotes mean nothing.

    Raises:
        BadFact: there are too many.
    """
    if len(line) > MOST_COLUMNS and (n_columns := line.count(delimiter) + 1) > MOST_COLUMNS:
        raise BadFact(f"invalid fact: {n_columns:,} columns, at most {MOST_COLUMNS:,} are read")
    return line.rstrip("\r\n").split(delimiter)


def is_spaced(cells: list[str]) -> bool:
    """Return whether a space stands before every cell but the first."""
    return len(cells) > 1 and all(cell.startswith(" ") for cell in cells[1:])


def without_empty_end(cells: list[str], least: int = 0) -> int:
    """Return the number of cells without the empty ones at the end, or ``least`` if that is more."""
    n_cells = len(cells)
    while n_cells > least and not cells[n_cells - 1].strip():
        n_cells -= 1
    return n_cells


def is_in_quotes(cell: str) -> bool:
    """Return whether all of a cell stands in quotes, and each quote in it twice."""
    return len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in cell[1:-1].replace('""', "")


def _unquoted(cells: list[str], rule: RowRule) -> list[str]:
    """Take the quotes off cells that a program put them around."""
    is_all = all(is_in_quotes(cell) for cell in cells if cell)
    return [
        cell[1:-1].replace('""', '"')
        if is_in_quotes(cell)
        and (is_all or '""' in cell or (rule.has_quoted_commas and "," in cell))
        else cell
        for cell in cells
    ]


def has_returns_alone(line: bytes) -> bool:
    """Return whether the lines of a file end with carriage returns alone, by what its first has."""
    end = _END.search(line.decode("utf-8", "surrogateescape"))
    return end is not None and end[0] == "\r"


def _texts(lines: Iterable[bytes], is_begin: bool) -> Iterator[str]:
    is_split = False
    for number, line in enumerate(lines):
        # Bytes that are not UTF-8 become halves of surrogates, which no fact may hold.
        if number == 0 and is_begin:
            line = without_mark(line)
            is_split = has_returns_alone(line)
        text = line.decode("utf-8", "surrogateescape")
        if is_split:
            yield from _WITH_END.findall(text)
        else:
            yield text
