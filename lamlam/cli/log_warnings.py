"""Warnings of the log on the terminal, above a progress bar."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lamlam.cli.output import printable_line

if TYPE_CHECKING:
    from rich.console import Console


@contextmanager
def showing_warnings(console: Console) -> Iterator[None]:
    """Print what lamlam logs as a warning, one line each, as long as the block runs."""
    logger = logging.getLogger("lamlam")
    handler = _ConsoleHandler(console)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _ConsoleHandler(logging.Handler):
    """Prints records on a console of rich's."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        line = printable_line(record.getMessage())
        self._console.print(f"warning: {line}", markup=False, highlight=False, soft_wrap=True)
