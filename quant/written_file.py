"""A model file that gets its name when it is complete, and how far the work on it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lamlam.errors import UsageError
from lamlam.unfinished_files import part_beside

Progress = Callable[[int, int], None]
"""Called with the number of tensors done and in all."""


@contextmanager
def written_beside(target: Path) -> Iterator[Path]:
    """Yield a path beside the target that takes its name when the block ends well.

    Raises:
        UsageError: the target is not a file, or its folder does not exist or is not writable.
    """
    target = Path(os.path.realpath(target))  # a link goes on pointing to its file
    unfinished = part_beside(target)
    if target.is_dir():
        raise UsageError(f"{target} is a folder; name a file")
    if target.exists() and not target.is_file():
        raise UsageError(f"{target} is a pipe or a device; name a file")
    try:
        unfinished.touch()
    except OSError as problem:
        raise UsageError(f"cannot write {target}: {problem.strerror}") from None
    try:
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
