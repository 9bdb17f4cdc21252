"""The reports of a run: figures of the last steps, to the log and to those who watch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch.optim import Optimizer

from lamlam.trainer.progress import Progress, RunClock
from lamlam.trainer.run_health import RunHealth
from lamlam.trainer.run_records.watcher import Watchers


class RunReports:
    """Puts the figures of the steps since the last report together."""

    def __init__(
        self,
        clock: RunClock,
        health: RunHealth,
        optimisers: Sequence[Optimizer],
        watchers: Watchers,
        *,
        n_parameters: int,
        device: torch.device,
        processes: int,
        report: Callable[[Progress], None] | None = None,
    ) -> None:
        """Prepare to report.

        Args:
            report: called with each report, too.
        """
        self._clock = clock
        self._health = health
        self._optimisers = optimisers
        self._watchers = watchers
        self._n_parameters = n_parameters
        self._device = device
        self._processes = processes
        self._report = report
        self.last_loss = math.nan

    def make(self, step: int, epoch: int, tokens: int) -> None:
        """Report the steps up to this one.

        Args:
            tokens: trained on since the first step of the run.

        Raises:
            TrainingDiverged: one of them was not finite.
        """
        self.last_loss = self._health.mean_loss()
        progress = self._clock.report(
            step=step,
            epoch=epoch,
            tokens=tokens,
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
