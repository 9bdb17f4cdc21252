"""A run that ends early loses nothing: it stops, says where, and goes on to the same weights."""

from __future__ import annotations

import dataclasses
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from lamlam.errors import BadSettings, TrainingDiverged, TrainingStopped
from lamlam.trainer import step_loss
from lamlam.trainer.__main__ import main
from lamlam.trainer.data_loader import BatchLoader
from lamlam.trainer.loop import train
from lamlam.trainer.model import next_token_loss
from lamlam.trainer.progress import Progress
from lamlam.trainer.settings import DataConfig, ModelConfig, OptimiserConfig, RunConfig, Settings
from lamlam.trainer.stop_request import StopRequest
from lamlam.trainer.training_state import STATE
from tests.trainer_processes import configuration

SHAPE = ModelConfig(width=16, layers=1, heads=2, kv_heads=1, feed_forward=32, context=128)


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Signals reach the run, also where the tests run in the background, which ignores some."""
    handlers: dict[signal.Signals, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def settings(corpus: Path, output: Path, **run: object) -> Settings:
    return Settings(
        data=DataConfig(documents=str(corpus), vocabulary=600, held_out=0.05),
        model=SHAPE,
        optimiser=OptimiserConfig(batch_rows=8, learning_rate=1e-2),
        run=dataclasses.replace(
            RunConfig(output=str(output), steps=24, device="cpu", log_every=1),
            **run,  # type: ignore[arg-type]  # passed on by name
        ),
    )


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_step_and_saves_it(corpus: Path, tmp_path: Path, name: str) -> None:
    number = signal.Signals[name]
    before = signal.getsignal(number)

    def press(progress: Progress) -> None:
        if progress.step == 2:
            signal.raise_signal(number)

    with pytest.raises(TrainingStopped, match=f"{name} after step 2") as stopped:
        train(settings(corpus, tmp_path), report=press)
    assert stopped.value.status == 128 + number
    assert stopped.value.hint == "continue with --resume"
    assert signal.getsignal(number) is before
    assert not (tmp_path / "model.safetensors").exists()
    assert torch.load(tmp_path / STATE, weights_only=True)["position"]["step"] == 2


def test_stopped_at_any_step_a_run_ends_with_the_same_weights(corpus: Path, tmp_path: Path) -> None:
    whole = weights(train(settings(corpus, tmp_path / "whole")))
    resumed = settings(corpus, tmp_path / "parts")
    # Some stops lie behind the first epoch.
    for stop_at in (1, 5, 9, 10, 19):

        def press(progress: Progress, at: int = stop_at) -> None:
            if progress.step == at:
                signal.raise_signal(signal.SIGINT)

        with pytest.raises(TrainingStopped):
            train(resumed, resume=(tmp_path / "parts" / STATE).exists(), report=press)
    parts = weights(train(resumed, resume=True))
    assert all(torch.equal(weight, parts[name]) for name, weight in whole.items())


def test_resuming_draws_no_epoch_again(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit = BatchLoader._submit
    drawn: list[int] = []

    def counted(self: BatchLoader, number: int) -> Any:
        drawn.append(number)
        return submit(self, number)

    monkeypatch.setattr(BatchLoader, "_submit", counted)

    def press(progress: Progress) -> None:
        if progress.epoch == 1:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(TrainingStopped):
        train(settings(corpus, tmp_path), report=press)
    assert drawn[:2] == [0, 1]
    drawn.clear()
    train(settings(corpus, tmp_path), resume=True)
    assert drawn[0] == 1


@pytest.mark.parametrize(
    ("section", "key", "value", "named"),
    [
        ("model", "rope_theta", 5e5, "model.rope_theta"),
        ("optimiser", "learning_rate", 0.5, "optimiser.learning_rate was 0.01"),
        ("data", "invented", 0.5, "data.invented"),
        ("data", "worded", 0.5, "data.worded"),
        ("data", "within_documents", False, "data.within_documents"),
        ("run", "seed", 7, "run.seed was 0 .* is 7 now"),
        ("run", "steps", 48, "run.steps"),
    ],
)
def test_other_settings_are_refused_by_name(
    corpus: Path, tmp_path: Path, section: str, key: str, value: object, named: str
) -> None:
    first = settings(corpus, tmp_path, steps=1)
    first = dataclasses.replace(first, run=dataclasses.replace(first.run, steps=2))
    train(first)
    saved = (tmp_path / STATE).read_bytes()
    part = dataclasses.replace(getattr(first, section), **{key: value})
    with pytest.raises(BadSettings, match=named):
        train(dataclasses.replace(first, **{section: part}), resume=True)
    assert (tmp_path / STATE).read_bytes() == saved


def test_other_documents_are_refused_and_the_same_ones_under_another_name_are_not(
    corpus: Path, tmp_path: Path
) -> None:
    first = settings(corpus, tmp_path, steps=2)
    train(first)
    moved = tmp_path / "moved.jsonl"
    moved.write_bytes(corpus.read_bytes())
    renamed = dataclasses.replace(first.data, documents=str(moved))
    train(dataclasses.replace(first, data=renamed), resume=True)
    lines = corpus.read_text().splitlines()
    changed = json.loads(lines[3])
    changed["title"] += " II"
    moved.write_text("\n".join([*lines[:3], json.dumps(changed), *lines[4:]]))
    with pytest.raises(BadSettings, match=r"data\.documents"):
        train(dataclasses.replace(first, data=renamed), resume=True)


def test_a_damaged_state_is_refused(corpus: Path, tmp_path: Path) -> None:
    first = settings(corpus, tmp_path, steps=1)
    train(first)
    state = tmp_path / STATE
    for content in (b"", b"not a state", state.read_bytes()[:500]):
        state.write_bytes(content)
        with pytest.raises(BadSettings, match="no state of these settings"):
            train(first, resume=True)


def test_a_run_that_diverges_keeps_its_last_good_state(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loss_of = next_token_loss
    calls = 0

    def broken(*arguments: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        loss = loss_of(*arguments)
        return loss * float("nan") if calls >= 6 else loss

    monkeypatch.setattr(step_loss, "next_token_loss", broken)
    chosen = settings(corpus, tmp_path, log_every=20, save_every=4)
    with pytest.raises(TrainingDiverged, match="at step 6: loss nan"):
        train(chosen)
    assert not (tmp_path / "model.safetensors").exists()
    kept = torch.load(tmp_path / STATE, weights_only=True)
    assert kept["position"]["step"] == 4
    assert all(weight.isfinite().all() for weight in kept["model"].values())


def test_a_run_that_diverges_ends_with_an_error_and_no_traceback(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configuration(corpus, tmp_path / "run", steps=30)
    wild = ["--set", "optimiser.learning_rate=1e30", "--set", "optimiser.name='adamw'"]
    wild += ["--set", "optimiser.clip=1e30"]
    assert main([str(config), *wild]) == 2
    said = capsys.readouterr().err
    assert "diverged at step" in said and "lower the learning rate" in said
    assert "Traceback" not in said


def test_a_signal_that_is_passed_on_twice_does_not_end_one_of_many_at_once() -> None:
    """`torchrun` passes on what the terminal has sent to all already."""
    with StopRequest(is_alone=False) as many:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert many.signal == signal.SIGTERM
    with pytest.raises(KeyboardInterrupt), StopRequest() as alone:
        signal.raise_signal(signal.SIGINT)
        assert alone.signal == signal.SIGINT
        signal.raise_signal(signal.SIGINT)
