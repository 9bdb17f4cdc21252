"""`SyncLifetimes`: the blocking twin of `Lifetimes`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial
from typing import Any, TypeVar

from lamlam.memory_backends.commits.lifetimes import Lifetimes
from lamlam.memory_backends.model.commit_info import CommitInfo

T = TypeVar("T")


class SyncLifetimes:
    """The part of `SyncFactStore` that is about the time of commits and of facts."""

    @abstractmethod
    def _opened(self) -> Lifetimes: ...

    @abstractmethod
    def _call(self, method: Callable[[], Coroutine[Any, Any, T]]) -> T: ...

    @abstractmethod
    def _iterate(self, method: Callable[[], AsyncIterator[T]]) -> Iterator[T]: ...

    def commits(self, since: int | None = None) -> Iterator[CommitInfo]:
        """Yield the commits after a revision, in order: when each was made and by whom."""
        return self._iterate(partial(self._opened().commits, since))

    def revision_at(self, moment: object) -> int:
        """Return the revision that the store had just before a moment."""
        return self._call(partial(self._opened().revision_at, moment))
