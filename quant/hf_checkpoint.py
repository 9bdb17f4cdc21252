"""The weights of a Hugging Face checkpoint, one tensor at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lamlam.errors import BadCheckpoint, MissingExtra
from lamlam.quant.architectures import Weights
from lamlam.quant.checkpoint_settings import read_json

_ONE_FILE = "model.safetensors"
_INDEX = "model.safetensors.index.json"


class HfWeights:
    """Shapes at once, values on demand, from one safetensors file or several.

    A file is mapped into memory for as long as one tensor is read: what was read of it would
    count as memory of this process otherwise, until it held the whole file.
    """

    def __init__(self, hf_dir: Path) -> None:
        """Read names and shapes.

        Raises:
            BadCheckpoint: the folder has no safetensors weights, or they cannot be read.
            MissingExtra: the packages of ``lamlam[train]`` are not installed.
        """
        try:
            # Through torch, since NumPy has no bfloat16.
            import torch  # noqa: F401
            from safetensors import safe_open
        except ImportError as problem:
            raise MissingExtra("train", problem.name or "safetensors") from None
        self._open_file: Any = safe_open  # Any: safetensors publishes no type for open files
        self._paths: dict[str, Path] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        for path in _files(hf_dir):
            with self._open(path) as file:
                for name in file.keys():  # not a dictionary
                    self._paths[name] = path
                    self._shapes[name] = tuple(file.get_slice(name).get_shape())

    def _open(self, path: Path) -> Any:
        from safetensors import SafetensorError

        try:
            return self._open_file(path, framework="pt")
        except (OSError, SafetensorError) as problem:
            raise BadCheckpoint(
                f"cannot read {path}: {problem}",
                hint="the file may be cut: copy or download the checkpoint again",
            ) from None

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor, without reading values."""
        return dict(self._shapes)

    def read(self, name: str) -> Weights:
        """Return one tensor as float32.

        Raises:
            BadCheckpoint: a value is infinite or not a number.
        """
        with self._open(self._paths[name]) as file:
            weights: Weights = file.get_tensor(name).float().numpy()
        if not np.isfinite(weights).all():
            raise BadCheckpoint(
                f"{name} has values that are infinite or not a number",
                hint="the training run diverged; export an earlier checkpoint",
            )
        return weights


def _files(hf_dir: Path) -> list[Path]:
    if (hf_dir / _ONE_FILE).is_file():
        return [hf_dir / _ONE_FILE]
    if (hf_dir / _INDEX).is_file():
        shards = read_json(hf_dir / _INDEX).get("weight_map") or {}
        return [hf_dir / name for name in sorted(set(shards.values()))]
    raise BadCheckpoint(
        f"{hf_dir} has no {_ONE_FILE}", hint="name the folder that training has written"
    )
