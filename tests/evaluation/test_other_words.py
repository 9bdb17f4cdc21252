"""Sets of other people's sentences are asked as the docs say: with the fact, without it, off."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lamlam.cli.app import run
from lamlam.errors import BadDocument, UsageError
from lamlam.evaluation.other_words import WordSettings, evaluate_other_words
from lamlam.evaluation.word_items import SetName, WordFact, read_facts
from lamlam.evaluation.word_memory import (
    facts_of,
    more_facts,
    open_word_store,
    other_entities,
    shuffled_values,
)
from lamlam.memory_backends.sync import SyncFactStore
from tests.evaluation.scripted_engine import AskingEngine
from tests.evaluation.word_sets import (
    CAPITALS,
    lre_lines,
    pararel_lines,
    question_lines,
    trex_lines,
    write_set,
)

QUIET = WordSettings(show_progress=False)


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch) -> type[AskingEngine]:
    """Put an engine in place that asks for each relation which the prompt names."""
    monkeypatch.setattr(AskingEngine, "known", {})
    monkeypatch.setattr(AskingEngine, "entities", tuple(CAPITALS))
    monkeypatch.setattr(AskingEngine, "relations", ("capital", "official language"))
    monkeypatch.setattr("lamlam.runtime.sync.SyncEngine", AskingEngine)
    return AskingEngine


def figures_of(name: SetName, path: Path, settings: WordSettings = QUIET) -> dict[str, Any]:
    """Return the figures of six items."""
    return evaluate_other_words(name, path, items=6, settings=settings)


@pytest.mark.parametrize(
    ("name", "lines", "n", "exact"),
    [
        ("pararel", pararel_lines(), 6, 1.0),
        ("questions", question_lines(), 3, 1.0),
        ("lre", lre_lines(), 6, 0.5),
        ("trex", trex_lines(), 1, 1.0),
    ],
)
def test_each_set_is_asked_with_its_facts_and_without_them(
    asking: type[AskingEngine],
    tmp_path: Path,
    name: SetName,
    lines: list[dict[str, object]],
    n: int,
    exact: float,
) -> None:
    """Right where the prompt names the relation; with the fact retracted nothing is stated."""
    figures = figures_of(name, write_set(tmp_path, lines))
    assert (figures["n"], figures["exact"]) == (n, exact)
    assert figures["right_value"] == exact and figures["asked_nothing"] == 1 - exact
    assert figures["false_when_absent"] == 0.0
    assert len(figures["outcomes"]) == n
    assert sum(part["n"] for part in figures["by_relation"].values()) == n


def test_memory_holds_the_chosen_entities_alone(asking: type[AskingEngine], tmp_path: Path) -> None:
    path = write_set(tmp_path, pararel_lines())
    figures = evaluate_other_words("pararel", path, items=1, settings=QUIET)
    assert figures["memory_scope"] == "2 facts of 1 entities"
    more = replace(QUIET, more_facts=3, others=7)
    scope = evaluate_other_words("pararel", path, items=1, settings=more)["memory_scope"]
    assert scope == "2 facts of 1 entities; 7 of others"  # it lacks no relation of the set


def test_false_values_are_told_from_other_facts_of_the_entity(
    asking: type[AskingEngine], tmp_path: Path
) -> None:
    """A prompt that names two relations is answered by the second without the first."""
    lines = pararel_lines()
    lines[0]["patterns"] = ["Of [X] the official language apart, the capital is [Y]"]
    figures = figures_of("pararel", write_set(tmp_path, lines))
    assert figures["false_when_absent"] == pytest.approx(1 / 6)
    assert figures["false_own_fact"] == pytest.approx(1 / 6)


def test_shuffled_values_are_followed(asking: type[AskingEngine], tmp_path: Path) -> None:
    """What memory holds is written, and not what is true."""
    path = write_set(tmp_path, pararel_lines())
    figures = figures_of("pararel", path, replace(QUIET, shuffled_values=True))
    assert (figures["exact"], figures["followed"]) == (0.0, 1.0)


def test_without_memory_the_prior_stands_beside(asking: type[AskingEngine], tmp_path: Path) -> None:
    """Lookups are forbidden; the items are divided by how often training states their value."""
    asking.known = {"Nembria, the official": "Tirran", "capital of Orlandia": "Vessmark"}
    facts = [["a", "b", "Vessmark"]] * 12 + [["c", "d", "Quellin"]]
    training = tmp_path / "corpus.jsonl"
    training.write_text(json.dumps({"facts": facts}), encoding="utf-8")
    figures = figures_of(
        "pararel",
        write_set(tmp_path, pararel_lines()),
        replace(QUIET, memory_off=True, training=training),
    )
    assert asking.opened[-1] is None
    assert figures["exact"] == pytest.approx(2 / 6)
    # Of the tongues "Tirran" is the commonest; of the capitals "Hoskeld", the first of equals.
    assert figures["class_prior"] == pytest.approx(3 / 6)
    assert figures["exact_beyond_prior"] == pytest.approx(1 / 6)
    groups = figures["by_training_count"]
    assert {name: group["n"] for name, group in groups.items()} == {
        "0": 4, "1-9": 1, "10-99": 1, "100+": 0,
    }  # fmt: skip
    assert groups["10-99"]["exact"] == 1.0


def test_the_curve_has_a_point_for_each_setting(asking: type[AskingEngine], tmp_path: Path) -> None:
    path = write_set(tmp_path, question_lines())
    curve = figures_of("questions", path, replace(QUIET, curve=True))["curve"]
    floors = [point["relation_floor"] for point in curve]
    assert floors == sorted(floors) and len(floors) > 4
    assert all(point["coverage"] == point["exact"] == 1.0 for point in curve)


def test_two_runs_are_compared(asking: type[AskingEngine], tmp_path: Path) -> None:
    """By their items; an earlier run of other items is refused before anything is asked."""
    path = write_set(tmp_path, pararel_lines())
    before = tmp_path / "before.json"
    off = figures_of("pararel", path, replace(QUIET, memory_off=True))
    before.write_text(json.dumps(off), encoding="utf-8")
    against = figures_of("pararel", path, replace(QUIET, against=before))["against"]
    assert (against["n"], against["gained"], against["lost"]) == (6, 6, 0)
    assert against["difference"] == 1.0 and against["p"] == pytest.approx(2 / 2**6, abs=1e-6)
    asking.asked.clear()
    with pytest.raises(UsageError, match="none of these items"):
        evaluate_other_words(
            "questions",
            write_set(tmp_path, question_lines(), "questions"),
            settings=replace(QUIET, against=before),
        )
    assert not asking.asked


def test_the_papers_settings_are_used_and_what_differs_is_said(
    asking: type[AskingEngine], tmp_path: Path
) -> None:
    """Its preset and 32 tokens; a value among five words is right."""
    path = write_set(tmp_path, trex_lines())
    asking.known = {"Orlandia": "a port called by all Vessmark"}
    off = replace(QUIET, memory_off=True)
    assert figures_of("trex", path, off)["exact"] == 0.0
    assert asking.options == {"max_tokens": 24, "policy": None}
    asking.known = {"Orlandia": "a port called Vessmark"}
    figures = figures_of("trex", path, replace(off, paper=True))
    assert asking.options == {"max_tokens": 32, "policy": "paper"}
    assert figures["exact"] == 1.0
    assert len(figures["differs_from_paper"]) == 3


def test_other_entities_come_from_a_file_too(
    asking: type[AskingEngine], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are in the same memory, and another policy is passed on."""
    path = write_set(tmp_path, trex_lines())
    others = tmp_path / "others.jsonl"
    fact = {"entity": "Belorra", "relation": "capital", "value": "Quellin"}
    others.write_text(json.dumps(fact) + "\n", encoding="utf-8")
    arguments = ["--items-file", str(path), "--other-entities", str(others), "--policy", "stop"]
    assert run(["eval", "trex", *arguments, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["memory_scope"] == "1 facts of 1 entities; 1 of others"
    assert asking.options["policy"] == "stop"
    others.write_text("no fact\n", encoding="utf-8")
    assert run(["eval", "trex", *arguments, "--json"]) == 2
    assert "line 1" in capsys.readouterr().err


def test_settings_that_exclude_each_other_are_refused() -> None:
    for wrong in ({"memory_off": True, "curve": True}, {"paper": True, "policy": "stop"}):
        with pytest.raises(UsageError):
            replace(QUIET, **wrong)


@pytest.fixture
def facts(tmp_path: Path) -> list[WordFact]:
    """Return the questions and one further fact."""
    read = read_facts("questions", write_set(tmp_path, question_lines()))
    return [*read, WordFact("Zentia", "Tongue", ("Zent",), "Tongue", ())]


def test_further_facts_are_of_relations_that_an_entity_lacks(facts: list[WordFact]) -> None:
    """As many as asked for, or as there are; the same with the same seed."""
    held = facts_of(["Orlandia", "Zentia"], facts)
    assert held == [
        ("Orlandia", "Capital", "Vessmark"),
        ("Orlandia", "Capital", "Old Vessmark"),
        ("Zentia", "Tongue", "Zent"),
    ]
    added = more_facts(held, facts, 5, 3)
    assert [triple[:2] for triple in added] == [("Orlandia", "Tongue"), ("Zentia", "Capital")]
    assert added == more_facts(held, facts, 5, 3)
    assert more_facts(held, facts, 0, 3) == []


def test_a_shuffled_value_is_of_another_entity(facts: list[WordFact]) -> None:
    """Where the set has none, the fact is left out."""
    held = facts_of(["Orlandia", "Zentia"], facts)
    shuffled = shuffled_values(held, facts, 3)
    assert set(shuffled) == set(held[:2])
    assert set(shuffled.values()) <= {"Quellin", "Hoskeld"}


def test_a_fact_is_taken_for_a_while(tmp_path: Path, facts: list[WordFact]) -> None:
    """All values of the relation; they come back, and others were never gone."""
    held = facts_of(["Orlandia", "Zentia"], facts)
    others = other_entities(5, facts, 1)
    with (
        open_word_store(str(tmp_path), held, others) as words,
        SyncFactStore(words.url) as store,
    ):
        assert words.n_others == 5
        assert store.info().facts == 8
        with words.without("Orlandia", "Capital"):
            assert not store.lookup("Orlandia", "Capital").values
            assert store.lookup("Zentia", "Tongue").value == "Zent"
        assert set(store.lookup("Orlandia", "Capital").values) == {"Vessmark", "Old Vessmark"}
        with words.without("Nobody", "Nothing"):
            pass
        assert store.info().facts == 8


def test_relations_keep_their_order_when_a_fact_comes_back(tmp_path: Path) -> None:
    """It is not the order in which the facts were given: the first of them is the one asked for."""
    held = [("Orlandia", f"relation {n}", f"value {n}") for n in range(8)]
    with open_word_store(str(tmp_path), held) as words, SyncFactStore(words.url) as store:

        def relations() -> list[str]:
            return [fact.relation for fact in store.scan(entity="Orlandia")]

        before = relations()
        assert before != [relation for _, relation, _ in held]
        with words.without("Orlandia", "relation 0"):
            assert len(relations()) == 7
        assert relations() == before


def test_the_bundled_model_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints one object, whose keys stay."""
    path = write_set(tmp_path, pararel_lines()[:2])
    assert run(["eval", "pararel", "--items-file", str(path), "--items", "2", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert {
        "n", "exact", "low", "high", "right_value", "missed", "asked_nothing",
        "false_when_absent", "false_low", "false_high", "by_relation", "seconds",
        "memory_scope", "more_facts", "outcomes",
    } <= figures.keys()  # fmt: skip
    assert figures["n"] == 2 and isinstance(figures["exact"], float)


def test_people_get_a_table(
    asking: type[AskingEngine], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A summary, then a row a relation; what a set holds cannot control the terminal."""
    lines = [*pararel_lines(), {**pararel_lines()[0], "value": "Vess\x1b[2J"}]
    path = write_set(tmp_path, lines)
    arguments = ["eval", "pararel", "--items-file", str(path), "--details", "--more-facts", "1"]
    assert run(arguments) == 0
    shown = capsys.readouterr().out
    assert "exact              0.857 (0.487 to 0.974)" in shown
    assert "official language" in shown and "outcomes" not in shown
    assert "due: Vess" in shown and "\x1b" not in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pararel", "--items-file", "absent.jsonl", "--labels", "{labels}"], "absent.jsonl"),
        (["pararel", "--items-file", "absent.jsonl"], "cannot read the labels"),
        (["lre", "--items-file", "{set}", "--other-entities", "absent.jsonl"], "a number or a"),
        (["trex", "--items-file", "{set}", "--paper", "--policy", "stop"], "its own policy"),
        (["trex", "--items-file", "{set}", "--against", "absent.json"], "absent.json"),
        (["trex", "--items-file", "{set}", "--training", "absent.json"], "absent.json"),
    ],
)
def test_a_mistake_is_named_in_a_line(
    asking: type[AskingEngine],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    path = write_set(tmp_path, trex_lines())
    filled = [one.format(set=path, labels=tmp_path / "labels.json") for one in arguments]
    assert run(["eval", *filled]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and said in shown.err
    assert shown.err.count("\n") == 1


def test_the_facts_of_a_corpus_must_be_triples(asking: type[AskingEngine], tmp_path: Path) -> None:
    path = write_set(tmp_path, trex_lines())
    training = tmp_path / "corpus.jsonl"
    for line in ({}, {"facts": 3}, {"facts": [["a", "b"]]}):
        training.write_text(json.dumps(line), encoding="utf-8")
        with pytest.raises(BadDocument, match="line 1"):
            figures_of("trex", path, replace(QUIET, training=training))
