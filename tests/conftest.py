"""What holds for every test: a data folder of its own, and plain, narrow output from the command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# Before anything loads llama.cpp; the reason stands in lamlam/cli/app.py.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def _own_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads or writes the facts of the person who runs it."""
    monkeypatch.setenv("LAMLAM_HOME", str(tmp_path / "lamlam-home"))
    monkeypatch.delenv("LAMLAM_DEBUG", raising=False)


@pytest.fixture
def lamlam_command(tmp_path: Path) -> Command:
    """Runs ``lamlam`` in a process of its own, in an empty folder."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lamlam", *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "COLUMNS": "100",
                "NO_COLOR": "1",
                "PYTHONPATH": str(Path(__file__).parent.parent),
                **environment,
            },
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=100,
            check=False,
        )

    return run
