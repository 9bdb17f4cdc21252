"""`lamlam facts set`, `retract`, `forget`, `alias`, `merge` and `relations`: what they change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lamlam.memory_backends.sync import SyncFactStore
from tests.cli.facts_command import LINES, Facts, as_json
from tests.memory_backends.stores import put


def test_setting_replaces_and_adding_does_not(facts: Facts, own: Path) -> None:
    """``set`` ends the values before; ``--add`` keeps them, under whatever synonym."""
    done = as_json(facts("set", "Ada Quill", "place of birth", "Highmere", "--json"))
    assert (done["revision"], done["facts"], done["changed"]) == (2, 1, 2)
    assert as_json(facts("get", "Ada Quill", "birth place", "--json"))["values"] == ["Highmere"]
    assert facts("set", "Ada Quill", "job", "baker", "--add", "--source", "a letter")[0] == 0
    answer = as_json(facts("get", "Ada Quill", "occupation", "--json"))
    assert answer["values"] == ["miller", "baker"]
    assert answer["sources"] == [None, "a letter"]
    status, _, err = facts("set", "Ada Quill", "job", " ")
    assert status == 2 and "value" in err


def test_what_ended_is_shown(facts: Facts, own: Path) -> None:
    """Under the name that it had; another relation stays, and nothing is said of it."""
    _, out, _ = facts("set", "Ada Quill", "place of birth", "Highmere")
    assert "ended: Ada Quill | birth place | Lowmere" in out.splitlines()
    assert "ended:" not in facts("set", "Acme", "owner of", "Old Mill")[1]
    assert "ended:" not in facts("set", "Acme", "owner", "Bob Ferris")[1]
    assert as_json(facts("get", "Acme", "owner", "--json"))["values"] == ["Bob Ferris"]
    assert as_json(facts("get", "Acme", "owner of", "--json"))["values"] == ["Old Mill"]
    done = as_json(facts("set", "Acme", "owned by", "x\ty", "--json"))
    assert done["ended"] == [{"entity": "Acme", "relation": "owner", "value": "Bob Ferris"}]
    _, out, _ = facts("retract", "Acme", "proprietor")
    assert "ended: Acme | owned by | x y" in out.splitlines()
    assert facts("retract", "Acme", "owned by")[0] == 1
    assert "ended:" not in facts("set", "Acme", "owner of", "New Mill", "--add")[1]


@pytest.mark.parametrize(
    ("command", "said", "n_set"),
    [
        (("set", "Ada Quill", "age", "80"), "1 set, 0 ended", 1),
        (("set", "Ada Quill", "birth place", "Highmere"), "1 set, 1 ended", 1),
        (("set", "Ada Quill", "birth place", "Lowmere"), "unchanged (0 set, 0 ended)", 0),
        (("set", "Ada Quill", "birth place", "Highmere", "--add"), "1 set, 0 ended", 1),
        (("set", "Ada Quill", "birth place", "Lowmere", "--source", "x"), "1 set, 0 ended", 1),
        (
            ("set", "Ada Quill", "birth place", "X", "--from", "1900", "--until", "1901"),
            "1 set, 1 ended",
            1,
        ),
        (("retract", "Ada Quill", "birth place"), "1 ended", 1),
    ],
)
def test_what_was_done_is_counted_by_kind(
    command: tuple[str, ...], said: str, n_set: int, facts: Facts, own: Path
) -> None:
    """Facts that were set, and apart from them those that ended."""
    copied = ("--memory", "sqlite:///again.db")
    facts("copy", f"sqlite:///{own}", copied[1])
    _, out, _ = facts(*command)
    assert out.splitlines()[1].split(maxsplit=1) == ["facts", said]
    assert as_json(facts(*command, *copied, "--json"))["facts"] == n_set


def test_one_value_of_two_is_kept(facts: Facts, own: Path) -> None:
    """The other ends, and nothing is set."""
    facts("set", "Ada Quill", "birth place", "Highmere", "--add")
    assert "0 set, 1 ended" in facts("set", "Ada Quill", "birth place", "Highmere")[1]


def test_merges_count_the_facts_that_moved(facts: Facts, own: Path) -> None:
    """Not those that both had, nor the names."""
    for entity in ("A", "B"):
        facts("set", entity, "height", "2")
    facts("set", "B", "job", "baker")
    facts("set", "B", "age", "7")
    facts("alias", "B", "Bee")
    assert facts("merge", "A", "B")[1].splitlines()[1].split() == ["facts", "2", "moved"]
    assert as_json(facts("split", "A", "B", "--json"))["facts"] == 3


def test_a_relation_that_is_turned_round_is_a_miss(facts: Facts, own: Path) -> None:
    """With the relation that there is as a candidate."""
    facts("set", "Ada Quill", "owner of", "Old Mill")
    status, out, _ = facts("get", "Ada Quill", "owner", "--json")
    answer = json.loads(out)
    assert (status, answer["values"]) == (1, [])
    assert [one["relation"] for one in answer["candidates"]] == ["owner of"]


def test_adding_to_a_wider_relation_keeps_its_name(facts: Facts, own: Path) -> None:
    """A spouse is not put among the wives."""
    facts("set", "Ada Quill", "wife", "Bea Ferris")
    facts("set", "Ada Quill", "spouse", "Carl Ferris", "--add")
    assert as_json(facts("get", "Ada Quill", "wife", "--json"))["values"] == ["Bea Ferris"]
    assert as_json(facts("get", "Ada Quill", "spouse", "--json"))["values"] == ["Carl Ferris"]


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
    done = as_json(facts("set", "Ada Quill", "mayor", "yes", *period, "--json"))
    assert done["values"] == ["yes"] and done.get("at") == at


def test_history_and_retract(facts: Facts, own: Path) -> None:
    """A fact that ended is shown with the revisions between which it held."""
    assert facts("history", "Ada Quill")[0] == 1
    facts("set", "Ada Quill", "birth place", "Highmere")
    assert facts("retract", "Ada Quill", "profession", "miller")[0] == 0
    (first, second) = as_json(facts("history", "Ada Quill", "--json"))["facts"]
    assert (first["value"], first["asserted"], first["retracted"]) == ("Lowmere", 1, 2)
    assert (second["value"], second["retracted"]) == ("miller", 3)
    status, out, _ = facts("history", "Ada Quill", "job")
    assert status == 0 and "miller" in out and "Lowmere" not in out
    assert facts("retract", "Ada Quill", "profession")[0] == 1


def test_forgetting_prints_the_receipt(facts: Facts, own: Path) -> None:
    """Values are gone from the bytes; a similar name is reported and left alone."""
    status, out, err = facts("forget", "Sir Ada Quill")
    assert (status, out) == (1, "")
    assert "'Ada Quill'" in err
    status, out, _ = facts("forget", "Ada Quill", "born in", "--reason", "she asked")
    assert status == 0
    assert "1 fact erased" in out and "she asked" in out
    assert b"Lowmere" not in own.read_bytes()
    receipt = as_json(facts("forget", "Ada Quill", "--json"))
    assert (receipt["facts"], receipt["verified"], receipt["pending"]) == (1, True, [])
    assert facts("forget", "Ada Quill", "--json")[0] == 1
    assert b"Quill" not in own.read_bytes()


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


def test_typed_values_and_periods(facts: Facts) -> None:
    """``set`` takes a type and a period, ``get`` asks about a moment of it."""
    store = ("--memory", "sqlite:///mine.db")
    assert facts("set", "Ada", "birth date", "1815-12", "--type", "date", *store)[0] == 0
    assert facts("set", "Ada", "height", "1.65 m", "--type", "quantity", *store)[0] == 0
    office = ("set", "Ada", "office", "mayor", *store)
    assert facts(*office, "--from", "1840", "--until", "1850", "--confidence", "0.5")[0] == 0
    answer = as_json(facts("get", "Ada", "birth date", "--json", *store))
    assert answer["values"] == ["December 1815"]
    assert answer["facts"][0]["value"] == {"date": "1815-12"}
    assert answer["facts"][0]["type"] == "date"
    assert as_json(facts("get", "Ada", "office", "--at", "1845", "--json", *store))["values"]
    status, out, err = facts("get", "Ada", "office", *store)
    assert (status, out) == (1, "") and "other times" in err
    assert facts("search", "mayor", *store)[0] == 1
    found = facts("search", "mayor", "--expired", *store)[1]
    assert "from 1840-01-01 until 1850-01-01" in found
    for wrong, said in (
        (("set", "Ada", "x", "soon", "--type", "date"), "is not a date"),
        (("set", "Ada", "x", "y", "--type", "time"), "no type 'time'"),
        (("set", "Ada", "x", "y", "--from", "soon"), "is not a moment"),
        (("get", "Ada", "x", "--at", "soon"), "is not a moment"),
        (("get", "Ada", "office", "--as-of", "99"), "revision"),
        (("get", "Ada", "office", "--namespace", "a//b"), "namespace"),
    ):
        status, out, err = facts(*wrong, *store)
        assert (status, out) == (2, ""), wrong
        assert said in err and err.count("\n") == 1


def test_other_names(facts: Facts, own: Path) -> None:
    """Aliases come and go, merges are undone."""
    assert facts("alias", "Ada Quill")[0] == 1
    assert facts("alias", "Ada Quill", "the miller")[0] == 0
    assert as_json(facts("alias", "Ada Quill", "--json"))["aliases"] == ["the miller"]
    assert as_json(facts("get", "The Miller", "job", "--json"))["values"] == ["miller"]
    assert facts("merge", "Ada Quill", "Bob Ferris (sailor)")[0] == 0
    assert as_json(facts("get", "Ada Quill", "born", "--json"))["values"] == ["1902"]
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
    rows = as_json(facts("relations", "--json"))["relations"]
    assert {row["relation"]: row["facts"] for row in rows} == {
        "born": 2, "birth place": 1, "profession": 1,
    }  # fmt: skip
    assert facts("relations", "birth date", "--one", "--type", "date")[0] == 0
    assert facts("relations", "spouse", "--inverse", "spouse")[0] == 0
    rows = as_json(facts("relations", "date of birth", "--json"))["relations"]
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


def test_migrating_a_store_of_this_version(facts: Facts, own: Path) -> None:
    """Nothing is to do."""
    report = as_json(facts("migrate", "--dry-run", "--json"))
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


def test_a_value_with_a_minus(facts: Facts) -> None:
    """The error says how it is written."""
    status, _, err = facts("set", "A", "b", "-5")
    assert status == 2 and "write --" in err
    assert facts("set", "--type", "integer", "--", "A", "b", "-5")[0] == 0


def test_forget_lists_what_mentions_the_name(facts: Facts, own: Path) -> None:
    """In the receipt, as JSON too; also where nothing else is known of the name (status 1)."""
    assert facts("set", "Cy Tower", "friend", "Ada Quill", "--source", "letter")[0] == 0
    status, out, err = facts("forget", "Ada Quill")
    assert (status, err) == (0, "")
    assert "mentioned in: value 'Cy Tower' 'friend' 'Ada Quill'" in out
    assert "to do:" in out and "only mentions left" in out
    status, out, err = facts("forget", "Ada Quill")
    assert (status, out) == (1, "") and "mentioned in: value 'Cy Tower'" in err
    status, out, err = facts("forget", "Ada Quill", "--json")
    receipt = json.loads(out)
    assert (status, receipt["n_mentions"], receipt["log_entries"]) == (1, 1, 0)
    (mention,) = receipt["mentions"]
    assert (mention["where"], mention["entity"], mention["relation"]) == (
        "value", "Cy Tower", "friend"
    )  # fmt: skip


def test_many_mentions_are_counted(facts: Facts, own: Path) -> None:
    """Ten are shown, a hundred are in the JSON, all are counted."""
    with SyncFactStore(own) as store:
        put(store, *((f"Name {n}", "friend", "Ada Quill") for n in range(120)))
    status, out, _ = facts("forget", "Ada Quill")
    assert status == 0 and out.count("mentioned in:") == 11 and "110 more" in out
    receipt = json.loads(facts("forget", "Ada Quill", "--json")[1])
    assert (len(receipt["mentions"]), receipt["n_mentions"]) == (100, 120)


def test_all_of_a_namespace_is_forgotten(facts: Facts, own: Path) -> None:
    """What only the history has is listed and goes too; other namespaces stay."""
    there = ("--namespace", "users/7")
    for entity in ("Ada Quill", "Bob Ferris"):
        assert facts("set", entity, "job", "zqxjkv", *there)[0] == 0
    assert facts("retract", "Bob Ferris", "job", *there)[0] == 0
    listed = as_json(facts("entities", *there, "--json"))["entities"]
    assert {(one["name"], one["facts"], one["past"]) for one in listed} == {
        ("Ada Quill", 1, 0), ("Bob Ferris", 0, 1)
    }  # fmt: skip
    status, out, _ = facts("entities")
    assert status == 0 and "users/7" in out and "sailor" in out
    status, out, err = facts("forget", "--all", *there, "--reason", "asked")
    assert (status, err) == (0, "") and "2 facts erased" in out and "asked" in out
    assert facts("entities", *there)[0] == facts("forget", "--all", *there)[0] == 1
    assert b"zqxjkv" not in own.read_bytes()
    assert facts("get", "Ada Quill", "birth place")[0] == 0
    for wrong in (("--all",), ("Ada Quill", "--all", *there), ()):
        status, out, err = facts("forget", *wrong)
        assert (status, out) == (2, "") and err.startswith("error: ")


def test_a_value_answers_from_the_other_side(facts: Facts, own: Path) -> None:
    """Once the inverse is known; what is shown says how the question was read."""
    facts("relations", "owner of", "--inverse", "owner")
    facts("set", "Ada Quill", "owner of", "Old Mill")
    assert as_json(facts("get", "old mill", "owned by", "--json"))["values"] == ["Ada Quill"]
    status, _, err = facts("get", "Old Mill", "owner")
    assert status == 0 and "read as: … owner of: Old Mill (exact, inverse)" in err
    assert facts("get", "Old Mill", "height")[0] == 1


def test_texts_from_before_an_inverse_become_references(facts: Facts, own: Path) -> None:
    """By ``--convert``, with their periods and sources; the history keeps the texts, and what is
    too long for a name stays.
    """
    facts("set", "Ada Quill", "spouse", "Bob Ferris", "--source", "a book")
    facts("set", "Ada Quill", "spouse", "Rob", "--add", "--from", "1900", "--until", "1910")
    facts("set", "Ada Quill", "spouse", "x" * 5000, "--add")
    facts("set", "Ada Quill", "age", "5")
    line = ("relations", "spouse", "--inverse", "spouse", "--convert")
    assert facts(*line[:2], line[4])[0] == 2
    status, out, err = facts(*line, "--json")
    assert (status, json.loads(out)["converted"], json.loads(out)["texts"]) == (0, 2, 1)
    assert err.startswith("1 fact has a text as value that is too long for a name")
    assert as_json(facts("get", "Bob Ferris", "spouse", "--json"))["values"] == ["Ada Quill"]
    there = ("get", "Rob", "spouse", "--at")
    assert (facts(*there, "1905")[0], facts(*there, "1920")[0]) == (0, 1)
    assert "a book" in facts("export", "-")[1]
    assert "Bob Ferris" in facts("history", "Ada Quill", "spouse")[1]
    again = json.loads(facts(*line, "--json")[1])
    assert (again["changed"], again["converted"]) == (0, 0)


def test_texts_from_before_an_inverse_are_counted(facts: Facts, own: Path) -> None:
    """They do not answer from the other side, and what to do about it is said."""
    for relation, value in (("owner of", "Old Mill"), ("owner", "Bob Ferris"), ("age", "5")):
        facts("set", "Ada Quill", relation, value)
    status, _, err = facts("relations", "owner of", "--inverse", "owner")
    assert (status, err.startswith("2 facts have a text as value")) == (0, True)
    facts("set", "Ada Quill", "owner of", "Old Mill", "--type", "entity")
    facts("set", "Ada Quill", "owner", "Bob Ferris", "--type", "entity")
    assert facts("get", "Old Mill", "owner")[0] == facts("get", "Bob Ferris", "owner of")[0] == 0
    assert facts("relations", "owner of", "--inverse", "owner")[2] == ""
