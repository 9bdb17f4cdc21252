"""JSON lines in parts: many at a time by one expression, what is not plain line by line.

The expression takes only what the way of `records` would take too, and take alike: three or four
keys, each a text without escapes. It is several times as fast as any parser of JSON, since it makes
no dictionaries and checks as it goes.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from lamlam.errors import BadFact
from lamlam.memory_backends.commits.plain_rows import plain_row, row_of_fact
from lamlam.memory_backends.fact_formats.format import Faults, Item, decoded, without_mark
from lamlam.memory_backends.fact_formats.jsonl import json_object
from lamlam.memory_backends.fact_formats.mcp import is_of_mcp, read_mcp
from lamlam.memory_backends.fact_formats.records import item_of
from lamlam.memory_backends.model.bulk_rows import BulkFault, BulkRow, ReadPart
from lamlam.memory_backends.model.operations import Assert

_MOST_BYTES = 1 << 27
"""Of a line, as in `file_lines`."""
_NAME = (
    r'"([^"\\\s\x00-\x1f][^"\\\x00-\x1f]{0,54})"'  # a longer one may have a key that is too long
)
_TEXT = r'"([^"\\\s\x00-\x1f][^"\\\x00-\x1f]{0,9999})"'
_PATTERNS = {"entity": _NAME, "relation": _NAME, "value": _TEXT, "source": _TEXT}
_NEEDED = ("entity", "relation", "value")
_SIMPLE = frozenset(_PATTERNS)


@lru_cache(maxsize=8)
def _expression(order: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds every line: entity, relation, value and source, and the line if not plain."""
    fields: list[str] = []
    for name in order:
        one = f'"{name}": ?{_PATTERNS[name].replace("(", f"(?P<{name}>", 1)}'
        if name == "source":
            one = f"(?:, ?{one})?"
        elif fields:
            one = f", ?{one}"
        fields.append(one)
    if "source" not in order:
        fields.append("(?P<source>)")
    return re.compile(rf"^\{{{''.join(fields)}\}}\r?$|^(.*)$", re.MULTILINE)


def _order_of(line: str) -> tuple[str, ...]:
    """Return the order of the keys in a line, where all lines may have it."""
    names = tuple(re.findall(r'[{,] ?"(\w+)": ?"', line))
    if len(names) == 3 and {*names} == {*_NEEDED}:
        return (*names, "source")
    if len(names) == 4 and {*names} == _SIMPLE and names[-1] == "source":
        return names
    return (*_NEEDED, "source")


def rows_of(data: bytes, faults: Faults, *, is_first: bool) -> ReadPart:
    """Return what whole lines hold.

    Args:
        data: the lines, the last one with or without its end.
        faults: what to leave out.
        is_first: they begin a file.
    """
    part = ReadPart()
    if is_first:
        data = without_mark(data)
    if data.endswith(b"\n"):
        data = data[:-1]
    elif not data:
        return part
    reading = _PartReading(part, faults)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        reading.each(data.split(b"\n"))
        return part
    order = _order_of(text[: text.find("\n")] if "\n" in text else text)
    found = _expression(order).findall(text)
    part.n_lines = len(found)
    places = [order.index(name) if name in order else 3 for name in (*_NEEDED, "source")]
    if places != [0, 1, 2, 3]:
        a, b, c, d = places
        found = [(one[a], one[b], one[c], one[d], one[4]) for one in found]
    if not any(map(itemgetter(4), found)) and all(map(itemgetter(0), found)):  # no empty line
        part.rows, part.last_fact = found, len(found)
        return part
    reading.mixed(found)
    return part


