"""First questions are read, asked of a store as it is, and right only where a value stands whole."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

import lamlam
from lamlam.errors import BadDocument
from lamlam.evaluation.first_questions import (
    AnsweredQuestion,
    FirstQuestion,
    evaluate_first_questions,
    read_first_questions,
)
from lamlam.runtime.decoding.completion import Completion
from tests.evaluation.scripted_engine import AskingEngine


def test_the_shipped_set_asks_of_four_kinds_alike() -> None:
    questions = read_first_questions()
    assert Counter(one.kind for one in questions) == dict.fromkeys(
        ("country", "element", "person", "film"), 15
    )
    assert len({one.prompt for one in questions}) == len({one.key for one in questions}) == 60
    with lamlam.SyncFactStore("bundled") as store:
        for one in questions:
            if not one.right:
                assert store.lookup(one.entity, one.relation).value, one.id


def answered(form: str, written: str, *right: str) -> bool:
    prompt = "The number of Lowmere is"
    question = FirstQuestion("x", "country", prompt, form, "Lowmere", "number", ())
    completion = Completion(prompt + written, (), (), "length", 0, 0, 0)
    return AnsweredQuestion(question, right, completion).is_right


@pytest.mark.parametrize(
    ("form", "written", "is_right"),
    [
        ("open", " 6, and", True),
        ("open", " 6,700", False),
        ("open", " 6.5", False),
        ("open", " 16", False),
        ("open", " 6th", False),
        ("open", " 6. It", True),
        ("open", " known to everybody as 6", False),
        ("answer", " known to everybody as 6", True),
        ("answer", " unknown.\nIt is 6", False),
        ("answer", " 60 and then 6", True),
    ],
)
def test_a_value_is_right_where_it_is_due_and_whole(
    form: str, written: str, *, is_right: bool
) -> None:
    assert answered(form, written, "6") is is_right


def test_the_store_says_what_is_right_where_the_set_does_not(
    tmp_path: Path, engine: type[AskingEngine]
) -> None:
    url = f"sqlite:///{tmp_path}/facts.db"
    with lamlam.SyncFactStore(url) as store:
        store.apply([lamlam.Assert(lamlam.Fact(entity="Lowmere", relation="Seat", value="Bath"))])
    fields = {"kind": "country", "form": "answer", "entity": "Lowmere", "relation": "Seat"}
    lines = [
        {"id": "1", "prompt": "What is the Seat of Lowmere?", **fields},
        {"id": "2", "prompt": "Seat of Lowmere, please?", "right": ["York"], **fields},
    ]
    path = tmp_path / "items.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    figures = evaluate_first_questions(path, memory=url, details=True, show_progress=False)
    assert (figures["n"], figures["right"]) == (2, 0.5)
    assert [one["id"] for one in figures["details"]] == ["2"]  # type: ignore[attr-defined]
    assert sorted(figures["outcomes"].values()) == [False, True]  # type: ignore[attr-defined]


def test_a_line_of_another_form_is_named(tmp_path: Path) -> None:
    line = {"id": "1", "kind": "x", "prompt": "x", "form": "shut", "entity": "x", "relation": "x"}
    path = tmp_path / "items.jsonl"
    path.write_text(json.dumps(line))
    with pytest.raises(BadDocument, match="form must be open or answer"):
        read_first_questions(path)
