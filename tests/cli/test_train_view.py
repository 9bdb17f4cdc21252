"""The live view of a run fits the terminal, and says what is known by then."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from lamlam.cli.train_view import TrainView, duration, sparkline
from tests.trainer.run_records.figures_of_runs import held_out, plan, progress


def terminal(width: int, encoding: str = "utf-8") -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return Console(
        file=file, width=width, force_terminal=True, color_system=None, legacy_windows=False
    )


def shown(view: TrainView, console: Console) -> str:
    other = terminal(console.width, console.encoding)  # the view draws itself on its own
    with other.capture() as captured:
        other.print(view)
    return captured.get()


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(tmp_path: Path, width: int) -> None:
    console = terminal(width)
    view = TrainView(console)
    try:
        view.begin(plan(tmp_path / ("long " * 30), first_step=3))
        empty = shown(view, console)
        for step in range(10, 110, 10):
            view.step(step)
            view.report(progress(step, loss=9 - step / 20, waiting_share=0.4, mfu=0.31))
        view.evaluated(held_out(100))
        view.saved(100, tmp_path / "state.pt")
        full = shown(view, console)
    finally:
        view.end()
    for text in (empty, full):
        assert all(cell_len(line) <= width for line in text.splitlines())
    words = " ".join(full.split())
    for part in ("4.0", "80%", "12.0", "tokens/s", "31% of", "40% of", "data.workers", "keys 25%"):
        assert part in words or width == 20, part
    if width == 200:
        assert "█▇▆▆▅▄▃▃▂▁" in full and "step 100 of 100" in full
        assert f"step 100 in {tmp_path / 'state.pt'}" in full


def test_a_terminal_without_blocks_gets_no_curve(tmp_path: Path) -> None:
    console = terminal(80, "ascii")
    view = TrainView(console)
    try:
        view.begin(plan(tmp_path))
        view.report(progress(1, loss=3.0))
        view.report(progress(2, loss=2.5))
        text = shown(view, console)
    finally:
        view.end()
    assert "2.5000" in text and "-0.500" in text and text.isascii()


def test_names_of_folders_control_no_terminal(tmp_path: Path) -> None:
    console = terminal(80)
    view = TrainView(console)
    try:
        view.begin(plan(tmp_path / "a\x1b[31mred\u202e"))
        view.report(progress(1))
        view.saved(1, Path("b\x1b]0;title\x07"))
        text = shown(view, console)
    finally:
        view.end()
    assert "\x1b[31m" not in text and "\x1b]" not in text and "\u202e" not in text


def test_a_run_by_the_clock_shows_its_time(tmp_path: Path) -> None:
    console = terminal(80)
    view = TrainView(console)
    try:
        view.begin(dataclasses.replace(plan(tmp_path), steps=0))
        view.report(progress(5, seconds=75.0, seconds_left=3725.0))
        text = shown(view, console)
    finally:
        view.end()
    assert "1 min 15 s, 1 h 02 min left" in text and " of " not in text.splitlines()[0]


def test_curves_and_times() -> None:
    assert sparkline([1.0] * 100, 10) == "▁" * 10
    assert len(sparkline([float(i) for i in range(1000)], 7)) == 7
    assert sparkline([], 5) == "" and sparkline([1.0, 2.0], 0) == ""
    assert [duration(n) for n in (0, 59.6, 86_400)] == ["0 s", "1 min 00 s", "1 d 0 h"]
