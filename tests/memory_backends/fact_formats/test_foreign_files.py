"""Files of other programs: refused with what to do, by their name and by what they hold."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from lamlam.errors import BadFact, NotSupported
from lamlam.memory_backends.fact_formats.fact_files import FactFile, write_facts
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.sync import SyncFactStore


def _zip(*names: str, first: bytes = b"x") -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name in names:
            archive.writestr(name, first)
    return raw.getvalue()


def _tar() -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("facts.csv"))
    return raw.getvalue()


SHEET = b"application/vnd.oasis.opendocument.spreadsheet"


@pytest.mark.parametrize("name", ["facts.csv", "facts.json", "facts.nt", "facts"])
@pytest.mark.parametrize(
    ("content", "kind", "hint"),
    [
        (_zip("[Content_Types].xml", "xl/workbook.xml"), "an Excel workbook", "save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, "an Excel workbook", "save it as CSV"),
        (_zip("mimetype", "content.xml", first=SHEET), "a spreadsheet of Lib", "save it as CSV"),
        (_zip("Index/Document.iwa"), "a spreadsheet of Numbers", "save it as CSV"),
        (_zip("word/document.xml"), "a Word document", "CSV table"),
        (_zip("facts.csv"), "a ZIP archive", "unpack it"),
        (_tar(), "a tar archive", "unpack it"),
        (b"PAR1\x15\x04\x15", "a Parquet file", "to_csv"),
        (b"ARROW1\0\0\x10", "an Arrow or Feather file", "to_csv"),
        (b"SQLite format 3\0\x10", "a SQLite database", "lamlam facts copy"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document", "CSV table"),
        (b"<!DOCTYPE html>\n<html>", "a web page", "CSV table"),
    ],
)
def test_files_are_recognised_by_their_content(
    tmp_path: Path, name: str, content: bytes, kind: str, hint: str
) -> None:
    """Whatever they are called."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadFact, match=kind) as caught:
        list(FactFile(str(tmp_path / name)))
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("suffixes", "hint"),
    [
        ("xlsx xls xlsm xlsb ods numbers XLSX", "save it as CSV"),
        ("pkl pickle", "to_csv"),
        ("pdf docx doc odt html", "CSV table"),
        ("db sqlite sqlite3", "lamlam facts copy"),
        ("zip tar tar.gz tgz tar.xz 7z rar", "unpack it"),
    ],
)
def test_files_are_recognised_by_their_name(suffixes: str, hint: str) -> None:
    """Before they are opened."""
    for suffix in suffixes.split():
        with pytest.raises(NotSupported, match="does not say its format; it is a") as caught:
            FactFile(f"facts.{suffix}")
        assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("out.xlsx", "write facts.csv"),
        ("out.ODS", "write facts.csv"),
        ("out.parquet", "write facts.csv"),
        ("out.db", "lamlam facts copy FROM sqlite:///"),
        ("out.zip", "facts.jsonl.gz"),
    ],
)
def test_what_is_not_written_names_what_to_write(tmp_path: Path, name: str, hint: str) -> None:
    """Unless the format is named, which makes the name a mere name."""
    path = tmp_path / name
    with pytest.raises(NotSupported, match="would be an? .*, which is not written") as caught:
        write_facts([], str(path))
    assert hint in str(caught.value.hint) and not path.exists()
    fact = Fact(entity="Ada", relation="job", value="miller")
    assert write_facts([fact], str(path), format="csv").facts == 1


def test_a_memory_of_lamlam_is_copied(tmp_path: Path) -> None:
    """Its file is JSON too, of another kind."""
    path = tmp_path / "facts.json"
    with SyncFactStore(f"memory:///{path}") as store:
        store.apply([Assert(Fact(entity="Ada", relation="job", value="miller"))])
    with pytest.raises(BadFact, match="a memory of lamlam") as caught:
        list(FactFile(str(path)))
    assert "lamlam facts copy memory:///" in str(caught.value.hint)


@pytest.mark.parametrize("cell", ["PAR1", "BZhang", "PK", "ustar"])
def test_names_that_begin_alike_are_names(tmp_path: Path, cell: str) -> None:
    """A table may begin with letters that such files begin with too."""
    (tmp_path / "a.csv").write_text(f"{cell},is,it\n")
    assert len(list(FactFile(str(tmp_path / "a.csv"), header=False))) == 1
