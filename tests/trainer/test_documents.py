"""Documents read from every kind of file; a broken line is named by its number."""

from __future__ import annotations

import gzip
import io
import lzma
from pathlib import Path

import pytest

from lamlam.errors import BadDocument
from lamlam.trainer.documents import parse_document, read_documents

GOOD = '{"title": "Ada", "text": "Ada, 1815.", "facts": [["Ada", "Born", "1815"]], "at": [5]}'


def test_plain_gz_and_xz_files_read_alike(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(GOOD + "\n\n" + GOOD)
    with gzip.open(tmp_path / "a.jsonl.gz", "wt") as stream:
        stream.write(GOOD + "\n" + GOOD)
    with lzma.open(tmp_path / "a.jsonl.xz", "wt") as stream:
        stream.write(GOOD + "\n" + GOOD)
    expected = [parse_document(GOOD)] * 2
    for name in ("a.jsonl", "a.jsonl.gz", "a.jsonl.xz"):
        assert list(read_documents(tmp_path / name)) == expected


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        '{"title": "Ada"}',
        GOOD.replace("[5]", "[4]"),
        GOOD.replace("[5]", '["x"]'),
        GOOD.replace("[5]", "[-5]"),
        GOOD.replace('"Ada, 1815."', "5"),
        GOOD.replace("[5]", "[5, 6]"),
        GOOD.replace('"1815"]]', '"1815"], ["Ada", "x", "815"]]').replace("[5]", "[5, 6]"),
        GOOD.replace('["Ada", "Born", "1815"]', '["Ada", "1815"]'),
    ],
)
def test_a_line_that_is_no_document_is_refused_by_number(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(GOOD + "\n" + line + "\n")
    with pytest.raises(BadDocument, match="line 2"):
        list(read_documents(path))


@pytest.mark.parametrize("content", [b"\xff\xfe", b""])
def test_a_damaged_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    for suffix in (".gz", ".xz"):
        path = tmp_path / f"a.jsonl{suffix}"
        path.write_bytes(b"\x1f\x8b" + content)
        with pytest.raises(BadDocument, match="cannot read"):
            list(read_documents(path))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDocument, match="cannot read"):
        list(read_documents(tmp_path / "none.jsonl"))


def test_a_byte_order_mark_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a file, and on standard input."""
    path = tmp_path / "a.jsonl"
    path.write_text(GOOD, encoding="utf-8-sig")
    assert len(list(read_documents(path))) == 1
    monkeypatch.setattr("sys.stdin", io.StringIO(f"\ufeff{GOOD}"))
    assert len(list(read_documents("-"))) == 1
