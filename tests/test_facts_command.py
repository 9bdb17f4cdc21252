"""``lamlam facts`` as a user meets it: what it prints, what it changes, how it ends."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lamlam.cli.app import run
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import put

ROOT = Path(__file__).parent.parent
Facts = Callable[..., tuple[int, str, str]]

LINES = (
    '{"entity": "Ada Quill", "relation": "birth place", "value": "Lowmere", "source": "register"}\n'
    '{"entity": "Ada Quill", "relation": "profession", "value": "miller"}\n'
    '{"entity": "Bob Ferris (painter)", "relation": "born", "value": "3 May 1871"}\n'
    '{"entity": "Bob Ferris (sailor)", "relation": "born", "value": "1902"}\n'
)


@pytest.fixture
def facts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Facts:
    """Runs ``lamlam facts`` in this process, in an empty folder; status, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run_facts(*arguments: str) -> tuple[int, str, str]:
        status = run(["facts", *arguments])
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return run_facts


@pytest.fixture
def own(facts: Facts, tmp_path: Path) -> Path:
    """The user's own file, filled from a file of JSON lines."""
    (tmp_path / "mine.jsonl").write_text(LINES)
    status, _, err = facts("import", "mine.jsonl")
    assert status == 0, err
    return tmp_path / "lamlam-home" / "facts.db"


def _json(result: tuple[int, str, str]) -> dict[str, Any]:
    value = json.loads(result[1])
    assert isinstance(value, dict)
    return value


def test_importing_counts(facts: Facts, tmp_path: Path) -> None:
    """The user's file is made, and the object has the promised keys."""
    (tmp_path / "mine.jsonl").write_text(LINES)
    result = facts("import", "mine.jsonl", "--json")
    counts = _json(result)
    assert result[0] == 0
    assert (counts["facts"], counts["rejected"], counts["revision"]) == (4, 0, 1)
    assert isinstance(counts["seconds"], float)
    assert counts["memory"] == str(tmp_path / "lamlam-home" / "facts.db")
    assert result[2] == ""


def test_a_bad_line_imports_nothing(facts: Facts, tmp_path: Path) -> None:
    """One line on standard error, with the number; no store is left behind."""
    (tmp_path / "bad.jsonl").write_text(f'{LINES}{{"entity": "x"}}\n')
    status, out, err = facts("import", "bad.jsonl", "--memory", "sqlite:///new.db")
    assert (status, out) == (2, "")
    assert err.startswith("error: ") and err.count("\n") == 1
    assert "line 5" in err and "--skip-invalid" in err
    assert not list(tmp_path.glob("new.db*"))
    counts = _json(
        facts("import", "bad.jsonl", "--memory", "sqlite:///new.db", "--skip-invalid", "--json")
    )
    assert (counts["facts"], counts["rejected"]) == (4, 1)


def test_a_bad_line_leaves_an_old_store_as_it_was(facts: Facts, own: Path, tmp_path: Path) -> None:
    """All or nothing holds for a store with facts too."""
    (tmp_path / "bad.jsonl").write_text('{"entity":"N","relation":"r","value":"v"}\nbad\n')
    assert facts("import", "bad.jsonl")[0] == 2
    assert facts("get", "N", "r")[0] == 1
    assert _json(facts("stats", "--json"))["facts"] == 4


