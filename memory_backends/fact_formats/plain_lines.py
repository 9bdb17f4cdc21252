"""JSON lines in parts: many at a time by one expression, what is not plain line by line.

The expression takes only what the way of `records` would take too, and take alike: three or four
keys, each a text without escapes. It is several times as fast as any parser of JSON, since it makes
no dictionaries and checks as it goes.
"""

from __future__ import annotations

import os
import re
from codecs import BOM_UTF8
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

from lamlam.memory_backends.model.bulk_rows import BulkFault, ReadPart

if TYPE_CHECKING:  # imported where a line is not plain: what a process imports is waited for
    from lamlam.memory_backends.fact_formats.uneven_lines import UnevenLines

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


def rows_of(data: bytes, uneven: Callable[[ReadPart], UnevenLines], *, is_first: bool) -> ReadPart:
    """Return what whole lines hold.

    Args:
        data: the lines, the last one with or without its end.
        uneven: returns what takes lines that are not plain.
        is_first: they begin a file.
    """
    part = ReadPart()
    if is_first:
        data = data.removeprefix(BOM_UTF8)
    if data.endswith(b"\n"):
        data = data[:-1]
    elif not data:
        return part
    try:
        text = data.decode()
    except UnicodeDecodeError:
        uneven(part).each(data.split(b"\n"))
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
    uneven(part).mixed(found)
    return part


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
        part = rows_of(data[:last] if is_endless else data, self._uneven, is_first=begin == 0)
        if is_endless and part.fault is None:
            said = f"it has more than {_MOST_BYTES >> 20} MiB"
            number = part.n_lines + 1
            part.fault = BulkFault(number, said, "write one fact on each line", is_last=True)
        return part

    def _uneven(self, part: ReadPart) -> UnevenLines:
        from lamlam.memory_backends.fact_formats.format import Faults
        from lamlam.memory_backends.fact_formats.uneven_lines import UnevenLines

        faults = Faults(
            self.path, skip_invalid=self.is_skipping, ignore_unknown=self.ignore_unknown
        )
        return UnevenLines(part, faults)


def file_state(path: str) -> tuple[int, int, int, int]:
    """Return what changes with a file: its size, when it was written, and which one it is."""
    state = os.stat(path)
    return state.st_size, state.st_mtime_ns, state.st_dev, state.st_ino
