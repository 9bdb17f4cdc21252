"""What `lamlam facts import` reads, refuses and leaves behind."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lamlam.memory_backends.fact_formats.table_columns import COLUMNS
from lamlam.memory_backends.sync import SyncFactStore
from tests.cli.facts_command import LINES, Facts, as_json
from tests.limits import HANG_S
from tests.paths import ROOT


def test_importing_counts(facts: Facts, tmp_path: Path) -> None:
    """The user's file is made, and the object has the promised keys."""
    (tmp_path / "mine.jsonl").write_text(LINES)
    result = facts("import", "mine.jsonl", "--json")
    counts = as_json(result)
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
    counts = as_json(
        facts("import", "bad.jsonl", "--memory", "sqlite:///new.db", "--skip-invalid", "--json")
    )
    assert (counts["facts"], counts["rejected"]) == (4, 1)


def test_a_bad_line_leaves_an_old_store_as_it_was(facts: Facts, own: Path, tmp_path: Path) -> None:
    """All or nothing holds for a store with facts too."""
    (tmp_path / "bad.jsonl").write_text('{"entity":"N","relation":"r","value":"v"}\nbad\n')
    assert facts("import", "bad.jsonl")[0] == 2
    assert facts("get", "N", "r")[0] == 1
    assert as_json(facts("stats", "--json"))["facts"] == 4


