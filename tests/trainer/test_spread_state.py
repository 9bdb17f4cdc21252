"""A state in parts replaces the one before it only when it is whole."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from lamlam.trainer import spread_state
from lamlam.trainer.ranks import Ranks
from lamlam.trainer.spread_state import POINTER, SpreadState
from tests.full_disk import largest_file


def state(folder: Path) -> SpreadState:
    return SpreadState(folder, Ranks())


def tensors(value: float) -> dict[str, torch.Tensor]:
    return {"model.a": torch.full((50, 40), value), "optimiser.a.step": torch.tensor(value)}


def read(folder: Path) -> tuple[float, float, object]:
    into = tensors(0.0)
    state(folder).load(into)
    a, step = into.values()
    assert (a == a[0, 0]).all()
    return float(a[0, 0]), float(step), state(folder).about()["position"]


def parts(folder: Path) -> set[str]:
    return {re.sub(r"-[0-9a-f]{8}$", "", path.name) for path in folder.iterdir()}


@pytest.mark.parametrize("broken", ["save", "replace", "_write_whole"])
def test_who_is_killed_while_saving_leaves_the_state_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Before, within and behind the moment in which all parts are whole."""
    state(tmp_path).save(tensors(1.0), {"position": 1})

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    where = spread_state.os if broken == "replace" else spread_state  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setattr(where, broken, killed)
        with pytest.raises(KeyboardInterrupt):
            state(tmp_path).save(tensors(2.0), {"position": 2})
    assert read(tmp_path) == (1.0, 1.0, 1)
    state(tmp_path).save(tensors(3.0), {"position": 3})
    assert read(tmp_path) == (3.0, 3.0, 3)
    assert {name for name in parts(tmp_path) if not name.startswith(".")} == {POINTER, "state"}
    assert sum(path.is_dir() and path.name[0] != "." for path in tmp_path.iterdir()) == 1


def test_a_full_disk_leaves_the_state_before(tmp_path: Path) -> None:
    state(tmp_path).save(tensors(1.0), {"position": 1})
    with largest_file(2000), pytest.raises(OSError, match="File too large"):
        state(tmp_path).save(tensors(2.0), {"position": 2})
    assert read(tmp_path) == (1.0, 1.0, 1)
    assert parts(tmp_path) == {POINTER, "state"}


def test_a_state_with_a_damaged_part_is_refused(tmp_path: Path) -> None:
    state(tmp_path).save(tensors(1.0), {"position": 1})
    (part,) = tmp_path.glob("state-*/*.distcp")
    part.write_bytes(part.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"\w"):
        read(tmp_path)
    part.unlink()
    with pytest.raises(ValueError, match="No such file"):
        read(tmp_path)
    (tmp_path / POINTER).write_text("[]")
    with pytest.raises(ValueError, match="names no folder"):
        state(tmp_path).about()
