"""The identity of an open fact file: whether its name still means the file that was opened.

A connection goes on reading and writing a file that was removed or replaced, where nobody else
sees what it writes. The same happens to the log and its index, without which commits are lost.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from lamlam.errors import Conflict, Unavailable

_REOPEN = "close this store and open it again"
_BESIDE = ("-wal", "-shm")


class FileIdentity:
    """Device and inode of a file, as its name led to it when it was opened."""

    def __init__(self, given: Path, path: Path) -> None:
        """Note the file that is there now.

        Args:
            given: the name by which it was opened; a link that leads elsewhere later counts too.
            path: the same, with all links followed.
        """
        self._given = os.path.abspath(given)
        self._beside = {suffix: f"{path}{suffix}" for suffix in _BESIDE}
        self._file = self._identity()
        self._logs: list[tuple[str, tuple[int, int]]] = []

    def check(self) -> None:
        """Raise unless the name still means the file, and its log is the one that was opened.

        Raises:
            Conflict: the file or its log was removed or replaced.
            Unavailable: the system does not say.
        """
        if self._identity() != self._file:
            raise Conflict(f"{self._given} was replaced while it was open", hint=_REOPEN)
        for name, known in self._logs:
            try:
                found = os.stat(name)
            except FileNotFoundError:
                raise Conflict(f"{name} was removed while it was open", hint=_REOPEN) from None
            if (found.st_dev, found.st_ino) != known:
                raise Conflict(f"{name} was replaced while it was open", hint=_REOPEN)

    def note_logs(self, connection: sqlite3.Connection) -> None:
        """Note the log and its index, which stay as long as this connection is open."""
        if self._logs or connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            return
        for name in self._beside.values():
            if os.path.exists(name):
                found = os.stat(name)
                self._logs.append((name, (found.st_dev, found.st_ino)))

    def _identity(self) -> tuple[int, int]:
        try:
            found = os.stat(self._given)
        except (FileNotFoundError, NotADirectoryError):
            raise Conflict(f"{self._given} was removed while it was open", hint=_REOPEN) from None
        except OSError as error:
            raise Unavailable(f"{self._given} cannot be checked: {error.strerror}") from error
        return found.st_dev, found.st_ino
