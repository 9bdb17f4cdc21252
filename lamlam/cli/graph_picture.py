"""A picture of an entity and its neighbours, as a PNG or SVG file; the only import of matplotlib.

Each fact has its row, with the relation on the line that leads to the value: no label
covers another.
"""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lamlam.cli.facts_output import period
from lamlam.cli.neighbourhood import Branch, Neighbourhood
from lamlam.cut_text import cut_text
from lamlam.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".png", ".svg")
_MOST_CHARACTERS = 48
# All in points.
_ROW, _MARGIN, _GAP, _FAN = 26.0, 20.0, 10.0, 26.0
_SIZE, _SMALL = 10.0, 8.0
_DPI = 144
_INK, _QUIET, _LINE, _ENTITY = "#1b1b1f", "#5f6470", "#a9b0bd", "#dfe8f8"

Width = Callable[[str, float], float]
"""Return the width of a text in a font size."""


@dataclass(slots=True)
class _Place:
    """A value with its column and row, and what is written beside it."""

    column: int
    row: float
    text: str
    relation: str
    note: str
    parent: _Place | None
    is_entity: bool
    is_repeat: bool
    x: float = 0.0
    width: float = 0.0
    """Of the text and the note."""

    @property
    def y(self) -> float:
        return _MARGIN + (self.row + 0.5) * _ROW


def draw(around: Neighbourhood, path: Path) -> None:
    """Draw the picture into the file; open no window.

    Raises:
        MissingExtra: matplotlib is not installed.
        UsageError: the file's name ends neither in ``.png`` nor in ``.svg``.
    """
    check_suffix(path)
    try:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtra("graph", "matplotlib") from None
    # A letter that the font lacks is drawn as a box, without a warning for each.
    with matplotlib.rc_context({"svg.hashsalt": "lamlam"}), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        figure = Figure(dpi=72)
        renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]

        def width(text: str, size: float) -> float:
            drawn = figure.text(0, 0, text, fontsize=size, parse_math=False)
            extent = drawn.get_window_extent(renderer)
            drawn.remove()
            return float(extent.width)

        places = _placed(around)
        full = _set_out(places, width)
        figure.set_size_inches(full[0] / 72, full[1] / 72)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, full[0]), ylim=(full[1], 0))
        axes.axis("off")
        turn = {place.column: place.x - _GAP / 2 for place in places}
        for place in places:
            _draw_line(axes, place, places, turn)
            _draw_text(axes, place, width)
        metadata = {"Date": None} if path.suffix.casefold() == ".svg" else None
        figure.savefig(path, dpi=_DPI, facecolor="white", metadata=metadata)


def check_suffix(path: Path) -> None:
    """Raise unless the file is a picture that can be drawn.

    Raises:
        UsageError: it has another suffix.
    """
    if path.suffix.casefold() not in SUFFIXES:
        raise UsageError(
            f"{path.name!r} is not a picture that can be drawn", hint="name a .svg or .png file"
        )


def label(text: str) -> str:
    """Return a text as a label: one short line without invisible characters.

    >>> label("a\\n b\\x1b"), len(label("x" * 99))
    ('a b\\ufffd', 48)
    """
    shown = " ".join(text[: 20 * _MOST_CHARACTERS].split())
    shown = "".join("\ufffd" if unicodedata.category(char)[0] == "C" else char for char in shown)
    return cut_text(shown, _MOST_CHARACTERS)


def _placed(around: Neighbourhood) -> list[_Place]:
    """Return places: columns by distance, rows from top to bottom, an entity amid its facts."""
    root = _Place(0, 0.0, label(around.name), "", "", None, is_entity=True, is_repeat=False)
    places = [root]
    next_row = 0

    def put(parent: _Place, branches: list[Branch]) -> None:
        nonlocal next_row
        first = last = None
        for branch in branches:
            fact = branch.fact
            place = _Place(
                parent.column + 1, float(next_row), label(fact.surface), label(fact.relation),
                label(period(fact)), parent, branch.is_entity, branch.is_repeat,
            )  # fmt: skip
            places.append(place)
            if branch.branches:
                put(place, branch.branches)
            else:
                next_row += 1
            first, last = place if first is None else first, place
        if first is not None and last is not None:
            parent.row = (first.row + last.row) / 2

    put(root, around.branches)
    if around.left_out:
        text = f"… and {around.left_out:,} more"
        places.append(_Place(1, float(next_row), text, "", "", root, False, is_repeat=True))
    return places


def _set_out(places: list[_Place], width: Width) -> tuple[float, float]:
    """Set the x of every place; return the size of the picture."""
    x = _MARGIN
    for column in range(max(place.column for place in places) + 1):
        here = [place for place in places if place.column == column]
        if column:
            x += _GAP + _FAN + max(width(place.relation, _SMALL) for place in here) + 2 * _GAP
        for place in here:
            place.x = x
            place.width = width(place.text, _SIZE) * (1.1 if place.parent is None else 1.0)
            if place.note:
                place.width += _GAP + width(place.note, _SMALL)
        x += max(place.width for place in here)
    return x + _MARGIN, (max(place.row for place in places) + 1) * _ROW + 2 * _MARGIN


def _draw_line(axes: Axes, place: _Place, places: list[_Place], turn: dict[int, float]) -> None:
    """Draw the line from the parent to the place's row, with the relation on it."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Line

    parent = place.parent
    if parent is None:
        return
    ends = [one.x + one.width for one in places if one.column == parent.column]
    begin, fan = parent.x + parent.width + _GAP / 2, max(ends) + _GAP
    middle = fan + _FAN / 2
    points = [
        (begin, parent.y), (fan, parent.y), (middle, parent.y), (middle, place.y),
        (fan + _FAN, place.y), (turn[place.column], place.y),
    ]  # fmt: skip
    codes = [Line.MOVETO, Line.LINETO, *[Line.CURVE4] * 3, Line.LINETO]
    axes.add_patch(PathPatch(Line(points, codes), fill=False, edgecolor=_LINE, linewidth=1))
    if place.relation:
        axes.text(
            fan + _FAN + _GAP / 2, place.y, place.relation, fontsize=_SMALL, color=_QUIET,
            va="center", parse_math=False,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip


def _draw_text(axes: Axes, place: _Place, width: Width) -> None:
    box = {"boxstyle": "round,pad=0.3", "facecolor": _ENTITY, "edgecolor": "none"}
    axes.text(
        place.x, place.y, place.text, fontsize=_SIZE, parse_math=False, va="center",
        color=_QUIET if place.is_repeat else _INK,
        style="italic" if place.is_repeat else "normal",
        weight="bold" if place.parent is None else "normal",
        bbox=box if place.is_entity else None,
    )  # fmt: skip
    if place.note:
        x = place.x + width(place.text, _SIZE) + _GAP
        axes.text(
            x, place.y, place.note, fontsize=_SMALL, color=_QUIET, va="center", parse_math=False
        )
