"""Figures of other people's words for people to read: a summary, then a row a relation."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from lamlam.cli.output import print_figures, printable_line, shortened, stdout_console

_COLUMNS = {
    "n": "n",
    "coverage": "coverage",
    "exact": "exact",
    "right_value": "right value",
    "missed": "missed",
    "asked_nothing": "asked nothing",
    "false_when_absent": "false",
    "class_prior": "class prior",
    "exact_beyond_prior": "beyond it",
}
_INTERVALS = {"exact": ("low", "high"), "false_when_absent": ("false_low", "false_high")}
_ENDS = {end for ends in _INTERVALS.values() for end in ends}
_TABLES = {
    "by_relation": "relation",
    "by_training_count": "times in training",
    "curve": "relation floor",
}


def print_words(figures: Mapping[str, Any]) -> None:
    """Print the figures with their intervals, then the tables, then what was wrong."""
    left_out = {"outcomes", "details", *_TABLES, *_ENDS}
    print_figures({name: _with_interval(name, figures) for name in figures if name not in left_out})
    for name, head in _TABLES.items():
        rows = figures.get(name)
        if name == "curve" and rows:
            rows = {str(row["relation_floor"]): row for row in rows}
        if rows:
            _print_table(head, rows)
    for one in figures.get("details", ()):
        _print_detail(one)


def _with_interval(name: str, figures: Mapping[str, Any]) -> Any:
    value = figures[name]
    if name not in _INTERVALS:
        return value
    low, high = (figures[end] for end in _INTERVALS[name])
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def _print_table(head: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
    from rich.table import Table

    shown = [name for name in _COLUMNS if name in next(iter(rows.values()))]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(head)
    for name in shown:
        table.add_column(_COLUMNS[name], justify="right")
    for group, row in rows.items():
        table.add_row(printable_line(group), *(_cell(row[name]) for name in shown))
    console = stdout_console()
    console.print()
    console.print(table)


def _cell(value: float) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _print_detail(one: Mapping[str, Any]) -> None:
    lines = [
        f"{one['prompt']} [{'right' if one['exact'] else 'wrong'}; due: {' | '.join(one['values'])}]",
        *(_told(what, one[key]) for key, what in _STATES.items() if one[key]),
    ]
    sys.stdout.write("\n" + "\n".join(map(shortened, map(printable_line, lines))) + "\n")


_STATES = {"held": "with the fact", "absent": "without it"}


def _told(what: str, told: Mapping[str, Any]) -> str:
    asked = "; ".join(
        f"{lookup['entity']}, {lookup['relation']}: {lookup['value'] or '(nothing)'}"
        for lookup in told["lookups"]
    )
    return f"- {what}: {told['written']!r} asked {asked or 'nothing'}"
