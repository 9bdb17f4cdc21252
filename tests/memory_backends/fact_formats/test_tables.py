"""Tables that others made: quotes, separators, encodings, columns of any name and order."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import BadFact, UsageError
from lamlam.memory_backends.fact_formats import file_lines
from lamlam.memory_backends.fact_formats.fact_files import FactFile
from lamlam.memory_backends.fact_formats.table_lines import is_in_quotes
from lamlam.memory_backends.model.operations import Assert

TSV = "entity\trelation\tvalue\n"
CSV = "entity,relation,value\n"
SKIP: dict[str, Any] = {"skip_invalid": True}
BARE: dict[str, Any] = {"header": False}
WIDE: dict[str, Any] = {"wide": True}
COLUMNS: dict[str, Any] = {"columns": ("entity", "relation", "value")}
_CELL = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\t\r\n\0\x1c\x1d\x1e\x85\u2028")
    | st.sampled_from('",;x '),
    min_size=1,
    max_size=8,
).filter(str.strip)


def _read(path: Path, **options: Any) -> tuple[list[tuple[str, ...]], FactFile]:
    file = FactFile(str(path), **options)
    rows = [
        (item.fact.entity, item.fact.relation, str(item.fact.value), *item.fact.sources)
        for item in file
        if isinstance(item, Assert)
    ]
    return rows, file


def _facts(text: str | bytes, suffix: str, **options: Any) -> list[tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"facts.{suffix}"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return _read(path, **options)[0]


def _fault(tmp_path: Path, text: str | bytes, suffix: str, **options: Any) -> str:
    path = tmp_path / f"facts.{suffix}"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(BadFact) as caught:
        _read(path, **options)
    return f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ('A\tb\t"Kosta Tree" Theatre\nC\td\te', ["A|b|\"Kosta Tree\" Theatre", "C|d|e"]),
        ('A\tb\t"open\nC\td\te"\nF\tg\th', ['A|b|"open', 'C|d|e"', "F|g|h"]),
        ('"open\tb\tc\nC\td\te', ['"open|b|c', "C|d|e"]),
        ('A\t"b\tc\nC\td\te', ['A|"b|c', "C|d|e"]),
        ('A\tb\t"Heroes"\nC\td\te', ['A|b|"Heroes"', "C|d|e"]),
        ('A\tb\t"\nC\td\t5\'11"', ['A|b|"', "C|d|5'11\""]),
        ('A\tb\t"x, y"', ['A|b|"x, y"']),
        # What programs put in quotes, and how.
        ('"A"\t"b"\t"Heroes"', ["A|b|Heroes"]),
        ('A\tb\t"say ""hi"""', ['A|b|say "hi"']),
        ('A\tb\t"""Heroes"""', ['A|b|"Heroes"']),
        ('A\tb\t"x\ty"\nC\td\te', ["A|b|x\ty", "C|d|e"]),
        ('A\tb\t"one\n\ntwo"\nC\td\te', ["A|b|one\n\ntwo", "C|d|e"]),
        ('"A\nB"\tb\tc\nC\td\te', ["A\nB|b|c", "C|d|e"]),
    ],
)  # fmt: skip
def test_quotes_in_tsv_of_others(rows: str, expected: list[str]) -> None:
    """A quote is a character like any, unless the cell is one that a program has quoted."""
    assert ["|".join(fact) for fact in _facts(TSV + rows, "tsv")] == expected


def test_quotes_that_spreadsheets_write() -> None:
    """With Windows line ends a comma is a reason for quotes; a quoted header, for all of them."""
    assert _facts(TSV.replace("\n", "\r\n") + 'A\tb\t"x, y"\r\n', "tsv") == [("A", "b", "x, y")]
    header = '"entity"\t"relation"\t"value"\n'
    assert _facts(header + 'A\tb\t"c"\n"D\t\nE"\tf\t"g ""h"""\n', "tsv") == [
        ("A", "b", "c"),
        ("D\t\nE", "f", 'g "h"'),
    ]


