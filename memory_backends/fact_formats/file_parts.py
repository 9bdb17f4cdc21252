"""A file of JSON lines, or a table, as parts that are read apart from each other."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

from lamlam.errors import BadFact, NotSupported
from lamlam.memory_backends.fact_formats.file_lines import Progress, lines_of
from lamlam.memory_backends.fact_formats.format import Faults
from lamlam.memory_backends.fact_formats.jsonl import begun_lines, is_document
from lamlam.memory_backends.fact_formats.plain_lines import LinesOfFile, file_state
from lamlam.memory_backends.model.bulk_rows import BulkFault, LoadStep, PartReader, ReadPart
from lamlam.memory_backends.model.operations import Op
from lamlam.packed_files import PACKED_SUFFIXES, packing_of
from lamlam.special_files import what_else

_PART_BYTES = 6 << 20
_READING = 0.65
"""Of the time of a load."""
_SAMPLES, _SAMPLE_BYTES = 4, 1 << 19
_ENDS = 1 << 16
"""Bytes at the begin and the end of a file by which it is known again."""


class FileParts(ABC):
    """A regular file in parts of a few megabytes."""

    def __init__(self, path: str, faults: Faults, on_progress: Progress | None = None) -> None:
        """Take note of the file as it is now.

        Args:
            path: of the file.
            faults: where the reading stands, and what is left out.
            on_progress: is called with bytes and their total; writing counts as reading on.
        """
        self._on_progress = on_progress
        self._path = os.path.abspath(path)
        self._faults = faults
        self._state = file_state(self._path)
        self._n_lines = self._n_taken = 0
        self.n_facts = 0
        self.size = self._state[0]

    @property
    def n_parts(self) -> int:
        """How many there are."""
        return -(-self.size // _PART_BYTES)

    @property
    def identity(self) -> str:
        """Equal where file and options are."""
        digest = blake2b(digest_size=16)
        with open(self._path, "rb") as file:
            digest.update(file.read(_ENDS))
            file.seek(max(self.size - _ENDS, 0))
            digest.update(file.read(_ENDS))
        options = (self._state, self._faults.is_skipping, self._faults.ignore_unknown, _PART_BYTES)
        digest.update(repr((self._path, options, self._shape())).encode())
        return digest.hexdigest()

    def readers(self) -> Sequence[PartReader]:
        """Return the readers of all parts, in the order of the file."""
        return [
            self._reader(begin, self._end_of(n), self._faults.is_skipping)
            for n, begin in enumerate(range(0, self.size, _PART_BYTES))
        ]

    def _end_of(self, n: int) -> int:
        """Return where a part ends: begins of lines up to there are its own."""
        return min((n + 1) * _PART_BYTES, self.size)

    @abstractmethod
    def _reader(self, begin: int, end: int, is_skipping: bool) -> PartReader:
        """Return what reads the lines that begin in a range of bytes."""

    def _shape(self) -> object:
        """Return what else decides how lines are read."""
        return None

    def instead_of(self, part: ReadPart) -> PartReader | None:
        """Return nothing: no line reaches into another part."""
        return None

    def sample(self) -> list[str]:
        """Return the relations of facts from several places of the file."""
        found = []
        for n in range(_SAMPLES):
            begin = self.size * n // _SAMPLES
            part = self._reader(begin, min(begin + _SAMPLE_BYTES, self.size), True)()
            found += [row[1] or row[4][1].relation for row in part.rows]
        return found

    def took(self, part: ReadPart) -> None:
        """Count the lines of a part, and those that were left out.

        Raises:
            BadFact: a line of it is not a fact, by its number in the file.
        """
        faults, before = self._faults, self._n_lines
        for what, count in part.left.items():
            faults.left.note(what, count)
        if part.first_rejected is not None:
            faults.line = before + part.first_rejected.line
            faults.reject(_error(part.first_rejected, before))
            faults.rejected += part.rejected - 1
        if part.fault is not None:
            faults.line = before + part.fault.line
            if part.fault.is_last:
                raise faults.stop(part.fault.message, part.fault.hint)
            faults.reject(_error(part.fault, before))
        self.n_facts += part.n_facts
        self._n_lines = faults.line = before + part.n_lines
        self._n_taken += 1
        self.check_unchanged()

    def rest(self) -> Iterator[Op]:
        """Return nothing: all of the file is in its parts."""
        return iter(())

    def show(self, what: LoadStep, n: int, total: int | None) -> None:
        """Show how much is done."""
        if self._on_progress is not None:
            share = n / (total or n or 1)
            done = _READING * share if what == "reading" else _READING + (1 - _READING) * share
            self._on_progress(int(self.size * done), self.size)

    def note_resumed(self, n_parts: int) -> None:
        """Note for the user that so many parts were read by an import that was killed."""
        self._faults.notes.append(
            f"an import of this file was killed: {n_parts} of its {self.n_parts} parts were read then"
        )

    def forget(self) -> None:
        """Begin anew: the file will be read in another way."""
        faults = self._faults
        faults.line = faults.rejected = self._n_lines = self.n_facts = 0
        faults.first_reason = None
        faults.left.counts.clear()

    def at(self, lines: Sequence[int]) -> None:
        """Note which line an error of the store comes from."""
        for line in lines:
            self._faults.line = line

    def ended(self) -> None:
        """Note that all parts were read.

        Raises:
            BadFact: the file changed meanwhile.
        """
        self.check_unchanged()

    def check_unchanged(self) -> None:
        """Raise if the file is not as it was at the begin.

        Raises:
            BadFact: it is not.
        """
        try:
            is_same = file_state(self._path) == self._state
        except FileNotFoundError:
            is_same = False
        if not is_same:
            raise BadFact(
                f"{self._faults.name} changed while it was read",
                hint="import it again when it is complete",
            )


class JsonLineParts(FileParts):
    """A file of JSON lines in parts."""

    def _reader(self, begin: int, end: int, is_skipping: bool) -> PartReader:
        return LinesOfFile(self._path, begin, end, is_skipping, self._faults.ignore_unknown)


def parts_of(path: str, faults: Faults, on_progress: Progress | None = None) -> FileParts | None:
    """Return the parts of a file of JSON lines; None for what has to be read from its begin to its end.

    That is a pipe, a packed file, one in another encoding than UTF-8, or one JSON document.
    """
    if not is_plain_file(path):
        return None
    try:
        with open(path, "rb") as file:
            begin = file.read(_ENDS)
        with lines_of(path, None, is_read_twice=False, is_one_text=False) as lines:
            first = begun_lines(iter(lines))
            if is_document(first) or not (begin + b"\n").startswith(b"".join(first)[:_ENDS]):
                return None
        return JsonLineParts(path, faults, on_progress)
    except (OSError, BadFact, NotSupported):  # the usual way says what is wrong
        return None


def is_plain_file(path: str) -> bool:
    """Return whether a path is that of a regular file that is not packed, and can be read."""
    if path == "-" or what_else(path) is not None:
        return False
    try:
        with open(path, "rb") as file:
            begin = file.read(_ENDS)
    except OSError:
        return False
    return not packing_of(begin) and Path(path).suffix.casefold() not in PACKED_SUFFIXES


def _error(fault: BulkFault, before: int) -> BadFact:
    """Return the error of a line, which is so many lines behind the begin of the file."""
    more = f"; the row begins on line {before + fault.begins}" if fault.begins else ""
    return BadFact(f"{fault.message}{more}", hint=fault.hint)
