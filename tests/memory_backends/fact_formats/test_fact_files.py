"""Files of facts, good and bad."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.cli import facts_files
from lamlam.errors import BadFact, NotSupported, Unavailable
from lamlam.memory_backends.fact_formats.fact_files import FactFile, Written, write_facts
from lamlam.memory_backends.fact_formats.registry import FORMATS
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.sync import SyncFactStore
from tests.limits import HANG_S
from tests.memory_backends.stores import fact_text
from tests.paths import ROOT

GOOD = b'{"entity": "Ada", "relation": "job", "value": "\xc3\xa9 x", "source": "s"}\n'


def _facts(file: FactFile) -> list[Fact]:
    items = list(file)
    assert all(isinstance(item, Assert) for item in items)
    return [item.fact for item in items if isinstance(item, Assert)]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".jsonl.xz", ""])
@settings(max_examples=15)
@given(
    st.lists(
        st.builds(
            Fact,
            entity=fact_text(),
            relation=fact_text(),
            value=fact_text(),
            source=st.none() | fact_text(),
            confidence=st.floats(0, 1),
        ),
        max_size=5,
    )
)
def test_what_is_written_is_read(tmp_path: Path, suffix: str, facts: list[Fact]) -> None:
    """Any facts, packed or not."""
    path = tmp_path / f"facts{suffix}"
    assert write_facts(facts, str(path)) == Written(len(facts), "")
    assert _facts(FactFile(str(path))) == facts
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"not json", "not a JSON object"),
        (b'["a", "b", "c"]', "JSON, but not an object"),
        (b"1", "JSON, but not an object"),
        (b'{"entity": "a", "relation": "b"}', "value is missing"),
        (b'{"entity": "a", "relation": "b", "value": 1e99999}', "at most 1,000 digits"),
        (b'{"entity": "a", "relation": "b", "value": 1e999999999999999999999}', "too many digits"),
        (b'{"entity": "a", "relation": "b", "value": NaN}', "NaN is not a number"),
        (b'{"entity": "a", "relation": "b", "value": 9223372036854775808}', "64 bits"),
        (b'{"entity": "a", "relation": "b", "value": [1]}', "value must not be a list"),
        (b'{"entity": "a", "relation": "b", "value": {"date": "soon"}}', "is not a date"),
        (
            b'{"entity": "a", "relation": "b", "value": {"time": "x"}}',
            "value must not be such an object",
        ),
        (b'{"entity": "a", "relation": "b", "value": "x", "value": "y"}', "'value' occurs twice"),
        (b'{"entity": "a", "relation": "b", "value": "x", "sorce": "y"}', "'sorce' is not a key"),
        (b'{"entity": 7, "relation": "b", "value": "x"}', "entity"),
        (b'{"entity": "a", "relation": "b", "value": "x", "source": ["y"]}', "invalid fact"),
        (
            b'{"entity": "a", "relation": "b", "value": "x", "sources": "y"}',
            "sources must be a list",
        ),
        (b'{"entity": "a", "relation": "b", "value": "x", "sources": [7]}', "sources"),
        (b'{"entity": "a", "relation": "b", "value": "x", "namespace": "y"}', "must be a list"),
        (b'{"entity": "a", "relation": "b", "value": "x", "namespace": [7]}', "namespace"),
        (
            b'{"entity": "a", "relation": "b", "value": "x", "confidence": "1"}',
            "confidence must be a number",
        ),
        (
            b'{"entity": "a", "relation": "b", "value": "x", "confidence": true}',
            "confidence must be a number",
        ),
        (b'{"entity": "a", "relation": "b", "value": "x", "valid_from": 7}', "a moment must be"),
        (b'{"entity": "a", "relation": "b", "value": "x", "valid_to": "soon"}', "is not a moment"),
        (
            b'{"entity": "a", "relation": "b", "value": "x",'
            b' "valid_from": "2024", "valid_to": "2023"}',
            "valid_to must be after valid_from",
        ),
        (b'{"alias": "a"}', "entity is missing"),
        (b'{"alias": "", "entity": "b"}', "alias must not be empty"),
        (b'{"alias": "a", "entity": 7}', "entity"),
        (b'{"relation": "a", "cardinality": "two"}', "cardinality must be"),
        (b'{"relation": "a", "cardinality": "one", "type": ["x"]}', "no value type"),
        (b'{"relation": 7, "cardinality": "one"}', "relation"),
        (b'{"entity": "a", "relation": "b", "value": null}', "value"),
        (b'{"entity": "a", "relation": "b", "value": ""}', "value must not be empty"),
        (b'{"entity": "a", "relation": "b", "value": "x\\u0000"}', "NUL"),
        (b'{"entity": "a", "relation": "b", "value": "\\ud800"}', "surrogate"),
        (b'{"entity": "a", "relation": "b", "value": "x", "confidence": 2}', "confidence"),
        (b'{"entity": "a", "relation": "b", "value": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "nests too deep"),
        (b'{"entity": "a", "relation": "b", "value": "x"', "not a JSON object"),
    ],
    ids=lambda part: str(part)[:40],
)
def test_a_bad_line_is_named_by_its_number(tmp_path: Path, line: bytes, said: str) -> None:
    """Reading stops there; or it goes on and counts, if so wished."""
    path = tmp_path / "facts.jsonl"
    path.write_bytes(GOOD + b"\n" + line + b"\n" + GOOD)
    with pytest.raises(BadFact) as caught:
        list(FactFile(str(path)))
    assert "line 3" in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    lenient = FactFile(str(path), skip_invalid=True)
    assert len(list(lenient)) == 2
    assert lenient.rejected == 1
    assert lenient.first_reason is not None and "line 3" in lenient.first_reason


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    """As some editors write it."""
    path = tmp_path / "facts.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD)
    assert [fact.value for fact in _facts(FactFile(str(path)))] == ["é x"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.jsonl.gz", gzip.compress(GOOD * 99)[:-12]), ("x.jsonl.xz", lzma.compress(GOOD)[:-12]),
     ("x.jsonl.gz", GOOD), ("x.jsonl.xz", GOOD)],
)  # fmt: skip
def test_a_broken_archive_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    """Cut short, or no archive at all."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BadFact, match=name):
        list(FactFile(str(path)))


