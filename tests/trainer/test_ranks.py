"""Two processes train the model that one would have trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from lamlam.errors import BadSettings
from lamlam.trainer import data_loader
from lamlam.trainer.loop import train
from lamlam.trainer.ranks import Ranks
from lamlam.trainer.settings import load_settings
from lamlam.trainer.training_state import STATE
from tests.trainer_processes import configuration, ends, start


def test_two_processes_learn_what_one_learns(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    pair = start(2, configuration(corpus, together))
    monkeypatch.setattr(data_loader, "SHARD", 30)
    train(load_settings(configuration(corpus, alone)))
    assert [status for status, _ in ends(pair)] == [0, 0]
    weights = [
        torch.load(folder / "run" / STATE, weights_only=True)["model"]
        for folder in (alone, together)
    ]
    for name, weight in weights[0].items():
        # Sums in another order, which Muon's bfloat16 makes a little larger.
        assert torch.allclose(weight, weights[1][name], atol=3e-3), name
    records = [
        json.loads((folder / "run" / "lamlam.json").read_text())["training"]
        for folder in (alone, together)
    ]
    assert records[1]["last_loss"] == pytest.approx(records[0]["last_loss"], abs=2e-3)
    record = records[1]
    assert record["processes"] == 2
    assert record["tokens_this_session"] == 6 * 8 * 128


def test_rows_that_cannot_be_shared_are_refused() -> None:
    assert Ranks(1, 4).share_of(16, 2) == slice(4, 8)
    with pytest.raises(BadSettings, match="12, which 4 processes with 2 parts") as refused:
        Ranks(1, 4).share_of(12, 2)
    assert refused.value.hint == "use a multiple of 8"
