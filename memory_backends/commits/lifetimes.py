"""`Lifetimes`: when facts came and went, with bodies that every store has by what else it has."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import Protocol, runtime_checkable

from lamlam.memory_backends.commits.undo import run_steps, undo_steps
from lamlam.memory_backends.commits.undo_plan import UndoReport
from lamlam.memory_backends.model.capabilities import Capability
from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.expiry import (
    EXPIRY_ACTOR,
    checked_now,
    ending_expired,
    is_expired,
    with_expired,
)
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.operations import Change, Commit, Later, Op, StoreInfo
from lamlam.memory_backends.model.timestamps import as_moment, from_us


@runtime_checkable
class Lifetimes(Protocol):
    """What `FactStore` has of the times of commits and facts; a backend may write its own, faster."""

    capabilities: frozenset[Capability] = frozenset()

    @abstractmethod
    def changes(
        self, since: int | None = None, *, namespace: Namespace | None = None
    ) -> AsyncIterator[Change]: ...

    @abstractmethod
    async def info(self) -> StoreInfo: ...

    @abstractmethod
    def scan(
        self,
        entity: str | None = None,
        relation: str | None = None,
        *,
        namespace: Namespace | None = None,
        as_of: int | None = None,
        batch: int = 1000,
        include_expired: bool = False,
    ) -> AsyncIterator[Fact]: ...

    @abstractmethod
    async def apply(
        self,
        ops: Sequence[Op],
        *,
        expected: int | None = None,
        idempotency_key: str | None = None,
        actor: str | None = None,
    ) -> Commit: ...

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

    async def expired(
        self, *, namespace: Namespace | None = None, now: Instant | None = None
    ) -> AsyncIterator[Fact]:
        """Yield the facts whose period has ended and that still stand (`VALID_TIME`).

        Args:
            namespace: one namespace; ``None``: all of them.
            now: by this moment; ``None``: by the present.
        """
        at = checked_now(now)
        async for fact in self.scan(namespace=namespace, **with_expired(self)):
            if is_expired(fact, at):
                yield fact

    async def sweep(
        self,
        *,
        namespace: Namespace | None = None,
        now: Instant | None = None,
        actor: str | None = EXPIRY_ACTOR,
    ) -> Commit:
        """Retract, in one commit, all facts whose period has ended; the history keeps them.

        Expired facts are hidden without it, but answer questions about their time (``valid_at``)
        until they are swept. A fact that is given a later end meanwhile stays. A second call finds
        nothing to do.

        Args:
            namespace: of one namespace; ``None``: of all.
            now: what has ended by this moment; ``None``: by the present.
            actor: who does it, for the log of the store.

        Raises:
            BadFact: ``now`` is not a moment.
            ReadOnly: the store was opened for reading.
        """
        at = checked_now(now)
        facts = [fact async for fact in self.expired(namespace=namespace, now=from_us(at))]
        return await self.apply(ending_expired(facts, at), actor=actor)

    async def undo(
        self,
        revision: int,
        *,
        later: Later = "refuse",
        dry_run: bool = False,
        actor: str | None = None,
    ) -> UndoReport:
        """Take back what a commit did, in a new commit (`CHANGES`, `HISTORY`).

        Facts that it asserted are retracted; those that it ended or changed are as they were
        before it, in the order that they had. Its aliases are removed or given back, its merges
        split and its splits merged. A first rule of a relation becomes one without bounds; the
        rule before another one is not known any more, as the report says.

        Args:
            revision: of the commit.
            later: what to do about relations and names that later commits changed again:
                ``"refuse"``, ``"skip"`` them, or ``"restore"`` relations as they were before the
                commit, which ends what came since.
            dry_run: write nothing; the report has what would be done.
            actor: who does it, for the log of the store.

        Raises:
            CannotUndo: the commit is an erasure, nothing is left of it, or later ones changed the
                same.
            Conflict: there is no such commit yet.
            ChangesGone: the log does not reach back so far.
            TooManyValues: a rule that came since does not allow what was there before.
        """
        return await run_steps(undo_steps(self, revision, later, dry_run=dry_run, actor=actor))
