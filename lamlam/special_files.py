"""What a path names that is not an ordinary file: opening a named pipe waits without end.

What is read whole, or from several places, has to be a file. Only where text is read from the
beginning to the end, once, may it be a pipe or a device.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

_KINDS = (
    (stat.S_ISREG, None),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def what_else(path: str | os.PathLike[str]) -> str | None:
    """Return what a path names, links followed, if that is not an ordinary file.

    Such as "a folder". ``None`` for a file, and where there is nothing, or nothing that may be
    seen. The path itself is not opened.
    """
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as error:
        is_loop = isinstance(error, OSError) and error.errno == errno.ELOOP
        return "a symbolic link that leads back to itself" if is_loop else None
    return next((what for is_kind, what in _KINDS if is_kind(mode)), "not a file")