@settings(max_examples=80)
@given(
    st.lists(st.tuples(_CELL, _CELL, _CELL), min_size=1, max_size=5), st.sampled_from(["", "\r"])
)
def test_a_file_without_quoting_loses_nothing(rows: list[tuple[str, ...]], end: str) -> None:
    """Each line is the fact that it is, whatever quotes stand in it."""
    rows = [row for row in rows if not any(is_in_quotes(cell) for cell in row)]
    text = TSV + "".join("\t".join(row) + f"{end}\n" for row in rows)
    assert _facts(text, "tsv") == rows


@settings(max_examples=80)
@given(
    st.lists(st.tuples(_CELL, _CELL, st.lists(_CELL, max_size=3).map("\n".join)), max_size=5),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["csv", "tsv"]),
)
def test_quoted_tables_come_back(rows: list[tuple[str, ...]], quoting: Any, suffix: str) -> None:
    """As a program writes them that quotes what needs it, or all; lines in values included."""
    rows = [row for row in rows if row[2]]
    written = io.StringIO(newline="")
    writer = csv.writer(
        written, delimiter="," if suffix == "csv" else "\t", quoting=quoting, lineterminator="\n"
    )
    writer.writerows([TSV.split(), *rows])
    assert _facts(written.getvalue(), suffix) == rows


@pytest.mark.parametrize(
    ("text", "suffix", "options", "expected"),
    [
        # Names and order of the columns.
        ("Subject,Predicate,Object\nA,b,c", "csv", {}, ["A|b|c"]),
        ("S\tP\tO\nA\tb\tc", "tsv", {}, ["A|b|c"]),
        ("tail, Relation ,HEAD\nc,b,A", "csv", {}, ["A|b|c"]),
        ("entity,attribute,value,Valid From\nA,b,c,1999", "csv", {}, ["A|b|c"]),
        ("# entity,relation,value\nA,b,c", "csv", {}, ["A|b|c"]),
        ("x,entity,relation,value\n1,A,b,c", "csv", {"ignore_unknown": True}, ["A|b|c"]),
        (",entity,relation,value\n1,A,b,c", "csv", {"ignore_unknown": True}, ["A|b|c"]),
        ("entity,relation,value,,\nA,b,c,,\n,,,,\n\nD,e,f", "csv", {}, ["A|b|c", "D|e|f"]),
        ("film,feature,content\nA,b,c", "csv", COLUMNS, ["A|b|c"]),
        ("a,b,c,d\nx,A,b,c", "csv", {"columns": "-,entity,relation,value"}, ["A|b|c"]),
        ("a,b,c,d\nx,A,b,c", "csv", {"columns": ["", "Subject", "predicate", "OBJECT"]}, ["A|b|c"]),
        ("was,wer,wert\nb,A,c", "csv", {"columns": "relation,entity,value"}, ["A|b|c"]),
        ('entity, relation, "value"\nA, b, "c, ""d"""\nE, f,  g', "csv", {}, ['A|b|c, "d"', "E|f|g"]),
        ("entity, relation,value\nA, b,c", "csv", {}, ["A| b|c"]),
        # No header.
        ("A,b,c\nD,e,f", "csv", BARE, ["A|b|c", "D|e|f"]),
        ("A\tb\tc\nD\te\tf", "tsv", BARE, ["A|b|c", "D|e|f"]),
        ("c,s,A,b", "csv", BARE | {"columns": "value,source,entity,relation"}, ["A|b|c|s"]),
        ("A,b,c,x", "csv", BARE | COLUMNS | {"ignore_unknown": True}, ["A|b|c"]),
        ('A\tb\t"x\ny"\nD\te\tf', "tsv", BARE, ["A|b|x\ny", "D|e|f"]),
        ('"A"\t"b"\t"c"\n"D"\t"e"\t"f"', "tsv", BARE, ["A|b|c", "D|e|f"]),
        ("entity,job,c\nD,job,f", "csv", BARE, ["entity|job|c", "D|job|f"]),
        ("A,b,c\nD,b,f", "csv", COLUMNS | {"header": True}, ["D|b|f"]),
        # Separators, line ends, encodings.
        ("entity;relation;value\nA;b;1,65", "csv", {}, ["A|b|1,65"]),
        ("entity\trelation\tvalue\nA\tb\t1,65", "csv", {}, ["A|b|1,65"]),
        ("sep=;\r\nentity;relation;value\r\nA;b;c\r\n", "csv", {}, ["A|b|c"]),
        ("sep=,\nA,b,c;d;e\n", "csv", BARE, ["A|b|c;d;e"]),
        ("\n\nsep=|\nentity|relation|value\nA|b|c", "csv", {}, ["A|b|c"]),
        ("A;b;1,65\nC;d;e", "csv", BARE, ["A|b|1,65", "C|d|e"]),
        ('entity,relation,value\rA,b,c\rD,"e\rf",g', "csv", {}, ["A|b|c", "D|e\rf|g"]),
        ("\ufeffentity,relation,value\nA,b,é", "csv", {}, ["A|b|é"]),
        # A row for each entity.
        ("name,birth place,job\nA,b,c\nD,,e\nF,,\n,,\nG,h", "csv", WIDE,
         ["A|birth place|b", "A|job|c", "D|job|e", "G|birth place|h"]),
        (",born,job,,\nA,b,c,,", "csv", WIDE, ["A|born|b", "A|job|c"]),
        ("Name;Height (m, max);Born\nA;1,65;1815", "csv", WIDE,
         ["A|Height (m, max)|1,65", "A|Born|1815"]),
        ("name\tjob\tnote\nA\tb\t\"two\nlines\"\nC\td\t\"x", "tsv", WIDE,
         ["A|job|b", "A|note|two\nlines", "C|job|d", 'C|note|"x']),
        ("A,b,c", "csv", WIDE | BARE | {"columns": "name,born,-"}, ["A|born|b"]),
        ("x,y,z\nA,b,c", "csv", WIDE | {"columns": "name,,job"}, ["A|job|c"]),
        ("name,,job\nA,b,c", "csv", WIDE | {"ignore_unknown": True}, ["A|job|c"]),
    ],
)  # fmt: skip
def test_tables_of_any_shape(
    text: str, suffix: str, options: dict[str, Any], expected: list[str]
) -> None:
    """What the header says, or the user."""
    for encoding in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        facts = _facts(text.encode(encoding), suffix, **options)
        assert ["|".join(fact) for fact in facts] == expected
        if not text[0].isalpha():  # an encoding that no mark tells is known by a letter
            break


