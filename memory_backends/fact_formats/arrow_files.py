"""Parquet and Arrow (Feather) files: tables whose columns are named as the keys of a JSON line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from lamlam.errors import BadFact, MissingExtra
from lamlam.memory_backends.fact_formats.format import Faults, Item
from lamlam.memory_backends.fact_formats.records import item_of

SUFFIXES = ("parquet", "pq", "arrow", "feather", "ipc")
NAMES = ("parquet", "arrow")
"""As in ``--format``."""
_NEEDED = ("entity", "relation", "value")
_ROWS = 20_000
"""That are read at a time."""


def format_of_table(path: str, format: str | None) -> str | None:
    """Return which of the two a file is, by what is said of it or by its name; None for any other."""
    if format is not None:
        return format.casefold() if format.casefold() in NAMES else None
    suffix = Path(path).suffix.removeprefix(".").casefold()
    return None if suffix not in SUFFIXES else "parquet" if suffix in SUFFIXES[:2] else "arrow"


def read_table(path: str, format: str, faults: Faults) -> Iterator[Item]:
    """Give the facts of each row; a row's number stands for that of a line.

    Raises:
        MissingExtra: pyarrow is not installed.
        BadFact: it is not such a file, has no such columns, or a row is not a fact.
    """
    try:
        arrow = import_module("pyarrow")
    except ImportError:
        raise MissingExtra("arrow", "pyarrow, which reads Parquet and Arrow files,") from None
    try:
        for batch in _batches(path, format):
            yield from _facts_of(batch, faults)
    except arrow.ArrowInvalid as error:
        said = str(error).partition("\n")[0]
        raise BadFact(f"{path} cannot be read as a file of {format}: {said[:120]}") from None


def _batches(path: str, format: str) -> Iterator[Any]:  # Any: of a package without types
    if format == "parquet":
        with import_module("pyarrow.parquet").ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=_ROWS)
        return
    with import_module("pyarrow").memory_map(path) as source:
        reader = import_module("pyarrow.ipc").open_file(source)
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            for begin in range(0, batch.num_rows, _ROWS):
                yield batch.slice(begin, _ROWS)


def _facts_of(batch: Any, faults: Faults) -> Iterator[Item]:  # Any: as above
    names = batch.schema.names
    if missing := [name for name in _NEEDED if name not in names]:
        raise BadFact(
            f"{faults.name}: the column {missing[0]} is missing; there are {', '.join(names)[:100]}",
            hint="name the columns entity, relation and value",
        )
    columns = [column.to_pylist() for column in batch.columns]
    for cells in zip(*columns, strict=True):
        faults.line += 1
        record = {
            name: _as_json(cell)
            for name, cell in zip(names, cells, strict=True)
            if cell is not None or name in _NEEDED
        }
        try:
            item = item_of(record, ignore_unknown=faults.ignore_unknown)
        except BadFact as error:
            faults.reject(error)
            continue
        yield item


def _as_json(cell: Any) -> Any:  # Any: JSON, and what a column may hold
    """Return a cell as a JSON line would have it."""
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return {"date": cell.isoformat()}
    return cell
