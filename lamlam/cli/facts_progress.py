"""Progress of long work on facts: a bar on standard error, where that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from lamlam.progress_bars import progress_bar

T = TypeVar("T")
_EVERY = 500
_AT_ONCE = 16


@contextmanager
def bytes_read(title: str) -> Iterator[Callable[[int, int | None], None] | None]:
    """Yield a callback for the progress of reading a file, or None without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import (
        BarColumn,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TransferSpeedColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    with progress_bar(*columns) as progress:
        task = progress.add_task(title, total=None)

        def advance(n_bytes: int, total: int | None) -> None:
            progress.update(task, completed=n_bytes, total=total)

        yield advance


@contextmanager
def indexed(title: str) -> Iterator[Callable[[int, int], None] | None]:
    """Yield a callback for what is done of a known number of things, or None without a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with progress_bar(*columns) as progress:
        task = progress.add_task(title, total=None)

        def advance(done: int, total: int) -> None:
            if done % _EVERY < _AT_ONCE or done == total:
                progress.update(task, completed=done, total=total)

        yield advance


def counted(items: Iterable[T], title: str, total: int | None = None) -> Iterator[T]:
    """Yield the items while a bar counts them."""
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with progress_bar(*columns) as progress:
        task = progress.add_task(title, total=total)
        for number, item in enumerate(items, 1):
            yield item
            if number % _EVERY == 0:
                progress.update(task, completed=number)
