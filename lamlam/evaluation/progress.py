"""Where progress is shown, so that standard output holds figures alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console() -> Console:
    """Return a console on standard error."""
    from rich.console import Console

    return Console(stderr=True)
