"""The memory that this process may still use."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from lamlam.usable_cpus import control_groups

_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB$", re.MULTILINE)
# Limit and use, in version 2 and in version 1; what files hold is freed where it is needed.
_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def usable_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes that this process may still use, container limits included.

    Args:
        root: where the system's folders ``proc`` and ``sys`` are.

    Returns:
        ``None`` where the system does not say it.
    """
    found = [*_machine(root), *(n for at in control_groups(root, "memory") for n in _group(at))]
    return min(found, default=None)


def _machine(root: Path) -> Iterator[int]:
    try:
        available = _AVAILABLE.search((root / "proc/meminfo").read_text())
    except (OSError, UnicodeDecodeError):
        available = None
    if available:
        yield int(available[1]) << 10
        return
    try:  # macOS: all that it has
        yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return


def _group(folder: Path) -> Iterator[int]:
    """Yield what one control group may still use, if it has a limit."""
    for limit, use, freed in _FILES:
        try:
            most, used = (int((folder / name).read_text()) for name in (limit, use))
            lines = (folder / "memory.stat").read_text().splitlines()
            cached = dict(line.split(maxsplit=1) for line in lines).get(freed, "0")
            yield max(0, most - used + int(cached))
        except (OSError, ValueError):  # no such controller, or no limit ("max")
            continue
