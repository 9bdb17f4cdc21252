"""The reports of a run: figures of the last steps, to the log and to those who watch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.optim import Optimizer

from lamlam.trainer.progress import Progress, RunClock
from lamlam.trainer.run_health import RunHealth
from lamlam.trainer.run_records.figures import HeldOutFigures
from lamlam.trainer.run_records.watcher import Watchers

Evaluation = Callable[[int, int], HeldOutFigures | None]
"""Takes the step and the tokens trained on; None where no document is held out."""


class RunReports:
    """Puts the figures of the steps since the last report together."""

    def __init__(
        self,
        clock: RunClock,
        health: RunHealth,
        optimisers: Sequence[Optimizer],
        watchers: Watchers,
        evaluation: Evaluation,
        *,
        n_parameters: int,
        device: torch.device,
        processes: int,
        step_tokens: int,
        report: Callable[[Progress], None] | None = None,
    ) -> None:
        """Prepare to report.

        Args:
            step_tokens: tokens that all processes train on in a step.
            report: called with each report, too.
        """
        self._clock = clock
        self._health = health
        self._optimisers = optimisers
        self._watchers = watchers
        self._evaluation = evaluation
        self._n_parameters = n_parameters
        self._device = device
        self._processes = processes
        self._step_tokens = step_tokens
        self._report = report
        self.last_loss = math.nan
        self._held_out: HeldOutFigures | None = None

    @property
    def last_evaluation(self) -> dict[str, Any] | None:
        """The figures of the held-out documents, ready for JSON."""
        return None if self._held_out is None else self._held_out.as_dict()

    def make(self, step: int, epoch: int) -> None:
        """Report the steps up to this one.

        Raises:
            TrainingDiverged: one of them was not finite.
        """
        self.last_loss = self._health.mean_loss()
        progress = self._clock.report(
            step=step,
            epoch=epoch,
            tokens=step * self._step_tokens,
            loss=self.last_loss,
            gradient_norm=self._health.mean_norm,
            optimisers=self._optimisers,
            n_parameters=self._n_parameters,
            device=self._device,
            processes=self._processes,
        )
        progress.log()
        self._watchers.report(progress)
        if self._report is not None:
            self._report(progress)

    def evaluate(self, step: int) -> None:
        """Evaluate the model as it is after a step, unless that was done; in all processes alike.

        Raises:
            TrainingDiverged: a step since the last report was not finite.
        """
        if self._held_out is not None and self._held_out.step == step:
            return
        self._health.check()
        with self._clock.paused():
            figures = self._evaluation(step, step * self._step_tokens)
        if figures is not None:
            self._held_out = figures
            figures.log()
            self._watchers.evaluated(figures)
