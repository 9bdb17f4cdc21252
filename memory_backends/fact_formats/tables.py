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
    TableShape,
)
from lamlam.memory_backends.fact_formats.records import item_of
from lamlam.memory_backends.fact_formats.table_columns import (
    COLUMNS,
    REQUIRED,
    LayoutFinder,
    TableLayout,
)
from lamlam.memory_backends.fact_formats.table_lines import (
    BrokenQuote,
    TableLines,
    without_empty_end,
)
from lamlam.memory_backends.fact_formats.typed_texts import typed_text, value_from
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.namespaces import parsed, written
from lamlam.memory_backends.model.number_texts import is_plain_number
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.model.timestamps import written_moment
from lamlam.memory_backends.model.values import as_json, is_text, surface_of

_NO_UTF8 = "is not UTF-8 text; save the file as UTF-8"


def _read(
    delimiters: str, shape: TableShape, lines: Iterable[bytes], faults: Faults
) -> Iterator[Item]:
    """Give the facts of each row."""
    source = TableLines(lines)
    layout = LayoutFinder(source, delimiters, shape, faults).found()
    while layout is not None and (line := source.take()) is not None:
        faults.line = source.number
        if line.isspace():
            continue
        try:
            cells = source.cells(line, layout.rule)
            # All of a row, or nothing of it.
            items = items_of_row(layout, cells, faults.ignore_unknown)
        except BadFact as error:
            if isinstance(error, BrokenQuote):
                faults.line = error.line
            faults.reject(error)
        else:
            yield from items


def items_of_row(layout: TableLayout, cells: list[str], ignore_unknown: bool) -> list[Item]:
    """Return what a row holds.

    Raises:
        BadFact: it, or a part of it, is not a fact.
    """
    return [item_of(record) for record in _records(layout, cells, ignore_unknown)]


def _records(
    layout: TableLayout, cells: list[str], ignore_unknown: bool
) -> list[dict[str, Any]]:  # Any: JSON
    names = layout.names
    n_cells = without_empty_end(cells, len(names))
    if n_cells == len(names) and not any(cells) or not without_empty_end(cells):
        return []
    if n_cells > len(names) and not ignore_unknown:
        raise BadFact(f"invalid fact: {n_cells} columns, the header names {len(names)}")
    at = layout.entity_at
    named: dict[str, str] = {}
    for number, (name, cell) in enumerate(zip(names, cells, strict=False), 1):
        if name is None:
            continue
        if not name and cell.strip() and not (layout.is_wide and number == at + 1):
            raise BadFact(
                f"invalid fact: column {number} has a value and no name",
                hint="--ignore-unknown leaves such columns alone",
            )
        if not is_text(cell):
            raise BadFact(f"invalid fact: {name or 'the entity'} {_NO_UTF8}")
        named[name] = cell
    if not layout.is_wide:
        return [_record(named)]
    entity = cells[at] if at < len(cells) else ""
    return [
        {"entity": entity, "relation": name, "value": cell}
        for name, cell in zip(names[at + 1 :], cells[at + 1 :], strict=False)
        if name and cell.strip()
    ]


def _record(cells: dict[str, str]) -> dict[str, Any]:  # Any: JSON
    record: dict[str, Any] = {
        name: cell
        for name, cell in cells.items()
        if name in REQUIRED or (name in COLUMNS and cell.strip())
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
    if not is_plain_number(cell):  # Python would read "1_0" and the digits of every script
        raise BadFact(
            f"invalid fact: confidence must be a number, got {cell[:40]!r}", hint="write 0.5"
        )
    return float(cell)


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


DELIMITERS = {"csv": ",;\t", "tsv": "\t"}
"""What may part the columns, by format."""


def _table(name: str) -> Format:
    """Return the format of tables in which one of its characters parts the columns."""
    delimiters = DELIMITERS[name]
    read = partial(partial, _read, delimiters)
    write = partial(_write, delimiters[0])
    return Format(name, read(TableShape()), write, read_shaped=read)


CSV = _table("csv")
TSV = _table("tsv")
