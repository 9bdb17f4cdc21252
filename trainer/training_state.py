"""The state of a run, from which it goes on where it was; refused for other data or settings."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer

from lamlam.errors import BadSettings
from lamlam.trainer.settings import Settings
from lamlam.trainer.tokenizer import LmlmTokenizer
from lamlam.trainer.training_data import TrainingData
from lamlam.unfinished_files import part_beside

STATE = "state.pt"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a run has come: enough to take the next batch and no other."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    """Number of the next batch in its epoch."""
    seconds: float = 0.0


class TrainingState:
    """The file from which a run goes on: weights, optimisers, random state and position."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        data: TrainingData,
        tokenizer: LmlmTokenizer,
        model: torch.nn.Module,
        optimisers: list[Optimizer],
    ) -> None:
        self.path = folder / STATE
        self._model = model
        self._optimisers = optimisers
        self._fingerprint = run_fingerprint(settings, data, tokenizer)

    def save(self, position: Position) -> None:
        """Write the state beside its file first, then in one rename."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "position": dataclasses.asdict(position),
            "fingerprint": self._fingerprint,
            "model": self._model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self._optimisers],
            "random": torch.get_rng_state(),
            "cuda_random": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }
        part = part_beside(self.path)
        try:
            torch.save(state, part)
            os.replace(part, self.path)
        finally:
            part.unlink(missing_ok=True)

    def load(self) -> Position:
        """Restore the saved state in place; returns how far it had come.

        Raises:
            BadSettings: no state, or one of other data or settings, which the message names.
        """
        if not self.path.exists():
            raise BadSettings(
                f"{self.path.parent} has no state to resume from", hint="start without --resume"
            )
        try:
            state = torch.load(self.path, map_location="cpu", weights_only=True)
            self._compare(state["fingerprint"])
            position = Position(**state["position"])
            self._model.load_state_dict(state["model"])
            for optimiser, saved in zip(self._optimisers, state["optimisers"], strict=True):
                optimiser.load_state_dict(saved)
        except (
            RuntimeError,
            LookupError,
            ValueError,
            TypeError,
            EOFError,
            pickle.UnpicklingError,
        ) as e:
            raise BadSettings(f"{self.path} is no state of these settings: {e}") from None
        torch.set_rng_state(state["random"])
        if state["cuda_random"] and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["cuda_random"])
        return position

    def _compare(self, saved: dict[str, Any]) -> None:
        for name in sorted(saved.keys() | self._fingerprint.keys()):
            was, now = saved.get(name), self._fingerprint.get(name)
            if was != now:
                raise BadSettings(
                    f"{name} was {was} in the run that {self.path} belongs to, and is {now} now",
                    hint="resume with the same data and settings, or start without --resume",
                )


_FREE = {
    "data.documents", "data.tokens", "data.mixture", "data.replay", "data.tokenizer",
    "data.workers", "model.init",
    "run.output", "run.device", "run.compile", "run.save_every", "run.log_every", "run.minutes",
}  # fmt: skip
"""Settings that may change between two sessions of a run; files are compared by their content."""


def run_fingerprint(
    settings: Settings, data: TrainingData, tokenizer: LmlmTokenizer
) -> dict[str, Any]:
    """Return what must be alike for a run to go on: settings by name, data by hash."""
    found: dict[str, Any] = {}

    def collect(part: dict[str, Any], where: str) -> None:
        for key, value in part.items():
            if isinstance(value, dict):
                collect(value, f"{where}{key}.")
            elif where + key not in _FREE:
                found[where + key] = value

    collect(dataclasses.asdict(settings), "")
    if settings.run.steps == 0:  # the learning rate follows the clock
        found["run.minutes"] = settings.run.minutes
    if settings.data.mixture:
        weights = ", ".join(f"{one.kind} x {one.weight:g}" for one in settings.data.mixture)
        found["data.mixture"] = weights
    found |= data.content()
    vocabulary = hashlib.blake2b(tokenizer.full.to_str().encode(), digest_size=8).hexdigest()
    found["the content of data.tokenizer"] = f"{tokenizer.size} tokens, {vocabulary}"
    return found
