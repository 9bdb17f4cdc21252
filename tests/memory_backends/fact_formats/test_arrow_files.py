"""Parquet and Arrow files: the same facts as JSON lines of the same keys, and faults by row."""

from __future__ import annotations

import json
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import BadFact, MissingExtra, UsageError
from lamlam.memory_backends.fact_formats.fact_files import FactFile

# The package has no types of its own.
pa: Any = import_module("pyarrow")
feather: Any = import_module("pyarrow.feather")
parquet: Any = import_module("pyarrow.parquet")
COLUMNS: dict[str, list[Any]] = {
    "entity": ["Ada", "Ada", "Bób"],
    "relation": ["born", "height", "job"],
    "value": ["1815", "1.7", "miller"],
    "source": [None, "book", None],
    "confidence": [1.0, None, 0.5],
    "namespace": [None, ["users", "7"], None],
}


def write(path: Path, columns: dict[str, Any]) -> str:
    """Write a table by what the name says."""
    table = pa.table(columns)
    if path.suffix == ".parquet":
        parquet.write_table(table, path, row_group_size=2)
    else:
        feather.write_feather(table, str(path))
    return str(path)


@pytest.mark.parametrize("name", ["facts.parquet", "facts.arrow", "FACTS.feather"])
def test_the_facts_of_json_lines(tmp_path: Path, name: str) -> None:
    """Empty cells are keys that are not there."""
    records = [
        {key: cell for key, cell in zip(COLUMNS, row, strict=True) if cell is not None}
        for row in zip(*COLUMNS.values(), strict=True)
    ]
    lines = tmp_path / "facts.jsonl"
    lines.write_text("\n".join(map(json.dumps, records)))
    assert list(FactFile(write(tmp_path / name, COLUMNS))) == list(FactFile(str(lines)))


def test_values_of_every_type(tmp_path: Path) -> None:
    """Numbers, truth and days stay what they are."""
    for value in (7, 2.5, True, date(1815, 12, 10)):
        path = write(
            tmp_path / "one.parquet", {"entity": ["a"], "relation": ["r"], "value": [value]}
        )
        (item,) = FactFile(path)
        lines = tmp_path / "one.jsonl"
        said = {"date": value.isoformat()} if isinstance(value, date) else value
        lines.write_text(json.dumps({"entity": "a", "relation": "r", "value": said}))
        assert [item] == list(FactFile(str(lines)))


def test_faults_name_the_row(tmp_path: Path) -> None:
    """A bad one is left out where that is wanted; a column that is missing is named."""
    columns = {"entity": ["a", "", "c"], "relation": ["r"] * 3, "value": ["v"] * 3}
    path = write(tmp_path / "facts.parquet", columns)
    with pytest.raises(BadFact, match=r"line 2: invalid fact: entity must not be empty"):
        list(FactFile(path))
    file = FactFile(path, skip_invalid=True)
    assert len(list(file)) == 2 and file.rejected == 1
    with pytest.raises(BadFact, match="the column value is missing"):
        list(FactFile(write(tmp_path / "x.parquet", {"entity": ["a"], "relation": ["r"]})))
    (tmp_path / "y.parquet").write_text("no")
    with pytest.raises(BadFact, match="cannot be read as a file of parquet"):
        list(FactFile(str(tmp_path / "y.parquet")))
    with pytest.raises(UsageError):
        FactFile(path, wide=True)


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said which extra reads such files."""
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match="pyarrow"):
        list(FactFile(str(tmp_path / "facts.parquet")))
