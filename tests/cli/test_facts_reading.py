"""`lamlam facts get`, `search`, `stats` and `history`: what they find, and what they say where nothing is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lamlam.memory_backends.sync import SyncFactStore
from tests.cli.facts_command import Facts, as_json
from tests.memory_backends.stores import put


def test_getting(facts: Facts, own: Path) -> None:
    """Names as people type them; the object has the promised keys."""
    status, out, _ = facts("get", "ada quill", "place of birth")
    assert status == 0
    assert "Lowmere" in out and "register" in out
    answer = as_json(facts("get", "Sir Ada Quill", "job", "--json"))
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
    assert "Bob Ferris (painter) [born: 3 May 1871]" in err and "sailor" in err
    assert err.count("\n") == 1
    status, out, err = facts("get", "Bob Ferris", "born", "--json")
    answer = json.loads(out)
    assert (status, answer["status"], err) == (1, "ambiguous", "")
    assert {one["qualifier"]: one["facts"] for one in answer["candidates"]} == {
        "painter": [{"relation": "born", "value": "3 May 1871"}],
        "sailor": [{"relation": "born", "value": "1902"}],
    }
    assert facts("get", "Ada Quill", "spouse")[0] == 1


def test_reading_falls_back_to_the_bundled_facts(
    facts: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without facts of one's own; nothing is made by reading."""
    with SyncFactStore(tmp_path / "packaged.db") as store:
        put(store, ("Elvis Presley", "birth place", "Tupelo"))
    monkeypatch.setattr("lamlam.bundled.facts_path", lambda: tmp_path / "packaged.db")
    assert as_json(facts("get", "Elvis Presley", "born in", "--json"))["values"] == ["Tupelo"]
    assert facts("search", "Presley")[0] == 0
    assert as_json(facts("stats", "--json"))["facts"] == 1
    assert not (tmp_path / "lamlam-home").exists()
    facts("set", "Ada Quill", "birth place", "Lowmere")
    assert as_json(facts("stats", "--json"))["location"].endswith("facts.db")


def test_searching(facts: Facts, own: Path) -> None:
    """Parts of names and values, and misspelt names."""
    found = as_json(facts("search", "ferris", "--json"))
    assert set(found["entities"]) == {"Bob Ferris (painter)", "Bob Ferris (sailor)"}
    assert as_json(facts("search", "MILL", "--json"))["facts"][0]["entity"] == "Ada Quill"
    assert as_json(facts("search", "Ada Quyll", "--json"))["entities"] == ["Ada Quill"]
    assert len(as_json(facts("search", "ferris", "--limit", "1", "--json"))["facts"]) == 1
    assert facts("search", "zzz")[0] == 1
    facts("set", "C++", "author", "Bo Ferris")
    assert as_json(facts("search", "C++", "--json"))["entities"] == ["C++"]
    assert facts("search", "C#")[0] == 1


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


def test_values_cannot_steer_the_terminal(facts: Facts, own: Path) -> None:
    """Control characters are shown, not sent."""
    facts("set", "Eve", "note", "a\x1b[31mred\x07")
    _, out, _ = facts("get", "Eve", "note")
    assert "\x1b" not in out and "\x07" not in out
    assert as_json(facts("get", "Eve", "note", "--json"))["values"] == ["a\x1b[31mred\x07"]


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


def test_namespaces_are_apart(facts: Facts) -> None:
    """Every command keeps to the one that is named."""
    mine = ("--namespace", "users/7")
    facts("set", "Ada", "job", "miller")
    facts("set", "Ada", "job", "spy", *mine)
    assert as_json(facts("get", "Ada", "job", *mine, "--json"))["values"] == ["spy"]
    assert as_json(facts("get", "Ada", "job", "--json"))["values"] == ["miller"]
    assert len(as_json(facts("search", "Ada", *mine, "--json"))["facts"]) == 1
    assert as_json(facts("export", "mine.jsonl", *mine, "--json"))["facts"] == 1
    assert facts("retract", "Ada", "job", *mine)[0] == 0
    assert as_json(facts("history", "Ada", *mine, "--json"))["facts"][0]["value"] == "spy"
    assert facts("forget", "Ada", *mine)[0] == 0
    assert facts("history", "Ada", *mine)[0] == 1
    assert as_json(facts("get", "Ada", "job", "--json"))["values"] == ["miller"]


