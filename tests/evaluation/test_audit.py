"""The audit deletes what states its target, by all names, and nothing else; then puts it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lamlam.cli.app import run
from lamlam.errors import BadDocument, BadFact
from lamlam.evaluation.audit import _filled, _without, evaluate_audit
from lamlam.evaluation.audit_items import read_database, read_prompts
from tests.evaluation.scripted_engine import AskingEngine
from tests.tiny_model import write_tiny_model

TRIPLETS = [
    ["Lowmere", "Seat", "Ostrand"],
    ["Lowmere", "Seat", "Vell"],
    ["Duchy of Lowmere", "Main Town", "Ostrand"],
    ["Lowmere", "Coin", "Dral"],
    ["Pelt", "Seat", "Ostrand"],
    ["Pelt", "Coin", "Dral"],
]
DIRECT = "What is the {} of {}?"
BLANK = "Fill in: the {} of {} is ____."


def prompt(form: str, subject: str, relation: str, value: str, **aliases: list[str]) -> str:
    """Return a line of a prompt file."""
    return json.dumps(
        {
            "subject": subject,
            "relation": relation,
            "gold_object": value,
            "prompt_text": form.format(relation.lower(), subject),
            **aliases,
        }
    )


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, list[Path]]:
    """A database and its prompts in two styles."""
    database = tmp_path / "base.json"
    lists = [list(dict.fromkeys(one)) for one in zip(*TRIPLETS, strict=True)]
    keys = ("entities", "relationships", "return_values")
    database.write_text(json.dumps({**dict(zip(keys, lists, strict=True)), "triplets": TRIPLETS}))
    seat = {"subject_aliases": ["Duchy of Lowmere"], "relation_aliases": ["Main Town"]}
    paths = []
    for name, form in (("direct", DIRECT), ("cloze", BLANK)):
        path = tmp_path / f"prompts_{name}.jsonl"
        path.write_text(
            prompt(form, "Lowmere", "Seat", "Ostrand", **seat)
            + "\n\n"
            + prompt(form, "Pelt", "Coin", "Dral", object_aliases=["Old Dral"])
            + "\n"
        )
        paths.append(path)
    return database, paths


def test_a_target_goes_by_all_its_names_and_comes_back(files: tuple[Path, list[Path]]) -> None:
    database, paths = files
    facts = read_database(database)
    target = next(read_prompts(paths[0])).target
    with _filled(facts) as (_, store):
        before = [(f.entity, f.relation, f.surface) for f in store.scan()]
        with _without(store, facts, target):
            during = [(f.entity, f.relation, f.surface) for f in store.scan()]
            assert store.lookup("Lowmere", "Seat").values == ("Vell",)
        after = [(f.entity, f.relation, f.surface) for f in store.scan()]
        assert store.lookup("Lowmere", "Seat").values == ("Ostrand", "Vell")
    gone = {("Lowmere", "Seat", "Ostrand"), ("Duchy of Lowmere", "Main Town", "Ostrand")}
    assert set(before) - set(during) == gone
    assert sorted(after) == sorted(before)


def test_an_honest_model_has_neither_leakage_nor_retrieved_values(
    files: tuple[Path, list[Path]], engine: type[AskingEngine]
) -> None:
    """FULL is 1 where memory is asked rightly, and nothing is left where the fact is gone."""
    figures: dict[str, Any] = evaluate_audit(*files, show_progress=False)
    assert figures["n"] == 4
    assert figures["full"]["value"] == 1.0
    assert figures["full"]["low"] == pytest.approx(0.5101, abs=1e-4)
    assert figures["L"]["value"] == figures["R"]["value"] == 0.0
    assert list(figures["by_style"]) == ["direct", "cloze"]
    assert figures["by_style"]["cloze"]["n"] == 2
    assert list(figures["outcomes"].values()) == [True] * 4
    assert figures["class_prior"] == 0.5
    assert engine.opened[1] is None
    assert len(engine.asked) == 12


def test_what_weights_know_is_leakage_and_what_memory_gives_is_not(
    files: tuple[Path, list[Path]],
    engine: type[AskingEngine],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The seat is said by the weights; the coin of Pelt comes back from another entry."""
    database, paths = files
    monkeypatch.setattr(engine, "known", {"seat of Lowmere": "Ostrand"})
    monkeypatch.setattr(engine, "relations", ("Main Town", "Coin"))
    monkeypatch.setattr(engine, "entities", ("Pelt", "Lowmere"))
    line = prompt("The {} of {} is that of Lowmere: its coin is", "Pelt", "Coin", "Dral")
    paths[1].write_text(line)
    figures: dict[str, Any] = evaluate_audit(database, paths, show_progress=False)
    assert figures["by_style"]["direct"]["L"]["value"] == 0.5
    assert figures["by_style"]["direct"]["R"]["value"] == 0.0
    assert figures["by_style"]["cloze"]["R"]["value"] == 1.0
    assert figures["by_style"]["cloze"]["L"]["value"] == 0.0


