"""The standard streams of the command, also where it was started without one of them.

Without a descriptor 0, 1 or 2, the next file that is opened would get that number, and what C code
prints would be written into it.
"""

from __future__ import annotations

import io
import os
import sys
from typing import cast


def prepare() -> None:
    """Replace the streams that are closed, and let no failure of standard error end the command.

    A closed standard output becomes a pipe without a reader, so that it ends a command just as a
    reader that goes away does. A closed standard input stays ``None``.
    """
    missing = [number for number in range(3) if not _is_open(number)]
    for number in missing:  # in this order each gets its own number
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != number:  # another thread was faster
            os.dup2(opened, number)
            os.close(opened)
        os.set_inheritable(number, True)
    if 1 in missing:
        reading, writing = os.pipe()
        os.dup2(writing, 1)
        os.close(writing)
        os.close(reading)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None or sys.stderr is sys.__stderr__:
        known = sys.stderr
        remarks = _Remarks(2, "w", closefd=False)
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(cast("io.RawIOBase", remarks)),
            encoding=known.encoding if known is not None else "utf-8",
            errors="backslashreplace",
            line_buffering=True,
        )


def finish() -> OSError | None:
    """Write out what standard output still holds; return the error that prevented it."""
    try:
        sys.stdout.flush()
    except OSError as error:
        discard_output()
        return error
    return None


def discard_output() -> None:
    """Redirect standard output, so that the interpreter flushes nothing to the closed pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


class _Remarks(io.FileIO):
    """Standard error: where it cannot be written, the command goes on without its remarks."""

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            return super().write(data) or 0
        except OSError:
            return len(data)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
