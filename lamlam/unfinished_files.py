"""Files in the making: written beside their place, and renamed when they are whole.

Who makes one removes it if the work fails; a second Ctrl-C may come in the middle of that, so the
command removes its own at its end once more. A process that is killed (SIGKILL) leaves its own
behind. Nothing removes it, since nobody can tell it from that of a process that still runs; but an
erasure has to say that it may hold what was erased.
"""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

_SUFFIX = ".part"
_LOGS = ("", "-wal", "-shm", "-journal")  # of SQLite
_MOST_KEPT = 64
_own: dict[Path, int] = {}
"""What this process began and may not have finished, and the process: a fork takes it over."""


def part_beside(target: Path) -> Path:
    """Return a new name beside a file, of this process's own."""
    for path in list(_own)[:-_MOST_KEPT]:  # in a long-lived process; the newest may not exist yet
        if not path.exists():
            _own.pop(path, None)
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}{_SUFFIX}")
    _own[Path(os.path.abspath(beside))] = os.getpid()
    return beside


def remove_own_parts() -> None:
    """Remove what this process began and never finished; for the end of the process."""
    for path, process in list(_own.items()):
        if process != os.getpid():
            continue
        shutil.rmtree(path, ignore_errors=True)  # where it is a folder
        for log in _LOGS:
            with suppress(OSError):
                path.with_name(path.name + log).unlink()
    _own.clear()


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
