"""`CommitInfo`: when a commit was made and by whom, as the log of a store keeps it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """One commit of a store, without what it changed."""

    revision: int
    at: datetime | None = None
    """When it was made (UTC), by the clock of the machine or server that wrote it; ``None``: the
    log does not reach back so far."""
    actor: str | None = None
    """Who made it, as `FactStore.apply` was told; ``None``: it was not, or the name was erased."""


CommitsOf = Callable[[Collection[int]], Mapping[int, CommitInfo]]
"""Returns what is known of the commits that made these revisions."""
UNKNOWN = CommitInfo(0)
"""Of a commit that the log does not have."""


def no_commits(revisions: Collection[int]) -> Mapping[int, CommitInfo]:
    """Return nothing: of a store that keeps no log."""
    return {}
