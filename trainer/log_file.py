"""The log of a run in a file; a run goes on where the disk is full."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from pathlib import Path

from lamlam.errors import BadSettings


class LogFile(logging.FileHandler):
    """Appends the lines of the log with their time, and says once if it cannot."""

    def __init__(self, path: Path) -> None:
        """Open the file, and make its folder.

        Raises:
            BadSettings: the folder or the file cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            super().__init__(path, encoding="utf-8")
        except OSError as problem:
            raise BadSettings(
                f"cannot write {path}: {problem.strerror or problem}",
                hint="make run.output a folder that can be written",
            ) from None
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        self._has_failed = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Say once that lines are missing; anything but a full disk is a fault of ours."""
        problem = sys.exc_info()[1]
        if not isinstance(problem, OSError):
            super().handleError(record)
        elif not self._has_failed:
            self._has_failed = True
            sys.stderr.write(
                f"warning: cannot write {self.baseFilename}: {problem.strerror or problem};"
                " the run goes on without it\n"
            )

    def close(self) -> None:
        """Close the file; what it has no room for is lost."""
        with suppress(OSError):
            super().close()
