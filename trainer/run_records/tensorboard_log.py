"""The figures of a run for TensorBoard, in the folder ``tensorboard`` beside its state."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lamlam.errors import BadSettings
from lamlam.trainer.progress import Progress
from lamlam.trainer.run_records.figures import HeldOutFigures
from lamlam.trainer.run_records.watcher import RunPlan, RunWatcher

log = logging.getLogger(__name__)

FOLDER = "tensorboard"
_TRAINING = (
    "loss", "learning_rate", "matrix_learning_rate", "gradient_norm", "tokens_per_s",
    "learnt_share", "lookups_per_1000", "waiting_share", "mfu",
)  # fmt: skip
_HELD_OUT = (
    "held_out_loss", "keys_right", "lookups_opened", "openings_due", "entities_right", "relations_right",
)  # fmt: skip


def tensorboard_log(folder: Path, wanted: bool | str) -> RunWatcher | None:
    """Return what writes the figures; None where that is not wanted, or not installed.

    Args:
        wanted: ``run.tensorboard``: true, false, or "auto" for where it is installed.

    Raises:
        BadSettings: it is wanted, and not installed.
    """
    if wanted is False:
        return None
    problem: object = "it is not installed"
    if find_spec("tensorboard") is not None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except Exception as failed:  # its own dependencies break in many ways
            problem = failed
        else:
            return TensorboardLog(folder / FOLDER, SummaryWriter)
    if wanted is True:
        raise BadSettings(
            f"run.tensorboard is true, but TensorBoard cannot be used: {problem}",
            hint="run: pip install tensorboard; or leave run.tensorboard out",
        )
    return None


class TensorboardLog(RunWatcher):
    """Writes each figure under its name in ``metrics.jsonl``."""

    def __init__(self, folder: Path, writer: Any) -> None:
        """Prepare to write.

        Args:
            writer: the class `SummaryWriter`.
        """
        self._folder = folder
        self._kind = writer
        self._writer: Any = None

    def begin(self, plan: RunPlan) -> None:
        # Steps behind the one that a run goes on from are hidden, so that each is there once.
        try:
            self._writer = self._kind(str(self._folder), purge_step=plan.first_step + 1)
        except OSError as problem:
            log.warning("no figures for TensorBoard: %s", problem)

    def report(self, progress: Progress) -> None:
        self._add("training", progress, _TRAINING)

    def evaluated(self, figures: HeldOutFigures) -> None:
        self._add("held out", figures, _HELD_OUT)

    def saved(self, step: int, place: Path) -> None:
        if self._writer is not None:
            self._writer.flush()

    def end(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _add(self, kind: str, figures: Any, names: tuple[str, ...]) -> None:
        if self._writer is None:
            return
        for name in names:
            value = getattr(figures, name)
            if value is not None:
                self._writer.add_scalar(f"{kind}/{name}", value, figures.step)
