"""The steady state of a run: reports are collected, the exchange is watched, and the run ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
import torch.distributed

from lamlam.trainer.collectives import Exchange, ExchangeProbe
from lamlam.trainer.progress import Progress
from lamlam.trainer.run_records.watcher import RunPlan, RunWatcher

PROBED = 3
"""Steps in which the exchange is watched; each makes a trace of tens of megabytes."""


class EnoughSeen(Exception):
    """The benchmark has seen what it wanted; all processes raise it after the same step."""

    is_shared = True


@dataclass(slots=True)
class SteadyState:
    """Collects the reports of a run, watches what its processes exchange, and ends it."""

    seconds: float
    steps: int
    least_steps: int
    """Steps that it has to see in any case."""
    probe: ExchangeProbe
    on_gpu: bool
    reports: list[Progress] = field(default_factory=list)
    enter: Callable[[str], None] = lambda phase: None
    _probed_from: int | None = None
    _n_probed: int = 0

    def __call__(self, progress: Progress) -> None:
        world = int(os.environ.get("WORLD_SIZE", "1"))
        if self._probed_from is not None:
            if progress.step - self._probed_from < PROBED:
                return
            raise EnoughSeen
        self.reports.append(progress)
        first = self.reports[0]
        is_enough = (
            progress.step >= self.steps
            if self.steps
            else progress.seconds - first.seconds >= self.seconds
            and progress.step >= self.least_steps
        )
        if not _agreed(is_enough):
            return
        if world == 1:
            raise EnoughSeen
        self._probed_from = progress.step
        self.enter("exchange")
        if is_first_process():
            self.probe.start()

    def saw_step(self, step: int) -> None:
        """Stop the probe after a few steps; called at each in the first process."""
        if self._probed_from is None or self._n_probed or step < self._probed_from + PROBED:
            return
        if self.on_gpu:
            torch.cuda.synchronize()
        self._n_probed = step - self._probed_from
        self.probe.stop()

    def exchanged(self, world: int) -> Exchange | None:
        """Return what a step exchanged; None where nothing was watched."""
        return self.probe.found(self._n_probed, world) if self._n_probed else None


def is_first_process() -> bool:
    """Return whether this process is the first of those that train together, or alone."""
    return os.environ.get("RANK", "0") == "0"


def _agreed(is_enough: bool) -> bool:
    """Return what the first process finds: the clocks of the others differ."""
    if not torch.distributed.is_initialized():
        return is_enough
    answer = [is_enough]
    torch.distributed.broadcast_object_list(answer, src=0)
    return answer[0]


class PlanKeeper(RunWatcher):
    """Keeps what is known of the run before its first step, and counts its steps."""

    plan: RunPlan | None = None

    def __init__(self, steady: SteadyState) -> None:
        """Prepare to pass the steps on.

        Args:
            steady: what counts them.
        """
        self._steady = steady

    def step(self, step: int) -> None:
        self._steady.saw_step(step)

    def begin(self, plan: RunPlan) -> None:
        self.plan = plan
