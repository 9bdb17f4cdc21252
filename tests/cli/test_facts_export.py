"""`lamlam facts export`, `copy` and `graph`: what they write, and what they never write over."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lamlam.memory_backends.sync import SyncFactStore
from tests.cli.facts_command import Facts, as_json


def test_export_is_import(facts: Facts, own: Path, tmp_path: Path) -> None:
    """What is exported fills another store with the same facts."""
    done = as_json(facts("export", "all.jsonl.gz", "--json"))
    assert (done["facts"], done["revision"]) == (4, 1)
    assert facts("import", "all.jsonl.gz", "--memory", "sqlite:///second.db")[0] == 0
    with SyncFactStore(own) as first, SyncFactStore(tmp_path / "second.db") as second:
        fields = {"id", "revision"}
        assert [fact.model_dump(exclude=fields) for fact in first.scan()] == [
            fact.model_dump(exclude=fields) for fact in second.scan()
        ]
    assert facts("export", "-", "--json")[0] == 2


@pytest.mark.parametrize("format", ["jsonl", "csv", "tsv", "nt", "lmlm", "cypher"])
def test_every_format_goes_out_and_in(facts: Facts, own: Path, format: str) -> None:
    """What cannot be kept is reported, and the status is 0."""
    facts("alias", "Ada Quill", "the miller")
    facts("set", "Ada Quill", "height", "1.65 m", "--type", "quantity")
    status, out, err = facts("export", f"all.{format}.xz", "--format", format, "--json")
    assert (status, json.loads(out)["facts"]) == (0, 5)
    assert ("left out" in err) is (format in ("csv", "tsv", "lmlm"))
    assert ("aliases: 1" in err) is (format in ("csv", "tsv", "lmlm"))
    copy = ("--memory", "sqlite:///copy.db")
    done = as_json(facts("import", f"all.{format}.xz", "--format", format, *copy, "--json"))
    assert done["facts"] == 5
    assert as_json(facts("get", "Ada Quill", "height", *copy, "--json"))["values"] == ["1.65 m"]
    assert facts("get", "The Miller", "job", *copy)[0] == (1 if "aliases" in err else 0)


def test_copying_a_store(facts: Facts, own: Path) -> None:
    """From one URL to another, aliases and rules too; copying again changes nothing."""
    facts("alias", "Ada Quill", "the miller")
    facts("relations", "birth place", "--one")
    done = as_json(facts("copy", f"sqlite:///{own}", "memory:///copy.json", "--json"))
    assert done["changed"] == 6
    copy = ("--memory", "memory:///copy.json")
    assert facts("get", "The Miller", "job", *copy)[0] == 0
    assert as_json(facts("relations", "birth place", *copy, "--json"))["relations"][0]["rule"]
    assert (
        as_json(facts("copy", f"sqlite:///{own}", "memory:///copy.json", "--json"))["changed"] == 0
    )
    status, out, err = facts("copy", "sqlite:///absent.db", "sqlite:///new.db")
    assert (status, out) == (2, "") and "absent.db" in err
    assert not list(Path().glob("*new.db*"))


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
    near = as_json(facts("graph", "Ada Quill", "--json"))
    assert [one["facts"] for one in near["facts"]] == [[], [], []]
    far = as_json(facts("graph", "ada quill", "--depth", "3", "--json"))
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
    """It is reported as the user's mistake, not as a fault of the program."""
    status, out, err = facts("export", file)
    assert (status, out, err) == (2, "", f"error: {file!r} is not the name of a file\n")


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
