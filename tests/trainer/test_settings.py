"""Settings are refused in the user's own spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.errors import BadSettings
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
    ],
)
def test_mistakes_are_named(change: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(BASE)
    with pytest.raises(BadSettings, match=message):
        load_settings(path, [change])


@pytest.mark.parametrize("recipe", ["bundled.toml", "worded.toml"])
def test_the_recipes_of_bundled_models_are_valid(recipe: str) -> None:
    assert load_settings(ROOT / "trainer" / recipe).model.context >= 1024
