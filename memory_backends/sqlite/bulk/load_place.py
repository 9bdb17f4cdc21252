"""`LoadPlace`: where a bulk load works."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lamlam.memory_backends.model.facts import Namespace


@dataclass(frozen=True, slots=True)
class LoadPlace:
    """Where a load works."""

    store: Path
    beside: Path
    """The file beside which runs are kept meanwhile."""
    namespace: Namespace = ()
    """Of facts that name none."""
    processes: int | None = None
    """How many; by default as many as there are processors."""
