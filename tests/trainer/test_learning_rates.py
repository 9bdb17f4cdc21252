"""The sweep of learning rates: alike starts, a sound choice, and nothing left in the run's folder."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import BadSettings, TrainingDiverged
from lamlam.trainer.learning_rates import (
    ShortRun,
    Sweep,
    main,
    report_places,
    suggestion,
    sweep_learning_rates,
    write_report,
)
from lamlam.trainer.settings import load_settings
from tests.trainer_processes import configuration


def short_run(factor: float, loss: float) -> ShortRun:
    return ShortRun(factor, 1e-3 * factor, 2e-3 * factor, (5.0, loss), math.isinf(loss))


def sweep_of(**losses: float) -> Sweep:
    """A sweep whose factors are given by name, as ``x2=3.5``."""
    runs = [short_run(float(name[1:].replace("_", ".")), loss) for name, loss in losses.items()]
    return Sweep(tuple(runs), 2, 1.0)


def test_the_lowest_of_the_good_rates_is_suggested() -> None:
    found = sweep_of(x0_5=4.0, x1=3.51, x2=3.5, x4=3.8, x8=math.inf)
    assert found.suggested.factor == 1.0 and found.remark == ""
    assert suggestion(found) == (
        "--set optimiser.learning_rate=0.001 --set optimiser.matrix_learning_rate=0.002"
    )
    assert sweep_of(x1=3.6, x2=3.5).suggested.factor == 2.0


def test_a_best_rate_at_the_end_of_the_range_says_so() -> None:
    assert "the highest that was tried" in sweep_of(x1=4.0, x2=3.0).remark
    assert "the lowest that was tried" in suggestion(sweep_of(x1=3.0, x2=math.inf))
    assert sweep_of(x1=3.0).remark == ""


def test_rates_that_all_diverge_are_one_error() -> None:
    with pytest.raises(TrainingDiverged, match="all 2 learning rates"):
        _ = sweep_of(x1=math.inf, x2=math.inf).suggested


@pytest.mark.parametrize(
    ("more", "problem"),
    [({"factors": []}, "above 0"), ({"factors": [0.0]}, "above 0"), ({"steps": 1}, "2 steps")],
)
def test_a_sweep_of_nothing_is_refused(
    corpus: Path, tmp_path: Path, more: dict[str, Any], problem: str
) -> None:
    settings = load_settings(configuration(corpus, tmp_path / "a"))
    with pytest.raises(BadSettings, match=problem):
        sweep_learning_rates(settings, **more)


def test_each_rate_begins_from_the_same_weights(corpus: Path, tmp_path: Path) -> None:
    """The first losses are equal to the bit, and a run does not depend on those before it."""
    settings = load_settings(configuration(corpus, tmp_path / "a"))
    told: list[ShortRun] = []
    both = sweep_learning_rates(settings, factors=[2, 0.5], steps=3, tell=told.append)
    assert [run.factor for run in told] == [0.5, 2.0]
    assert both.runs[0].losses[0] == both.runs[1].losses[0]
    assert both.runs[0].losses[2] != both.runs[1].losses[2]
    alone = sweep_learning_rates(settings, factors=[2], steps=3)
    assert alone.runs[0].losses == both.runs[1].losses
    assert both.runs[1].matrix_learning_rate == 2 * settings.optimiser.matrix_learning_rate


def test_a_diverging_end_is_no_error_and_nothing_is_left_in_the_folder_of_the_run(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configuration(corpus, tmp_path / "a")
    wild = ["--set", "optimiser.name='adamw'", "--steps", "4", "--factors", "1,1e6", "--json"]
    assert main([str(config), *wild]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert [run["is_diverged"] for run in found["runs"]] == [False, True]
    assert found["suggested"] == {
        "factor": 1.0, "learning_rate": 1.5e-3, "matrix_learning_rate": None,
    }  # fmt: skip
    assert "diverged at step" in err
    assert {path.name for path in config.parent.iterdir()} == {
        config.name, "run.learning-rates.json", "run.learning-rates.png",
    }  # fmt: skip
    written = json.loads((config.parent / "run.learning-rates.json").read_text())
    assert written == found
    assert (config.parent / "run.learning-rates.png").read_bytes().startswith(b"\x89PNG")


def test_factors_that_are_no_numbers_are_one_line(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configuration(corpus, tmp_path / "a")
    assert main([str(config), "--factors", "1,two"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_place_that_cannot_be_written_is_one_error(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    change = f"run.output='{tmp_path / 'file' / 'run'}'"
    settings = load_settings(configuration(corpus, tmp_path / "a"), [change])
    with pytest.raises(BadSettings, match="cannot write"):
        write_report(sweep_of(x1=3.0, x2=3.5), settings)


def test_a_read_only_folder_is_refused_before_the_runs(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(configuration(corpus, tmp_path / "a"))
    monkeypatch.setattr("os.access", lambda place, mode: False)
    with pytest.raises(BadSettings, match="cannot write .*: Permission denied"):
        report_places(settings)
