"""The names that `facts_about` finds in texts: the messages that come with lamlam, and a set."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from lamlam.errors import BadDocument
from lamlam.evaluation.names_in_texts import MESSAGE_FACTS_FILE, MESSAGES_FILE, evaluate_names
from lamlam.evaluation.set_files import read_items


def test_names_in_messages_are_found() -> None:
    """At least 0.95 of the names, and at least 0.9 of what is found is one; each kind by itself
    finds nearly all too.
    """
    figures = evaluate_names(details=True)
    assert figures["texts"] == 100
    assert figures["recall"] >= 0.95, figures["wrong"]
    assert figures["precision"] >= 0.9, figures["wrong"]
    for kind, shares in figures["by_kind"].items():
        assert kind == "none" or shares["recall"] >= 0.9, kind
    assert sum(one["text"] != "" for one in figures["wrong"] if one["too_many"]) <= 3


def test_the_messages_are_of_every_kind() -> None:
    """About twenty of each, and memory has facts of every entity that one names."""
    kinds = Counter(one.text("kind") for one in read_items(MESSAGES_FILE))
    assert set(kinds) == {"possessive", "mid-sentence", "two names", "none", "me"}
    assert min(kinds.values()) >= 16
    known = {one.text("entity") for one in read_items(MESSAGE_FACTS_FILE)}
    assert {name for one in read_items(MESSAGES_FILE) for name in one.texts("names")} <= known


def test_a_set_of_questions(tmp_path: Path) -> None:
    """Memory holds the entities of all questions of the file; every second is in lower case."""
    path = tmp_path / "questions.jsonl"
    names = ("Velmora", "Lowmere Quay", "Oda Brandt", "Quay")
    lines = [{"question": f"Where is {name} located?", "entity": name} for name in names]
    lines.append({"question": "Where was that?", "entity": "Velmora"})
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    figures = evaluate_names(path, items=5, details=True)
    assert figures["texts"] == 5
    assert (figures["recall"], figures["precision"]) == (0.8, 1.0)
    assert set(figures["by_kind"]) == {"as written", "lower case"}
    assert [one["missing"] for one in figures["wrong"]] == [["velmora"]]
    assert evaluate_names(path, items=2)["texts"] == 2


def test_a_file_that_is_no_set_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text('{"question": "Who?"}\n', encoding="utf-8")
    with pytest.raises(BadDocument, match="entity must be"):
        evaluate_names(path)