def test_earlier_revisions(facts: Facts, own: Path) -> None:
    """``get`` and ``export`` as the store stood; history shows what came instead."""
    facts("set", "Ada Quill", "place of birth", "Highmere")
    facts("retract", "Ada Quill", "profession")
    assert as_json(facts("get", "Ada Quill", "born in", "--as-of", "1", "--json"))["values"] == [
        "Lowmere"
    ]
    status, _, err = facts("export", "old.jsonl", "--as-of", "1")
    assert status == 0 and "aliases" in err
    assert "Lowmere" in Path("old.jsonl").read_text()
    first, second = as_json(facts("history", "Ada Quill", "--json"))["facts"]
    assert [one["value"] for one in first["replaced_by"]] == ["Highmere"]
    assert second["replaced_by"] == []
    assert "Highmere" in facts("history", "Ada Quill")[1]


def test_an_empty_url_is_no_memory(facts: Facts, own: Path) -> None:
    """A variable that was never set does not turn into the user's own facts, nor the bundled."""
    for arguments in (("stats",), ("set", "A", "b", "c")):
        status, out, err = facts(*arguments, "--memory", "")
        assert (status, out) == (2, "")
        assert "known are" in err and "write sqlite" not in err


def test_a_terminal_that_knows_few_characters(lamlam_process: Any) -> None:
    """What it cannot show is not an error: JSON escapes it, all else leaves a question mark."""
    options = ("--memory", "sqlite:///facts.db")
    names = ("Zoé", "名前", "日本")
    for encoding in ("ascii", "latin-1"):
        done = lamlam_process("facts", "set", *names, *options, PYTHONIOENCODING=encoding)
        assert (done.returncode, done.stderr) == (0, "")
        done = lamlam_process("facts", "get", *names[:2], *options, PYTHONIOENCODING=encoding)
        assert (done.returncode, done.stderr) == (0, "") and "??" in done.stdout
        json_ = lamlam_process(
            "facts", "get", *names[:2], *options, "--json", PYTHONIOENCODING=encoding
        )
        assert json.loads(json_.stdout)["values"] == ["日本"]


def test_a_very_long_value_is_shown_in_part(facts: Facts) -> None:
    """For people; machines get all of it."""
    facts("set", "A", "b", "x" * 100_000)
    shown = facts("get", "A", "b")[1]
    assert len(shown) < 10_000 and "100,000 characters" in "".join(shown.split("\n"))
    assert len(as_json(facts("get", "A", "b", "--json"))["values"][0]) == 100_000


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


def test_what_was_not_searched_is_named(facts: Facts, own: Path) -> None:
    """A search that finds nothing says which option looks further, as long as one is left."""
    err = facts("search", "register")[2]
    assert "--sources searches sources, too" in err and "--expired finds" in err
    assert "--sources" not in facts("search", "absent", "--sources")[2]
    assert facts("search", "register", "--sources")[0] == 0


def test_an_index_that_ends_with_the_command_is_noted(facts: Facts, own: Path) -> None:
    """A graph in memory keeps none for the next command; a file does."""
    assert "only while it is open" in facts("index", "on", "--memory", "memory:")[2]
    status, _, err = facts("index", "on")
    assert status == 0 and "only while" not in err


def test_namespaces_are_listed_by_name(facts: Facts, own: Path) -> None:
    """Facts without a namespace are a line of their own; a prefix of none says where it looked."""
    facts("set", "Ada Quill", "birth place", "Town 7", "--namespace", "users/7")
    lines = facts("namespaces")[1].splitlines()
    assert [line.split()[0] for line in lines[3:5]] == ["(none)", "users/7"]
    status, _, err = facts("namespaces", "teams")
    assert status == 1 and "begins with 'teams' holds anything (read: your own facts" in err
