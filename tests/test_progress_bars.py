"""A bar is drawn where it can be seen, and leaves nothing where it cannot."""

from __future__ import annotations

import os
import pty

import pytest

from lamlam.progress_bars import progress_bar, tracked
from tests.programs import run_python

BOTH = """
import sys
from lamlam.progress_bars import progress_bar, tracked
wanted = sys.argv[1] == "wanted"
assert list(tracked(iter([1, 2]), "counting", wanted=wanted)) == [1, 2]
with progress_bar(wanted=wanted) as bar:
    bar.update(bar.add_task("working", total=2), completed=1)
    bar.refresh()
print("done")
"""


@pytest.mark.parametrize("wanted", ["wanted", "not wanted"])
def test_nothing_is_left_where_there_is_no_terminal(wanted: str) -> None:
    """Not even an empty line, which would stand before the line of an error."""
    done = run_python("-c", BOTH, wanted)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


@pytest.mark.parametrize(
    ("kind", "wanted", "seen"),
    [("xterm", True, True), ("xterm", False, False), ("dumb", True, False)],
)
def test_a_terminal_shows_what_it_can(
    kind: str, wanted: bool, seen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that cannot move its cursor gets nothing: neither a bar nor an empty line."""
    monkeypatch.setenv("TERM", kind)
    monkeypatch.delenv("TTY_INTERACTIVE", raising=False)
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        with progress_bar(wanted=wanted) as bar:
            bar.add_task("working", total=2)
            bar.refresh()
        assert list(tracked([1, 2], "counting", wanted=wanted)) == [1, 2]
        monkeypatch.undo()
        os.set_blocking(ours, False)
        try:
            shown = os.read(ours, 100_000)
        except BlockingIOError:
            shown = b""
    os.close(ours)
    assert (b"working" in shown, b"counting" in shown) == (seen, seen)
    assert seen or shown == b""