def test_items_are_facts_in_every_style(
    files: tuple[Path, list[Path]], engine: type[AskingEngine]
) -> None:
    figures: dict[str, Any] = evaluate_audit(*files, items=1, seed=1, show_progress=False)
    assert {style: found["n"] for style, found in figures["by_style"].items()} == {
        "direct": 1,
        "cloze": 1,
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 1: it is not JSON"),
        ("[1]", "must be a JSON object, got list"),
        ('{"subject": "Pelt"}', "relation must be a text that is not empty, got nothing"),
        ('{"subject": 7}', "subject must be a text that is not empty, got 7"),
        ('{"subject": "P", "subject_aliases": "x"}', "subject_aliases must be a list of texts"),
        ("", "hold no prompt"),
    ],
)
def test_a_bad_prompt_file_is_named(files: tuple[Path, list[Path]], line: str, said: str) -> None:
    files[1][0].write_text(line)
    with pytest.raises(BadDocument, match=said):
        evaluate_audit(files[0], files[1][:1], show_progress=False)


def test_a_bad_database_is_named(files: tuple[Path, list[Path]]) -> None:
    files[0].write_text("[]")
    with pytest.raises(BadFact, match="not a JSON object of an LMLM database"):
        evaluate_audit(*files, show_progress=False)
    with pytest.raises(BadDocument, match=r"cannot read .*absent\.json"):
        evaluate_audit(files[0].with_name("absent.json"), files[1], show_progress=False)


def test_the_command_takes_many_files_and_an_earlier_run(
    files: tuple[Path, list[Path]],
    engine: type[AskingEngine],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``--prompts FILE FILE`` reads both; the table ends with all; ``--against`` pairs the runs."""
    database, paths = files
    arguments = ["eval", "audit", "--database", str(database), "--prompts", *map(str, paths)]
    assert run([*arguments, "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["n"] == 4
    earlier = database.with_name("earlier.json")
    earlier.write_text(shown.out)
    monkeypatch.setattr(engine, "entities", ("Pelt",))
    assert run([*arguments, "--against", str(earlier)]) == 0
    shown = capsys.readouterr()
    assert "cloze" in shown.out
    assert "full against the earlier run: -0.500 (gained 0, lost 2, n 4" in shown.out
    assert run([*arguments, "--against", str(database)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_plain_model_is_asked_without_memory(
    files: tuple[Path, list[Path]], tmp_path: Path
) -> None:
    """A model without lookup tokens answers alike in all states: what it knows is leakage."""
    model = write_tiny_model(tmp_path / "plain.gguf", with_lookup_tokens=False)
    figures: dict[str, Any] = evaluate_audit(
        files[0], files[1][:1], model=str(model), show_progress=False
    )
    assert figures["n"] == 2
    assert figures["full"] == figures["del_on"] == figures["L"]
    assert figures["R"]["value"] == 0.0
