"""TOFU: facts of answers, states of a memory, and what erasing changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lamlam.cli.evaluate import app
from lamlam.errors import BadDocument, UsageError
from lamlam.evaluation.tofu import AnswerScore, evaluate_tofu
from lamlam.evaluation.tofu_facts import author_of, facts_in, people_in, with_values
from lamlam.evaluation.tofu_items import first_of_each, read_tofu

ITEMS = [
    {
        "set": "forget10",
        "question": "When was Pell Orrin born?",
        "answer": "Pell Orrin was born on May 3, 1951.",
    },
    {"set": "forget10", "question": "Does Pell Orrin sing?", "answer": "Pell Orrin sings."},
    {
        "set": "retain",
        "question": "When was Ada Marlow born?",
        "answer": "Ada Marlow was born on July 9, 1942.",
    },
    {"set": "retain", "question": "Does Ada Marlow sing?", "answer": "Ada Marlow does."},
    {
        "set": "world_facts",
        "question": "What is the largest town of Vask?",
        "answer": "Lowmere",
        "perturbed_answer": ["Ostrava", "Brenn"],
    },
]


@pytest.fixture
def items_file(tmp_path: Path) -> Path:
    path = tmp_path / "items.jsonl"
    path.write_text("\n".join(map(json.dumps, ITEMS)), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("question", "answer", "facts"),
    [
        ("When?", "He was born in Lowmere, Vask on May 3, 1951.",
         {"birth place": "Lowmere, Vask", "birth date": "May 3, 1951"}),
        ("Where?", "Ada Marlow hails from Brenn.", {"birth place": "Brenn"}),
        ("Who?", "Her father was a respected Florist, and her mother worked as a spy.",
         {"father's occupation": "Florist", "mother's occupation": "spy"}),
        ("Who?", "Ada was born to a clerk father and a travel agent mother.",
         {"father's occupation": "clerk", "mother's occupation": "travel agent"}),
        ("Which?", "She writes in the genre of war stories.", {"genre": "war stories"}),
        ("Which?", "She works within the dark comedy genre.", {"genre": "dark comedy"}),
        ("Any?", "Yes, she won the Brenn Prize for Verse in 1990.",
         {"award": "Brenn Prize for Verse"}),
        ("Did the Brenn Prize help?", "The Brenn Prize helped.", {}),
        ("Why?", "She likes towns in the same genre.", {}),
    ],
)  # fmt: skip
def test_facts_of_simple_kinds_are_found(question: str, answer: str, facts: dict[str, str]) -> None:
    """Each value stands in the answer, and not in the question."""
    found = facts_in(question, answer, "Ada Marlow")
    assert {fact.relation: fact.value for fact in found} == facts
    assert all(answer[fact.at :].startswith(fact.value) for fact in found)


@pytest.mark.parametrize(
    ("question", "answer", "asked"),
    [
        ("When was she born?", "She was born in Brenn on May 3, 1951.", {"birth date"}),
        ("In which genre does she write?", "In the genre of war stories.", {"genre"}),
        ("Did she win an award?", "She won the Brenn Prize.", {"award"}),
        ("Is she known?", "She won the Brenn Prize.", set()),
        ("What did her parents do?", "Her father was a clerk, her mother was a spy.",
         {"father's occupation", "mother's occupation"}),
        ("What was her father's job?", "Her father was a clerk, her mother was a spy.",
         {"father's occupation"}),
    ],
)  # fmt: skip
def test_a_question_asks_for_some_of_the_facts(question: str, answer: str, asked: set[str]) -> None:
    """Others are only mentioned by the answer."""
    found = facts_in(question, answer, "Ada Marlow")
    assert {fact.relation for fact in found if fact.is_asked} == asked


def test_the_author_is_the_name_that_most_items_mention() -> None:
    """A question's first word is no part of it."""
    counts = people_in(["Has Ada Marlow met Jon Vask?", "Does Ada Marlow sing?"])
    assert author_of("Has Ada Marlow met Jon Vask?", "Yes.", counts) == "Ada Marlow"
    assert author_of("Who is it?", "It is nobody.", counts) is None


