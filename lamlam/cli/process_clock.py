"""The age of this process, the interpreter's start included."""

from __future__ import annotations

import os
import time
from pathlib import Path

# Without a start time from the system, the age is counted from the import of this
# module, which the command imports first.
_IMPORTED_AT = time.monotonic()


def seconds_since_process_start() -> float:
    """Return the seconds since the process began, to 0.01 s on Linux; elsewhere since this import."""
    try:
        # Field 22 of /proc/self/stat is the start in clock ticks since boot. The
        # command name before it may hold spaces and brackets: split after the last ")".
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)
    except (OSError, AttributeError, IndexError, ValueError):
        return time.monotonic() - _IMPORTED_AT
