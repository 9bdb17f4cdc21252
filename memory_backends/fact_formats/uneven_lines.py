"""JSON lines of a part of a file of which some are not plain: those go one by one.

Apart from `plain_lines`, since it needs all that checks facts, and most parts need none of it.
"""

from __future__ import annotations

from typing import Any

from lamlam.errors import BadFact
from lamlam.memory_backends.commits.plain_rows import plain_row, row_of_fact
from lamlam.memory_backends.fact_formats.format import Faults, Item, decoded
from lamlam.memory_backends.fact_formats.jsonl import json_object
from lamlam.memory_backends.fact_formats.mcp import is_of_mcp, read_mcp
from lamlam.memory_backends.fact_formats.records import item_of
from lamlam.memory_backends.model.bulk_rows import BulkFault, BulkRow, ReadPart
from lamlam.memory_backends.model.operations import Assert

_SIMPLE = frozenset(("entity", "relation", "value", "source"))


class UnevenLines:
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