@pytest.mark.parametrize(("suffix", "mark"), [("csv", ","), ("tsv", "\t")])
def test_tables_of_others(tmp_path: Path, suffix: str, mark: str) -> None:
    """Columns in any order, quotes and line ends inside values, empty sources."""
    path = tmp_path / f"facts.{suffix}"
    rows = [
        ["Value", "entity", "relation", "source"],
        ['"two\nlines"', "Ada", "job", ""],
        ["x", "Bob", "job", "register"],
    ]
    path.write_text("\n".join(mark.join(row) for row in rows) + "\n", encoding="utf-8")
    assert [(f.entity, f.value, f.source) for f in _facts(FactFile(str(path)))] == [
        ("Ada", "two\nlines", None),
        ("Bob", "x", "register"),
    ]


def test_unknown_keys_can_be_left_alone(tmp_path: Path) -> None:
    """If so wished."""
    path = tmp_path / "facts.jsonl"
    path.write_bytes(GOOD.replace(b'"source"', b'"page"'))
    (fact,) = _facts(FactFile(str(path), ignore_unknown=True))
    assert (fact.value, fact.source) == ("é x", None)


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` reads what comes."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(GOOD * 2)))
    assert len(list(FactFile("-"))) == 2


@pytest.mark.parametrize(
    ("name", "format"),
    [("a.jsonl", "jsonl"), ("a.b.csv.gz", "csv"), ("a.TSV", "tsv"), ("a.nt.xz", "nt"),
     ("a.cql", "cypher"), ("a.lmlm", "lmlm"), ("a", "jsonl"), ("a.json", "jsonl"), ("-", "jsonl")],
)  # fmt: skip
def test_a_name_tells_the_format(name: str, format: str) -> None:
    """By its suffix, whether packed or not."""
    assert FactFile(name).format == format


def test_formats_that_are_not_known_are_named(tmp_path: Path) -> None:
    """For reading and for writing, before anything is opened."""
    with pytest.raises(NotSupported, match="'xml'"):
        FactFile("facts.jsonl", format="xml")
    with pytest.raises(NotSupported, match="'xml'"):
        write_facts([], str(tmp_path / "facts"), format="xml")
    assert not list(tmp_path.iterdir())


def test_progress_reaches_the_callback(tmp_path: Path) -> None:
    """Bytes read and their total."""
    path = tmp_path / "facts.jsonl"
    path.write_bytes(GOOD * 5000)
    told: list[tuple[int, int | None]] = []
    n_facts = len(list(FactFile(str(path), on_progress=lambda *pair: told.append(pair))))
    assert n_facts == 5000
    assert len(told) == 3
    assert all(total == len(GOOD) * 5000 and 0 <= n <= total for n, total in told if total)


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """A file is replaced when its successor is whole."""
    path = tmp_path / "facts.jsonl"
    path.write_text("old")

    def facts() -> object:
        yield Fact(entity="a", relation="b", value="c")
        raise BadFact("stop")

    with pytest.raises(BadFact):
        write_facts(facts(), str(path))  # type: ignore[arg-type]  # a generator
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
    assert json.loads(GOOD)["entity"] == "Ada"


@pytest.mark.parametrize("name", ["facts.xlsx", "facts.db", "facts.xlsx.xz"])
def test_an_unknown_suffix_is_refused(tmp_path: Path, name: str) -> None:
    """Rather than written or read as JSON lines under a name that says something else."""
    path = tmp_path / name
    with pytest.raises(NotSupported, match="which is not written"):
        write_facts([], str(path))
    with pytest.raises(NotSupported, match="does not say its format"):
        FactFile(str(path))
    assert not path.exists()
    fact = Fact(entity="Ada", relation="job", value="x")
    assert write_facts([fact], str(path), format="jsonl").facts == 1
    assert _facts(FactFile(str(path), format="jsonl")) == [fact]


def test_a_store_is_not_written_over(tmp_path: Path) -> None:
    """Whatever its name, and though the format is named."""
    path = tmp_path / "facts.jsonl"
    with SyncFactStore(f"sqlite:///{path}") as store:
        store.apply([Assert(Fact(entity="Ada", relation="job", value="x"))])
    before = path.read_bytes()
    with pytest.raises(NotSupported, match="written over"):
        write_facts([], str(path), format="jsonl")
    assert path.read_bytes() == before


def test_two_may_write_the_same_file(tmp_path: Path) -> None:
    """Each whole: the last to finish wins, and nothing is left beside."""
    path = tmp_path / "facts.jsonl"

    def facts() -> Iterator[Fact]:
        yield Fact(entity="Ada", relation="job", value="outer")
        write_facts([Fact(entity="Ada", relation="job", value="inner")], str(path))

    write_facts(facts(), str(path))
    (fact,) = _facts(FactFile(str(path)))
    assert fact.value == "outer" and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_no_new_file_takes_the_place_of_a_pipe(tmp_path: Path) -> None:
    """Nor of a device: a reader gets the facts. A memory's own file is refused there."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    fact = Fact(entity="Ada", relation="job", value="x")
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_bytes)
        assert write_facts([fact], str(pipe)).facts == 1
        assert json.loads(read.result(timeout=HANG_S))["entity"] == "Ada"
    assert pipe.is_fifo()
    with pytest.raises(Unavailable, match="it is a named pipe"):
        GraphStore().save_nowait(pipe)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_link_goes_on_pointing_to_its_file(tmp_path: Path) -> None:
    """What it points to is written anew, whole."""
    (tmp_path / "elsewhere").mkdir()
    for name, write in (
        ("a.jsonl", lambda path: write_facts([], str(path))),
        ("a.json", lambda path: GraphStore().save_nowait(path)),
    ):
        link = tmp_path / name
        link.symlink_to(tmp_path / "elsewhere" / name)
        for _ in range(2):  # the file is made, then written anew
            write(link)
            assert link.is_symlink()
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == ["a.json", "a.jsonl"]


@pytest.mark.skipif(os.name == "nt", reason="no umask")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_new_files_are_as_open_as_others(tmp_path: Path, mask: int, mode: int) -> None:
    """Stores and exports alike: who may read them is what the user's mask says."""
    before = os.umask(mask)
    try:
        fact = Assert(Fact(entity="Ada", relation="job", value="x"))
        for url in (f"sqlite:///{tmp_path / 'a.db'}", f"memory:///{tmp_path / 'a.json'}"):
            with SyncFactStore(url) as store:
                store.apply([fact])
        write_facts([fact.fact], str(tmp_path / "a.jsonl"))
    finally:
        os.umask(before)
    found = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert found == {"a.db": mode, "a.json": mode, "a.jsonl": mode}


def test_help_and_docs_name_every_format() -> None:
    """The help is written out: to read the list takes a tenth of a second of every command."""
    (option,) = get_args(facts_files.FormatOption)[1:]
    named, _, _ = option.help.partition(";")
    assert re.split(", | or ", named) == list(FORMATS)
    page = (ROOT / "docs" / "memory.md").read_text(encoding="utf-8")
    assert [name for name in FORMATS if not re.search(rf"`(\.|--format ){name}`", page)] == []
