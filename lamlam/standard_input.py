"""Standard input as text, where ``-`` was given instead of a file."""

from __future__ import annotations

import io
import sys
from typing import TextIO

from lamlam.errors import UsageError


def standard_input() -> TextIO:
    """Return standard input.

    Raises:
        UsageError: it is closed.
    """
    if sys.stdin is None:
        raise UsageError("standard input is closed", hint="name a file or give a text instead of -")
    return sys.stdin


def read_standard_input() -> str:
    """Return all of standard input.

    Raises:
        UsageError: it is closed, or not UTF-8.
    """
    stream = standard_input()
    if not isinstance(stream, io.TextIOWrapper):
        return stream.read()
    # Not decoded by the stream, whose encoding is the locale's.
    try:
        text = bytes(stream.buffer.read()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"standard input is not UTF-8 text (byte {error.start + 1})", hint="convert it to UTF-8"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")
