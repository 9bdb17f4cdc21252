"""A picture of a sweep of learning rates: the loss of each, and its course."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

_SIZE = (9.0, 4.2)
_DPI = 120


def draw_sweep(figures: dict[str, Any], name: str, path: Path) -> None:
    """Draw the figures of `Sweep.as_dict` as a PNG.

    Args:
        name: of the run, for the title.

    Raises:
        ImportError: matplotlib is not installed.
        OSError: the picture cannot be written.
    """
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    runs, suggested = figures["runs"], figures["suggested"]
    figure = Figure(figsize=_SIZE, layout="constrained")
    FigureCanvasAgg(figure)
    ends, courses = figure.subplots(1, 2)
    whole = [run for run in runs if not run["is_diverged"]]
    ends.plot(
        [run["learning_rate"] for run in whole], [run["loss"] for run in whole], marker="o",
        color="#2457a6",
    )  # fmt: skip
    ends.axvline(suggested["learning_rate"], color="#c2410c", linewidth=1.2, label="suggested")
    for run in runs:
        if run["is_diverged"]:
            ends.axvline(run["learning_rate"], color="#a9b0bd", linestyle=":", label="diverged")
    ends.set_xscale("log")
    rates = [run["learning_rate"] for run in runs]
    ends.set_xticks(rates, [f"{rate:.2g}" for rate in rates], fontsize=8)
    ends.minorticks_off()
    ends.set_xlabel("learning rate")
    ends.set_ylabel(f"loss after {figures['steps']} steps (nats per token)")
    handles, labels = ends.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    ends.legend(once.values(), once.keys(), frameon=False, fontsize=9)
    for number, run in enumerate(runs):
        losses = [one for one in run["losses"] if one is not None]
        courses.plot(
            range(1, len(losses) + 1), losses, linewidth=1.1, label=f"{run['learning_rate']:.2g}",
            color=colormaps["viridis"](number / max(1, len(runs) - 1) * 0.9),
        )  # fmt: skip
    highest = max((run["losses"][0] for run in runs if run["losses"][0] is not None), default=None)
    if highest is not None:  # a run that leaps up must not press the others flat
        lowest = min(loss for run in runs for loss in run["losses"] if loss is not None)
        courses.set_ylim(lowest - 0.05 * (highest - lowest), highest + 0.1 * (highest - lowest))
    courses.set_xlabel("step")
    courses.legend(
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
        frameon=False,
        fontsize=8,
        title="learning rate",
        title_fontsize=8,
    )
    for panel in (ends, courses):
        panel.grid(color="#e3e6ec")
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    shown = "".join(char if char.isprintable() else "\ufffd" for char in name)[:60]
    with warnings.catch_warnings():  # a letter that the font lacks is drawn as a box
        warnings.simplefilter("ignore", UserWarning)
        figure.suptitle(f"{shown}: learning rates", fontsize=12, parse_math=False)
        figure.savefig(path, dpi=_DPI, facecolor="white", format="png")
