"""The dtype of matrix products in a step."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch

from lamlam.trainer import loop, step_loss
from lamlam.trainer.loop import train
from lamlam.trainer.model import next_token_loss
from lamlam.trainer.settings import DataConfig, ModelConfig, OptimiserConfig, RunConfig, Settings
from lamlam.trainer.step_loss import StepLoss

SHAPE = ModelConfig(width=16, layers=1, heads=2, kv_heads=1, feed_forward=32, context=128)


def settings(precision: str, corpus: Path = Path("-"), output: Path = Path()) -> Settings:
    return Settings(
        data=DataConfig(documents=str(corpus), vocabulary=600),
        model=SHAPE,
        optimiser=OptimiserConfig(batch_rows=8, learning_rate=1e-2),
        run=RunConfig(output=str(output), steps=6, device="cpu", log_every=1, precision=precision),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("precision", "device", "multiplies", "dtype"),
    [
        ("auto", "cpu", True, torch.float32),
        ("float32", "cpu", True, torch.float32),
        ("bf16", "cpu", True, torch.bfloat16),
        ("bf16", "cpu", False, torch.float32),
        ("auto", "cuda", False, torch.bfloat16),
        ("bf16", "cuda", False, torch.bfloat16),
        ("float32", "cuda", False, torch.float32),
    ],
)
def test_bf16_is_used_where_it_is_faster(
    precision: str,
    device: str,
    multiplies: bool,
    dtype: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And a wish that a processor cannot meet is said, not emulated."""
    monkeypatch.setattr(step_loss, "_multiplies_bf16", lambda: multiplies)
    assert step_loss.working_dtype(settings(precision), torch.device(device)) == dtype
    was_refused = device == "cpu" and precision == "bf16" and not multiplies
    assert ("does not multiply bf16" in caplog.text) == was_refused


def test_a_run_in_bf16_goes_as_one_in_float32(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nearly the same losses; the weights that are trained stay in float32."""
    monkeypatch.setattr(step_loss, "_multiplies_bf16", lambda: True)
    losses: dict[str, list[float]] = {"float32": [], "bf16": []}
    for precision, found in losses.items():
        train(
            settings(precision, corpus, tmp_path / precision),
            report=lambda progress, found=found: found.append(progress.loss),  # type: ignore[misc]
        )
    assert losses["bf16"] != losses["float32"]
    assert losses["bf16"] == pytest.approx(losses["float32"], rel=0.02)
    state = torch.load(tmp_path / "bf16" / "state.pt", weights_only=True)
    kinds = {value.dtype for value in state["model"].values()}
    assert kinds == {torch.float32}


@pytest.mark.parametrize("is_full", [False, True])
def test_compiling_before_the_first_batch_changes_no_step(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_full: bool
) -> None:
    """Also where the GPU has no room for it."""
    losses: dict[bool, list[float]] = {}
    warm_ups: list[bool] = []
    warm_up, loss_of = StepLoss.warm_up, next_token_loss

    def watched(this: StepLoss) -> None:
        def full(*_: object) -> torch.Tensor:
            raise torch.OutOfMemoryError

        if is_full:
            this._loss_of = full
        warm_up(this)
        this._loss_of = partial(loss_of, this._model)
        warm_ups.append(all(weight.grad is None for weight in this._model.parameters()))

    monkeypatch.setattr(StepLoss, "warm_up", watched)
    for is_compiled in (False, True):
        monkeypatch.setattr(loop, "is_compiled", lambda *_, found=is_compiled: found)
        reports: list[float] = []
        train(
            settings("auto", corpus, tmp_path / str(is_compiled)),
            report=lambda progress, kept=reports: kept.append(progress.loss),  # type: ignore[misc]
        )
        losses[is_compiled] = reports
    assert warm_ups == [True]
    assert losses[True] == losses[False] and len(losses[True]) == 6
