"""The example of training on own texts: its openings are apart from its notes, and it runs."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from lamlam.trainer.annotation.source_texts import SourceReading, files_in, read_sources
from tests.paths import ROOT
from tests.programs import run_python

EXAMPLES = ROOT / "examples"
TEXTS = EXAMPLES / "own_texts"
IN_A_ROW = 5


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


FACTS = {(row["entity"], row["relation"]): row["value"] for row in rows(TEXTS / "facts.csv")}
OPENINGS = rows(EXAMPLES / "own_texts_openings.csv")
NAMES = sorted({*FACTS.values(), *(entity for entity, _ in FACTS)}, key=len, reverse=True)
NAME = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, NAMES)) + r")(?!\w)", re.IGNORECASE)


def runs(text: str) -> Iterator[tuple[str, ...]]:
    """Yield each five words in a row of a text without its names and values."""
    words = re.findall(r"[\w']+", NAME.sub(" ", text).lower())
    yield from (tuple(words[i : i + IN_A_ROW]) for i in range(len(words) - IN_A_ROW + 1))


def notes() -> dict[str, list[str]]:
    """Return the texts of the notes by title."""
    found: dict[str, list[str]] = {}
    reading = SourceReading()
    for name in files_in([str(TEXTS)], reading):
        for document in read_sources(name, reading):
            found.setdefault(document.title, []).append(document.text)
    return found


def test_no_opening_has_five_words_in_a_row_of_a_note() -> None:
    """With the names taken out of both."""
    trained = {run: text for texts in notes().values() for text in texts for run in runs(text)}
    assert len(trained) > 1_000
    shared = {row["opening"]: trained[run] for row in OPENINGS for run in runs(row["opening"])
              if run in trained}  # fmt: skip
    assert not shared
    assert list(runs("It is said that the Grey Heron goes far from here, 340 miles, and back"))[0] \
        == ("it", "is", "said", "that", "the")  # fmt: skip


def test_each_opening_names_the_entity_of_its_fact_and_not_the_value() -> None:
    assert len(OPENINGS) == 50
    for row in OPENINGS:
        assert row["entity"] in row["opening"]
        assert FACTS[row["entity"], row["relation"]].lower() not in row["opening"].lower()
    assert {row["relation"] for row in OPENINGS} >= {relation for _, relation in FACTS} - {"street"}


def test_half_of_the_facts_that_are_asked_stand_in_no_note() -> None:
    titles = notes()
    n_unknown = 0
    everything = "\n".join(text for texts in titles.values() for text in texts)
    for row in OPENINGS:
        if row["entity"] not in titles:
            assert row["entity"] not in everything
            n_unknown += 1
    assert n_unknown >= 25


def test_the_settings_go_on_from_the_bundled_model() -> None:
    settings = tomllib.loads((EXAMPLES / "own_texts.toml").read_text(encoding="utf-8"))
    assert settings["model"]["init"] == "bundled"
    assert settings["data"]["documents"] == "documents.jsonl"


def test_in_short_every_step_runs(tmp_path: Path) -> None:
    program = EXAMPLES / "train_on_own_texts.py"
    done = run_python(str(program), str(tmp_path), "--short", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len([line for line in lines if line.startswith("== ")]) == 5
    assert (tmp_path / "own.gguf").is_file()
    for label in ("own model:", "without memory:", "bundled model:"):
        assert any(line.strip().startswith(label) and "of 5 facts" in line for line in lines)
    assert any(line.strip().startswith("changed:") for line in lines)
    erased = next(line for line in lines if line.strip().startswith("erased:"))
    assert "Osric Penhale" not in erased and "Ottokar Bly" not in erased
