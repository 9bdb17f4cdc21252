"""``lamlam facts`` as a user meets it: what it prints, what it changes, how it ends."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lamlam.cli.app import run
from lamlam.memory_backends.sync import SyncFactStore
from tests.limits import HANG_S
from tests.memory_backends.stores import put
from tests.paths import ROOT

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
    assert "line 5" in err and "nothing was imported" in err and "--skip-invalid" in err
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


def test_an_import_in_parts(facts: Facts, tmp_path: Path) -> None:
    """Whole parts stay where a later line is bad; doing it again completes them."""
    (tmp_path / "bad.jsonl").write_text(f"{LINES}bad\n")
    (tmp_path / "good.jsonl").write_text(LINES)
    store = ("--memory", "sqlite:///new.db", "--commit-every", "3")
    status, out, err = facts("import", "bad.jsonl", *store)
    assert (status, out) == (2, "")
    assert "line 5" in err and "whole parts before it were imported" in err
    assert _json(facts("stats", *store[:2], "--json"))["facts"] == 3
    done = _json(facts("import", "good.jsonl", *store, "--json"))
    assert (done["facts"], done["changed"]) == (4, 1)
    assert facts("import", "good.jsonl", *store[:3], "0")[0] == 2


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
                subprocess.run(
                    [sys.executable, "-c", other, url], check=True, cwd=ROOT, timeout=HANG_S
                )
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


_KILLED = {
    "-wal": (
        "store = lamlam.SyncFactStore(f'sqlite:///{sys.argv[1]}').__enter__()\n"
        "store.load([lamlam.Fact(entity=f'Old {n}', relation='r', value='v') for n in range(300)])"
    ),
    # A transaction too large for the cache, so that pages are in the file and the old ones beside.
    "-journal": (
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.execute('PRAGMA cache_size = 1')\n"
        "connection.execute('CREATE TABLE old (text)')\n"
        "insert = 'INSERT INTO old VALUES (?)'\n"
        "connection.executemany(insert, [('a' * 3000,) for _ in range(40)])\n"
        "connection.execute('BEGIN')\n"
        "connection.execute('UPDATE old SET text = upper(text)')"
    ),
}


@pytest.mark.parametrize("suffix", _KILLED)
def test_an_import_is_not_undone_by_the_log_of_a_removed_file(
    facts: Facts, tmp_path: Path, suffix: str
) -> None:
    """A process was killed, and only the file itself was removed."""
    path = tmp_path / "new.db"
    code = f"import lamlam, os, sqlite3, sys\n{_KILLED[suffix]}\nos._exit(9)"
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, timeout=HANG_S)
    assert done.returncode == 9
    path.unlink()
    assert (tmp_path / f"new.db{suffix}").stat().st_size
    (tmp_path / "mine.jsonl").write_text(LINES)
    memory = ("--memory", "sqlite:///new.db")
    assert facts("import", "mine.jsonl", *memory)[0] == 0
    assert facts("set", "Cy Quill", "profession", "baker", *memory)[0] == 0
    with SyncFactStore(path, create=False) as store:
        assert {fact.entity.split()[0] for fact in store.scan()} == {"Ada", "Bob", "Cy"}
        assert store.info().facts == 5
    assert not list(tmp_path.glob(".new.db*"))


def test_an_import_that_fails_makes_no_file_of_a_memory(facts: Facts, tmp_path: Path) -> None:
    """Whether the line is no fact or the store refuses it; what is made has all of it."""
    alias = '{"alias": "A. Q.", "entity": "%s"}\n'
    (tmp_path / "bad.jsonl").write_text(f"{LINES}bad\n")
    (tmp_path / "refused.jsonl").write_text(LINES + alias % "Nobody")
    (tmp_path / "good.jsonl").write_text(LINES + alias % "Ada Quill")
    memory = ("--memory", "memory:///new.json")
    for name in ("bad.jsonl", "refused.jsonl", "absent.jsonl"):
        assert facts("import", name, *memory)[0] == 2
        assert not list(tmp_path.glob("*new.json*"))
    done = _json(facts("import", "good.jsonl", *memory, "--json"))
    assert (done["changed"], done["memory"]) == (5, str(tmp_path / "new.json"))
    assert facts("get", "a. q.", "job", *memory)[0] == 0
    status, _, err = facts("import", "good.jsonl", "--memory", "memory:///absent/new.json")
    assert status == 2 and "folder" in err


def test_what_the_store_refuses_is_not_skipped(facts: Facts, tmp_path: Path) -> None:
    """The line is a fact, or an alias; the hint says what the option is for."""
    refused = '{"alias": "N.", "entity": "Nobody"}\n'
    (tmp_path / "mixed.jsonl").write_text(f"{LINES}bad\n{refused}")
    memory = ("--memory", "sqlite:///new.db")
    status, out, err = facts("import", "mixed.jsonl", *memory, "--skip-invalid")
    assert (status, out) == (2, "")
    assert "Nobody" in err and "nothing was imported" in err and "not what the store refuses" in err
    assert not list(tmp_path.glob("new.db*"))


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


@pytest.mark.parametrize(
    ("period", "at"),
    [
        (("--from", "1840", "--until", "1850"), "1840-01-01T00:00:00+00:00"),
        (("--until", "1850"), "1849-12-31T23:59:59.999999+00:00"),
        (("--from", "2990"), "2990-01-01T00:00:00+00:00"),
        (("--from", "1990"), None),
        ((), None),
    ],
)
def test_setting_shows_the_values_of_the_period(
    facts: Facts, own: Path, period: tuple[str, ...], at: str | None
) -> None:
    """Not those of today, where the period is over or has not begun."""
    done = _json(facts("set", "Ada Quill", "mayor", "yes", *period, "--json"))
    assert done["values"] == ["yes"] and done.get("at") == at


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
        assert "read-only" in err and "lamlam facts copy bundled sqlite:///mine.db" in err


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
    assert json.loads(bundled)["memory"] != json.loads(own)["memory"]
    facts("forget", "Elvis Presley", "birth place")
    status, out, err = facts("get", "Elvis Presley", "birth place")
    assert status == 0 and "Tupelo" in out
    assert "your own facts" in err and "the bundled ones answer" in err
    assert facts("get", "Zub Zubsson", "birth date")[0] == 1


def test_typed_values_and_periods(facts: Facts) -> None:
    """``set`` takes a type and a period, ``get`` asks about a moment of it."""
    store = ("--memory", "sqlite:///mine.db")
    assert facts("set", "Ada", "birth date", "1815-12", "--type", "date", *store)[0] == 0
    assert facts("set", "Ada", "height", "1.65 m", "--type", "quantity", *store)[0] == 0
    office = ("set", "Ada", "office", "mayor", *store)
    assert facts(*office, "--from", "1840", "--until", "1850", "--confidence", "0.5")[0] == 0
    answer = _json(facts("get", "Ada", "birth date", "--json", *store))
    assert answer["values"] == ["December 1815"]
    assert answer["facts"][0]["value"] == {"date": "1815-12"}
    assert answer["facts"][0]["type"] == "date"
    assert _json(facts("get", "Ada", "office", "--at", "1845", "--json", *store))["values"]
    status, out, err = facts("get", "Ada", "office", *store)
    assert (status, out) == (1, "") and "other times" in err
    assert "from 1840-01-01 until 1850-01-01" in facts("search", "mayor", *store)[1]
    for wrong, said in (
        (("set", "Ada", "x", "soon", "--type", "date"), "names no date"),
        (("set", "Ada", "x", "y", "--type", "time"), "no 'time'"),
        (("set", "Ada", "x", "y", "--from", "soon"), "no moment"),
        (("get", "Ada", "x", "--at", "soon"), "no moment"),
        (("get", "Ada", "office", "--as-of", "99"), "revision"),
        (("get", "Ada", "office", "--namespace", "a//b"), "namespace"),
    ):
        status, out, err = facts(*wrong, *store)
        assert (status, out) == (2, ""), wrong
        assert said in err and err.count("\n") == 1


def test_namespaces_are_apart(facts: Facts) -> None:
    """Every command keeps to the one that is named."""
    mine = ("--namespace", "users/7")
    facts("set", "Ada", "job", "miller")
    facts("set", "Ada", "job", "spy", *mine)
    assert _json(facts("get", "Ada", "job", *mine, "--json"))["values"] == ["spy"]
    assert _json(facts("get", "Ada", "job", "--json"))["values"] == ["miller"]
    assert len(_json(facts("search", "Ada", *mine, "--json"))["facts"]) == 1
    assert _json(facts("export", "mine.jsonl", *mine, "--json"))["facts"] == 1
    assert facts("retract", "Ada", "job", *mine)[0] == 0
    assert _json(facts("history", "Ada", *mine, "--json"))["facts"][0]["value"] == "spy"
    assert facts("forget", "Ada", *mine)[0] == 0
    assert facts("history", "Ada", *mine)[0] == 1
    assert _json(facts("get", "Ada", "job", "--json"))["values"] == ["miller"]


def test_earlier_revisions(facts: Facts, own: Path) -> None:
    """``get`` and ``export`` as the store stood; history shows what came instead."""
    facts("set", "Ada Quill", "place of birth", "Highmere")
    facts("retract", "Ada Quill", "profession")
    assert _json(facts("get", "Ada Quill", "born in", "--as-of", "1", "--json"))["values"] == [
        "Lowmere"
    ]
    status, _, err = facts("export", "old.jsonl", "--as-of", "1")
    assert status == 0 and "aliases" in err
    assert "Lowmere" in Path("old.jsonl").read_text()
    first, second = _json(facts("history", "Ada Quill", "--json"))["facts"]
    assert [one["value"] for one in first["replaced_by"]] == ["Highmere"]
    assert second["replaced_by"] == []
    assert "Highmere" in facts("history", "Ada Quill")[1]


def test_other_names(facts: Facts, own: Path) -> None:
    """Aliases come and go, merges are undone."""
    assert facts("alias", "Ada Quill")[0] == 1
    assert facts("alias", "Ada Quill", "the miller")[0] == 0
    assert _json(facts("alias", "Ada Quill", "--json"))["aliases"] == ["the miller"]
    assert _json(facts("get", "The Miller", "job", "--json"))["values"] == ["miller"]
    assert facts("merge", "Ada Quill", "Bob Ferris (sailor)")[0] == 0
    assert _json(facts("get", "Ada Quill", "born", "--json"))["values"] == ["1902"]
    assert facts("split", "Ada Quill", "Bob Ferris (sailor)")[0] == 0
    assert facts("get", "Ada Quill", "birth date")[0] == 1
    assert facts("alias", "Ada Quill", "the miller", "--remove")[0] == 0
    assert facts("alias", "Ada Quill", "the miller", "--remove")[0] == 1
    for wrong in (
        ("alias", "Nobody", "x"), ("merge", "Ada Quill", "Nobody"), ("split", "Ada Quill", "x"),
        ("alias", "Ada Quill", "--remove"),
    ):  # fmt: skip
        status, out, err = facts(*wrong)
        assert (status, out) == (2, "") and err.count("\n") == 1


def test_relations_and_rules(facts: Facts, own: Path) -> None:
    """They are counted; a rule refuses what breaks it, in an import by its line."""
    rows = _json(facts("relations", "--json"))["relations"]
    assert {row["relation"]: row["facts"] for row in rows} == {
        "born": 2, "birth place": 1, "profession": 1,
    }  # fmt: skip
    assert facts("relations", "birth date", "--one", "--type", "date")[0] == 0
    assert facts("relations", "spouse", "--inverse", "spouse")[0] == 0
    rows = _json(facts("relations", "date of birth", "--json"))["relations"]
    assert rows == [
        {
            "relation": "born", "facts": 2,
            "rule": {"name": "birth date", "cardinality": "one", "type": "date", "inverse": None},
        }
    ]  # fmt: skip
    _, out, _ = facts("relations")
    assert "spouse" in out and "entity" in out and "one" in out
    Path("two.jsonl").write_text(
        '{"entity": "N", "relation": "born", "value": "1900"}\n'
        '{"entity": "N", "relation": "born", "value": "1901"}\n'
    )
    status, out, err = facts("import", "two.jsonl")
    assert (status, out) == (2, "")
    assert "line 2" in err and "one value at a time" in err and err.count("\n") == 1
    assert facts("get", "N", "born")[0] == 1
    assert facts("relations", "absent thing")[0] == 1
    for wrong in (("--one",), ("x", "--one", "--many"), ("x", "--type", "time")):
        assert facts("relations", *wrong)[0] == 2


@pytest.mark.parametrize("format", ["jsonl", "csv", "tsv", "nt", "lmlm", "cypher"])
def test_every_format_goes_out_and_in(facts: Facts, own: Path, format: str) -> None:
    """What cannot be kept is told, and the status is 0."""
    facts("alias", "Ada Quill", "the miller")
    facts("set", "Ada Quill", "height", "1.65 m", "--type", "quantity")
    status, out, err = facts("export", f"all.{format}.xz", "--format", format, "--json")
    assert (status, json.loads(out)["facts"]) == (0, 5)
    assert ("left out" in err) is (format in ("csv", "tsv", "lmlm"))
    assert ("aliases: 1" in err) is (format in ("csv", "tsv", "lmlm"))
    copy = ("--memory", "sqlite:///copy.db")
    done = _json(facts("import", f"all.{format}.xz", "--format", format, *copy, "--json"))
    assert done["facts"] == 5
    assert _json(facts("get", "Ada Quill", "height", *copy, "--json"))["values"] == ["1.65 m"]
    assert facts("get", "The Miller", "job", *copy)[0] == (1 if "aliases" in err else 0)


def test_copying_a_store(facts: Facts, own: Path) -> None:
    """From one URL to another, aliases and rules too; copying again changes nothing."""
    facts("alias", "Ada Quill", "the miller")
    facts("relations", "birth place", "--one")
    done = _json(facts("copy", f"sqlite:///{own}", "memory:///copy.json", "--json"))
    assert done["changed"] == 6
    copy = ("--memory", "memory:///copy.json")
    assert facts("get", "The Miller", "job", *copy)[0] == 0
    assert _json(facts("relations", "birth place", *copy, "--json"))["relations"][0]["rule"]
    assert _json(facts("copy", f"sqlite:///{own}", "memory:///copy.json", "--json"))["changed"] == 0
    status, out, err = facts("copy", "sqlite:///absent.db", "sqlite:///new.db")
    assert (status, out) == (2, "") and "absent.db" in err
    assert not list(Path().glob("*new.db*"))


def test_unknown_keys(facts: Facts, tmp_path: Path) -> None:
    """They are refused by name, unless they are to be left alone."""
    (tmp_path / "odd.jsonl").write_text(
        '{"entity": "N", "relation": "r", "value": "v", "sorce": "x"}\n'
    )
    status, out, err = facts("import", "odd.jsonl")
    assert (status, out) == (2, "")
    assert "'sorce'" in err and "--ignore-unknown" in err and err.count("\n") == 1
    assert facts("import", "odd.jsonl", "--ignore-unknown")[0] == 0


def test_migrating_a_store_of_this_version(facts: Facts, own: Path) -> None:
    """Nothing is to do."""
    report = _json(facts("migrate", "--dry-run", "--json"))
    assert report["steps"] == [] and report["before"] == report["after"]
    assert "nothing to do" in facts("migrate")[1]


def test_the_receipt_has_a_line_for_each_place(facts: Facts, own: Path) -> None:
    """Covered, out of reach, why, and who asked."""
    status, out, _ = facts(
        "forget", "Ada Quill", "--reason", "she asked", "--authority", "the\x1b registrar"
    )
    assert status == 0
    assert "2 facts erased" in out and "erased from:" in out and "bytes searched" in out
    assert "out of reach: backups" in out
    assert "she asked" in out and "registrar" in out and "\x1b" not in out


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_picture(facts: Facts, own: Path, suffix: str) -> None:
    """Hostile labels are drawn as they are; nothing is said, and nothing opened."""
    for text in (
        "$x^{2",
        "\\frac{1}{0}$$",
        "\u202ea\x1b[31mb\nc",
        "z" * 5000,
        "日本語",
        "אבג",
        "<&>",
    ):
        facts("set", "Ada Quill", "note", text, "--add")
    facts("set", "Ada Quill", "spouse", "Bob Ferris (sailor)", "--type", "entity")
    status, out, err = facts("graph", "Ada Quill", "--depth", "2", "--out", f"ada.{suffix}")
    assert (status, out, err) == (0, f"ada.{suffix}\n", "")
    begin = Path(f"ada.{suffix}").read_bytes()[:8]
    assert begin == (b"\x89PNG\r\n\x1a\n" if suffix == "png" else b"<?xml ve")
    if suffix == "svg":
        from xml.etree import ElementTree

        ElementTree.parse(f"ada.{suffix}")
        before = Path("ada.svg").read_bytes()
        facts("graph", "Ada Quill", "--depth", "2", "--out", "ada.svg")
        assert Path("ada.svg").read_bytes() == before


def test_a_graph_as_text(facts: Facts, own: Path) -> None:
    """Depth, limit, repeats and what is not there."""
    facts("set", "Ada Quill", "spouse", "Bob Ferris (sailor)", "--type", "entity")
    facts("set", "Bob Ferris (sailor)", "spouse", "Ada Quill", "--type", "entity")
    near = _json(facts("graph", "Ada Quill", "--json"))
    assert [one["facts"] for one in near["facts"]] == [[], [], []]
    far = _json(facts("graph", "ada quill", "--depth", "3", "--json"))
    (spouse,) = (one for one in far["facts"] if one["relation"] == "spouse")
    assert [one["surface"] for one in spouse["facts"]] == ["1902", "Ada Quill"]
    assert spouse["facts"][1]["facts"] == []
    status, out, err = facts("graph", "Ada Quill", "--depth", "2", "--limit", "2")
    assert status == 0 and "Lowmere" in out and "1 more facts" in err
    assert facts("graph", "Nobody")[0] == 1
    status, out, err = facts("graph", "Ada Quill", "--out", "ada.gif")
    assert (status, out) == (2, "") and ".svg" in err


@pytest.mark.parametrize("url", ["sqlite:///store", "memory:///store"])
def test_export_leaves_the_store_itself_alone(facts: Facts, tmp_path: Path, url: str) -> None:
    """A memory's own file, by whatever name, is not written over by what it holds."""
    facts("set", "Ada Quill", "job", "miller", "--memory", url)
    (tmp_path / "link").symlink_to("store")
    for name in ("store", "link", str(tmp_path / "store")):
        status, out, err = facts("export", name, "--memory", url)
        assert (status, out, err.count("\n")) == (2, "", 1)
        assert "would write over it" in err
    assert facts("get", "Ada Quill", "job", "--memory", url)[0] == 0
    assert facts("export", "other", "--memory", url)[0] == 0


