"""What a check of a fact file says of each of its parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

_MOST_SHOWN = 3
OnVerify = Callable[[str, int, int], None]
"""Is called with what is looked at, how much of it was, and of how much."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found of one part of a file."""

    part: str
    faults: tuple[str, ...]
    """No name and no value of the file is in them."""
    seen: str
    """What was looked at."""

    @property
    def is_whole(self) -> bool:
        """Nothing is wrong with it."""
        return not self.faults

    def __str__(self) -> str:
        if self.is_whole:
            return f"{self.part}: {self.seen}"
        more = len(self.faults) - _MOST_SHOWN
        shown = "; ".join(self.faults[:_MOST_SHOWN])
        return f"{self.part}: {shown}{f'; and {more} more' if more > 0 else ''}"
