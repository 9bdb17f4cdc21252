"""Sets of other people's sentences become items as the docs say, and faults have a name."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from lamlam.errors import BadDocument
from lamlam.evaluation.word_items import (
    Labels,
    SetName,
    WordFact,
    choose_word_items,
    read_facts,
    read_labels,
)
from tests.evaluation.word_sets import (
    LABELS,
    lre_lines,
    pararel_lines,
    question_lines,
    trex_lines,
    write_set,
)

NAMED = Labels(**LABELS)


def test_a_pattern_is_cut_before_its_value(tmp_path: Path) -> None:
    """Patterns whose value comes first ask for nothing; facts have the labels' names."""
    facts = read_facts("pararel", write_set(tmp_path, pararel_lines()), NAMED)
    assert facts[0] == WordFact(
        "Orlandia", "capital", ("Vessmark",), "capital", ("The capital of Orlandia is",)
    )
    assert facts[-1].prompts == ("In Nembria, the official language is",)


def test_prompts_of_the_lre_study_are_grouped_by_its_relations(tmp_path: Path) -> None:
    facts = read_facts("lre", write_set(tmp_path, lre_lines()), NAMED)
    assert (facts[0].relation, facts[0].group) == ("capital", "Land Capital")
    assert facts[0].prompts == ("The capital of Orlandia is",)
    assert facts[-1].prompts == ("People in Nembria speak",)


def test_questions_stay_as_they_are_and_need_no_labels(tmp_path: Path) -> None:
    facts = read_facts("questions", write_set(tmp_path, question_lines()))
    assert facts[0].prompts == ("What is the Capital of Orlandia?",)
    assert facts[0].relation == "Capital"
    assert list(facts[0].triples()) == [
        ("Orlandia", "Capital", "Vessmark"),
        ("Orlandia", "Capital", "Old Vessmark"),
    ]


def test_completions_stay_as_they_are_where_their_property_has_a_label(tmp_path: Path) -> None:
    (fact,) = read_facts("trex", write_set(tmp_path, trex_lines()), NAMED)
    assert fact.prompts == ("Orlandia is ruled from its capital ",)
    assert next(fact.triples()) == ("Orlandia", "capital", "Vessmark")


def test_a_masked_sentence_is_cut_before_the_mask(tmp_path: Path) -> None:
    """Facts without a sentence are in memory, and are not asked."""
    line = {"entity": "Orlandia", "value": "Vessmark", "pid": "P36", "pattern": "[X] [Y]"}
    sentences = ["Its seat is [MASK], a port.", None, "[MASK] is old.", "no mask"]
    path = write_set(tmp_path, [{**line, "masked_sentence": one} for one in sentences])
    facts = read_facts("trex", path, NAMED)
    assert [fact.prompts for fact in facts] == [("Its seat is",), (), (), ()]


def test_relations_come_in_turn(tmp_path: Path) -> None:
    """So each counts alike; without it the shuffled order alone counts; a seed decides."""
    facts = read_facts("pararel", write_set(tmp_path, pararel_lines()), NAMED)
    many = [*facts[:3], *facts[:1] * 20, *facts[3:]]
    chosen = choose_word_items(many, 4, 5, in_turn=True)
    assert [one.fact.relation for one in chosen] == ["capital", "official language"] * 2
    rest = choose_word_items(many, 100, 5, in_turn=True)
    assert rest[:4] == chosen and len(rest) == len(many)
    assert [one.fact.relation for one in rest[6:]] == ["capital"] * (len(many) - 6)
    assert choose_word_items(many, 4, 6, in_turn=False) != choose_word_items(
        many, 4, 5, in_turn=False
    )


def test_an_item_has_one_name_in_every_run(tmp_path: Path) -> None:
    facts = read_facts("pararel", write_set(tmp_path, pararel_lines()), NAMED)
    first, again = (choose_word_items(facts, 6, 1, in_turn=True) for _ in range(2))
    assert [one.key for one in first] == [one.key for one in again]
    assert len({one.key for one in first}) == 6


def test_a_packed_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.write("\n".join(map(json.dumps, question_lines())))
    assert len(read_facts("questions", path)) == 3


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("pararel", {"entity": "A", "value": "B", "pid": "P36"}, "no item whose relation"),
        ("pararel", {"entity": "A", "value": 7, "pid": "P36", "patterns": []}, "line 1: value"),
        ("pararel", {"entity": "A", "value": "B", "pid": "P36", "patterns": [1]}, "patterns"),
        ("lre", {"entity": " ", "relation": "R", "value": "v", "prompts": []}, "entity must be"),
        ("questions", {"question": "Who?", "entity": "A", "relation": "R"}, "answers must be"),
        ("trex", {"subject": "A"}, "line 1: predicate_id must be a text that is not empty"),
        (
            "trex",
            {"entity": "A", "value": "B", "pid": "P36", "masked_sentence": 3},
            "masked_sentence must be",
        ),
    ],
)
def test_a_line_of_another_form_is_refused(
    tmp_path: Path, name: SetName, line: dict[str, object], said: str
) -> None:
    """The message names line, field, what was expected and what was found."""
    with pytest.raises(BadDocument, match=said):
        read_facts(name, write_set(tmp_path, [line]), NAMED)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"wikidata": {"P1": 3}, "relations_lre": {}}', "[" * 100_000]
)
def test_labels_of_another_form_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "labels.json"
    with pytest.raises(BadDocument, match="cannot read the labels"):
        read_labels(path)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadDocument, match=r"labels\.json"):
        read_labels(path)
