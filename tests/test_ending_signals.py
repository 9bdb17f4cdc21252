"""What becomes of worker processes when their parent ends."""

from __future__ import annotations

import subprocess
import sys

from tests.paths import ROOT

# Two workers wait for work, and their parent is killed.
_PARENT = """
import os, signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from lamlam.ending_signals import leave_to_parent
pool = ProcessPoolExecutor(2, get_context("fork"), initializer=leave_to_parent)
print(*{f.result() for f in [pool.submit(os.getpid) for _ in range(50)]}, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_workers_end_when_their_parent_is_killed() -> None:
    """They have its standard output open: that it ends says that all of them ended."""
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    said, _ = parent.communicate(timeout=60)
    assert parent.returncode == -9
    assert said.split()
