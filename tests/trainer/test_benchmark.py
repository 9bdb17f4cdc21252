"""The training benchmark runs the real loop and prints one object."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lamlam.trainer.benchmark import main
from tests.trainer_processes import configuration


def test_it_prints_speed_loss_and_parts(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configuration(corpus, tmp_path / "run")
    assert main([str(config), "--steps", "6", "--parts"]) == 0
    out, _ = capsys.readouterr()
    figures = json.loads(out)
    assert figures["step"] == 6
    assert figures["tokens_per_s"] > 0 and figures["loss"] > 0
    # Embedding, one layer of four attention and three MLP matrices, three norms.
    assert figures["parameters"] == 600 * 16 + 16 * (16 + 8 + 8 + 16) + 3 * 16 * 32 + 3 * 16
    assert set(figures["parts_ms"]) == {
        "mask", "forward", "backward", "clip", "adamw", "stackedmuon", "zero_grad",
    }  # fmt: skip
    assert [path.name for path in config.parent.iterdir()] == [config.name]


def test_settings_that_cannot_run_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "missing.toml")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_feed_alone_reads_what_it_draws(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It compares the rows itself."""
    config = configuration(corpus, tmp_path / "run")
    assert main([str(config), "--seconds", "0.1", "--feed"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["tokens"] > 0
    assert set(figures["ns_per_token"]) == {"draw", "pack", "map", "plan", "take"}
    assert figures["ratio"] > 1
    tokens = ["--set", "data.tokens='x'"]
    assert main([str(config), "--feed", *tokens]) == 2
    assert "set data.documents" in capsys.readouterr().err
