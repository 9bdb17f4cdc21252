"""No frame for training repeats five words in a row of a set that checks a model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lamlam.evaluation.make_unseen import FRAMES_FILE
from lamlam.evaluation.table import TABLE_WORDINGS_FILE, read_table_wordings
from lamlam.evaluation.wordings import load_wordings
from lamlam.word_lists import read_sections
from tests.trainer.synthetic.word_runs import (
    HASHES,
    hashed,
    lines_of_sets,
    load_hashes,
    repeated,
    runs_of,
    runs_of_line,
    training_sentences,
    words_of,
    write_hashes,
)


def unseen_frames() -> Iterator[tuple[str, str]]:
    sections = read_sections(FRAMES_FILE)
    return ((name, line) for name, lines in sections.items() for line in lines)


def test_no_frame_repeats_a_run_of_the_sets_that_check_models() -> None:
    """Names taken out of both; the sets are known by hashes alone."""
    known = load_hashes()
    assert len(known) > 30_000
    runs = [(one, run) for one in training_sentences() for run in runs_of(one[1])]
    numbers = [int(hashed([run])[0]) for _, run in runs]
    places = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    found = [
        one
        for one, number, place in zip(runs, numbers, places, strict=True)
        if known[place] == number
    ]
    assert not found


def test_no_frame_repeats_a_run_of_the_shipped_wordings() -> None:
    texts = [one.wording.replace("{e}", "{E}") for one in load_wordings().wordings]
    texts += [
        one.replace("{e}", "{E}").replace("{r}", "{R}")
        for one in read_table_wordings(TABLE_WORDINGS_FILE)
    ]
    runs = {run for text in texts for run in runs_of(text)}
    assert len(runs) > 900
    assert not repeated(training_sentences(), runs)


def test_the_list_for_tests_and_the_one_for_training_share_no_run() -> None:
    own = {run for _, text in training_sentences() for run in runs_of(text)}
    assert len(own) > 2000
    assert not repeated(unseen_frames(), own)


def test_the_file_of_hashes_is_small() -> None:
    assert HASHES.stat().st_size < 300_000


def test_hashes_are_read_as_they_were_written(tmp_path: Path) -> None:
    runs = [f"run number {n}" for n in range(500)]
    write_hashes(runs, tmp_path / "runs.xz")
    assert (load_hashes(tmp_path / "runs.xz") == hashed(runs)).all()
    assert set(hashed(runs[:3]).tolist()) <= set(hashed(runs).tolist())


@pytest.mark.parametrize(
    ("line", "runs"),
    [
        ({"entity": "Oslo", "patterns": ["[X] lies in [Y] ."]}, ["= lies in"]),
        (
            {"question": "So where on earth was Ada Quill born?", "entity": "Ada Quill"},
            ["so where on earth was", "where on earth was born"],
        ),
        (
            {"text": "Osk is the old seat of Norland.", "facts": [["Norland", "capital", "Osk"]]},
            ["is the old seat of"],
        ),
        ({"prompt_text": "A B", "subject": "A B"}, []),
        ({"masked_sentence": "one two three four five"}, []),
    ],
)
def test_runs_of_a_line_are_without_its_names(line: dict[str, object], runs: list[str]) -> None:
    assert list(runs_of_line(line)) == runs


def test_a_frame_that_repeats_a_set_is_found(tmp_path: Path) -> None:
    """From the set to the message, as the program does it."""
    (tmp_path / "audit").mkdir()
    line = {"prompt_text": "Norland's people pay for all things with", "subject": "Norland"}
    (tmp_path / "audit" / "a.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    runs = {run for one in lines_of_sets(tmp_path) for run in runs_of_line(one)}
    frames = [("currency", "All people pay for {E}, all things with {V}."), ("x", "Fine {E}.")]
    assert repeated(frames, runs) == [
        "[currency] 'All people pay for {E}, all things with {V}.' repeats "
        "'people pay for all things'",
        "[currency] 'All people pay for {E}, all things with {V}.' repeats "
        "'pay for all things with'",
    ]
    assert words_of("It's {E}’s, not_mine") == ["it's", "s", "not", "mine"]
