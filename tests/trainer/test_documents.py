"""Documents read from every kind of file; a broken line is named by its number."""

from __future__ import annotations

import gzip
import io
import json
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


def test_a_workbook_is_no_document(tmp_path: Path) -> None:
    """What is not text is said to be none, with what documents are."""
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK\x03\x04\x14\x00\x80\xff")
    with pytest.raises(BadDocument, match="is not UTF-8 text") as caught:
        list(read_documents(path))
    assert "lines of JSON" in str(caught.value.hint)


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


def with_facts(*facts: tuple[str, int]) -> str:
    """A line about Ada, who was born on 10 December 1815, with values at their places."""
    return json.dumps(
        {
            "title": "Ada", "text": "Ada was born on 10 December 1815 in Lowmere.",
            "facts": [["Ada", f"Relation {i}", value] for i, (value, _) in enumerate(facts)],
            "at": [at for _, at in facts],
        }
    )  # fmt: skip


def test_of_overlapping_values_the_first_is_stated_and_none_is_lost() -> None:
    document = parse_document(
        with_facts(("1815", 28), ("10 December", 16), ("10 December 1815", 16), ("Lowmere", 36))
    )
    assert [fact.value for fact in document.facts] == ["10 December 1815", "Lowmere"]
    assert {value for _, _, value in document.other_facts} == {"1815", "10 December"}


def test_overlapping_values_are_counted_and_refuse_no_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(GOOD + "\n" + with_facts(("10 December", 16), ("December 1815", 19)) + "\n")
    assert len(list(read_documents(path))) == 2
    assert "1 values overlap the one before them, the first in line 2" in caplog.text


def test_a_value_at_minus_one_is_not_stated_in_the_text() -> None:
    document = parse_document(with_facts(("mathematics", -1), ("Lowmere", 36)))
    assert [fact.value for fact in document.facts] == ["Lowmere"]
    assert document.other_facts == (("Ada", "Relation 0", "mathematics"),)


def test_bad_lines_are_counted_in_the_message(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([GOOD, "not json", GOOD, "[]", "5"]))
    with pytest.raises(BadDocument, match="line 2 is not .*; 2 more lines are none"):
        list(read_documents(path))


def test_bad_lines_can_be_left_out_and_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join([GOOD, "not json", GOOD, "[]", GOOD.replace("[5]", "[4]")]))
    assert len(list(read_documents(path, skip_invalid=True))) == 2
    assert "3 lines left out, the first: line 2 is not a training document" in caplog.text
    path.write_text("not json\n[]\n")
    with pytest.raises(BadDocument, match="line 1"):
        list(read_documents(path, skip_invalid=True))


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (GOOD.replace("[5]", "[4]"), "it is at 5"),
        (GOOD.replace("Ada, 1815", "Åda, 1815").replace("[5]", "[6]"), "not bytes: it is at 5"),
        (GOOD.replace('"1815"]', '"1816"]'), "word for word"),
    ],
)
def test_a_value_in_another_place_is_pointed_at(line: str, hint: str) -> None:
    with pytest.raises(BadDocument) as refused:
        parse_document(line)
    assert hint in str(refused.value.hint)


@pytest.mark.parametrize(
    "line",
    [
        "[" * 100_000,
        '["title", "text", "facts", "at"]',
        GOOD.replace("Ada, 1815.", "Ada, 1815.\\ud800"),
        GOOD.replace('["Ada", "Born", "1815"]', '["Ada", null, "1815"]'),
        GOOD.replace('["Ada", "Born", "1815"]', '"abc"'),
        GOOD.replace('"at"', '"by": ["s"], "at"'),
        GOOD.replace('"at"', '"cut": "yes", "at"'),
    ],
)
def test_hostile_lines_are_refused_by_name(line: str) -> None:
    with pytest.raises(BadDocument, match="line 1 is not a training document"):
        parse_document(line)