@pytest.mark.parametrize(
    ("text", "suffix", "options", "said"),
    [
        ("entity|relation|value\nA|b|c", "csv", {}, ("line 1", "sep=|")),
        ("A\tb\tc\nD\te\tf", "tsv", {}, ("line 1", "'A\\tb\\tc'", "--no-header", "--columns", "--wide")),
        ("Ada,birth place,x\n", "csv", {}, ("'Ada,birth place,x'", "--no-header")),
        ("A\tb\nD\te", "tsv", BARE, ("2 columns, not 3", "'A\\tb'", "--columns")),
        ("A\tb\tc\td", "tsv", BARE, ("4 columns, not 3", "--columns")),
        ("A,b,c\nD,e,f,g", "csv", BARE, ("line 2", "4 columns")),
        ("a,b,c,d\nA,b,c,d", "csv", COLUMNS, ("4 columns, not 3",)),
        ("A,b,c\nA,d,e", "csv", COLUMNS, ("looks like a fact: 'A,b,c'", "--no-header", "--header")),
        ("A,b,c\nD,B,e", "csv", COLUMNS, ("looks like a fact",)),
        ("A,place of birth,c\nD,b,e", "csv", COLUMNS, ("looks like a fact",)),
        ("A,b,c", "csv", COLUMNS, ("looks like a fact",)),
        ("A,type,c\nD,type,e", "csv", COLUMNS, ("looks like a fact",)),
        ("A,b,1815\nD,e,x", "csv", COLUMNS, ("looks like a fact",)),
        ("entity,relation,value\nA,b,c", "csv", BARE, ("leave out --no-header",)),
        ("A,b,c\nD,e,f", "tsv", {}, ("'A,b,c'", "--format csv")),
        ("A, B;b;c,d", "csv", BARE, ("more than one character", "sep=;")),
        ("subject,head,relation,value\n", "csv", {}, ("'entity' occurs twice",)),
        ("source,relation,target\n", "csv", {}, ("lacks entity, value", "source, relation, target")),
        ("entity,relation,value,\nA,b,c,d", "csv", {}, ("line 2", "column 4 has a value and no name")),
        ("name,job,job\nA,b,c", "csv", WIDE, ("'job' occurs twice",)),
        ("name,birth place,birth_place\nA,b,c", "csv", WIDE, ("'birth_place' occurs twice",)),
        ("name,,job\nA,b,c", "csv", WIDE, ("line 2", "column 2 has a value and no name")),
        ("name,job\nA,b,c", "csv", WIDE, ("line 2", "3 columns, the header names 2")),
        ("name,job\n,b", "csv", WIDE, ("line 2", "entity")),
        ("name\nA", "csv", WIDE, ("a column for each relation", "'name'")),
        ("relation,entity,value\nA,b,c", "csv", WIDE, ("leave out --wide",)),
        (CSV + 'A,b,"x\n\ny"\nC,d', "csv", {}, ("line 5", "value is missing")),
        (CSV + 'A,b,"x\ny"z\nC,d,e', "csv", {}, ("line 3", "the row begins on line 2")),
        (CSV + "A,b,\0", "csv", {}, ("line 2", "NUL")),
        (b"entity,relation,value\nA,b,caf\xe9", "csv", {}, ("line 2", "UTF-8")),
        ("entity,relation,value\nA,b,c".encode("utf-16")[:-1], "csv", {}, ("line 2", "UTF-16")),
        (",".join(map(str, range(200_000))), "csv", WIDE, ("200,000 columns, at most 100,000",)),
        (CSV + "A,b,c" + "," * 200_000, "csv", {}, ("line 2", "200,003 columns")),
        (CSV + 'A,b,"' + "x" * 20_000_001, "csv", {}, ("line 2", "field larger than")),
        (CSV + "A,b," + "x" * 1_000_001, "csv", {}, ("line 2", "1,000,000 characters")),
    ],
    ids=lambda part: str(part)[:30],
)  # fmt: skip
def test_what_a_table_leaves_open_is_asked(
    tmp_path: Path, text: str | bytes, suffix: str, options: dict[str, Any], said: tuple[str, ...]
) -> None:
    """With the first line, and what to write; nothing is guessed, and no first fact lost."""
    message = _fault(tmp_path, text, suffix, **options)
    assert [part for part in said if part not in message] == []
    assert "\n" not in message


