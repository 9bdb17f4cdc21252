"""The number of processors that this process may use."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def usable_cpus(root: Path = Path("/")) -> int:
    """Return the number of processors allowed to this process, container limits included.

    Args:
        root: where the system's folders ``proc`` and ``sys`` are.
    """
    try:
        n = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS or Windows
        n = os.cpu_count() or 1
    quotas = [quota for folder in control_groups(root, "cpu") for quota in _quota(folder)]
    return max(1, min([n, *quotas]))


def control_groups(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's control group and of all groups above it.

    Args:
        root: where the system's folders ``proc`` and ``sys`` are.
        controller: ``cpu`` or ``memory``.
    """
    mount = root / "sys/fs/cgroup"
    # What a container sees: its own group as the root, which has a limit nowhere else.
    yield mount
    if (mount / controller).is_dir():  # version 1: one tree for each controller
        yield mount / controller
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if not controllers:  # version 2: one tree for all
            tree = mount
        elif controller in controllers.split(","):
            tree = mount / controllers
            if not tree.is_dir():
                tree = mount / controller
        else:
            continue
        parts = PurePosixPath(group.lstrip("/"))
        if ".." not in parts.parts:  # a group outside of what is mounted here
            for folder in (parts, *parts.parents):
                yield tree / folder


def _quota(folder: Path) -> Iterator[int]:
    """Yield the limit of one group, if it has one, rounded up."""
    try:
        if (both := folder / "cpu.max").exists():
            quota, period = map(int, both.read_text().split())
        else:
            quota = int((folder / "cpu.cfs_quota_us").read_text())
            period = int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):  # no such controller, or no limit ("max")
        return
    if quota > 0 and period > 0:  # version 1 writes -1 for no limit
        yield math.ceil(quota / period)
