"""`Lifetimes`: when facts came and went, with bodies that every store has by what else it has."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.operations import Change, StoreInfo
from lamlam.memory_backends.model.timestamps import as_moment


@runtime_checkable
class Lifetimes(Protocol):
    """What `FactStore` has of the time of commits; a backend may write its own, faster."""

    @abstractmethod
    def changes(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> AsyncIterator[Change]: ...

    @abstractmethod
    async def info(self) -> StoreInfo: ...

    async def commits(self, since: int | None = None) -> AsyncIterator[CommitInfo]:
        """Yield the commits after a revision, in order: when each was made and by whom (`CHANGES`).

        Args:
            since: the revision; ``None``: from where the log begins.

        Raises:
            ChangesGone: the log does not reach back so far.
            Conflict: the store has not reached the revision.
        """
        begin = (await self.info()).changes_since if since is None else since
        last = -1
        async for change in self.changes(begin):
            if change.revision != last:
                last = change.revision
                yield CommitInfo(last, change.at, change.actor)

    async def revision_at(self, moment: object) -> int:
        """Return the revision that the store had just before a moment (`CHANGES`).

        So ``changes(await store.revision_at("2026-11-30"))`` are those from that day on.

        Args:
            moment: a date or a time with its zone, or a text of one.

        Raises:
            BadFact: it is not a moment.
        """
        wanted = as_moment(moment)
        revision = (await self.info()).revision
        async for commit in self.commits():
            if commit.at is not None and commit.at >= wanted:
                return commit.revision - 1
        return revision
