"""Miss policies: what a generation does when memory has no answer. A new policy is added here."""

from __future__ import annotations

from enum import Enum, auto
from typing import Literal, NamedTuple


class AfterMiss(Enum):
    """The ways to go on that the decoder knows."""

    CONTINUE = auto()
    """Take the lookup back, and write without a fact; the key is not looked up again here."""
    ASK_AGAIN = auto()
    """Look up another key, as often as the limits of a place allow; then as ``CONTINUE``."""
    STOP = auto()
    """End the generation; its finish reason is ``miss``."""
    RAISE = auto()
    """Fail the generation with `LookupFailed`."""


class MissPolicy(NamedTuple):
    """What follows a miss."""

    then: AfterMiss | str
    """A way to go on, or the words that are written in the place of the value."""
    takes_nearest: bool = False
    """First look up the nearest candidate, and mark its value as below the threshold."""


PolicyName = Literal["continue", "ask_again", "unknown", "nearest", "stop", "raise", "memory_only"]
MISS_POLICIES: dict[PolicyName, MissPolicy] = {
    "continue": MissPolicy(AfterMiss.CONTINUE),
    "ask_again": MissPolicy(AfterMiss.ASK_AGAIN),
    "unknown": MissPolicy("unknown"),
    "nearest": MissPolicy(AfterMiss.CONTINUE, takes_nearest=True),
    "stop": MissPolicy(AfterMiss.STOP),
    "raise": MissPolicy(AfterMiss.RAISE),
    "memory_only": MissPolicy(AfterMiss.STOP),  # and more: `MemoryOnlyDecoder`
}
"""Every policy by the name that users write. `PolicyName` repeats the names for type checkers."""
