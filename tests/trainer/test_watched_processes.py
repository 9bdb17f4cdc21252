"""Processes of one run: none fails or hangs without a line that says where."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lamlam.trainer import watched_processes
from lamlam.trainer.run_phases import phase_in
from lamlam.trainer.watched_processes import run_watched

OBEDIENT = """
import sys, time
from lamlam.trainer import watched_processes
from lamlam.trainer.run_phases import obey_watcher, say_phase
obey_watcher()
def hang_here():
    time.sleep(3600)
"""


def watch(
    folder: Path, *programs: str, limit: float = 60.0, slow: str = ""
) -> tuple[str | None, list[str]]:
    """What went wrong with programs side by side, and what was said."""
    said: list[str] = []
    commands = [((sys.executable, "-c", text), dict(os.environ)) for text in programs]
    found = run_watched(
        commands, folder, lambda phase: limit if phase == slow else 60.0, said.append
    )
    return found, said


def test_what_the_first_process_says_is_passed_on(tmp_path: Path) -> None:
    first = "import sys; sys.stderr.write('phase: data\\nread\\nhalf')"
    found, said = watch(tmp_path, first, "import sys; sys.stderr.write('other\\n')")
    assert found is None
    assert said == ["phase: data", "read"]
    assert [phase_in(line) for line in said] == ["data", None]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGUSR1")
def test_a_process_that_hangs_is_named_with_its_phase_and_where_it_is(tmp_path: Path) -> None:
    fine = OBEDIENT + "say_phase('join'); say_phase('steps'); hang_here()"
    hangs = f"""{OBEDIENT}
while 'steps' not in open({str(tmp_path / "process-0.log")!r}).read():
    time.sleep(0.01)
say_phase('data')
hang_here()
"""
    found, said = watch(tmp_path, fine, hangs, limit=0.0, slow="data")
    assert found is not None and found.startswith("process 1 of 2 hung in phase 'data', after")
    assert "hang_here" in said[-1]


def test_the_process_that_failed_first_is_named_not_those_that_miss_it(tmp_path: Path) -> None:
    misses = (
        "import sys; sys.stderr.write('error: another of the 2 processes ended\\n'); sys.exit(2)"
    )
    fails = "import sys; sys.stderr.write('error: the disk is full (make room)\\n'); sys.exit(2)"
    assert watch(tmp_path, misses, fails)[0] == "the disk is full (make room)"


def test_a_crash_shows_the_end_of_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_processes, "_LAST_WORDS_S", 0.1)
    fails = "import sys; sys.stderr.write('phase: model\\n'); raise ValueError('odd shape')"
    hangs = "import time; time.sleep(3600)"
    found, said = watch(tmp_path, hangs, fails)
    assert found == "ValueError: odd shape"
    assert "the log of process 1 ends" in said[-1] and "Traceback" in said[-1]
