"""Files in the making: written beside their place, and renamed when they are whole.

Who makes one removes it if the work fails; a second Ctrl-C may come in the middle of that, so the
command removes its own at its end once more. A process that is killed (SIGKILL) leaves its own
behind. The name says which process that was, and of which running machine or container: the next
one there that writes the same file, or erases from it, removes it. Of other machines, or before a
restart, nobody can tell it from that of a process that still runs; it stays, and an erasure says
that it may hold what was erased.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path

_SUFFIX = ".part"
_MARK = "goes-on"
"""In a folder with which another process may go on: what was to be done."""
_LOGS = ("", "-wal", "-shm", "-journal")  # of SQLite
_MADE_BY = re.compile(r"(?P<processes>[0-9a-f]{8})-(?P<process>[0-9]+)-[0-9a-f]+\.part")
_MOST_KEPT = 64
_own: dict[Path, int] = {}
"""What this process began and may not have finished, and the process: a fork takes it over."""


def part_beside(target: Path) -> Path:
    """Return a new name beside a file, of this process's own."""
    for path in list(_own)[:-_MOST_KEPT]:  # in a long-lived process; the newest may not exist yet
        if not path.exists():
            _own.pop(path, None)
    _remove_those_of_the_dead(target, and_resumable=False)
    return _own_part(target)


def resumable_part(target: Path, mark: str | None) -> Path:
    """Return a folder beside a file, in which whoever has the same to do goes on after a kill.

    Where a process that is gone has left one with the same mark, it is that one; those with other
    marks are removed.

    Args:
        target: the file.
        mark: what is to be done, all of it, in one word; ``None`` where nobody can go on.
    """
    folder = None
    for path in _begun(target):
        if not (path.is_dir() and _is_of_dead(path, target) and (path / _MARK).exists()):
            continue
        if folder is None and mark is not None and _is_own(path):
            if (path / _MARK).read_text() == mark:
                folder = _own_part(target)
                path.rename(folder)
                continue
        _remove(path)
    if folder is None:
        folder = part_beside(target)
        folder.mkdir(mode=0o700)
        if mark is not None:
            (folder / _MARK).write_text(mark)
    return folder


def _is_own(path: Path) -> bool:
    """Return whether a folder is this user's: nobody else may say how the work goes on."""
    return not hasattr(os, "geteuid") or path.stat().st_uid == os.geteuid()


def _own_part(target: Path) -> Path:
    maker = f"{_processes()}-{os.getpid()}-" if _processes() else ""
    beside = target.with_name(f".{target.name}.{maker}{secrets.token_hex(3)}{_SUFFIX}")
    _own[Path(os.path.abspath(beside))] = os.getpid()
    return beside


def remove_own_parts() -> None:
    """Remove what this process began and never finished; for the end of the process."""
    for path, process in list(_own.items()):
        if process == os.getpid():
            _remove(path)
    _own.clear()


def parts_beside(target: Path) -> list[Path]:
    """Return what was begun under such names and may go on, without SQLite's files beside it.

    What a killed process has left is removed before.
    """
    _remove_those_of_the_dead(target, and_resumable=True)
    return _begun(target)


def _begun(target: Path) -> list[Path]:
    start = f".{target.name}."
    try:
        names = os.listdir(target.parent)
    except OSError:
        return []
    begun = {
        name.removesuffix("-wal").removesuffix("-shm").removesuffix("-journal")
        for name in names
        if name.startswith(start) and _SUFFIX in name
    }
    return [target.with_name(name) for name in sorted(begun)]


def _remove_those_of_the_dead(target: Path, *, and_resumable: bool) -> None:
    """Remove what processes began that were numbered with this one and run no more."""
    for path in _begun(target):
        if _is_of_dead(path, target) and (and_resumable or not (path / _MARK).exists()):
            _remove(path)


def _is_of_dead(path: Path, target: Path) -> bool:
    made = _MADE_BY.fullmatch(path.name.removeprefix(f".{target.name}."))
    return bool(made and made["processes"] == _processes() and not _runs(int(made["process"])))


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)  # where it is a folder
    for log in _LOGS:
        with suppress(OSError):
            path.with_name(path.name + log).unlink()


@cache
def _processes() -> str:
    """Return an id of the processes that have one numbering: of a container since it started.

    It is empty where the system does not tell.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_bytes()
        names = os.stat("/proc/self/ns/pid")
    except OSError:
        return ""
    return blake2b(boot + f"{names.st_dev} {names.st_ino}".encode(), digest_size=4).hexdigest()


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # another user's
    return True
