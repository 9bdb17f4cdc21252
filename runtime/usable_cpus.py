"""How many processors this process may keep busy."""

from __future__ import annotations

import math
import os
from pathlib import Path


def usable_cpus() -> int:
    """Return the number of processors allowed to this process, container limits included."""
    try:
        n = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS or Windows
        n = os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        n = min(n, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):  # no control group, or no limit ("max")
        pass
    return max(1, n)
