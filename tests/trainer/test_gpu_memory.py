"""A GPU whose memory is full: the largest part that fits is found, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lamlam.errors import BadSettings, GpuMemoryFull, TrainingError
from lamlam.trainer import step_loss
from lamlam.trainer.__main__ import main
from lamlam.trainer.gpu_memory import most_rows, naming_device_errors
from lamlam.trainer.model import build_model, next_token_loss
from lamlam.trainer.settings import ModelConfig, load_settings
from lamlam.trainer.training_state import STATE
from tests.trainer_processes import configuration


@pytest.mark.parametrize("rows", [1, 6, 7, 64, 96])
@pytest.mark.parametrize("room", [1, 2, 5, 31, 64, 1000])
@pytest.mark.parametrize("bend", [0, 40])
@pytest.mark.parametrize("all_first", [False, True])
def test_the_largest_part_that_fits_is_found(
    rows: int, room: int, bend: int, all_first: bool
) -> None:
    """Also where memory does not grow evenly; what does not fit is tried rarely."""
    tried: list[int] = []

    def peak_of(n: int) -> int | None:
        tried.append(n)
        peak = 500 + 10 * n + (bend if n > 8 else 0)
        return peak if n <= room else None

    limit = 500 + 10 * room + bend
    found = most_rows(rows, 500, limit, peak_of, all_first=all_first)
    assert found == max(n for n in range(1, rows + 1) if rows % n == 0 and n <= room)
    assert len(tried) == len(set(tried)) <= 5 + all_first
    if all_first and room >= rows:
        assert tried == [rows]


def test_what_ends_beyond_the_limit_does_not_fit() -> None:
    assert most_rows(8, 0, 45, lambda n: 10 * n) == 4
    with pytest.raises(GpuMemoryFull, match="single row") as full:
        most_rows(8, 0, 5, lambda n: 10 * n)
    assert "run.sharding" in str(full.value.hint)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_bound_that_spares_a_trial_is_below_what_a_block_keeps(dtype: torch.dtype) -> None:
    shape = ModelConfig(width=64, layers=3, heads=2, kv_heads=1, feed_forward=96, context=32)
    model = build_model(shape, 300, 0, torch.device("cpu"))
    inputs = torch.randint(1, 300, (4, 32))
    kept = 0

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        nonlocal kept
        kept += tensor.numel() * 2  # as if all were in bfloat16
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16),
    ):
        next_token_loss(model, inputs, inputs, None, None, dtype)
    assert 0 < step_loss.least_bytes_of_rows(inputs.numel(), 3, 64) < kept


def full_above(monkeypatch: pytest.MonkeyPatch, rows: int, after: int) -> None:
    """The GPU has no room for more rows at once, from some step on."""
    loss_of = next_token_loss
    calls = 0

    def loss(model: Any, inputs: torch.Tensor, *rest: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls > after and inputs.shape[0] > rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return loss_of(model, inputs, *rest)

    monkeypatch.setattr(step_loss, "next_token_loss", loss)


def test_a_full_gpu_says_which_part_fits_and_the_run_goes_on_with_it(
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = str(configuration(corpus, tmp_path / "run"))
    full_above(monkeypatch, rows=3, after=3)
    assert main([config]) == 2
    (line,) = [one for one in capsys.readouterr().err.splitlines() if one.startswith("error")]
    assert "full with 8 rows of 128 tokens at once (optimiser.accumulate = 1)" in line
    assert "(2 rows at once fit: set optimiser.accumulate = 4, and continue with --resume)" in line
    state = tmp_path / "run" / "run" / STATE
    kept = torch.load(state, weights_only=True)
    assert kept["position"]["step"] == 3
    assert main([config, "--resume", "--set", "optimiser.accumulate=4"]) == 0


def test_a_gpu_without_room_for_a_row_says_so(
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    full_above(monkeypatch, rows=0, after=0)
    assert main([str(configuration(corpus, tmp_path / "run"))]) == 2
    assert "lower model.context" in capsys.readouterr().err
    with pytest.raises(GpuMemoryFull, match="full: CUDA out of memory"), naming_device_errors():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def test_the_number_of_parts_may_be_left_open(corpus: Path, tmp_path: Path) -> None:
    config = configuration(corpus, tmp_path / "run")
    assert main([str(config), "--set", "optimiser.accumulate=0"]) == 0
    with pytest.raises(BadSettings, match="accumulate must be 0 or more, got -1"):
        load_settings(config, ["optimiser.accumulate=-1"])


def test_a_machine_without_room_is_one_error() -> None:
    """Whichever library asked for it; other errors stay as they are."""
    with pytest.raises(TrainingError, match="memory of this machine"), naming_device_errors():
        torch.empty(1 << 55, dtype=torch.uint8)
    with pytest.raises(TrainingError, match="memory of this machine"), naming_device_errors():
        np.arange(1 << 55)
    with pytest.raises(RuntimeError, match="another"), naming_device_errors():
        raise RuntimeError("another")


def test_a_gpu_that_gives_up_is_one_error() -> None:
    """Its first line, without torch's advice on debugging, and how to go on."""
    said = "CUDA error: unspecified launch failure\nFor debugging consider more."
    with (
        pytest.raises(TrainingError, match="ended this training: CUDA .* failure") as caught,
        naming_device_errors(),
    ):
        raise torch.AcceleratorError(said)
    assert "--resume" in (caught.value.hint or "")
    assert "debugging" not in str(caught.value)
