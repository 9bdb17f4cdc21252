"""Who watches a run, and what it is told; only the first of several processes tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lamlam.trainer.progress import Progress
from lamlam.trainer.run_records.figures import HeldOutFigures


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What is known of a run before its first step."""

    output: Path
    steps: int
    """Planned steps; 0 while only the time is set."""
    first_step: int
    """The step that the run goes on from; 0 for a new one."""
    is_resumed: bool
    parameters: int
    device: str
    processes: int
    workers: int
    """Processes that prepare rows beside each process that trains."""
    rows_at_once: int = 0
    """Rows that each process runs through the model at once."""

    @property
    def name(self) -> str:
        """Name of the run: that of its folder."""
        return self.output.resolve().name


class RunWatcher:
    """Is told how a run goes; each method may be left as it is."""

    def begin(self, plan: RunPlan) -> None:
        """Learn what will be trained, before the first step."""

    def step(self, step: int) -> None:
        """Learn that a step was begun on the device; called at every step, so be quick."""

    def report(self, progress: Progress) -> None:
        """Learn the figures of the last ``run.log_every`` steps."""

    def evaluated(self, figures: HeldOutFigures) -> None:
        """Learn the figures of the held-out documents."""

    def saved(self, step: int, place: Path) -> None:
        """Learn that the state after a step was saved."""

    def end(self) -> None:
        """Close what is open, whether the run ended well or not."""


class Watchers(RunWatcher):
    """Tells several watchers; a context manager that tells them the end."""

    def __init__(self, watchers: Sequence[RunWatcher] = ()) -> None:
        self._watchers = watchers

    def __enter__(self) -> Watchers:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self, plan: RunPlan) -> None:
        self._tell(lambda one: one.begin(plan))

    def step(self, step: int) -> None:
        for one in self._watchers:
            one.step(step)

    def report(self, progress: Progress) -> None:
        self._tell(lambda one: one.report(progress))

    def evaluated(self, figures: HeldOutFigures) -> None:
        self._tell(lambda one: one.evaluated(figures))

    def saved(self, step: int, place: Path) -> None:
        self._tell(lambda one: one.saved(step, place))

    def end(self) -> None:
        self._tell(lambda one: one.end())

    def _tell(self, what: Callable[[RunWatcher], None]) -> None:
        for one in self._watchers:
            what(one)
