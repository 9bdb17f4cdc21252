"""Errors of the system while a model is fetched or made, in one line that says what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lamlam.errors import PullFailed

FREE_ROOM = "free some room there, or name a folder on another disk by LAMLAM_HOME"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def system_errors_named(folder: Path) -> Iterator[None]:
    """Turn errors of the system into `PullFailed`, with the folder that is written."""
    try:
        yield
    except OSError as problem:
        if problem.errno in _FULL:
            raise PullFailed(f"there is no room left in {folder}", hint=FREE_ROOM) from None
        raise PullFailed(
            f"cannot write in {folder}: {problem.strerror or problem}",
            hint="name a folder that can be written by LAMLAM_HOME",
        ) from None


def check_room(folder: Path, n_bytes: int) -> None:
    """Raise unless a disk has so much room left.

    Raises:
        PullFailed: it has not.
    """
    import shutil

    free = shutil.disk_usage(folder).free
    if free < n_bytes:
        raise PullFailed(
            f"too little room in {folder}: {n_bytes / 1e6:.0f} MB are needed, "
            f"{free / 1e6:.0f} MB are free",
            hint=FREE_ROOM,
        )
