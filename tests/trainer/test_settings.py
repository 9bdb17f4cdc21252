"""Settings are refused in the user's own spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.errors import BadSettings
from lamlam.trainer.devices import is_on_gpu
from lamlam.trainer.settings import load_settings
from tests.paths import ROOT

BASE = '[data]\ndocuments = "a.jsonl"\n[run]\nsteps = 3\n'


def test_a_file_and_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(BASE)
    settings = load_settings(
        path, ["data.plain=true", "optimiser.learning_rate=1", "model.width=64"]
    )
    assert settings.data.plain
    assert settings.optimiser.learning_rate == 1.0
    assert (settings.model.width, settings.run.steps) == (64, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model.wdith=3", "model.wdith"),
        ("model.width='a'", "model.width must be int"),
        ("model.heads=7", "model.heads .7. must be a multiple of model.kv_heads"),
        ("run.steps=0", "run.steps or run.minutes"),
        ("optimiser.accumulate=3", "accumulate"),
        ("data.documents=''", "data.documents"),
        ("data=3", "data must be a table"),
        ("optimiser.name='sgd'", "optimiser.name must be one of adamw, muon"),
        ("data.rows='strem'", "data.rows must be one of"),
        ("model.kv_heads=0", "model.kv_heads must be above 0"),
        ("run.log_every=0", "run.log_every must be above 0"),
        ("data.held_out=2", "data.held_out must be between 0 and 1"),
        ("run.steps=", "cannot read the settings"),
        ("steps", "not SECTION.KEY=VALUE"),
        ("run.=3", "not SECTION.KEY=VALUE"),
        ("run.output='a", "cannot read the settings of --set run.output='a"),
        ("run.steps=many", "run.steps must be int, got str"),
        ("data.documents.x=1", "data.documents is not a table"),
        ("data.documents.x.y=1", "data.documents is not a table"),
        ("run.output=''", "run.output must name a folder"),
        ("run.device=cudda", "run.device must be cpu or cuda"),
        ("run.steps=-4", "run.steps must be 0 or more.* got -4"),
        ("run.minutes=-1", "run.minutes must be 0 or more"),
        ("run.minutes=nan", "run.minutes must be 0 or more"),
        ("run.seed=-1", "run.seed must be 0 or more"),
        ("run.seed=9223372036854775808", "run.seed must be .* below 2.63"),
        ("run.save_every=-3", "run.save_every must be 0 or more"),
        ("data.workers=-2", "data.workers must be 0 or more, or -1"),
        ("data.vocabulary=260", "data.vocabulary must be 261 or more"),
        ("model.context=1", "model.context must be above 1"),
        ("model.rope_theta=0", "model.rope_theta must be above 0"),
        ("lookup_bias=nan", "lookup_bias must be a finite number"),
        ("optimiser.learning_rate=inf", "optimiser.learning_rate must be above 0 and finite"),
        ("optimiser.matrix_learning_rate=-1", "optimiser.matrix_learning_rate must be above 0"),
        ("optimiser.clip=nan", "optimiser.clip must be above 0"),
        ("optimiser.weight_decay=-0.1", "optimiser.weight_decay must be 0 or more"),
    ],
)
def test_mistakes_are_named(change: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(BASE)
    with pytest.raises(BadSettings, match=message):
        load_settings(path, [change])


@pytest.mark.parametrize(
    ("change", "documents"),
    [
        ("data.documents=notes 2.jsonl", "notes 2.jsonl"),
        ("data.documents='b.jsonl'", "b.jsonl"),
        ("data.documents=ünï/a=b.jsonl.xz", "ünï/a=b.jsonl.xz"),
    ],
)
def test_a_shell_may_have_removed_the_quotes_of_a_text(
    change: str, documents: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.toml"
    path.write_text(BASE)
    assert load_settings(path, [change]).data.documents == documents


@pytest.mark.parametrize(
    ("device", "n_gpus", "on_gpu"),
    [("", 0, False), ("", 2, True), ("cpu", 2, False), ("cuda", 1, True), ("cuda:1", 2, True)],
)
def test_the_device_of_a_run(
    device: str, n_gpus: int, on_gpu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: n_gpus > 0)
    monkeypatch.setattr("torch.cuda.device_count", lambda: n_gpus)
    assert is_on_gpu(device) is on_gpu


def test_a_gpu_that_is_not_there_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(BadSettings, match="run.device is cuda, and torch sees no GPUs here"):
        is_on_gpu("cuda")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(BadSettings, match="run.device is cuda:2, and torch sees 2 GPUs here"):
        is_on_gpu("cuda:2")


@pytest.mark.parametrize(
    "recipe", ["bundled.toml", "lamlam-135m.toml", "worded.toml", "worded-prose.toml"]
)
def test_the_recipes_of_bundled_models_are_valid(recipe: str) -> None:
    assert load_settings(ROOT / "trainer" / recipe).model.context >= 1024
