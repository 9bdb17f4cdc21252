"""The state of a run, from which it goes on where it was; refused for other data or settings."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.optim import Optimizer

from lamlam.errors import BadSettings, SavingFailed
from lamlam.trainer.named_tensors import (
    fill,
    is_spread,
    load_whole,
    named_tensors,
    prepared_tensors,
)
from lamlam.trainer.ranks import Ranks
from lamlam.trainer.settings import Settings
from lamlam.trainer.spread_state import SpreadState
from lamlam.trainer.tokenizer import LmlmTokenizer
from lamlam.trainer.training_data import TrainingData
from lamlam.trainer.write_errors import write_error
from lamlam.unfinished_files import part_beside

STATE = "state.pt"
log = logging.getLogger(__name__)
RANDOM = "random"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a run has come: enough to take the next batch and no other."""

    step: int = 0
    epoch: int = 0
    batch: int = 0
    """Number of the next batch in its epoch."""
    seconds: float = 0.0


class TrainingState:
    """What a run goes on from: weights, optimisers, random state and position.

    A file where one process has the whole model. Where the model is spread over
    processes, a folder to which each writes its part (`SpreadState`). Either is
    read by any number of processes, whether they spread the model or not.
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        data: TrainingData,
        tokenizer: LmlmTokenizer,
        model: torch.nn.Module,
        optimisers: list[Optimizer],
        ranks: Ranks | None = None,
    ) -> None:
        """Take note of what is saved, and check that all processes train on the same.

        Raises:
            BadSettings: another process has other data or settings.
        """
        self.path = folder / STATE
        self._model = model
        self._optimisers = optimisers
        self._ranks = ranks if ranks is not None else Ranks()
        self._spread = SpreadState(folder, self._ranks)
        self._fingerprint = run_fingerprint(settings, data, tokenizer)
        self._ranks.check_alike(self._fingerprint)

    @property
    def place(self) -> Path:
        """Where the state is."""
        return self._spread.pointer if is_spread(self._model) else self.path

    def try_save(self, position: Position) -> SavingFailed | None:
        """Save, or warn that it failed: a run whose disk is full goes on, and loses nothing yet."""
        try:
            self.save(position)
        except SavingFailed as problem:
            if self._ranks.is_first:
                log.warning("warning: %s (%s)", problem, problem.hint)
            return problem
        return None

    def save(self, position: Position) -> None:
        """Write the state beside the last one first, then in its place; in all processes alike.

        Raises:
            SavingFailed: in all processes; the state before it is kept.
        """
        problem: Exception | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if is_spread(self._model):
                about = {"position": dataclasses.asdict(position), "fingerprint": self._fingerprint}
                tensors = named_tensors(self._model, self._optimisers)
                self._spread.save({**tensors, RANDOM: torch.get_rng_state()}, about)
                if self._ranks.is_first:
                    self.path.unlink(missing_ok=True)
            elif self._ranks.is_first:
                self._save_file(position)
                self._spread.remove()
        except (OSError, RuntimeError) as e:  # torch's writer raises the second on a full disk
            problem = e
        if self._ranks.largest(int(problem is not None)):
            reason = (
                "another process could not write it" if problem is None else write_error(problem)
            )
            has_one = self.path.exists() or self._spread.pointer.exists()
            failed = SavingFailed(
                f"cannot save the state of step {position.step} in {self.path.parent}: {reason}",
                hint="the state before it is kept; make room there"
                if has_one
                else "make room there",
            )
            failed.is_shared = problem is None or is_spread(self._model)
            raise failed

    def _save_file(self, position: Position) -> None:
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
            with part.open("wb") as file:
                torch.save(state, file)
                os.fsync(file.fileno())
            os.replace(part, self.path)
        finally:
            part.unlink(missing_ok=True)

    def load(self) -> Position:
        """Restore the saved state in place; returns how far it had come.

        Raises:
            BadSettings: no state, or one of other data or settings, which the message names.
        """
        file, folder = self.path, self._spread.pointer
        # A run that was killed between the two renames of a change left both.
        found = [path for path in (file, folder) if path.exists()]
        if not found:
            raise BadSettings(
                f"{self.path.parent} has no state to resume from", hint="start without --resume"
            )
        newest = max(found, key=lambda path: path.stat().st_mtime_ns)
        try:
            return self._load_folder() if newest == folder else self._load_file()
        except (
            RuntimeError,
            LookupError,
            ValueError,
            TypeError,
            OSError,
            EOFError,
            pickle.UnpicklingError,
        ) as e:
            raise BadSettings(f"{newest} is no state of these settings: {e}") from None

    def _load_file(self) -> Position:
        state = torch.load(self.path, map_location="cpu", weights_only=True)
        self._compare(state["fingerprint"], self.path)
        position = Position(**state["position"])
        if is_spread(self._model):
            load_whole(self._model, self._optimisers, state["model"], state["optimisers"])
        else:
            self._model.load_state_dict(state["model"])
            for optimiser, saved in zip(self._optimisers, state["optimisers"], strict=True):
                optimiser.load_state_dict(saved)
        torch.set_rng_state(state["random"])
        cuda_random = state["cuda_random"]
        # Of as many GPUs as this process sees; nothing draws from it after the first step.
        if cuda_random and len(cuda_random) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(cuda_random)
        return position

    def _load_folder(self) -> Position:
        about = self._spread.about()
        self._compare(about["fingerprint"], self._spread.pointer)
        position = Position(**about["position"])
        tensors = prepared_tensors(self._model, self._optimisers, self._spread.names())
        random = torch.get_rng_state()
        self._spread.load({**tensors, RANDOM: random})
        fill(self._model, self._optimisers, tensors)
        torch.set_rng_state(random)
        return position

    def _compare(self, saved: dict[str, Any], path: Path) -> None:
        for name in sorted(saved.keys() | self._fingerprint.keys()):
            was, now = saved.get(name), self._fingerprint.get(name)
            if was != now:
                raise BadSettings(
                    f"{name} was {was} in the run that {path} belongs to, and is {now} now",
                    hint="resume with the same data and settings, or start without --resume",
                )


_FREE = {
    "data.documents", "data.tokens", "data.mixture", "data.replay", "data.tokenizer",
    "data.workers", "model.init",
    "optimiser.accumulate",
    "run.output", "run.device", "run.sharding", "run.compile", "run.save_every", "run.log_every",
    "run.minutes", "run.evaluate_every", "run.evaluate_documents", "run.tensorboard",
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
