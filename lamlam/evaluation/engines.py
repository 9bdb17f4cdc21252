"""The engines that evaluations ask: with how many threads, and how many prompts at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.runtime.sync import SyncEngine

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class EngineUse:
    """How prompts are given to an engine; None leaves its default."""

    at_once: int = 1
    """So many prompts are completed at the same time. More than three can change a token here
    and there: the sums of larger batches are rounded elsewhere."""
    threads: int | None = None
    context: int | None = None
    """Tokens of one prompt and what follows it."""


_ASKING: ContextVar[EngineUse] = ContextVar("_ASKING", default=EngineUse())  # noqa: B039  # frozen


@contextmanager
def asking_with(asking: EngineUse) -> Iterator[None]:
    """Open engines for so many prompts at once inside the block."""
    token = _ASKING.set(asking)
    try:
        yield
    finally:
        _ASKING.reset(token)


def open_asked_engine(
    model: str,
    memory: str | FactStore | None,
    options: dict[str, Any],  # Any: checked by the engine
) -> SyncEngine:
    """Return an engine that is not open yet, for the prompts of an evaluation."""
    from lamlam.runtime.sync import SyncEngine

    asking = _ASKING.get()
    ours: dict[str, Any] = {"threads": asking.threads, "context": asking.context}
    if asking.at_once > 1:
        ours["max_sequences"] = asking.at_once
    given = {name: value for name, value in ours.items() if value is not None}
    return SyncEngine(model, memory, **{**given, **options})


def in_order(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield the result for each item, in order, while as many as are asked at once are worked on.

    An error ends it where its item stands; what has not begun then never does.
    """
    at_once = _ASKING.get().at_once
    if at_once == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(at_once, "lamlam-asking") as pool:
        yield from pool.map(work, items)
