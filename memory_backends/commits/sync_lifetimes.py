"""`SyncLifetimes`: the blocking twin of `Lifetimes`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from lamlam.memory_backends.commits.lifetimes import Lifetimes
from lamlam.memory_backends.commits.undo import run_steps_nowait, undo_steps
from lamlam.memory_backends.commits.undo_plan import UndoReport
from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.expiry import EXPIRY_ACTOR, checked_now, ending_expired
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.operations import Commit, Later, Op
from lamlam.memory_backends.model.timestamps import from_us

T = TypeVar("T")


class SyncLifetimes:
    """The part of `SyncFactStore` that is about the time of commits and of facts."""

    @abstractmethod
    def _opened(self) -> Lifetimes: ...

    @abstractmethod
    def _call(self, method: Callable[[], Coroutine[Any, Any, T]]) -> T: ...

    @abstractmethod
    def _iterate(self, method: Callable[[], AsyncIterator[T]]) -> Iterator[T]: ...

    @abstractmethod
    def apply(
        self,
        ops: Sequence[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit: ...

    def commits(self, since: int | None = None) -> Iterator[CommitInfo]:
        """Yield the commits after a revision, in order: when each was made and by whom."""
        return self._iterate(partial(self._opened().commits, since))

    def revision_at(self, moment: object) -> int:
        """Return the revision that the store had just before a moment."""
        return self._call(partial(self._opened().revision_at, moment))

    def expired(
        self, *, namespace: Namespace | None = None, now: Instant | None = None
    ) -> Iterator[Fact]:
        """Yield the facts whose period has ended and that still stand."""
        return self._iterate(partial(self._opened().expired, namespace=namespace, now=now))

    def sweep(
        self,
        *,
        namespace: Namespace | None = None,
        now: Instant | None = None,
        actor: str | None = EXPIRY_ACTOR,
    ) -> Commit:
        """Retract, in one commit, all facts whose period has ended; the history keeps them."""
        at = checked_now(now)
        facts = list(self.expired(namespace=namespace, now=from_us(at)))
        return self.apply(ending_expired(facts, at), actor=actor)

    def undo(
        self,
        revision: int,
        *,
        later: Later = "refuse",
        dry_run: bool = False,
        actor: str | None = None,
    ) -> UndoReport:
        """Take back what a commit did, in a new commit."""
        return run_steps_nowait(undo_steps(self, revision, later, dry_run=dry_run, actor=actor))
