"""The pictures of docs/results.md: PNG, light, in colours that colour-blind people tell apart."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from build_support.results.plan import Plan, ShownModel
from build_support.results.records import Record
from build_support.results.tables import Records, column_title, columns, record_of, together

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

# Okabe and Ito 2008, without its yellow, which is faint on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "D", "^", "v", "P")
GREY = "#555555"
DPI = 110
STATES = {"full": "FULL", "del_on": "DEL-ON", "del_off": "DEL-OFF"}
HATCHES = ("", "//", "..")


def draw_pictures(plan: Plan, records: Records, folder: Path) -> None:
    """Write every picture that the records have figures for."""
    folder.mkdir(parents=True, exist_ok=True)
    mark = digest_of(records)
    for name, draw in PICTURES.items():
        figure = draw(plan, records)
        FigureCanvasAgg(figure)
        figure.savefig(
            folder / f"{name}.png",
            dpi=DPI,
            facecolor="white",
            metadata={"Description": mark, "Software": None},
            pil_kwargs={"optimize": True},
        )


def digest_of(records: Records) -> str:
    """Return a digest of the records, which each picture carries as its description."""
    told = json.dumps(dict(records), sort_keys=True, ensure_ascii=False)
    return f"records {hashlib.sha256(told.encode()).hexdigest()}"


def _exact(plan: Plan, records: Records) -> Figure:
    """Draw the share of right values: a line a set, a mark a model, open where facts are off."""
    having = {name: one for name, one in records.items() if "exact" in one}
    sets = [one for one in plan.sets if any(r["set"] == one.name for r in having.values())]
    shown = columns(plan, having)
    figure = Figure(figsize=(8, 1.6 + 0.62 * len(sets)), layout="constrained")
    axes = figure.subplots()
    for place, (model, facts) in enumerate(shown):
        y, records_of = [], []
        for line, asked in enumerate(sets):
            if one := record_of(having, asked, model, facts):
                y.append(line + (place - (len(shown) - 1) / 2) * 0.72 / len(shown))
                records_of.append(one)
        _marks(axes, records_of, y, _style(plan, model, facts), column_title(model, facts))
    for line in range(1, len(sets)):
        axes.axhline(line - 0.5, color="#dddddd", linewidth=0.8)
    axes.set_yticks(range(len(sets)), [one.title for one in sets])
    axes.set_ylim(max(len(sets), 1) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("share of right values, with 95% interval")
    _light(axes, "x")
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def _marks(
    axes: Axes, told: Sequence[Record], y: Sequence[float], style: dict[str, str], label: str
) -> None:
    values = [one["exact"]["value"] for one in told]
    below = [one["exact"]["value"] - one["exact"]["low"] for one in told]
    above = [one["exact"]["high"] - one["exact"]["value"] for one in told]
    axes.errorbar(
        values,
        y,
        xerr=[below, above],
        linestyle="none",
        markersize=6,
        linewidth=1,
        marker=style["marker"],
        color=style["color"],
        markerfacecolor=style["face"],
        label=label,
    )


def _bytes(plan: Plan, records: Records) -> Figure:
    """Draw the file's size against the share of right values, a panel a set."""
    having = {name: one for name, one in records.items() if "exact" in one}
    sets = [one for one in plan.sets if any(r["set"] == one.name for r in having.values())]
    across = 4
    down = math.ceil(len(sets) / across) or 1
    figure = Figure(figsize=(8.4, 0.9 + 2.1 * down), layout="constrained")
    panels = list(figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).flat)
    largest = max((one["model_bytes"] for one in having.values()), default=1) / 1e6
    labelled: dict[str, Artist] = {}
    for axes, asked in zip(panels, sets, strict=False):
        for model, facts in columns(plan, having):
            if one := record_of(having, asked, model, facts):
                style = _style(plan, model, facts)
                (line,) = axes.plot(
                    [one["model_bytes"] / 1e6],
                    [one["exact"]["value"]],
                    linestyle="none",
                    marker=style["marker"],
                    color=style["color"],
                    markerfacecolor=style["face"],
                )
                labelled[column_title(model, facts)] = line
        axes.set_title(asked.title, fontsize=8.5)
        axes.set_xlim(0, largest * 1.15)
        axes.set_ylim(-0.05, 1.05)
        _light(axes, "both")
    for axes in panels[len(sets) :]:
        axes.set_visible(False)
    figure.supxlabel("size of the file, MB", fontsize=9)
    figure.supylabel("share of right values", fontsize=9)
    figure.legend(
        list(labelled.values()),
        list(labelled),
        loc="outside upper center",
        ncols=2,
        frameon=False,
        fontsize=9,
    )
    return figure


