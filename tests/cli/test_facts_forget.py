"""``facts forget --audit``: the receipt says what a model still states, and no value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lamlam.errors import MissingExtra
from tests.cli.facts_command import Facts, as_json
from tests.evaluation.scripted_engine import AskingEngine

WEIGHTS = {"Fill in the blank: the profession of Ada Quill": "a miller"}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> type[AskingEngine]:
    """Stand-in for the real engine: it knows Ada Quill's profession by heart, in one wording."""
    monkeypatch.setattr("lamlam.runtime.sync.SyncEngine", AskingEngine)
    monkeypatch.setattr(AskingEngine, "entities", ("Ada Quill",))
    monkeypatch.setattr(AskingEngine, "relations", ("birth place", "profession"))
    monkeypatch.setattr(AskingEngine, "known", WEIGHTS)
    monkeypatch.setattr(AskingEngine, "opened", [])
    monkeypatch.setattr(AskingEngine, "asked", [])
    return AskingEngine


def test_the_receipt_counts_what_the_weights_still_state(
    facts: Facts, own: Path, engine: type[AskingEngine]
) -> None:
    """Two relations in six styles; the value itself stands neither in the output nor in a file."""
    status, out, err = facts("forget", "Ada Quill", "--audit", "--json")
    assert status == 0, err
    audit = json.loads(out)["audit"]
    assert audit["n"] == 12
    assert audit["L"]["value"] == pytest.approx(1 / 12, abs=1e-4)
    assert audit["R"]["value"] == 0.0
    assert audit["wordings"] == {"cloze": {"on": 1, "off": 1}}
    assert engine.opened[0] is None
    assert str(engine.opened[1]) == f"sqlite:///{own}"
    for text in (out, err):
        assert "miller" not in text
        assert "Lowmere" not in text
    assert b"miller" not in own.read_bytes()


def test_what_memory_still_leads_to_is_counted_apart(
    facts: Facts, own: Path, engine: type[AskingEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The birth place comes back from another entry, whose name the engine asks for instead."""
    monkeypatch.setattr(engine, "known", {})
    monkeypatch.setattr(engine, "relations", ("home",))
    facts("set", "Ada Quill", "home", "Lowmere")
    status, out, _ = facts("forget", "Ada Quill", "home", "--audit")
    assert "audit:        asked 6 times: L 0.000 (the weights state it), R 0.000" in out
    assert "still stated" not in out
    facts("set", "Ada Quill", "home", "Lowmere")
    monkeypatch.setattr(engine, "entities", ("Ada",))
    facts("set", "Ada", "home", "Lowmere")
    status, out, _ = facts("forget", "Ada Quill", "home", "--audit")
    assert status == 0
    assert "R 1.000 (memory still leads to it)" in out
    assert "still stated: direct question (lookups on 1, off 0); " in out


def test_a_value_that_the_question_names_counts_only_as_the_whole_answer(
    facts: Facts, own: Path, engine: type[AskingEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "known", {"Ada Quill": "Ada is no such thing"})
    facts("set", "Ada Quill", "first name", "Ada")
    audit = as_json(facts("forget", "Ada Quill", "first name", "--audit", "--json"))["audit"]
    assert audit["L"]["value"] == 0.0
    monkeypatch.setattr(engine, "known", {"Ada Quill": "Ada"})
    facts("set", "Ada Quill", "first name", "Ada")
    audit = as_json(facts("forget", "Ada Quill", "first name", "--audit", "--json"))["audit"]
    assert audit["L"]["value"] == 1.0


def test_without_audit_nothing_is_asked_and_nothing_is_found(
    facts: Facts, own: Path, engine: type[AskingEngine]
) -> None:
    assert "audit" not in as_json(facts("forget", "Ada Quill", "born in", "--json"))
    status, out, err = facts("forget", "Sir Ada Quill", "--audit", "--json")
    assert status == 1
    assert "audit" not in json.loads(out)
    assert engine.asked == []


def test_a_model_that_cannot_run_stops_it_before_anything_is_erased(
    facts: Facts, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line of error; the facts are still there."""

    def missing(*arguments: object, **options: object) -> None:
        raise MissingExtra("engine", "llama-cpp-python")

    status, out, err = facts("forget", "Ada Quill", "--audit", "--model", "absent.gguf")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "absent.gguf" in err
    monkeypatch.setattr("lamlam.runtime.sync.SyncEngine", missing)
    status, out, err = facts("forget", "Ada Quill", "--audit")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "lamlam[engine]" in err
    assert facts("get", "Ada Quill", "profession")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--all", "--namespace", "users/7", "--audit"], "--audit asks for one ENTITY"),
        (["Ada Quill", "--model", "bundled"], "--model is of --audit"),
        (["--everything"], "--everything needs --namespace (facts without"),
        (["Ada Quill", "--placeholder", "x"], "is of --mentions replace (add --mentions replace)"),
    ],
)
def test_options_that_do_not_go_together(
    facts: Facts, own: Path, arguments: list[str], said: str
) -> None:
    status, out, err = facts("forget", *arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert facts("get", "Ada Quill", "profession")[0] == 0


def test_an_emptied_namespace_says_so_and_where_its_names_still_stand(
    facts: Facts, own: Path
) -> None:
    """The receipt tells the same name outside apart; a second erasure says that nothing is there."""
    facts("set", "Ada Quill", "birth place", "Town 7", "--namespace", "users/7")
    everything = ("forget", "--everything", "--yes", "--namespace", "users/7")
    status, out, _ = facts("forget", "Ada Quill", "--namespace", "users/7")
    assert status == 0 and "mentioned in: entity 'Ada Quill' without a namespace\n" in out
    status, out, err = facts(*everything)
    assert (status, out, err) == (1, "", "nothing is held in the namespace users/7\n")
