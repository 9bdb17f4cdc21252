"""A picture of a run: loss and held-out figures against the tokens trained on, as a PNG.

It is drawn of ``metrics.jsonl``, so that also a run that ended long ago has one:
``python -m lamlam.trainer.run_records.run_picture FOLDER``.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import time
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lamlam.trainer.run_records.metrics_log import METRICS, read_metrics
from lamlam.trainer.run_records.watcher import RunPlan, RunWatcher
from lamlam.unfinished_files import part_beside

log = logging.getLogger(__name__)

PICTURE = "run.png"
_LEAST_S = 30
"""Seconds between two drawings of one run: each takes part of a second."""
_SIZE = (8.0, 6.4)
_DPI = 120
_INK, _QUIET, _GRID = "#1b1b1f", "#5f6470", "#e3e6ec"
_SHARES = (
    ("lookups_opened", "lookups opened", "#5b8c3e"),
    ("entities_right", "entities right", "#b5762a"),
    ("relations_right", "relations right", "#8a5aa8"),
    ("keys_right", "whole keys right", "#2457a6"),
)


class RunPicture(RunWatcher):
    """Draws the picture when the state is saved and at the end, where matplotlib is installed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = folder.name
        self._drawn_at = time.monotonic()
        self._has_failed = find_spec("matplotlib") is None

    def begin(self, plan: RunPlan) -> None:
        self._name = plan.name
        self._drawn_at = time.monotonic()

    def saved(self, step: int, place: Path) -> None:
        if time.monotonic() - self._drawn_at >= _LEAST_S:
            self._draw()

    def end(self) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._has_failed:
            return
        try:
            draw_run(self._folder, self._name)
        except Exception as problem:  # a picture is worth no run, whatever its library does
            self._has_failed = True
            log.warning("no picture of the run: %s", problem)
        self._drawn_at = time.monotonic()


def draw_run(folder: Path, name: str) -> Path | None:
    """Draw ``run.png`` of the log in a run's folder; None where the log has nothing to draw.

    Args:
        name: of the run, for the title.

    Raises:
        OSError: the log cannot be read, or the picture not written.
        ImportError: matplotlib is not installed.
    """
    if not (folder / METRICS).exists():
        return None
    records = list(read_metrics(folder / METRICS))
    training = [r for r in records if r.get("kind") == "training" and _is_number(r.get("loss"))]
    held_out = [r for r in records if r.get("kind") == "evaluation"]
    if not training:
        return None
    part = part_beside(folder / PICTURE)
    try:
        _draw(training, held_out, _title(name, training[-1]), part)
        os.replace(part, folder / PICTURE)
    finally:
        part.unlink(missing_ok=True)
    return folder / PICTURE


def _draw(
    training: Sequence[dict[str, Any]], held_out: Sequence[dict[str, Any]], title: str, path: Path
) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, PercentFormatter

    shares = [(key, label, colour, _points(held_out, key)) for key, label, colour in _SHARES]
    shares = [one for one in shares if one[3][0]]
    figure = Figure(figsize=_SIZE if shares else (_SIZE[0], 0.6 * _SIZE[1]), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2 if shares else 1, 1, sharex=True, squeeze=False)[:, 0]
    loss = panels[0]
    loss.plot(*_points(training, "loss"), color="#2457a6", linewidth=1.2, label="training")
    own = _points(held_out, "held_out_loss")
    if own[0]:
        loss.plot(*own, color="#c2410c", marker="o", markersize=4, linewidth=1.2, label="held out")
        loss.legend(frameon=False, fontsize=9)
    loss.set_ylabel("loss (nats per token)")
    for _, label, colour, points in shares:
        panels[1].plot(*points, color=colour, marker="o", markersize=4, linewidth=1.2, label=label)
    if shares:
        panels[1].set_ylim(-0.02, 1.02)
        panels[1].yaxis.set_major_formatter(PercentFormatter(1.0))
        panels[1].set_ylabel("held-out lookups")
        panels[1].legend(frameon=False, fontsize=9)
    panels[-1].set_xlabel("tokens trained on")
    panels[-1].xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    for panel in panels:
        panel.grid(color=_GRID)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(colors=_QUIET, labelsize=9)
    with warnings.catch_warnings():  # a letter that the font lacks is drawn as a box
        warnings.simplefilter("ignore", UserWarning)
        figure.suptitle(title, color=_INK, fontsize=12, parse_math=False)
        figure.savefig(path, dpi=_DPI, facecolor="white", format="png")


def _points(records: Sequence[dict[str, Any]], key: str) -> tuple[list[float], list[float]]:
    both = [
        (float(record["tokens"]), float(record[key]))
        for record in records
        if _is_number(record.get(key)) and _is_number(record.get("tokens"))
    ]
    return [x for x, _ in both], [y for _, y in both]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _title(name: str, last: dict[str, Any]) -> str:
    shown = "".join(char if char.isprintable() else "\ufffd" for char in name)[:60]
    tokens = last.get("tokens")
    trained = f", {_short(tokens)} tokens" if isinstance(tokens, int) else ""
    return f"{shown}: {last['step']:,} steps{trained}, loss {last['loss']:.3f}"


def _short(number: float) -> str:
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:.4g}{letter}"
    return f"{number:.4g}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the picture of a run's folder; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if len(given) != 1 or given[0].startswith("-"):
        sys.stderr.write("usage: python -m lamlam.trainer.run_records.run_picture FOLDER\n")
        return 2
    folder = Path(given[0])
    try:
        picture = draw_run(folder, folder.resolve().name)
    except (OSError, ImportError) as problem:
        sys.stderr.write(f"error: {problem}\n")
        return 2
    if picture is None:
        sys.stderr.write(f"error: {folder} has no {METRICS} with figures of a run\n")
        return 2
    sys.stdout.write(f"{picture}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