def test_the_rest_is_kept(tmp_path: Path) -> None:
    """Bad rows are counted and named by line; those behind them are read."""
    path = tmp_path / "facts.csv"
    path.write_text(f'{CSV}A,b,"c" x\nD,e,"f\ng"\nH,i\nJ,k,"l\nM,n,o\n')
    rows, file = _read(path, **SKIP)
    assert rows == [("D", "e", "f\ng"), ("M", "n", "o")]
    assert file.rejected == 3
    assert file.first_reason is not None and "line 2" in file.first_reason
    path.write_text("x,y\nA,b,c\nD,e\n")
    assert _read(path, **BARE, **SKIP)[0] == [("A", "b", "c")]
    path.write_text("name,born,job\nA,b,c,d\nE,f,g\n")
    assert _read(path, **WIDE, **SKIP)[0] == [("E", "born", "f"), ("E", "job", "g")]


def test_a_header_that_is_taken_for_one_is_told(tmp_path: Path) -> None:
    """Where the user named the columns, and nothing in the first line says what it is."""
    path = tmp_path / "facts.csv"
    path.write_text("wer,was,wert\nA,b,c\n")
    rows, file = _read(path, **COLUMNS)
    assert rows == [("A", "b", "c")]
    assert "'wer,was,wert'" in file.notes[0] and "--no-header" in file.notes[0]
    path.write_text("subject,attribute,thing\nA,b,c\n")
    assert _read(path, **COLUMNS)[1].notes == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"columns": ["entity", "relation"]}, "value is missing"),
        ({"columns": ["entity", "relation", "value", "year"]}, "no column 'year'"),
        ({"columns": ["entity", "relation", "value", "value"]}, "'value' stands there twice"),
        ({"columns": ["name"], "wide": True}, "a column for each relation"),
        ({"columns": ["name", "-"], "wide": True}, "a column for each relation"),
        ({"columns": ["-", "name"], "wide": True}, "a column for each relation"),
        ({"columns": ["name", "a b", "A_b"], "wide": True}, "'A_b' stands there twice"),
        ({"header": False, "wide": True}, "needs the names"),
        ({"header": False, "format": "jsonl"}, "are of tables"),
        ({"columns": ["entity"], "format": "nt"}, "are of tables"),
        ({"wide": True, "format": "lmlm"}, "are of tables"),
    ],
)
def test_shapes_that_make_no_sense(options: dict[str, Any], said: str) -> None:
    """Before the file is opened."""
    with pytest.raises(UsageError, match=said):
        FactFile("absent.csv", **options)


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(['"', "\t", ",", ";", "\n", "\r", "a", "b", '""', "é", "\0"])).map("".join)
    | st.binary(max_size=60).map(lambda content: content.decode("latin-1")),
    st.sampled_from(["csv", "tsv"]),
    st.sampled_from([{}, BARE, WIDE, COLUMNS, BARE | {"columns": "value,-,relation,entity"}]),
    st.sampled_from(["", TSV, CSV, "name,job,born\n"]),
)  # fmt: skip
def test_any_table_is_read_or_refused(
    text: str, suffix: str, options: dict[str, Any], header: str
) -> None:
    """Nothing but `BadFact` leaves the reader, whatever the shape."""
    for more in ({}, SKIP):
        try:
            _facts((header + text).encode("latin-1", "replace"), suffix, **options, **more)
        except BadFact as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_line_without_end_is_named(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than read into memory whole."""
    monkeypatch.setattr(file_lines, "MOST_BYTES", 1 << 16)
    for encoding in ("utf-8", "utf-16"):
        assert "line 1: it has more than " in _fault(
            tmp_path, ("\u0a0a" * 65_537).encode(encoding), suffix
        )


def test_text_of_windows_in_every_format(tmp_path: Path) -> None:
    """UTF-16 with its mark, as spreadsheets and shells write it."""
    line = '{"entity": "Ada", "relation": "job", "value": "é"}\r\n'
    path = tmp_path / "facts.jsonl"
    path.write_bytes(line.encode("utf-16"))
    assert _read(path)[0] == [("Ada", "job", "é")]
    names: Sequence[bytes] = [f"{line}{line}".encode(name) for name in ("utf-16", "utf-32")]
    for content in names:
        path.write_bytes(content[:-1])
        with pytest.raises(BadFact, match=r"line \d: it is not UTF-"):
            _read(path)


@pytest.mark.parametrize("columns", [("-", "name", "job"), ("-", "", "job")])
@pytest.mark.parametrize("header", [None, False])
def test_the_name_in_a_wide_table_is_the_first_column_that_is_not_skipped(
    columns: tuple[str, ...], header: bool | None
) -> None:
    rows = "1,Ada,miller\n2,Bob,baker\n3\n"
    text = rows if header is False else f"id,name,job\n{rows}"
    options: dict[str, Any] = {"columns": columns, "header": header, **WIDE}
    assert _facts(text, "csv", **options) == [("Ada", "job", "miller"), ("Bob", "job", "baker")]
