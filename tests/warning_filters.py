"""The filters of warnings at the end of the process, after tests for which each is an error."""

from __future__ import annotations

import atexit
import contextlib
import warnings


def restore_at_exit() -> None:
    """Let warnings while the interpreter ends be treated as before the tests.

    Python's C code remembers the filters of the last warning it looked at. The module ``warnings``
    is gone when the interpreter closes what is left open, such as the two files on ``/dev/null``
    that llama_cpp holds; had the last warning been one of a test, "Exception ignored" would be
    said of each.
    """
    atexit.register(_look_at_one)


def _look_at_one() -> None:
    with contextlib.suppress(ResourceWarning):  # -W error, of the whole process
        warnings.warn("nothing is left open", ResourceWarning, stacklevel=1)
