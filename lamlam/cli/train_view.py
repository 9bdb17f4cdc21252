"""The live view of a training run on the terminal."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from lamlam.cli.output import printable_line
from lamlam.trainer.run_records.figures import HeldOutFigures
from lamlam.trainer.run_records.waiting_advice import MUCH, advice
from lamlam.trainer.run_records.watcher import RunPlan, RunWatcher
from lamlam.usable_cpus import usable_cpus

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from lamlam.trainer.progress import Progress

_KEPT = 400
"""Losses that the curve is drawn of at most."""
_CURVE = 32
"""Columns of the curve at most."""
_LEVELS = "▁▂▃▄▅▆▇█"
_PER_SECOND = 2


def sparkline(numbers: list[float], width: int) -> str:
    """Return a curve of the numbers, one character each; of more, means of equal parts.

    >>> sparkline([4.0, 3.0, 2.0, 1.0], 4), sparkline([4, 4, 2, 2, 1, 1], 3), sparkline([2.0], 9)
    ('█▆▃▁', '█▃▁', '▁')
    """
    width = min(width, len(numbers))
    if width < 1:
        return ""
    edges = [round(part * len(numbers) / width) for part in range(width + 1)]
    means = [sum(numbers[a:b]) / (b - a) for a, b in zip(edges, edges[1:], strict=False)]
    low, high = min(means), max(means)
    scale = (len(_LEVELS) - 1) / (high - low) if high > low else 0.0
    return "".join(_LEVELS[round((mean - low) * scale)] for mean in means)


def duration(seconds: float) -> str:
    """Return a time as people read it.

    >>> duration(42), duration(75), duration(3725), duration(200_000)
    ('42 s', '1 min 15 s', '1 h 02 min', '2 d 7 h')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


class TrainView(RunWatcher):
    """A table that is drawn anew twice a second; a context manager.

    It appears with the first step: before that, workers are forked, which no other
    thread should be beside.
    """

    def __init__(self, console: Console, *, has_token_files: bool = False) -> None:
        self._console = console
        self._has_token_files = has_token_files
        self._live: _Screen | None = None
        self._plan: RunPlan | None = None
        self._step = 0
        self._progress: Progress | None = None
        self._reported_at = 0.0
        self._losses: deque[float] = deque(maxlen=_KEPT)
        self._held_out: HeldOutFigures | None = None
        self._held_out_before: HeldOutFigures | None = None
        self._saved: tuple[int, Path] | None = None

    def __enter__(self) -> TrainView:
        self._console.print("reading documents and preparing the first rows …", style="dim")
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.end()

    def begin(self, plan: RunPlan) -> None:
        self._plan = plan
        self._step = plan.first_step
        self._live = _Screen(self._console, self)

    def step(self, step: int) -> None:
        self._step = step

    def report(self, progress: Progress) -> None:
        self._losses.append(progress.loss)
        self._progress = progress
        self._reported_at = time.monotonic()

    def evaluated(self, figures: HeldOutFigures) -> None:
        self._held_out_before, self._held_out = self._held_out, figures

    def saved(self, step: int, place: Path) -> None:
        self._saved = (step, place)

    def end(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def __rich__(self) -> RenderableType:
        """Return the table as it is now."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, text in self.rows():
            table.add_row(name, Text(printable_line(text)))
        done = self._share_done()
        bar = ProgressBar(total=1.0, completed=done, width=min(self._console.width, 60))
        whole = Table.grid()  # which ends the line behind the bar
        whole.add_column(overflow="fold")
        for part in (Text(printable_line(self._heading()), style="bold"), bar, table):
            whole.add_row(part)
        return whole

    def rows(self) -> list[tuple[str, str]]:
        """Return the lines of the table: a name and what it is."""
        progress = self._progress
        if progress is None:
            return [("", "waiting for the first report (a GPU compiles first)")]
        rows = [
            ("loss", self._loss(progress)),
            (
                "learnt",
                f"{progress.learnt_share:.0%} of tokens; "
                f"{progress.lookups_per_1000:.1f} lookups in 1,000",
            ),
            ("speed", self._speed(progress)),
            ("waiting", self._waiting(progress)),
        ]
        if self._held_out is not None:
            figures = self._held_out
            rows.append(("held out", f"{figures.in_words()} (step {figures.step:,})"))
        rows.append(("time", self._time(progress)))
        if self._saved is not None:
            step, place = self._saved
            rows.append(("saved", f"step {step:,} in {place}"))
        return rows

    def _heading(self) -> str:
        plan = self._plan
        assert plan is not None
        of = f" of {plan.steps:,}" if plan.steps else ""
        epoch = f", epoch {self._progress.epoch}" if self._progress is not None else ""
        return f"{plan.name}: step {self._step:,}{of}{epoch}"

    def _loss(self, progress: Progress) -> str:
        text = f"{progress.loss:.4f}"
        losses = list(self._losses)
        if len(losses) < 2:
            return text
        change = losses[-1] - losses[-2]
        room = min(_CURVE, self._console.width - 34)
        curve = "" if self._console.options.ascii_only else sparkline(losses, room)
        return f"{text}  {curve}  {change:+.3f}" if curve else f"{text}  {change:+.3f}"

    def _speed(self, progress: Progress) -> str:
        if not progress.tokens_per_s:
            return "-"
        text = f"{progress.tokens_per_s:,.0f} tokens/s"
        return text if progress.mfu is None else f"{text}, {progress.mfu:.0%} of the card"

    def _waiting(self, progress: Progress) -> str:
        text = f"{progress.waiting_share:.0%} of the time for data"
        plan = self._plan
        if progress.waiting_share < MUCH or plan is None:
            return text
        what = advice(plan.workers, usable_cpus() // plan.processes, self._has_token_files)
        return f"{text}: {what}"

    def _time(self, progress: Progress) -> str:
        since = time.monotonic() - self._reported_at
        left = max(0.0, progress.seconds_left - since)
        return f"{duration(progress.seconds + since)}, {duration(left)} left"

    def _share_done(self) -> float:
        progress = self._progress
        if self._plan is not None and self._plan.steps:
            return min(1.0, self._step / self._plan.steps)
        if progress is None:
            return 0.0
        return progress.seconds / max(progress.seconds + progress.seconds_left, 1e-9)


class _Screen:
    """Draws a view again and again until it is stopped; its last state stays on the terminal."""

    def __init__(self, console: Console, view: TrainView) -> None:
        from rich.live import Live

        self._live = Live(
            view, console=console, refresh_per_second=_PER_SECOND, redirect_stdout=False
        )
        self._live.start()

    def stop(self) -> None:
        """Draw the last state and leave the terminal as it was."""
        self._live.stop()