class _PartReading:
    """Goes through lines that are not all plain."""

    def __init__(self, part: ReadPart, faults: Faults) -> None:
        self._part = part
        self._faults = faults
        self._rows: list[BulkRow] = part.rows

    def mixed(self, found: list[BulkRow]) -> None:
        """Take lines of which some are plain."""
        append = self._rows.append
        part = self._part
        for number, one in enumerate(found, 1):
            if not one[4]:
                if one[0]:
                    append(one)
                    part.last_fact = number
                continue
            if not self._line(number, one[4].removesuffix("\r")):
                return

    def each(self, lines: list[bytes]) -> None:
        """Take lines of which one is not even text."""
        self._part.n_lines = len(lines)
        for number, line in enumerate(lines, 1):
            try:
                text = decoded(line)
            except BadFact as error:
                if not self._bad(number, error):
                    return
                continue
            if not self._line(number, text):
                return

    def _line(self, number: int, text: str) -> bool:
        """Take a line; return False where it ends the reading."""
        if not text or text.isspace():
            return True
        try:
            record = json_object(text)
            row = _simple(record)
            if row is not None:
                self._rows.append(row)
                self._part.last_fact = number
                return True
            items: list[Item]
            if is_of_mcp(record):
                before = dict(self._faults.left.counts)
                items = read_mcp(record, self._faults)
                for what, count in self._faults.left.counts.items():
                    if more := count - before.get(what, 0):
                        self._part.left[what] = self._part.left.get(what, 0) + more
            else:
                items = [item_of(record, ignore_unknown=self._faults.ignore_unknown)]
        except BadFact as error:
            return self._bad(number, error)
        for item in items:
            if isinstance(item, Assert):
                self._rows.append(row_of_fact(item.fact))
                self._part.last_fact = number
            else:
                self._part.later.append((number, item))
        return True

    def _bad(self, number: int, error: BadFact) -> bool:
        fault = BulkFault(number, str(error), error.hint)
        if not self._faults.is_skipping:
            self._part.fault = fault
            return False
        self._part.rejected += 1
        self._part.first_rejected = self._part.first_rejected or fault
        return True


def _simple(record: dict[str, Any]) -> BulkRow | None:  # Any: JSON
    """Return the row of a record that is a plain fact; None for what needs a closer look."""
    if not record.keys() <= _SIMPLE or len(record) < 3:
        return None
    entity, relation, value = record.get("entity"), record.get("relation"), record.get("value")
    return plain_row(entity, relation, value, record.get("source"))


@dataclass(frozen=True, slots=True)
class LinesOfFile:
    """Reads the lines that begin in a range of bytes of a file of JSON lines."""

    path: str
    begin: int
    end: int
    is_skipping: bool
    ignore_unknown: bool

    def __call__(self) -> ReadPart:
        """Return what they hold."""
        with open(self.path, "rb") as file:
            file.seek(max(self.begin - 1, 0))
            if self.begin and file.read(1) != b"\n":
                # The rest of a line that a part before this one has.
                while len(rest := file.readline(_MOST_BYTES)) == _MOST_BYTES:
                    if rest.endswith(b"\n"):
                        break
            begin = file.tell()
            if begin >= self.end:
                return ReadPart()
            data = file.read(self.end - begin)
            if not data.endswith(b"\n"):
                data += file.readline(_MOST_BYTES)
        last = data.rfind(b"\n", 0, -1) + 1
        is_endless = len(data) - last > _MOST_BYTES and not data.endswith(b"\n")
        faults = Faults(
            self.path, skip_invalid=self.is_skipping, ignore_unknown=self.ignore_unknown
        )
        part = rows_of(data[:last] if is_endless else data, faults, is_first=begin == 0)
        if is_endless and part.fault is None:
            said = f"it has more than {_MOST_BYTES >> 20} MiB"
            number = part.n_lines + 1
            part.fault = BulkFault(number, said, "write one fact on each line", is_last=True)
        return part


def file_state(path: str) -> tuple[int, int, int, int]:
    """Return what changes with a file: its size, when it was written, and which one it is."""
    state = os.stat(path)
    return state.st_size, state.st_mtime_ns, state.st_dev, state.st_ino
