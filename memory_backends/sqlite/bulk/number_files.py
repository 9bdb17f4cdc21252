"""Files of 64-bit numbers, of which a process reads what it needs."""

from __future__ import annotations

import mmap
import os
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast


def write_numbers(path: str, numbers: Sequence[int]) -> None:
    """Write signed numbers to a file."""
    with open(path, "wb") as file:
        array("q", numbers).tofile(file)


@contextmanager
def numbers_in(path: str) -> Iterator[Sequence[int]]:
    """Yield the numbers of a file; nothing is read before it is looked at."""
    if not os.path.getsize(path):  # which cannot be mapped
        yield ()
        return
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        with memoryview(mapped) as view, view.cast("q") as numbers:
            yield cast("Sequence[int]", numbers)
