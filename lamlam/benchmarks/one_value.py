"""Memories that have one answer to everything: at once, or after some time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import Lookup

VALUE = "Warsaw"


@dataclass
class OneResult:
    """The answer."""

    fact_ids: tuple[str, ...]
    """Another one each time: a text is given a fact once."""
    values: tuple[str, ...] = (VALUE,)
    sources: tuple[str, ...] = ()
    candidates: tuple[()] = ()
    status: str = "hit"
    match: None = None
    revision: int = 0
    elapsed_ns: int = 0


class OneValue:
    """Answers at once."""

    capabilities = frozenset({"fast_lookup"})

    def __init__(self) -> None:
        self._ids = count()

    def refresh_nowait(self) -> None:
        """Nothing changes here."""

    def lookup_nowait(self, query: Lookup) -> OneResult:
        """Return the one value."""
        return OneResult((str(next(self._ids)),))


class SlowOneValue:
    """Answers after some time, as a server does."""

    capabilities: frozenset[str] = frozenset()

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ids = count()

    def refresh_nowait(self) -> None:
        """Nothing changes here."""

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[OneResult]:
        """Return the one value for each question, after the time that it takes."""
        await anyio.sleep(self.seconds)
        return [OneResult((str(next(self._ids)),)) for _ in queries]