def test_import_from_standard_input(facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` reads what is piped in."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(LINES.encode())))
    assert as_json(facts("import", "-", "--json"))["facts"] == 4
    assert facts("get", "Ada Quill", "job")[0] == 0


def test_an_import_in_parts(facts: Facts, tmp_path: Path) -> None:
    """Whole parts stay where a later line is bad; doing it again completes them."""
    (tmp_path / "bad.jsonl").write_text(f"{LINES}bad\n")
    (tmp_path / "good.jsonl").write_text(LINES)
    store = ("--memory", "sqlite:///new.db", "--commit-every", "3")
    status, out, err = facts("import", "bad.jsonl", *store)
    assert (status, out) == (2, "")
    assert "line 5" in err and "in the store: 3 items, up to revision 1" in err
    assert as_json(facts("stats", *store[:2], "--json"))["facts"] == 3
    done = as_json(facts("import", "good.jsonl", *store, "--json"))
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
    """Whether the line is not a fact or the store refuses it; what is made has all of it."""
    alias = '{"alias": "A. Q.", "entity": "%s"}\n'
    (tmp_path / "bad.jsonl").write_text(f"{LINES}bad\n")
    (tmp_path / "refused.jsonl").write_text(LINES + alias % "Nobody")
    (tmp_path / "good.jsonl").write_text(LINES + alias % "Ada Quill")
    memory = ("--memory", "memory:///new.json")
    for name in ("bad.jsonl", "refused.jsonl", "absent.jsonl"):
        assert facts("import", name, *memory)[0] == 2
        assert not list(tmp_path.glob("*new.json*"))
    done = as_json(facts("import", "good.jsonl", *memory, "--json"))
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


def test_unknown_keys(facts: Facts, tmp_path: Path) -> None:
    """They are refused by name, unless they are to be left alone."""
    (tmp_path / "odd.jsonl").write_text(
        '{"entity": "N", "relation": "r", "value": "v", "sorce": "x"}\n'
    )
    status, out, err = facts("import", "odd.jsonl")
    assert (status, out) == (2, "")
    assert "'sorce'" in err and "--ignore-unknown" in err and err.count("\n") == 1
    assert facts("import", "odd.jsonl", "--ignore-unknown")[0] == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"entity": "A", "relation": "b", "val', "at character"),
        ("a.jsonl", b'["A", "b", "c"]', "not an object"),
        ("a.jsonl", b'{"entity": "A", "relation": "b", "value": ' + b"9" * 5000 + b"}", "digits"),
        ("a.jsonl", b"[" * 100_000, "nests too deep"),
        ("a.csv", b"entity,relation,value\nA,b,caf\xe9\n", "not UTF-8"),
        ("a.csv", b"entity,relation,value\rA,b\r", "line 2: invalid fact: value is missing"),
    ],
)
def test_a_bad_line_says_what_is_wrong_with_it(
    facts: Facts, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    """In one line, and nothing is imported."""
    (tmp_path / name).write_bytes(content)
    status, out, err = facts("import", name)
    assert (status, out) == (2, "") and said in err and err.count("\n") == 1


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
    assert as_json(facts("stats", "--memory", url, "--json"))["facts"] == 5


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
    said = f"error: {shown} has no facts (nothing was imported)\n"
    for url in ("sqlite:///new.db", "memory:///new.json"):
        assert facts("import", name, "--memory", url) == (2, "", said)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert facts("import", name) == (2, "", said)
    assert not list(tmp_path.glob("*new.*")) and not list(tmp_path.glob("lamlam-home/*"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", "x\ny\n", "no valid facts: 2 line(s) left out, the first: a.jsonl line 1"),
        ("a.csv", "entity,relation,value\n,,x\n", "no valid facts: 1 line(s) left out"),
        ("a.jsonl", '{"type": "entity", "name": "A"}', "left out are entities without facts: 1"),
        ("a.cypher", "// nothing\n", "has no facts"),
        ("a.json", "[]", "has no facts"),
        ("a.json", "[{}, {}]", "no valid facts: 2 line(s) left out"),
    ],
)
def test_a_file_of_which_nothing_is_a_fact_creates_no_store(
    facts: Facts, tmp_path: Path, name: str, content: str, said: str
) -> None:
    """Also where bad lines are left out; a store that is there stays as it is."""
    (tmp_path / name).write_text(content)
    for url in ("sqlite:///new.db", "memory:///new.json"):
        status, out, err = facts("import", name, "--skip-invalid", "--memory", url)
        assert (status, out, err.count("\n")) == (2, "", 1) and said in err
        assert (
            facts("import", name, "--skip-invalid", "--commit-every", "5", "--memory", url)[0] == 2
        )
    assert facts("import", name, "--skip-invalid")[0] == 2
    assert not list(tmp_path.glob("*new.*")) and not list(tmp_path.glob("lamlam-home/*"))


def test_the_help_names_columns_and_keys(facts: Facts) -> None:
    """Every column that a table may have, with an example of each kind of file."""
    _, out, _ = facts("import", "--help")
    words = set(re.findall(r"\w+", out))
    assert words >= {*COLUMNS, "CSV", "JSON", "MCP", "xlsx"}
    assert "entity,relation,value,type,source" in out and '{"entity": "Ada Quill"' in out


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
        ("Ada;job;miller", "'Ada;job;miller'"),
        ("Entity,Relation", "it is 'entity, relation'"),
        ("caf\xe9", "not UTF-8"),
    ],
)
def test_a_header_that_lacks_columns_is_shown(
    facts: Facts, tmp_path: Path, header: str, said: str
) -> None:
    """And what else to write."""
    (tmp_path / "a.csv").write_bytes(f"{header}\nA,b,c\n".encode("latin-1"))
    status, _, err = facts("import", "a.csv")
    assert status == 2 and "the header lacks" in err and said in err and err.count("\n") == 1
    assert "--no-header" in err and "--columns" in err and "--wide" in err


@pytest.mark.parametrize(
    ("name", "content", "options", "expected"),
    [
        ("a.tsv", 'Ada Quill\tseat\t"Kosta Tree" Theatre\n', ["--no-header"], 1),
        ("a.csv", "Wert;Wer;Was\nBob;Ada;job\n", ["--columns", "value,entity,relation"], 1),
        ("a.csv", "x,Ada,job,y\n", ["--no-header", "--columns", "-,entity,relation,value"], 1),
        ("a.csv", "name,job,born\nAda,x,y\nBob,,z\n", ["--wide"], 3),
        ("a.csv", "A,b,c\nD,b,e\n", ["--columns", "entity,relation,value", "--header"], 1),
    ],
)
def test_tables_of_others(
    facts: Facts, tmp_path: Path, name: str, content: str, options: list[str], expected: int
) -> None:
    """Columns in any order, without header, or one for each relation."""
    (tmp_path / name).write_text(content)
    done = as_json(facts("import", name, *options, "--memory", "sqlite:///new.db", "--json"))
    assert (done["facts"], done["changed"], done["rejected"]) == (expected, expected, 0)


def test_what_was_taken_for_a_header_is_printed(facts: Facts, tmp_path: Path) -> None:
    """To standard error; options of tables with another format are refused."""
    (tmp_path / "a.csv").write_text("was,wer,wert\nx,y,z\n")
    columns = ("--columns", "entity,relation,value")
    status, _, err = facts("import", "a.csv", *columns, "--memory", "sqlite:///new.db", "--json")
    assert status == 0 and "'was,wer,wert'" in err and "--no-header" in err
    for options in (columns, ["--no-header"], ["--wide"]):
        status, _, err = facts("import", "a.csv", "--format", "jsonl", *options)
        assert status == 2 and "are of tables" in err and err.count("\n") == 1


def test_what_is_no_value_says_what_is(facts: Facts, tmp_path: Path) -> None:
    """In the words of the command line and of JSON."""
    assert "yes, no, true or false" in facts("set", "A", "b", "maybe", "--type", "boolean")[2]
    for value, named in (("null", "null"), ("[1]", "a list")):
        (tmp_path / "a.jsonl").write_text(f'{{"entity": "A", "relation": "b", "value": {value}}}\n')
        err = facts("import", "a.jsonl")[2]
        assert f"{named}" in err and "a text, a number, true or false" in err
        assert "lamlam." not in err


def test_an_import_of_rdf_says_what_it_did(facts: Facts, tmp_path: Path) -> None:
    """Qualifiers and what was left out, for people and for programs; the next import knows both."""
    (tmp_path / "a.ttl").write_text(
        "@prefix x: <http://example.org/> .\n"
        "<http://example.org/planet/Mercury> x:radius 2439.70 ; x:text 'deutsch'@de, 'english'@en .\n"
        "<http://example.org/element/Mercury> x:symbol 'Hg' .\n"
    )
    status, out, err = facts("import", "a.ttl", "--json")
    counts = as_json((status, out, err))
    assert (counts["facts"], counts["qualified"]) == (4 - 1, 2)
    assert counts["left_out"] == {"texts in other languages": 1}
    assert "'Mercury (element)', 'Mercury (planet)'" in err and "other languages: 1" in err
    assert "2439.70" in facts("get", "Mercury (planet)", "radius")[1]
    assert "english" in facts("get", "Mercury (planet)", "text")[1]
    again = as_json(facts("import", "a.ttl", "--json", "--language", "de"))
    assert (again["changed"], again.get("qualified", 0)) == (1, 0)  # the German text
    status, _, err = facts("import", "a.ttl", "--format", "nt")
    assert status == 2 and "a.ttl line 1: invalid fact: the line is not N-Triples" in err
