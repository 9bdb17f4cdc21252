"""Files in the making: written beside their place, and renamed when they are whole.

A process that is killed leaves its own behind. Nothing removes it, since nobody can tell it from
that of a process that still runs; but an erasure has to say that it may hold what was erased.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

_SUFFIX = ".part"


def part_beside(target: Path) -> Path:
    """Return a new name beside a file, of this process's own."""
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}{_SUFFIX}")


def parts_beside(target: Path) -> list[Path]:
    """Return the files that were begun under such names, without those of SQLite beside them."""
    start = f".{target.name}."
    try:
        names = os.listdir(target.parent)
    except OSError:
        return []
    begun = {
        name.removesuffix("-wal").removesuffix("-shm")
        for name in names
        if name.startswith(start) and _SUFFIX in name
    }
    return [target.with_name(name) for name in sorted(begun)]
