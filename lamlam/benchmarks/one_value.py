"""Stand-ins for a store that answer every lookup with one value: at once, or after some time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import anyio

from lamlam.memory_backends.model.lookups import Answer

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import Lookup

VALUE = "Warsaw"


@dataclass
class OneResult:
    """The answer."""

    fact_ids: tuple[str, ...]
    """A new one each time: a text is given each fact once."""
    values: tuple[str, ...] = (VALUE,)
    sources: tuple[str, ...] = ()
    candidates: tuple[()] = ()
    status: str = "hit"
    match: None = None
    revision: int = 0
    elapsed_ns: int = 0

    def answer(self, number: int) -> Answer | None:
        """Return the value as the first answer; there is no second."""
        return None if number else Answer(self.values[0], self.fact_ids[0], None)


class OneValue:
    """Answers at once, and notes when it was last asked."""

    capabilities = frozenset({"fast_lookup"})

    def __init__(self) -> None:
        self.asked_at = 0.0
        self._ids = count()

    def refresh_nowait(self) -> None:
        """Do nothing: the value never changes."""

    def lookup_nowait(self, query: Lookup) -> OneResult:
        """Return the one value."""
        self.asked_at = time.perf_counter()
        return OneResult((str(next(self._ids)),))


class SlowOneValue:
    """Answers after some time, as a server does."""

    capabilities: frozenset[str] = frozenset()

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ids = count()

    def refresh_nowait(self) -> None:
        """Do nothing: the value never changes."""

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[OneResult]:
        """Return the one value for each question, after the time that it takes."""
        await anyio.sleep(self.seconds)
        return [OneResult((str(next(self._ids)),)) for _ in queries]