@pytest.mark.parametrize("file", [".", "/", ""])
def test_export_to_what_names_no_file(facts: Facts, own: Path, file: str) -> None:
    """It is told as the user's mistake, not as a fault of the program."""
    status, out, err = facts("export", file)
    assert (status, out, err) == (2, "", f"error: {file!r} names no file\n")


def test_an_empty_url_is_no_memory(facts: Facts, own: Path) -> None:
    """A variable that was never set does not turn into the user's own facts, nor the bundled."""
    for arguments in (("stats",), ("set", "A", "b", "c")):
        status, out, err = facts(*arguments, "--memory", "")
        assert (status, out) == (2, "")
        assert "known are" in err and "write sqlite" not in err


def test_removing_an_alias_that_is_none_names_it(facts: Facts, own: Path) -> None:
    """The entity has other names; the one asked for is what is missing."""
    facts("alias", "Ada Quill", "the miller")
    status, _, err = facts("alias", "Ada Quill", "the smith", "--remove")
    assert status == 1
    assert "no other name 'the smith' of 'ada quill'" in err.casefold()


def test_an_entity_without_other_names_is_told_so(facts: Facts, own: Path) -> None:
    """In words that name no relation."""
    status, _, err = facts("alias", "Ada Quill")
    assert status == 1 and "no other name of 'ada quill'" in err.casefold()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"entity": "A", "relation": "b", "val', "at character"),
        ("a.jsonl", b'["A", "b", "c"]', "no object"),
        ("a.jsonl", b'{"entity": "A", "relation": "b", "value": ' + b"9" * 5000 + b"}", "digits"),
        ("a.jsonl", b"[" * 100_000, "nests too deep"),
        ("a.csv", b"entity,relation,value\nA,b,caf\xe9\n", "no UTF-8"),
        ("a.csv", b"entity,relation,value\rA,b,c\r", "carriage return"),
    ],
)
def test_a_bad_line_says_what_is_wrong_with_it(
    facts: Facts, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    """In one line of its own, and nothing is imported."""
    (tmp_path / name).write_bytes(content)
    status, out, err = facts("import", name)
    assert (status, out) == (2, "") and said in err and err.count("\n") == 1


def test_what_cannot_be_written_is_named_as_it_was_given(facts: Facts, own: Path) -> None:
    """Not by the name under which it is written at first."""
    for file in ("absent/a.jsonl", "absent/a.csv.gz"):
        status, _, err = facts("export", file)
        assert status == 2 and f"{file}: " in err and ".part" not in err


@pytest.mark.skipif(os.name == "nt", reason="no modes")
def test_an_export_stays_as_private_as_it_was(facts: Facts, own: Path, tmp_path: Path) -> None:
    """Who could not read the old file cannot read the new one."""
    file = tmp_path / "private.csv"
    file.touch()
    file.chmod(0o600)
    assert facts("export", file.name)[0] == 0
    assert file.stat().st_mode & 0o777 == 0o600 and file.stat().st_size


def test_a_terminal_that_knows_few_characters(lamlam_command: Any) -> None:
    """What it cannot show is no error: JSON escapes it, all else leaves a question mark."""
    options = ("--memory", "sqlite:///facts.db")
    names = ("Zoé", "名前", "日本")
    for encoding in ("ascii", "latin-1"):
        done = lamlam_command("facts", "set", *names, *options, PYTHONIOENCODING=encoding)
        assert (done.returncode, done.stderr) == (0, "")
        done = lamlam_command("facts", "get", *names[:2], *options, PYTHONIOENCODING=encoding)
        assert (done.returncode, done.stderr) == (0, "") and "??" in done.stdout
        json_ = lamlam_command(
            "facts", "get", *names[:2], *options, "--json", PYTHONIOENCODING=encoding
        )
        assert json.loads(json_.stdout)["values"] == ["日本"]


def test_a_very_long_value_is_shown_in_part(facts: Facts) -> None:
    """For people; machines get all of it."""
    facts("set", "A", "b", "x" * 100_000)
    shown = facts("get", "A", "b")[1]
    assert len(shown) < 10_000 and "100,000 characters" in "".join(shown.split("\n"))
    assert len(_json(facts("get", "A", "b", "--json"))["values"][0]) == 100_000


def test_a_value_with_a_minus(facts: Facts) -> None:
    """The error says how it is written."""
    status, _, err = facts("set", "A", "b", "-5")
    assert status == 2 and "write --" in err
    assert facts("set", "--type", "integer", "--", "A", "b", "-5")[0] == 0


def test_what_is_ones_own_says_how_to_ask_with_it(facts: Facts, tmp_path: Path) -> None:
    """Where no store was named, and to people only."""
    (tmp_path / "mine.jsonl").write_text(LINES)
    changes = (("set", "Ada Quill", "job", "miller"), ("import", "mine.jsonl"))
    url = f"sqlite:///{tmp_path / 'lamlam-home' / 'facts.db'}"
    for change in changes:
        _, _, err = facts(*change)
        assert err.startswith("ask with: ") and err.endswith(f" ask … --memory {url}\n")
        assert facts(*change, "--json")[2] == ""
        assert facts(*change, "--memory", "sqlite:///other.db")[2] == ""
    assert _json(facts("stats", "--memory", url, "--json"))["facts"] == 5


@pytest.mark.parametrize("command", ["search", "graph", "relations"])
def test_what_is_not_found_says_where_it_was_sought(
    facts: Facts, own: Path, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one's own facts also how to read the bundled ones; not of a store that was named."""
    status, out, err = facts(command, "Elvis Presley")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert str(own) in err and "--memory bundled" in err
    _, _, err = facts(command, "Elvis Presley", "--memory", f"sqlite:///{own}")
    assert str(own) in err and "bundled" not in err
    monkeypatch.setattr("lamlam.bundled.facts_path", lambda: own)
    _, _, err = facts(command, "Elvis Presley", "--memory", "bundled")
    assert "the bundled facts" in err and str(own) not in err


@pytest.mark.parametrize("url", ["sqlite:///absent.db", "memory:///absent.json"])
def test_a_missing_store_says_what_makes_one(facts: Facts, url: str) -> None:
    """On the command line, where nobody calls ``open_store``."""
    _, _, err = facts("stats", "--memory", url)
    assert "facts import or facts set makes one" in err and "open_store" not in err


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "header.csv", "-"])
def test_a_file_without_facts_is_an_error(
    facts: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Nothing was imported, and no store is left behind."""
    for file in ("a.jsonl", "a.csv"):
        (tmp_path / file).touch()
    (tmp_path / "header.csv").write_text("entity,relation,value\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\n")))
    shown = "standard input" if name == "-" else name
    said = f"error: {shown} holds no facts (nothing was imported)\n"
    for url in ("sqlite:///new.db", "memory:///new.json"):
        assert facts("import", name, "--memory", url) == (2, "", said)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert facts("import", name) == (2, "", said)
    assert not list(tmp_path.glob("*new.*")) and not list(tmp_path.glob("lamlam-home/*"))


def test_nothing_is_written_to_what_is_gone_at_the_end(facts: Facts, own: Path) -> None:
    """A memory without a file is refused, and the hint says what would keep the facts."""
    for change in (("import", "mine.jsonl"), ("set", "A", "b", "c")):
        for url in ("memory:", "memory://"):
            status, out, err = facts(*change, "--memory", url)
            assert (status, out) == (2, "") and "memory:///FILE.json" in err
    status, _, err = facts("copy", f"sqlite:///{own}", "memory:")
    assert status == 2 and "memory:///FILE.json" in err
    assert facts("import", "mine.jsonl", "--memory", "memory:///new.json")[0] == 0


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("entity;relation;value", "commas"),
        ("Entity,Relation", "it is 'entity, relation'"),
        ("caf\xe9", "no UTF-8"),
    ],
)
def test_a_header_that_lacks_columns_is_shown(
    facts: Facts, tmp_path: Path, header: str, said: str
) -> None:
    """And the separator, where it is the fault."""
    (tmp_path / "a.csv").write_bytes(f"{header}\nA,b,c\n".encode("latin-1"))
    status, _, err = facts("import", "a.csv")
    assert status == 2 and "the header lacks" in err and said in err and err.count("\n") == 1


def test_what_is_no_value_says_what_is(facts: Facts, tmp_path: Path) -> None:
    """In the words of the command line and of JSON."""
    assert "yes, no, true or false" in facts("set", "A", "b", "maybe", "--type", "boolean")[2]
    for value, named in (("null", "null"), ("[1]", "a list")):
        (tmp_path / "a.jsonl").write_text(f'{{"entity": "A", "relation": "b", "value": {value}}}\n')
        err = facts("import", "a.jsonl")[2]
        assert f"{named} is no value" in err and "a text, a number, true or false" in err
        assert "lamlam." not in err
