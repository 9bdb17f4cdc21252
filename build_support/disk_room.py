"""Says before a download whether the disks have room for what it becomes.

``disk_room.py light|dev|floors VENV [CACHE]`` ends with status 1, and one line on standard error,
where too little is free for the environment and for what pip keeps beside it meanwhile. Where
there is room for all but the copies in pip's cache, it prints ``--no-cache-dir``.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

MB = 10**6
MARGIN = 1.1  # other releases, and files of others meanwhile


@dataclass(frozen=True, slots=True)
class Need:
    """The most that a set-up takes at any moment, in megabytes; measured on Linux, x86-64.

    Attributes:
        environment: the virtual environment when it is complete.
        temporary: pip's temporary folder: wheels, sources and what is compiled of them.
        beside: the same while the environment is nearly complete, for both on one disk.
        cache: the copies that pip keeps for another time.
    """

    environment: int
    temporary: int
    beside: int
    cache: int = 0


NEEDS = {
    "light": Need(environment=210, temporary=370, beside=370),
    "dev": Need(environment=6_640, temporary=1_250, beside=290, cache=3_360),
    "floors": Need(environment=7_730, temporary=1_300, beside=290, cache=3_700),
}
# The libraries of NVIDIA's cards, which PyTorch for other systems lacks.
NVIDIA = Need(environment=4_250, temporary=700, beside=0, cache=2_430)


DiskOf = Callable[[Path], tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Disk:
    """What has to fit on one disk.

    Attributes:
        folders: those on it that are written to.
        need: bytes.
        free: bytes.
    """

    folders: tuple[Path, ...]
    need: int
    free: int


def disks(needs: Sequence[tuple[Path, int]], disk_of: DiskOf) -> list[Disk]:
    """Return the disks that folders lie on, each with the sum of what its folders need.

    Args:
        needs: folders, which need not exist yet, and how many bytes each will take.
        disk_of: returns the number of the disk below a folder, and the bytes free there.
    """
    together: dict[int, list[tuple[Path, int]]] = {}
    free: dict[int, int] = {}
    for folder, need in needs:
        number, free_there = disk_of(nearest_existing(folder))
        together.setdefault(number, []).append((folder, need))
        free[number] = free_there
    return [
        Disk(
            tuple(folder for folder, _ in group),
            round(sum(need for _, need in group) * MARGIN),
            free[number],
        )
        for number, group in together.items()
    ]


def nearest_existing(folder: Path) -> Path:
    """Return the folder, or the one above it that exists already."""
    return next(one for one in (folder, *folder.parents) if one.exists())


def bytes_in(folder: Path) -> int:
    """Return what the files below a folder take on the disk; 0 where there is none."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            total += os.lstat(os.path.join(where, name)).st_blocks * 512
    return total


def refusal(disk: Disk, venv: Path, temporary: Path) -> str:
    """Return the line that says what is missing where, and what to do."""
    where = " and ".join(map(str, disk.folders))
    ways = [f"free {_gb(disk.need - disk.free)} there"]
    if temporary in disk.folders:
        ways.append("or set TMPDIR to a folder on another disk")
    if venv in disk.folders:
        ways.append("or use a checkout on another disk")
    on_one = " (one disk)" if len(disk.folders) > 1 else ""
    return (
        f"too little room: {where}{on_one} will take {_gb(disk.need)}, "
        f"{_gb(disk.free)} are free; {', '.join(ways)}"
    )


def _gb(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB"


def plan(
    kind: str, venv: Path, cache: Path | None, temporary: Path, disk_of: DiskOf
) -> tuple[str | None, bool]:
    """Return why there is too little room, or None, and whether pip may keep copies.

    Args:
        kind: a set-up of ``NEEDS``.
        venv: the environment, which may be there already, whole or in part.
        cache: where pip keeps copies; None where it keeps none.
        temporary: where pip unpacks and compiles.
        disk_of: returns the number of the disk below a folder, and the bytes free there.
    """
    need = NEEDS[kind]
    less = Need(0, 0, 0) if sys.platform == "linux" or kind == "light" else NVIDIA
    whole, there = (need.environment - less.environment) * MB, bytes_in(venv)
    if there * MARGIN >= whole:
        return None, True  # made before; what changed since is small
    on_one = disk_of(nearest_existing(venv))[0] == disk_of(nearest_existing(temporary))[0]
    besides = need.beside if on_one else need.temporary - less.temporary
    needs = [(venv, whole - there), (temporary, besides * MB)]
    for disk in disks(needs, disk_of):
        if disk.need > disk.free:
            return refusal(disk, venv, temporary), False
    copies = (need.cache - less.cache) * MB
    if cache is None or not copies:
        return None, True
    return None, all(disk.need <= disk.free for disk in disks([*needs, (cache, copies)], disk_of))


def _disk_of(folder: Path) -> tuple[int, int]:
    return os.stat(folder).st_dev, shutil.disk_usage(folder).free


def main(arguments: list[str]) -> int:
    """Check the room for one kind of set-up; return the exit status."""
    kind, venv, *rest = arguments
    cache = Path(rest[0]) if rest and rest[0] else None
    try:
        temporary = Path(tempfile.gettempdir())
    except FileNotFoundError:
        sys.stderr.write(
            "[setup] no temporary folder has room; set TMPDIR to a folder on another disk\n"
        )
        return 1
    folder = Path(os.path.realpath(venv))  # a link leads to the disk that is written to
    why, may_keep = plan(kind, folder, cache, temporary, _disk_of)
    if why:
        sys.stderr.write(f"[setup] {why}\n")
        return 1
    if not may_keep:
        sys.stdout.write("--no-cache-dir\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
