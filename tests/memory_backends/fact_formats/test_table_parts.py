"""A table that is read in parts gives what reading it from begin to end gives."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.errors import BadFact
from lamlam.memory_backends.commits.plain_rows import row_of_fact
from lamlam.memory_backends.fact_formats import file_parts
from lamlam.memory_backends.fact_formats.fact_files import FactFile
from lamlam.memory_backends.model.bulk_rows import BulkParts, BulkRow
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.sqlite.store import SqliteStore

CELLS = st.sampled_from(
    (
        "Ada",
        "born in",
        "1815",
        "",
        " ",
        "é",
        "\ufeffx",
        '"a, b"',
        '"two\nlines"',
        '"a ""quoted"" b"',
    )
    + ('"open', 'in"side', '"closed" and more', "text", "date", "\rx", "a\x00b", "x" * 70, '"\r\n"')
)
HEADERS = st.sampled_from(
    ("entity,relation,value", "subject,predicate,object", "entity,relation,value,source")
    + ("value,entity,relation,type", "entity,relation,value,", 'entity,relation,"value"', "a,b,c")
)
ENDS = st.sampled_from(("\n", "\r\n", "\n\n"))
ROWS = st.lists(st.lists(CELLS, min_size=2, max_size=5).map(",".join), max_size=25)
Outcome = tuple[list[BulkRow], object, int, str | None, list[str]]


def outcome(file: FactFile, parts: BulkParts | None) -> Outcome:
    """Return the facts, the error, and what is counted and noted, read whole or in parts."""
    rows: list[BulkRow] = []
    error: object = None
    try:
        if parts is None:
            rows += [row_of_fact(item.fact) for item in file if isinstance(item, Assert)]
        else:
            for reader in parts.readers():
                part = reader()
                other = parts.instead_of(part)
                if other is not None:
                    part = other()
                parts.took(part)
                rows += part.rows
    except BadFact as raised:
        error, rows = (str(raised), raised.hint), []
    return rows, error, file.rejected, file.first_reason, file.notes


@given(
    header=HEADERS,
    rows=ROWS,
    end=ENDS,
    size=st.integers(1, 60),
    is_skipping=st.booleans(),
    mark=st.sampled_from((b"", b"", b"\xef\xbb\xbf")),
    more=st.sampled_from((b"", b"", b"\xff,r,v\n")),
)
def test_the_same_as_from_begin_to_end(
    header: str, rows: list[str], end: str, size: int, is_skipping: bool, mark: bytes, more: bytes
) -> None:
    """Quoted cells over lines, open quotes, bad rows: the same facts, error, line and notes."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder, "in.csv")
        path.write_bytes(mark + end.join([header, *rows]).encode() + end.encode() + more)
        patch.setattr(file_parts, "_PART_BYTES", size)
        whole, cut = [FactFile(str(path), skip_invalid=is_skipping) for _ in range(2)]
        parts = cut.parts()
        if parts is not None:
            assert outcome(cut, parts) == outcome(whole, None)


@pytest.mark.parametrize("shape", ["header", "columns", "wide"])
def test_shapes_of_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: str) -> None:
    """What the user says of the columns holds for every part; a long quoted cell spans several."""
    monkeypatch.setattr(file_parts, "_PART_BYTES", 40)
    long = "line\n" * 40
    rows = [f'e {n},r {n % 3},"v {n} {long if n == 5 else ""}"' for n in range(30)]
    lines = {"header": ["entity,relation,value"], "columns": [], "wide": ["name,born in,died in"]}
    path = tmp_path / "in.csv"
    path.write_text("\n".join([*lines[shape], *rows]))
    options = {"header": False} if shape == "columns" else {"wide": shape == "wide"}
    whole, cut = [FactFile(str(path), **options) for _ in range(2)]  # type: ignore[arg-type]
    parts = cut.parts()
    assert parts is not None and len(list(parts.readers())) > 10
    found = outcome(cut, parts)
    assert found == outcome(whole, None) and len(found[0]) == (60 if shape == "wide" else 30)


@pytest.mark.parametrize("n_processes", [1, 2])
def test_into_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_processes: int) -> None:
    """Processes take a table, and the store holds what the rows of JSON lines give it."""
    monkeypatch.setattr(file_parts, "_PART_BYTES", 100)
    facts = [
        (f"e {n % 17}", f"r {n % 5}", f"v,\n{n}" if n % 7 == 0 else f"v {n}") for n in range(80)
    ]
    table, lines = tmp_path / "in.csv", tmp_path / "in.jsonl"
    rows = [f'{entity},{relation},"{value}"' for entity, relation, value in facts]
    table.write_text("\n".join(["entity,relation,value", *rows]))
    names = ("entity", "relation", "value")
    lines.write_text("\n".join([json.dumps(dict(zip(names, fact, strict=True))) for fact in facts]))
    held = []
    for file in (table, lines):
        store = SqliteStore(tmp_path / f"{file.suffix}.db")
        parts = FactFile(str(file)).parts()
        assert parts is not None
        commit = store.load_parts_nowait(parts, processes=n_processes)
        assert commit is not None and commit.facts == len(facts)
        held.append([fact.model_dump(exclude={"id"}) for fact in store.scan_nowait()])
        store.close_nowait()
    assert held[0] == held[1]


def test_what_is_read_from_begin_to_end(tmp_path: Path) -> None:
    """Another encoding, carriage returns alone, a packed file, no columns that can be told."""
    path = tmp_path / "in.csv"
    text = "entity,relation,value\na,b,c\n"
    for data in (text.encode("utf-16"), text.replace("\n", "\r").encode(), b"x,y\n1,2\n", b""):
        path.write_bytes(data)
        assert FactFile(str(path)).parts() is None