def _false(plan: Plan, records: Records) -> Figure:
    """Draw false values against right ones: a colour a model, a mark a set."""
    having = {
        name: one
        for name, one in records.items()
        if "false" in one and "exact" in one and one["facts"] == "memory"
    }
    sets = [one for one in plan.sets if any(r["set"] == one.name for r in having.values())]
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    for model, facts in columns(plan, having):
        for place, asked in enumerate(sets):
            if one := record_of(having, asked, model, facts):
                axes.plot(
                    [one["false"]["value"]],
                    [one["exact"]["value"]],
                    linestyle="none",
                    markersize=8,
                    marker=MARKERS[place % len(MARKERS)],
                    color=_style(plan, model, facts)["color"],
                    markerfacecolor="none" if plan.models.index(model) % 2 else None,
                    markeredgewidth=1.6,
                    label=f"{model.name}: {asked.title}",
                )
    most = max((one["false"]["value"] for one in having.values()), default=0)
    axes.set_xlim(-0.005, max(0.15, most * 1.15))
    axes.set_ylim(0, 1.04)
    axes.set_xlabel("share of false values where the fact is absent")
    axes.set_ylabel("share of right values")
    _light(axes, "both")
    figure.legend(loc="outside right center", frameon=False, fontsize=9)
    return figure


def _forgetting(plan: Plan, records: Records) -> Figure:
    """Draw the audits: right with memory whole, after the deletion, and with lookups off."""
    told, titles = [], []
    for audit in plan.audits:
        for model, facts in columns(plan, records):
            if one := together(plan, records, audit, model, facts):
                told.append(one)
                titles.append(f"{column_title(model, facts)}\n{audit.title.replace('`', '')}")
    figure = Figure(figsize=(8, 1.5 + 0.8 * max(len(told), 1)), layout="constrained")
    axes = figure.subplots()
    for place, (state, title) in enumerate(STATES.items()):
        shares = [one[state] for one in told]
        values = [share["value"] for share in shares]
        y = [line + (place - 1) * 0.26 for line in range(len(told))]
        axes.barh(
            y,
            values,
            height=0.24,
            label=title,
            color=COLOURS[place],
            hatch=HATCHES[place],
            edgecolor="white",
            linewidth=0,
            xerr=[
                [share["value"] - share["low"] for share in shares],
                [share["high"] - share["value"] for share in shares],
            ],
            error_kw={"ecolor": GREY, "elinewidth": 1},
        )
    axes.set_yticks(range(len(told)), titles)
    axes.set_ylim(max(len(told), 1) - 0.5, -0.5)
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("share of right answers, with 95% interval")
    _light(axes, "x")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure


def _style(plan: Plan, model: ShownModel, facts: str) -> dict[str, str]:
    """Return a model's colour and mark; open where it has no facts."""
    place = plan.models.index(model)
    colour = COLOURS[place % len(COLOURS)]
    face = "white" if facts == "none" else colour
    return {"color": colour, "marker": MARKERS[place % len(MARKERS)], "face": face}


def _light(axes: Axes, grid: str) -> None:
    axes.grid(axis=grid, color="#e8e8e8", linewidth=0.8)  # type: ignore[arg-type]  # "x" or "y"
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=9)


PICTURES: dict[str, Callable[[Plan, Records], Figure]] = {
    "exact": _exact,
    "bytes": _bytes,
    "false": _false,
    "forgetting": _forgetting,
}