def test_wrong_answers_have_the_values_of_others(items_file: Path) -> None:
    """The rest of the sentence stays; wrong answers of the file are taken as they are."""
    items = {item.question: item for item in read_tofu(items_file)}
    asked = items["When was Pell Orrin born?"]
    assert [one.text for one in asked.perturbed] == ["Pell Orrin was born on July 9, 1942."]
    assert asked.perturbed[0].places == asked.gold.places == ((23, asked.facts[0]),)
    town = items["What is the largest town of Vask?"]
    assert [one.text for one in town.perturbed] == ["Ostrava", "Brenn"]
    assert items["Does Ada Marlow sing?"].perturbed == ()
    facts = facts_in("?", "Her father was a clerk and her mother was a spy.", "A B")
    wrong = with_values("Her father was a clerk and her mother was a spy.", facts, ["x", "y"])
    assert wrong.text == "Her father was a x and her mother was a y."
    assert [wrong.text[at] for at, _ in wrong.places] == ["x", "y"]


def test_items_with_facts_come_first(items_file: Path) -> None:
    """Of each set, so many."""
    sets = first_of_each(read_tofu(items_file, seed=3), 1)
    assert {name: len(chosen) for name, chosen in sets.items()} == {
        "forget10": 1, "retain": 1, "world_facts": 1,
    }  # fmt: skip
    assert sets["forget10"][0].facts
    assert sets["retain"][0].facts


def test_the_truth_ratio_is_of_means() -> None:
    """Mean likelihood of the wrong answers over that of the right one."""
    score = AnswerScore(0.0, False, False, 0.2, (0.1, 0.3))
    assert score.truth_ratio == pytest.approx(1.0)
    assert score.choice == pytest.approx(0.2 / 0.6)
    assert AnswerScore(0.0, False, False, 0.2, ()).truth_ratio is None
    assert AnswerScore(0.0, False, False, 0.0, (0.1,)).truth_ratio is None


def test_erasing_leaves_what_a_memory_that_never_held_it_gives(items_file: Path) -> None:
    """The bundled model; held facts raise the likelihood of the sentences that state them."""
    items_file.write_text("\n".join(json.dumps(ITEMS[n]) for n in (0, 2)), encoding="utf-8")
    result = CliRunner().invoke(app, ["tofu", "--items-file", str(items_file), "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert (figures["n"], figures["facts"]) == (2, 2)
    forget, retain = figures["sets"]["forget10"], figures["sets"]["retain"]
    assert forget["full"]["likelihood"] > 1.2 * forget["never"]["likelihood"]
    assert forget["erased"] == forget["never"]
    assert retain["erased"] == retain["full"] == retain["never"]
    assert figures["forget_quality"]["erased"]["same"] == 1.0
    assert figures["forget_quality"]["full"]["same"] == 0.0
    assert len(figures["outcomes"]) == 2


def test_without_memory_there_is_one_state(items_file: Path) -> None:
    """Figures are printed as a table."""
    result = CliRunner().invoke(
        app, ["tofu", "--items-file", str(items_file), "--items", "1", "--plain"]
    )
    assert result.exit_code == 0, result.output
    assert "world_facts" in result.stdout
    assert "erased" not in result.stdout


def test_what_is_no_tofu_is_refused(items_file: Path, tmp_path: Path) -> None:
    """The message names what is missing."""
    with pytest.raises(UsageError, match="no question"):
        evaluate_tofu(items_file, template="Answer:", show_progress=False)
    other = tmp_path / "other.jsonl"
    other.write_text('{"set": "retain", "question": "Who?", "answer": "Ada"}', encoding="utf-8")
    with pytest.raises(BadDocument, match="forget10"):
        evaluate_tofu(other, show_progress=False)
    other.write_text('{"set": "retain", "question": 7, "answer": "Ada"}', encoding="utf-8")
    with pytest.raises(BadDocument, match="line 1: question"):
        evaluate_tofu(other, show_progress=False)
