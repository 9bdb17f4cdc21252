"""Facts are drawn to be read, and what was read is kept."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

import lamlam
from lamlam.bundled.draw_facts import draw, main

READ = Path(__file__).with_name("read_facts.csv")


def test_a_draw_does_not_depend_on_the_order_of_the_facts() -> None:
    facts = [lamlam.Fact(entity=f"E{n}", relation="r", value=str(n)) for n in range(50)]
    assert draw(facts, 5, 1) == draw(reversed(facts), 5, 1) != draw(facts, 5, 2)


def test_the_command_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "facts.sqlite"
    with lamlam.SyncFactStore(path) as store:
        fact = lamlam.Fact(entity="Ada Quill", relation="birth place", value="Bath", source="x")
        store.apply([lamlam.Assert(fact)])
    assert main([str(path), "--items", "3"]) == 0
    rows = list(csv.reader(capsys.readouterr().out.splitlines()))
    assert rows == [
        ["entity", "relation", "value", "source"],
        ["Ada Quill", "birth place", "Bath", "x"],
    ]


def test_what_was_read_is_what_the_model_card_says_and_what_ships() -> None:
    """Every fact that was found wrong or of a bad form in the shipped file is still in it."""
    rows = list(csv.DictReader(READ.read_text(encoding="utf-8").splitlines()))
    counts = Counter((row["draw"], row["verdict"]) for row in rows)
    card = Path(lamlam.__file__).with_name("bundled") / "MODEL_CARD.md"
    text = card.read_text(encoding="utf-8")
    for verdict, line in (("wrong", "wrong, or under"), ("bad form", "true, but of a bad form")):
        (figures,) = [one for one in text.splitlines() if one.startswith(f"| {line}")]
        before, now = (int(cell) for cell in figures.split("|")[2:4])
        assert (counts["before", verdict], counts["now", verdict]) == (before, now)
    with lamlam.SyncFactStore("bundled") as store:
        for row in rows:
            if row["draw"] == "now":
                assert row["value"] in store.lookup(row["entity"], row["relation"]).values
