"""The log of figures: whole lines, each step once, whatever ended the sessions of the run."""

from __future__ import annotations

import dataclasses
import errno
import json
import logging
import signal
from pathlib import Path
from typing import Any

import pytest

from lamlam.errors import BadSettings, TrainingStopped
from lamlam.trainer.loop import train
from lamlam.trainer.progress import Progress
from lamlam.trainer.run_records.metrics_log import EARLIER, METRICS, MetricsLog, read_metrics
from lamlam.trainer.settings import Settings, load_settings
from lamlam.trainer.training_state import STATE
from tests.trainer.run_records.figures_of_runs import plan, progress
from tests.trainer_processes import configuration


def chosen(corpus: Path, folder: Path, *changes: str, steps: int = 6) -> Settings:
    return load_settings(configuration(corpus, folder, steps, save_every=2), list(changes))


def steps_of(folder: Path, kind: str = "training") -> list[int]:
    return [r["step"] for r in read_metrics(folder / METRICS) if r["kind"] == kind]


def test_one_object_a_report(corpus: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    folder = train(chosen(corpus, tmp_path / "a"), report=seen.append)
    lines = (folder / METRICS).read_text(encoding="utf-8").splitlines()
    training = [record for line in lines if (record := json.loads(line))["kind"] == "training"]
    assert [record["step"] for record in training] == [1, 2, 3, 4, 5, 6]
    for record, one in zip(training, seen, strict=True):
        assert record.keys() == {"kind"} | {f.name for f in dataclasses.fields(Progress)}
        assert record["loss"] == pytest.approx(one.loss, rel=1e-4)
        assert record["tokens"] == record["step"] * 8 * 128
        assert record["gradient_norm"] > 0
        # All tokens of a template's document are learnt but the values, and most have lookups.
        assert 0.5 < record["learnt_share"] < 1
        assert 5 < record["lookups_per_1000"] < 100
        assert record["matrix_learning_rate"] == pytest.approx(
            record["learning_rate"] * 4e-3 / 1.5e-3, rel=1e-4
        )
    assert training[0]["tokens_per_s"] == 0  # the step that compiles is not timed
    assert training[1]["tokens_per_s"] > 0


def test_the_baseline_has_no_lookups(corpus: Path, tmp_path: Path) -> None:
    folder = train(chosen(corpus, tmp_path / "a", "data.plain=true", steps=2))
    assert {record.get("lookups_per_1000", 0) for record in read_metrics(folder / METRICS)} == {0}


def test_a_run_that_is_killed_and_resumed_has_each_step_once(corpus: Path, tmp_path: Path) -> None:
    """What was logged behind the saved state, and the line that the kill cut, are gone."""
    settings = chosen(corpus, tmp_path / "a")

    class Killed(BaseException):
        pass

    def kill(progress: Progress) -> None:
        if progress.step == 5:  # after the log has step 5; the state has step 4
            raise Killed

    with pytest.raises(Killed):
        train(settings, report=kill)
    folder = Path(settings.run.output)
    assert steps_of(folder) == [1, 2, 3, 4, 5]
    with open(folder / METRICS, "a", encoding="utf-8") as file:
        file.write('{"kind": "training", "step": 6, "lo')
    assert steps_of(folder) == [1, 2, 3, 4, 5]  # read while it is so
    cut = (folder / METRICS).read_text(encoding="utf-8").splitlines()[:4]
    train(settings, resume=True)
    assert steps_of(folder) == [1, 2, 3, 4, 5, 6]
    lines = (folder / METRICS).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines[:4]] == [json.loads(line) for line in cut]


def test_a_stop_between_two_reports_is_reported(corpus: Path, tmp_path: Path) -> None:
    settings = chosen(corpus, tmp_path / "a", "run.log_every=4")

    def press(progress: Progress) -> None:
        if progress.step == 4:
            signal.raise_signal(signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with pytest.raises(TrainingStopped):
            train(settings, report=press)
    finally:
        signal.signal(signal.SIGTERM, before)
    train(settings, resume=True)
    assert steps_of(Path(settings.run.output)) == [4, 6]


def test_another_run_in_the_folder_begins_a_log_of_its_own(corpus: Path, tmp_path: Path) -> None:
    folder = train(chosen(corpus, tmp_path / "a", steps=3))
    (folder / STATE).unlink()
    train(load_settings(tmp_path / "a" / "run.toml", ["run.steps=2"]))
    assert steps_of(folder) == [1, 2]
    assert [r["step"] for r in read_metrics(folder / EARLIER) if r["kind"] == "training"] == [
        1,
        2,
        3,
    ]


def test_lines_that_are_no_records_are_left_out(tmp_path: Path) -> None:
    good = '{"kind": "training", "step": 1, "loss": 2.0}'
    (tmp_path / METRICS).write_bytes(
        "\n".join([good, "", "[1]", "17", '{"step": true}', '{"loss": 1}', "[" * 9999]).encode()
        + b"\n\xff\xfe\x00\n"
        + good.replace("1,", "2,").encode()
    )
    assert [record["step"] for record in read_metrics(tmp_path / METRICS)] == [1, 2]


def test_json_has_no_nan(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    log.begin(plan(tmp_path))
    log.report(progress(1, float("inf")))
    assert json.loads((tmp_path / METRICS).read_text())["loss"] is None


def test_a_full_disk_does_not_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once, no half line stays, and later steps are logged when there is room again."""
    log = MetricsLog(tmp_path)
    log.begin(plan(tmp_path))
    log.report(progress(1))
    import builtins

    opened = builtins.open

    def full(*arguments: Any, **options: Any) -> Any:
        file = opened(*arguments, **options)
        write = file.write

        class Full:
            def __enter__(self) -> Any:
                return self

            def __exit__(self, *_: object) -> None:
                file.close()

            def __getattr__(self, name: str) -> Any:
                return getattr(file, name)

            def write(self, line: bytes) -> int:
                write(line[:20])
                raise OSError(errno.ENOSPC, "No space left on device")

        return Full()

    with monkeypatch.context() as changed, caplog.at_level(logging.WARNING):
        changed.setattr(builtins, "open", full)
        log.report(progress(2))
        log.report(progress(3))
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / METRICS} lacks step 2: [Errno 28] No space left on device"
    ]
    log.report(progress(4))
    assert steps_of(tmp_path) == [1, 4]
    assert (tmp_path / METRICS).read_text().count("\n") == 2


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSettings, match="cannot write"):
        MetricsLog(tmp_path / "file").begin(plan(tmp_path / "file"))
