"""Bars of progress: on standard error, so that standard output holds results alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

T = TypeVar("T")


def progress_bar(*columns: ProgressColumn, wanted: bool = True) -> Progress:
    """Return a bar that disappears at its end; disabled where it is not wanted or not seen.

    Args:
        columns: what it shows; by default the description, the bar, the share and the time left.
        wanted: whether to draw it if there is a terminal.
    """
    from rich.progress import Progress

    console = _console(wanted)
    return Progress(*columns, console=console, transient=True, disable=console.quiet)


def tracked(
    items: Iterable[T], what: str, *, wanted: bool = True, total: int | None = None
) -> Iterable[T]:
    """Return the items, while a bar shows how many were taken.

    Args:
        items: what is gone through.
        what: what is done with them, beside the bar.
        wanted: whether to draw it if there is a terminal.
        total: how many there are, of items without a length.
    """
    from rich.progress import track

    console = _console(wanted)
    return track(items, what, total=total, console=console, transient=True, disable=console.quiet)


def _console(wanted: bool) -> Console:
    from rich.console import Console

    console = Console(stderr=True, highlight=False, emoji=False, markup=False)
    # A terminal that cannot move its cursor shows no bar either. rich would end what it did not
    # draw with an empty line, before its release 14.3 even if the bar is disabled.
    console.quiet = not (wanted and console.is_interactive)
    return console
