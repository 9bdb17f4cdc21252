"""Picture, TensorBoard and advice: there where they can be, and never in the way."""

from __future__ import annotations

import json
import logging
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import BadSettings
from lamlam.trainer.run_records import run_picture
from lamlam.trainer.run_records.metrics_log import METRICS
from lamlam.trainer.run_records.run_picture import PICTURE, RunPicture, main
from lamlam.trainer.run_records.tensorboard_log import tensorboard_log
from lamlam.trainer.run_records.waiting_advice import WaitingAdvice, advice
from lamlam.trainer.run_records.watcher import Watchers
from lamlam.trainer.settings import load_settings
from tests.trainer.run_records.figures_of_runs import held_out, plan, progress


def write_log(folder: Path, *records: dict[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / METRICS).write_text("".join(json.dumps(record) + "\n" for record in records))


RECORDS: list[dict[str, Any]] = [
    {"kind": "training", "step": 20, "tokens": 2000, "loss": 4.0},
    {"kind": "evaluation", "step": 20, "tokens": 2000, "held_out_loss": 4.1, "keys_right": 0.5},
    {"kind": "training", "step": 40, "tokens": 4000, "loss": None},
    {"kind": "training", "step": 60, "tokens": "many", "loss": 3.0},
]


def test_a_picture_is_drawn_of_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also of a log with a gap, with one point, and under a name that is no plain text."""
    for name, records in (("whole", RECORDS), ("$x_{1$ \u202e", RECORDS[:1])):
        write_log(tmp_path / name, *records)
        assert main([str(tmp_path / name)]) == 0
        assert (tmp_path / name / PICTURE).read_bytes().startswith(b"\x89PNG")
        assert {path.name for path in (tmp_path / name).iterdir()} == {METRICS, PICTURE}
    capsys.readouterr()
    assert main([str(tmp_path)]) == 2
    assert main([]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_a_picture_that_fails_ends_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[Path] = []

    def fail(folder: Path, name: str) -> None:
        tried.append(folder)
        raise RuntimeError("no font")

    monkeypatch.setattr(run_picture, "find_spec", lambda name: ModuleSpec(name, None))
    monkeypatch.setattr(run_picture, "draw_run", fail)
    picture = RunPicture(tmp_path)
    picture.begin(plan(tmp_path))
    with caplog.at_level(logging.WARNING):
        picture.end()
        picture.end()
    assert [record.getMessage() for record in caplog.records] == ["no picture of the run: no font"]
    assert len(tried) == 1


def test_a_picture_is_drawn_at_saves_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saves that follow at once draw none: drawing takes part of a second."""
    drawn: list[str] = []
    clock = [0.0]
    monkeypatch.setattr(run_picture, "find_spec", lambda name: ModuleSpec(name, None))
    monkeypatch.setattr("lamlam.trainer.run_records.run_picture.time.monotonic", lambda: clock[0])
    monkeypatch.setattr(run_picture, "draw_run", lambda folder, name: drawn.append(name))
    picture = RunPicture(tmp_path / "named")
    picture.begin(plan(tmp_path / "named"))
    for moment, n in ((1.0, 0), (31.0, 1), (32.0, 1), (90.0, 2)):
        clock[0] = moment
        picture.saved(1, tmp_path)
        assert drawn == ["named"] * n
    picture.end()
    assert drawn == ["named"] * 3


def test_tensorboard_is_never_required(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.setattr("lamlam.trainer.run_records.tensorboard_log.find_spec", lambda name: None)
    assert tensorboard_log(tmp_path, "auto") is None
    assert tensorboard_log(tmp_path, False) is None
    with pytest.raises(BadSettings, match="it is not installed"):
        tensorboard_log(tmp_path, True)


def test_tensorboard_gets_each_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Any] = []

    class Writer:
        def __init__(self, folder: str, purge_step: int) -> None:
            said.append((folder, purge_step))

        def add_scalar(self, name: str, value: float, step: int) -> None:
            said.append((name, value, step))

        def flush(self) -> None:
            said.append("flush")

        def close(self) -> None:
            said.append("close")

    module: Any = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    monkeypatch.setattr(
        "lamlam.trainer.run_records.tensorboard_log.find_spec",
        lambda name: ModuleSpec(name, None),
    )
    log = tensorboard_log(tmp_path, "auto")
    assert log is not None
    with Watchers([log]) as watchers:
        watchers.begin(plan(tmp_path, first_step=7))
        watchers.report(progress(8))
        watchers.evaluated(held_out(8))
        watchers.saved(8, tmp_path)
    assert said[0] == (str(tmp_path / "tensorboard"), 8)  # what lies behind step 7 is hidden
    assert ("training/loss", 2.0, 8) in said and ("held out/keys_right", 0.25, 8) in said
    assert not any("mfu" in str(one) for one in said)  # unknown on a CPU
    assert said[-2:] == ["flush", "close"]


@pytest.mark.parametrize(
    ("value", "is_known"),
    [("true", True), ("false", True), ("'auto'", True), ("'on'", False), ("1", False)],
)
def test_tensorboard_is_true_false_or_auto(tmp_path: Path, value: str, is_known: bool) -> None:
    file = tmp_path / "run.toml"
    file.write_text(f"[data]\ndocuments='d'\n[run]\nsteps=1\ntensorboard={value}\n")
    if is_known:
        load_settings(file)
    else:
        with pytest.raises(BadSettings, match=r"run\.tensorboard must be"):
            load_settings(file)


def test_a_run_that_waits_for_rows_says_once_what_to_change(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = WaitingAdvice(has_token_files=False)
    watcher.begin(plan(tmp_path))
    with caplog.at_level(logging.WARNING):
        for step, waiting in ((1, 0.9), (2, 0.0), (3, 0.4), (4, 0.02), (5, 0.3)):
            watcher.report(progress(step, waiting_share=waiting))
        assert not caplog.records  # never twice in a row
        for step in range(6, 20):
            watcher.report(progress(step, waiting_share=0.3))
    assert len(caplog.records) == 1
    assert caplog.records[0].getMessage().startswith("30% of the time passes waiting for rows: ")


def test_the_advice_follows_what_the_machine_has() -> None:
    assert advice(0, 8, False).startswith("raise data.workers (now 0, with 8 processors)")
    assert "lamlam prepare" in advice(0, 8, False)
    assert (
        advice(15, 16, False)
        == "all 16 processors are in use: make token files once with lamlam prepare"
    )
    assert "faster disk" in advice(0, 8, True)
