"""`lamlam facts namespaces`, `get --id`, and what `forget` takes besides an entity or a relation."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from tests.cli.facts_command import Facts, as_json

_THERE = ("--namespace", "users/7")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_one_value_is_forgotten(facts: Facts, own: Path) -> None:
    """Its siblings stay; what is not there is said, by its name; a typed value by its type."""
    for value in ("zqxjkv", "baker"):
        facts("set", "Ada Quill", "job", value, "--add")
    receipt = as_json(facts("forget", "Ada Quill", "job", "zqxjkv", "--json"))
    assert (receipt["facts"], receipt["relation"], receipt["verified"]) == (1, "job", True)
    assert "zqxjkv" not in json.dumps(receipt)
    assert b"zqxjkv" not in own.read_bytes()
    assert as_json(facts("get", "Ada Quill", "job", "--json"))["values"] == ["miller", "baker"]
    status, out, err = facts("forget", "Ada Quill", "job", "zqxjkv")
    assert (status, out) == (1, "") and "memory has no job 'zqxjkv' of 'Ada Quill'" in err
    facts("set", "Ada Quill", "age", "80", "--type", "integer")
    assert facts("forget", "Ada Quill", "age", "80", "--type", "integer")[0] == 0
    assert facts("forget", "Ada Quill", "age", "8 x", "--type", "integer")[0] == 2
    status, _, err = facts("forget", "Ada Quill", "job", "--type", "integer")
    assert status == 2 and "--type is of a VALUE" in err


def test_facts_that_name_it_are_forgotten_if_asked(facts: Facts, own: Path) -> None:
    """Left, retracted or replaced; the receipt counts them and lists what is left."""
    facts("set", "Cy", "friend", "Ada Quill")
    facts("set", "Cy", "note", "met Ada Quill")
    status, out, _ = facts("forget", "Ada Quill", "--mentions", "replace", "--placeholder", "X Y")
    assert status == 0 and "of others:    1 of them, whose value it was" in out
    assert "mentioned in: value 'Cy' 'note' 'met Ada Quill'" in out
    assert as_json(facts("get", "Cy", "friend", "--json"))["values"] == ["X Y"]
    facts("set", "Cy", "friend", "Bob")
    facts("set", "Dee", "friend", "Bob")
    assert as_json(facts("forget", "Bob", "--mentions", "retract", "--json"))["as_value"] == 2
    assert facts("get", "Dee", "friend")[0] == 1
    assert facts("history", "Dee", "friend")[0] == 1
    for wrong, said in (
        (("Cy", "note", "--mentions", "retract"), "whole entity"),
        (("Cy", "--mentions", "drop"), "mentions must be"),
        (("Cy", "--placeholder", "x"), "placeholder needs"),
        (("--everything", *_THERE, "--mentions", "retract"), "--mentions is of one ENTITY"),
        (("Cy", "--everything", *_THERE), "either ENTITY or --everything"),
        (("--everything", "--yes"), "needs a namespace"),
    ):
        status, out, err = facts("forget", *wrong)
        assert (status, out) == (2, "") and err.startswith("error: ") and said in err
    assert as_json(facts("get", "Cy", "note", "--json"))["values"] == ["met Ada Quill"]


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("YES", 0), ("n", 1), ("", 1)])
def test_everything_asks_back(
    facts: Facts, own: Path, monkeypatch: pytest.MonkeyPatch, answer: str, status: int
) -> None:
    """It says how much would go; without a terminal, or another answer, nothing goes."""
    for entity in ("Ada Quill", "Bob Ferris"):
        facts("set", entity, "job", "zqxjkv", *_THERE)
    facts("retract", "Bob Ferris", "job", *_THERE)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    done, out, err = facts("forget", "--everything", *_THERE)
    assert (done, out) == (2, "") and "add --yes" in err
    monkeypatch.setattr(sys, "stdin", _Terminal(f"{answer}\n"))
    done, out, err = facts("forget", "--everything", *_THERE)
    assert done == status
    assert "Erase all of users/7: 2 entities, 1 fact, 1 of the past?" in err
    assert ("2 facts erased" in out) == (status == 0)
    assert ("nothing was erased" in err) == bool(facts("entities", *_THERE)[0] == 0)
    receipt = facts("forget", "--everything", "--yes", *_THERE, "--json")
    assert as_json(receipt)["namespace"] == ["users", "7"]
    assert b"zqxjkv" not in own.read_bytes()


def test_namespaces_are_listed(facts: Facts, own: Path) -> None:
    """With what is in each; of a prefix those below it; of none there is an exit status."""
    for space in ("users/7", "users/70", "teams"):
        facts("set", "Ada Quill", "job", "baker", "--namespace", space)
    status, out, _ = facts("namespaces")
    assert status == 0 and "(shared)" in out and "users/70" in out
    listed = as_json(facts("namespaces", "users", "--json"))["namespaces"]
    assert [one["namespace"] for one in listed] == [["users", "7"], ["users", "70"]]
    assert {(one["entities"], one["facts"], one["past"]) for one in listed} == {(1, 1, 0)}
    assert "teams" not in facts("namespaces", "users")[1]
    status, out, err = facts("namespaces", "user")
    assert (status, out) == (1, "") and "'user'" in err
    assert facts("namespaces", "a//b")[0] == 2


def test_a_fact_is_shown_by_its_id(facts: Facts, own: Path) -> None:
    """As it is, or as it was last; of the bundled facts too; any other id is not found."""
    (fact_id,) = as_json(facts("get", "Ada Quill", "birth place", "--json"))["fact_ids"]
    status, out, _ = facts("get", "--id", fact_id)
    assert status == 0 and "Lowmere" in out and "register" in out and "ended" not in out
    assert as_json(facts("get", "--id", fact_id, "--json"))["status"] == "hit"
    facts("retract", "Ada Quill", "birth place")
    status, out, _ = facts("get", "--id", fact_id)
    assert status == 0 and "at revision 2" in out
    shown = as_json(facts("get", "--id", fact_id, "--json"))
    assert (shown["status"], shown["fact"]["retracted"]) == ("ended", 2)
    facts("forget", "Ada Quill")
    status, out, err = facts("get", "--id", fact_id, "--memory", f"sqlite:///{own}")
    assert (status, out) == (1, "") and fact_id in err
    missing = facts("get", "--id", fact_id, "--memory", f"sqlite:///{own}", "--json")
    assert missing[0] == 1 and as_json(missing)["fact"] is None
    for wrong in (
        ("Ada Quill",),
        (),
        ("Ada Quill", "job", "--id", "x"),
        ("--id", "x", "--as-of", "1"),
    ):
        status, out, err = facts("get", *wrong)
        assert (status, out) == (2, "") and err.startswith("error: ")
