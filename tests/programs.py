"""Python programs in a separate process, with this repository's lamlam."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.limits import HANG_S
from tests.paths import ROOT


def run_python(
    *arguments: str, folder: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``python ARGUMENT …`` in a folder, and return how it ended and what it printed."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=HANG_S,
        check=False,
    )


def output_of(program: str, *arguments: str, folder: Path = ROOT) -> str:
    """Run a program for which every warning is an error; return what it printed.

    Raises:
        AssertionError: it failed.
    """
    done = run_python("-W", "error", "-c", program, *arguments, folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout
