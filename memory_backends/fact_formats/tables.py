"""CSV and TSV tables: facts alone, one in a row, with every field that a fact has.

A cell is kept as the text that it is. One that begins with ``=``, ``+``, ``-`` or ``@`` is a
formula to a spreadsheet that opens the file; to lamlam it is text.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from functools import partial
from typing import IO, Any

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.format import (
    Faults,
    Format,
    Item,
    LossReport,
    without_mark,
)
from lamlam.memory_backends.fact_formats.records import item_of, written_moment
from lamlam.memory_backends.fact_formats.typed_texts import typed_text, value_from
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.namespaces import parsed, written
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.model.values import as_json, is_text, surface_of

COLUMNS = (
    "entity", "relation", "value", "type", "surface", "source", "sources", "confidence",
    "valid_from", "valid_to", "namespace",
)  # fmt: skip
_REQUIRED = COLUMNS[:3]
_NO_UTF8 = "is not UTF-8 text; save the file as UTF-8"
_MOST_IN_A_CELL = 20_000_000
"""Characters: a hundred sources of the greatest length, as JSON."""


def _read(delimiter: str, lines: Iterable[bytes], faults: Faults) -> Iterator[Item]:
    """Give the fact of each row; the first row names the columns."""
    # The limit is of the whole process; a higher one that the program set stays.
    csv.field_size_limit(max(csv.field_size_limit(), _MOST_IN_A_CELL))
    rows = csv.reader(_texts(lines), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            faults.line = rows.line_num
            # What follows a broken quote cannot be trusted either.
            hint = None
            if "new-line character" in (said := str(error)):
                said, hint = "a line ends with a carriage return alone", "end lines with line feeds"
            raise faults.stop(said, hint) from None
        faults.line = rows.line_num
        if header is None:
            header = [name.strip().casefold() for name in row]
            _check_header(header, faults)
        elif row:
            try:
                yield item_of(_record(header, row))
            except BadFact as error:
                faults.reject(error)


def _texts(lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines):
        # Bytes that are not UTF-8 become halves of surrogates, which no fact may hold.
        yield (line if number else without_mark(line)).decode("utf-8", "surrogateescape")


def _check_header(header: list[str], faults: Faults) -> None:
    hint = f"the first line names the columns: {', '.join(COLUMNS)}"
    if missing := [name for name in _REQUIRED if name not in header]:
        found = ", ".join(header)
        if ";" in found:
            hint = "semicolons part its columns: save it with commas (csv) or tabs (tsv)"
        shown = repr(found[:60]) if is_text(found) else "not UTF-8 text"
        raise faults.stop(f"the header lacks {', '.join(missing)}; it is {shown}", hint)
    for number, name in enumerate(header, 1):
        if name in COLUMNS and header.count(name) > 1:
            raise faults.stop(f"the column {name!r} occurs twice in the header", hint)
        if name not in COLUMNS and not faults.ignore_unknown:
            shown = repr(name[:60]) if is_text(name) else "that"
            raise faults.stop(
                f"column {number}: there is no column {shown}",
                "--ignore-unknown leaves such columns alone",
            )


def _record(header: list[str], row: list[str]) -> dict[str, Any]:  # Any: JSON
    if len(row) > len(header):
        raise BadFact(f"invalid fact: {len(row)} columns, the header names {len(header)}")
    cells = {name: cell for name, cell in zip(header, row, strict=False) if name in COLUMNS}
    for name, cell in cells.items():
        if not is_text(cell):
            raise BadFact(f"invalid fact: {name} {_NO_UTF8}")
    record: dict[str, Any] = {
        name: cell for name, cell in cells.items() if name in _REQUIRED or cell.strip()
    }
    kind = record.pop("type", "")
    if "value" in record:
        record["value"] = as_json(value_from(kind, record["value"]))
    if "sources" in record:
        record["sources"] = _several(record["sources"])
    if "confidence" in record:
        record["confidence"] = _number(record["confidence"])
    if "namespace" in record:
        record["namespace"] = list(parsed(record["namespace"]))
    return record


def _several(cell: str) -> object:
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        raise BadFact(
            "invalid fact: sources must be a JSON list", hint='["one", "another"]'
        ) from None


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise BadFact(f"invalid fact: confidence must be a number, got {cell[:40]!r}") from None


def _write(delimiter: str, items: Iterable[Item], file: IO[bytes], lost: LossReport) -> None:
    """Write one row for each fact, below the names of the columns."""
    # Both ends of a line, so that cells with either of them are put in quotes.
    line = io.StringIO(newline="")
    rows = csv.writer(line, delimiter=delimiter, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for item in items:
        if isinstance(item, Assert):
            rows.writerow(_row(item.fact))
        else:
            lost.note_beside(item)
        file.write(line.getvalue().encode())
        line.seek(0)
        line.truncate()
    file.write(line.getvalue().encode())


def _row(fact: Fact) -> list[str]:
    kind, text = typed_text(fact.value)
    has_several = len(fact.sources) > 1
    return [
        fact.entity,
        fact.relation,
        text,
        kind.value,
        "" if fact.surface == surface_of(fact.value) else fact.surface,
        "" if has_several else fact.source or "",
        json.dumps(fact.sources, ensure_ascii=False) if has_several else "",
        "" if fact.confidence == 1.0 else repr(fact.confidence),
        "" if fact.valid_from is None else written_moment(fact.valid_from),
        "" if fact.valid_to is None else written_moment(fact.valid_to),
        written(fact.namespace),
    ]


CSV = Format("csv", partial(_read, ","), partial(_write, ","))
TSV = Format("tsv", partial(_read, "\t"), partial(_write, "\t"))
