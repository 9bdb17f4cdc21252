"""`SchedulerStats`: how busy an engine is; loads no NumPy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SchedulerStats:
    """How many requests run and wait, and how many slots of the KV cache are free."""

    n_running: int
    n_waiting: int
    n_free_slots: int