def test_import_from_standard_input(facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` reads what is piped in."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(LINES.encode())))
    assert _json(facts("import", "-", "--json"))["facts"] == 4
    assert facts("get", "Ada Quill", "job")[0] == 0


def test_importing_a_missing_file_makes_no_store(facts: Facts, tmp_path: Path) -> None:
    """One line names the file."""
    status, out, err = facts("import", "absent.jsonl", "--memory", "sqlite:///new.db")
    assert (status, out) == (2, "")
    assert "absent.jsonl" in err and err.count("\n") == 1
    assert not list(tmp_path.glob("new.db*"))


@pytest.mark.parametrize("last", ['{"entity": "x"}', '{"entity":"N","relation":"r","value":"v"}'])
def test_an_import_takes_nothing_from_a_store_made_meanwhile(
    facts: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    """Another process sets a fact in the file that the import was to make: both stay."""
    other = (
        "import sys, lamlam\n"
        "with lamlam.SyncFactStore(sys.argv[1]) as store:\n"
        "    store.apply([lamlam.Assert(lamlam.Fact(entity='B', relation='b', value='theirs'))])\n"
    )

    class Piped(io.BytesIO):
        def __next__(self) -> bytes:
            line = super().__next__()
            if line == last.encode():
                url = f"sqlite:///{tmp_path / 'new.db'}"
                subprocess.run([sys.executable, "-c", other, url], check=True, cwd=ROOT, timeout=60)
            return line

    class Stdin:
        buffer = Piped((LINES + last).encode())

    monkeypatch.setattr("sys.stdin", Stdin())
    status, _, _ = facts("import", "-", "--memory", "sqlite:///new.db")
    is_bad = "value" not in last
    assert status == (2 if is_bad else 0)
    with SyncFactStore(tmp_path / "new.db", create=False) as store:
        assert store.lookup("B", "b").value == "theirs"
        assert store.info().facts == (1 if is_bad else 6)
        assert store.lookup("Ada Quill", "birth place").sources == (() if is_bad else ("register",))
    assert not list(tmp_path.glob(".new.db*"))


def test_getting(facts: Facts, own: Path) -> None:
    """Names as people type them; the object has the promised keys."""
    status, out, _ = facts("get", "ada quill", "place of birth")
    assert status == 0
    assert "Lowmere" in out and "register" in out
    answer = _json(facts("get", "Sir Ada Quill", "job", "--json"))
    assert answer["status"] == "hit"
    assert answer["values"] == ["miller"]
    assert len(answer["fact_ids"]) == 1
    assert answer["match"]["entity"] == {"kind": "fuzzy", "score": 0.98, "matched": "Ada Quill"}
    assert answer["match"]["relation"]["kind"] == "synonym"


def test_not_found_is_status_1(facts: Facts, own: Path) -> None:
    """Absent and ambiguous: one line says what is near, ``--json`` still prints its object."""
    status, out, err = facts("get", "Nobody", "birth place")
    assert (status, out) == (1, "")
    assert "Nobody" in err
    status, out, err = facts("get", "Bob Ferris", "date of birth")
    assert (status, out) == (1, "")
    assert "painter" in err and "sailor" in err
    status, out, err = facts("get", "Bob Ferris", "born", "--json")
    assert (status, json.loads(out)["status"], err) == (1, "ambiguous", "")
    assert facts("get", "Ada Quill", "spouse")[0] == 1


def test_reading_falls_back_to_the_bundled_facts(
    facts: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without facts of one's own; nothing is made by reading."""
    with SyncFactStore(tmp_path / "packaged.db") as store:
        put(store, ("Elvis Presley", "birth place", "Tupelo"))
    monkeypatch.setattr("lamlam.bundled.facts_path", lambda: tmp_path / "packaged.db")
    assert _json(facts("get", "Elvis Presley", "born in", "--json"))["values"] == ["Tupelo"]
    assert facts("search", "Presley")[0] == 0
    assert _json(facts("stats", "--json"))["facts"] == 1
    assert not (tmp_path / "lamlam-home").exists()
    facts("set", "Ada Quill", "birth place", "Lowmere")
    assert _json(facts("stats", "--json"))["location"].endswith("facts.db")


def test_setting_replaces_and_adding_does_not(facts: Facts, own: Path) -> None:
    """``set`` ends the values before; ``--add`` keeps them, under whatever synonym."""
    done = _json(facts("set", "Ada Quill", "place of birth", "Highmere", "--json"))
    assert (done["revision"], done["facts"]) == (2, 2)
    assert _json(facts("get", "Ada Quill", "birth place", "--json"))["values"] == ["Highmere"]
    assert facts("set", "Ada Quill", "job", "baker", "--add", "--source", "a letter")[0] == 0
    answer = _json(facts("get", "Ada Quill", "occupation", "--json"))
    assert answer["values"] == ["miller", "baker"]
    assert answer["sources"] == [None, "a letter"]
    status, _, err = facts("set", "Ada Quill", "job", " ")
    assert status == 2 and "value" in err


def test_history_and_retract(facts: Facts, own: Path) -> None:
    """A fact that ended is shown with the revisions between which it held."""
    assert facts("history", "Ada Quill")[0] == 1
    facts("set", "Ada Quill", "birth place", "Highmere")
    assert facts("retract", "Ada Quill", "profession", "miller")[0] == 0
    (first, second) = _json(facts("history", "Ada Quill", "--json"))["facts"]
    assert (first["value"], first["asserted"], first["retracted"]) == ("Lowmere", 1, 2)
    assert (second["value"], second["retracted"]) == ("miller", 3)
    status, out, _ = facts("history", "Ada Quill", "job")
    assert status == 0 and "miller" in out and "Lowmere" not in out
    assert facts("retract", "Ada Quill", "profession")[0] == 1


def test_forgetting_prints_the_receipt(facts: Facts, own: Path) -> None:
    """Values are gone from the bytes; a similar name is told and left alone."""
    status, out, err = facts("forget", "Sir Ada Quill")
    assert (status, out) == (1, "")
    assert "'Ada Quill'" in err
    status, out, _ = facts("forget", "Ada Quill", "born in", "--reason", "she asked")
    assert status == 0
    assert "1 fact erased" in out and "she asked" in out
    assert b"Lowmere" not in own.read_bytes()
    receipt = _json(facts("forget", "Ada Quill", "--json"))
    assert (receipt["facts"], receipt["verified"], receipt["pending"]) == (1, True, [])
    assert facts("forget", "Ada Quill", "--json")[0] == 1
    assert b"Quill" not in own.read_bytes()


def test_searching(facts: Facts, own: Path) -> None:
    """Parts of names and values, and misspelt names."""
    found = _json(facts("search", "ferris", "--json"))
    assert set(found["entities"]) == {"Bob Ferris (painter)", "Bob Ferris (sailor)"}
    assert _json(facts("search", "MILL", "--json"))["facts"][0]["entity"] == "Ada Quill"
    assert _json(facts("search", "Ada Quyll", "--json"))["entities"] == ["Ada Quill"]
    assert len(_json(facts("search", "ferris", "--limit", "1", "--json"))["facts"]) == 1
    assert facts("search", "zzz")[0] == 1


def test_export_is_import(facts: Facts, own: Path, tmp_path: Path) -> None:
    """What is exported fills another store with the same facts."""
    done = _json(facts("export", "all.jsonl.gz", "--json"))
    assert (done["facts"], done["revision"]) == (4, 1)
    assert facts("import", "all.jsonl.gz", "--memory", "sqlite:///second.db")[0] == 0
    with SyncFactStore(own) as first, SyncFactStore(tmp_path / "second.db") as second:
        fields = {"id", "revision"}
        assert [fact.model_dump(exclude=fields) for fact in first.scan()] == [
            fact.model_dump(exclude=fields) for fact in second.scan()
        ]
    assert facts("export", "-", "--json")[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("get", "x", "y"),
        ("search", "x"),
        ("stats",),
        ("history", "x"),
        ("forget", "x"),
        ("retract", "x", "y"),
        ("export", "out.jsonl"),
    ],
)
def test_a_missing_store_stays_missing(
    facts: Facts, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """Only ``set`` and ``import`` make a store."""
    status, out, err = facts(*arguments, "--memory", "sqlite:///absent.db")
    assert (status, out) == (2, "")
    assert "absent.db" in err and err.count("\n") == 1
    assert not list(tmp_path.glob("absent.db*"))
    assert not list(tmp_path.glob("*out.jsonl*"))


@pytest.mark.parametrize("command", [("history",), ("forget",), ("retract", "y")])
def test_without_facts_of_ones_own_nothing_is_found(
    facts: Facts, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """That is status 1 and one line, as for any name that memory lacks."""
    name, *rest = command
    status, _, err = facts(name, "Ada Quill", *rest)
    assert status == 1
    assert "'Ada Quill'" in err and err.count("\n") == 1
    status, out, _ = facts(name, "Ada Quill", *rest, "--json")
    assert status == 1 and json.loads(out)["facts"] in (0, [])
    assert not (tmp_path / "lamlam-home").exists()


def test_names_that_are_no_text(facts: Facts, own: Path) -> None:
    """Bytes of an argument that are no UTF-8: not found, or one line of error."""
    for arguments in (
        ("get", "A\udcff", "x"),
        ("get", "Ada Quill", "\udcff"),
        ("search", "\udcff"),
    ):
        status, out, err = facts(*arguments)
        assert (status, out) == (1, ""), err
        assert err.count("\n") == 1
    assert facts("history", "A\udcff")[0] == 1
    for refused in (
        ("set", "A\udcff", "x", "y"), ("forget", "A\udcff"), ("retract", "Ada Quill", "\udcff"),
    ):  # fmt: skip
        status, out, err = facts(*refused)
        assert (status, out) == (2, "")
        assert "surrogate" in err and err.count("\n") == 1


def test_the_bundled_facts_are_not_changed(
    facts: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing to them is an error with a hint."""
    with SyncFactStore(tmp_path / "packaged.db") as store:
        put(store, ("Elvis Presley", "birth place", "Tupelo"))
    monkeypatch.setattr("lamlam.bundled.facts_path", lambda: tmp_path / "packaged.db")
    for arguments in (("set", "x", "y", "z"), ("forget", "Elvis Presley"), ("import", "m.jsonl")):
        (tmp_path / "m.jsonl").write_text(LINES)
        status, _, err = facts(*arguments, "--memory", "bundled")
        assert status == 2
        assert "opened for reading" in err


def test_values_cannot_steer_the_terminal(facts: Facts, own: Path) -> None:
    """Control characters are shown, not sent."""
    facts("set", "Eve", "note", "a\x1b[31mred\x07")
    _, out, _ = facts("get", "Eve", "note")
    assert "\x1b" not in out and "\x07" not in out
    assert _json(facts("get", "Eve", "note", "--json"))["values"] == ["a\x1b[31mred\x07"]


def test_get_falls_back_to_the_bundled_facts(facts: Facts) -> None:
    """Facts of one's own come first and hide nothing else."""
    assert facts("set", "Elvis Presley", "birth place", "Lowmere")[0] == 0
    own = facts("get", "Elvis Presley", "birth place", "--json")[1]
    assert json.loads(own)["values"] == ["Lowmere"]
    bundled = facts("get", "Marie Curie", "date of birth", "--json")[1]
    assert json.loads(bundled)["values"] == ["7 November 1867"]
    assert facts("get", "Zub Zubsson", "birth date")[0] == 1
