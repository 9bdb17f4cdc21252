"""Cells of a table are asked by the heads of its columns, and values of other cells counted."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from lamlam.cli.app import run
from lamlam.errors import BadDocument, LamLamError
from lamlam.evaluation.other_words import WordSettings
from lamlam.evaluation.table import (
    COUNTRIES_FILE,
    TABLE_WORDINGS_FILE,
    CellItem,
    cell_score,
    choose_cells,
    evaluate_table,
    read_cells,
    read_table_wordings,
)
from lamlam.evaluation.word_items import WordFact, WordItem
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.spans import Span
from tests.evaluation.scripted_engine import AskingEngine


def test_the_shipped_table_and_wordings_are_whole() -> None:
    """Fifty countries of at least ten known cells each, forty different wordings."""
    cells = read_cells(COUNTRIES_FILE)
    each = Counter(entity for entity, _, _ in cells)
    assert len(each) == 50
    assert min(each.values()) >= 10
    wordings = read_table_wordings(TABLE_WORDINGS_FILE)
    assert len(set(wordings)) == len(wordings) == 40


def test_wordings_come_in_turn_about_drawn_cells() -> None:
    cells = [("Valdoria", "Capital", "Brennavar"), ("Kestovia", "Area", "9 km2")]
    chosen = choose_cells(cells, ["{E}'s {R} is", "the {r} of {e}"], 40, 3)
    assert chosen == choose_cells(cells, ["{E}'s {R} is", "the {r} of {e}"], 40, 3)
    assert {one.asked.prompt for one in chosen} == {
        "Valdoria's Capital is",
        "Kestovia's Area is",
        "the capital of valdoria",
        "the area of kestovia",
    }
    assert Counter(one.number for one in chosen) == {1: 20, 2: 20}


@pytest.mark.parametrize(
    ("written", "values", "expected"),
    [
        (" Brennavar, in 9 km2", ["Brennavar", "9 km2"], (True, False, 1)),
        (" a town in 9 km2", ["9 km2"], (False, True, 0)),
        (" somewhere", [], (False, False, 0)),
        (" Brennavar", ["Brennavar"], (True, False, 0)),
    ],
)
def test_a_value_of_another_cell_counts_as_one(
    written: str, values: list[str], expected: tuple[bool, bool, int]
) -> None:
    """First where the asked one is due, or behind it."""
    prompt = "Valdoria's capital is"
    text = prompt + written
    spans = tuple(
        Span(text.index(value), text.index(value) + len(value), "fact") for value in values
    )
    fact = WordFact("Valdoria", "capital", ("Brennavar",), "capital", ())
    item = CellItem(1, "{E}'s {R} is", WordItem(prompt, fact))
    found = cell_score(item, Completion(text, spans, (), "stop", 0, 0, 0))
    assert (found.score.exact, found.other, found.later) == expected


def test_a_table_of_ones_own_is_asked(tmp_path: Path) -> None:
    table, wordings = tmp_path / "own.csv", tmp_path / "own.txt"
    table.write_text("name,capital,area\nValdoria,Brennavar,9 km2\nKestovia,Kest,\n")
    wordings.write_text("# mine\n{E}'s {R} is\n")
    quiet = WordSettings(show_progress=False)
    result = evaluate_table(table, wordings, items=2, settings=quiet)
    assert result["n"] == 2
    assert result["memory_scope"] == "3 cells"


def test_the_command_compares_with_an_earlier_run(
    tmp_path: Path,
    engine: type[AskingEngine],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One JSON object; the same cells asked with all the table, then each without its own."""
    table, wordings = tmp_path / "own.csv", tmp_path / "own.txt"
    table.write_text("name,Seat,Coin\nDuchy of Lowmere,Lowmere Hall,groat\n")
    wordings.write_text("What is {E}'s {R}?\n{E}'s {R} is\n")
    monkeypatch.setattr(engine, "entities", ("Duchy of Lowmere",))
    line = ["eval", "table", "--file", str(table), "--wordings", str(wordings), "--items", "6"]
    results = []
    for more in ([], ["--against", str(tmp_path / "before.json")]):
        assert run([*line, "--json", *more]) == 0
        out = capsys.readouterr().out
        results.append(json.loads(out))
        (tmp_path / "before.json").write_text(out)
    first, second = results
    assert first["right"] == 1.0
    assert first["false_when_absent"] == 0.0
    assert engine.options["max_tokens"] == 24
    assert len(engine.asked) == 2 * 12
    assert second["against"] == {
        "n": len(first["outcomes"]), "difference": 0.0, "gained": 0, "lost": 0, "p": 1.0,
    }  # fmt: skip
    assert run(line) == 0
    shown = capsys.readouterr().out
    assert "other_cell" in shown and "outcomes" not in shown


def test_bad_files_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("name,capital\n")
    with pytest.raises(LamLamError, match="no cell"):
        read_cells(path)
    path.write_text("What is {E}?\n")
    with pytest.raises(BadDocument, match=r"line 1: expected \{R\}"):
        read_table_wordings(path)
    path.write_text("# nothing\n")
    with pytest.raises(BadDocument, match="no wording"):
        read_table_wordings(path)
