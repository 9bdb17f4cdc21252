"""The weights of a Hugging Face checkpoint, one tensor at a time."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from lamlam.errors import BadCheckpoint, MissingExtra
from lamlam.quant.architectures import Weights
from lamlam.quant.checkpoint_settings import read_json

_ONE_FILE = "model.safetensors"
_INDEX = "model.safetensors.index.json"


class HfWeights:
    """Shapes at once, values on demand, from one safetensors file or several."""

    def __init__(self, hf_dir: Path) -> None:
        """Find the files; they are opened by ``with``.

        Raises:
            BadCheckpoint: the folder has no safetensors weights.
        """
        self._stack = ExitStack()
        self._files: dict[str, Any] = {}  # Any: safetensors publishes no type for open files
        if (hf_dir / _ONE_FILE).is_file():
            self._paths = [hf_dir / _ONE_FILE]
        elif (hf_dir / _INDEX).is_file():
            shards = read_json(hf_dir / _INDEX).get("weight_map") or {}
            self._paths = [hf_dir / name for name in sorted(set(shards.values()))]
        else:
            raise BadCheckpoint(f"{hf_dir} has no {_ONE_FILE}")

    def __enter__(self) -> HfWeights:
        try:
            # Through torch, since NumPy has no bfloat16.
            import torch  # noqa: F401
            from safetensors import SafetensorError, safe_open
        except ImportError as problem:
            raise MissingExtra("train", problem.name or "safetensors") from None
        for path in self._paths:
            try:
                file = self._stack.enter_context(safe_open(path, framework="pt"))
            except (OSError, SafetensorError) as problem:
                self._stack.close()
                raise BadCheckpoint(f"cannot read {path}: {problem}") from None
            for name in file.keys():  # not a dictionary
                self._files[name] = file
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.clear()
        self._stack.close()

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of every tensor, without reading values."""
        return {name: tuple(file.get_slice(name).get_shape()) for name, file in self._files.items()}

    def read(self, name: str) -> Weights:
        """Return one tensor as float32.

        Raises:
            BadCheckpoint: a value is infinite or not a number.
        """
        weights: Weights = self._files[name].get_tensor(name).float().numpy()
        if not np.isfinite(weights).all():
            raise BadCheckpoint(
                f"{name} has values that are infinite or not a number",
                hint="the training run diverged; export an earlier checkpoint",
            )
        return weights
