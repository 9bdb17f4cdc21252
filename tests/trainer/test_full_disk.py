"""A full disk: the run says so in one line, keeps its last good state, and goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lamlam.trainer.__main__ import main
from lamlam.trainer.training_state import STATE, TrainingState
from tests.full_disk import largest_file
from tests.trainer_processes import configuration


def errors(capsys: pytest.CaptureFixture[str]) -> list[str]:
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return [line for line in said.splitlines() if line.startswith(("error", "warning"))]


def test_the_state_before_is_kept_and_the_run_goes_on(
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The second of four states finds no room; the run is none the worse for it."""
    config = str(configuration(corpus, tmp_path / "run", steps=8, save_every=2))
    save = TrainingState._save_file
    kept: list[int] = []

    def saved(self: TrainingState, position: object) -> None:
        with largest_file(10_000 if len(kept) == 1 else 1 << 30):
            try:
                save(self, position)  # type: ignore[arg-type]  # passed on
            finally:
                kept.append(torch.load(self.path, weights_only=True)["position"]["step"])

    monkeypatch.setattr(TrainingState, "_save_file", saved)
    assert main([config]) == 0
    (line,) = errors(capsys)
    assert "cannot save the state of step 4" in line and "too large" in line
    assert "the state before it is kept" in line
    assert kept == [2, 2, 6, 8, 8]
    assert {path.name for path in (tmp_path / "run" / "run").glob(".*")} == set()


def test_a_disk_that_is_full_at_the_end_ends_the_run_with_an_error(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(configuration(corpus, tmp_path / "run", save_every=2))
    folder = tmp_path / "run" / "run"
    assert main([config]) == 0
    before = {name: (folder / name).read_bytes() for name in (STATE, "model.safetensors")}
    capsys.readouterr()
    with largest_file(10_000):
        assert main([config]) == 2
    *_, line = errors(capsys)
    assert line.startswith(f"error: cannot write the checkpoint in {folder}: ")
    assert before == {name: (folder / name).read_bytes() for name in before}
    # A checkpoint is smaller than a state: it is written where it has room.
    with largest_file(60_000):
        assert main([config]) == 2
    *_, line = errors(capsys)
    assert line.startswith("error: cannot save the state of step 6")
    assert (folder / STATE).read_bytes() == before[STATE]
    assert main([config, "--resume"]) == 0


def test_a_log_without_room_is_said_once(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(configuration(corpus, tmp_path / "run"))
    log = tmp_path / "run" / "run" / "train.log"
    log.parent.mkdir()
    log.write_text("x" * 300_000)
    with largest_file(300_000):
        assert main([config]) == 0
    (line,) = errors(capsys)
    assert line.startswith(f"warning: cannot write {log}: ")
