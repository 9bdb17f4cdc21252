"""The log of commits of a store in memory: which entities each touched, and never a value."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lamlam.memory_backends.commits.changes import (
    CommitEvent,
    ErasedFacts,
    changes_of_entity,
    changes_of_erasure,
    changes_of_events,
)
from lamlam.memory_backends.commits.idempotency import KeptOperations
from lamlam.memory_backends.commits.mentions import Mentions
from lamlam.memory_backends.model.clock import now
from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.entity_reader import EntityReader
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import Identify
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.operations import Change, Commit


@dataclass(frozen=True, slots=True)
class LoggedCommit:
    """One commit, without what it wrote: that stands in the facts and their past."""

    revision: int
    time: str
    """ISO 8601, UTC."""
    actor: str | None = None
    touched: tuple[str, ...] = ()
    """Scoped keys of the entities whose facts changed."""
    events: tuple[CommitEvent, ...] = ()
    erased: tuple[ErasedFacts, ...] = ()

    @property
    def info(self) -> CommitInfo:
        """When it was made and by whom."""
        return CommitInfo(self.revision, datetime.fromisoformat(self.time), self.actor)


@dataclass(slots=True)
class CommitLog:
    """Every commit of a store, and which commit an idempotency key made."""

    commits: list[LoggedCommit] = field(default_factory=list)
    by_key: dict[str, Commit] = field(default_factory=dict)
    """By the keyed hash of an idempotency key, so that the log does not hold the key itself."""
    operations: dict[str, KeptOperations] = field(default_factory=dict)
    """By the same hash, as far as it is known of what operations the commit was made."""

    def add(
        self,
        revision: int,
        *,
        actor: str | None = None,
        touched: Sequence[str] = (),
        events: Sequence[CommitEvent] = (),
        erased: Sequence[ErasedFacts] = (),
    ) -> None:
        """Add a commit at the end of the log."""
        time = now().isoformat(timespec="microseconds")
        self.commits.append(
            LoggedCommit(revision, time, actor, tuple(touched), tuple(events), tuple(erased))
        )

    def after(self, revision: int) -> list[LoggedCommit]:
        """Return the commits after a revision, in order."""
        return self.commits[self._place_after(revision) :]

    def at(self, revision: int) -> LoggedCommit:
        """Return the commit that made a revision, which is in the log."""
        return self.commits[self._place_after(revision - 1)]

    def of(self, revisions: Collection[int]) -> Mapping[int, CommitInfo]:
        """Return what is known of the commits that made these revisions."""
        found = {}
        for revision in revisions:
            place = self._place_after(revision - 1)
            if place < len(self.commits) and self.commits[place].revision == revision:
                found[revision] = self.commits[place].info
        return found

    def _place_after(self, revision: int) -> int:
        return bisect_right(self.commits, revision, key=lambda commit: commit.revision)

    def names_of(self, keys: Collection[str]) -> list[str]:
        """Return the other names (scoped keys) that entities ever had, from the events of commits."""
        keys = frozenset(keys)
        events = [event for commit in self.commits for event in commit.events]
        names = [event.other for event in events if event.kind != "rule" and event.key in keys]
        return list(dict.fromkeys(names))

    def forget_names(self, keys: Collection[str]) -> int:
        """Remove these scoped keys from all commits; return from the events of how many.

        As entities that were touched or had something happen to them, and as names that were
        given or taken.
        """
        keys = frozenset(keys)
        n_commits = 0
        for n, commit in enumerate(self.commits):
            touched = tuple([key for key in commit.touched if key not in keys])
            events = tuple(
                [
                    event
                    for event in commit.events
                    if event.kind == "rule" or (event.key not in keys and event.other not in keys)
                ]
            )
            if touched != commit.touched or events != commit.events:
                self.commits[n] = replace(commit, touched=touched, events=events)
            n_commits += events != commit.events
        return n_commits

    def own_commits(self, namespace: Namespace) -> set[int] | None:
        """Return the revisions of commits that changed one namespace alone; ``None``: all are.

        The unnamed namespace is that of whoever keeps the whole store.
        """
        if not namespace:
            return None
        return {one.revision for one in self.commits if _namespaces_of(one) == {namespace}}

    def forget_actors(self, mentions: Mentions, own: Collection[int] | None) -> int:
        """Remove the names from commits as their actors; return from how many.

        Args:
            mentions: the names; other actors that mention one are added.
            own: revisions whose actors may be forgotten; ``None``: all.
        """
        n_commits = 0
        for n, commit in enumerate(self.commits):
            if commit.actor is None:
                continue
            if mentions.is_name(commit.actor) and (own is None or commit.revision in own):
                self.commits[n] = replace(commit, actor=None)
                n_commits += 1
            else:
                mentions.add_actor(commit.actor, commit.revision)
        return n_commits

    def forget_operations(self, entity_ids: Collection[str], revisions: Collection[int]) -> None:
        """Forget of what operations the changes were made that have to do with these."""
        for key, kept in list(self.operations.items()):
            if self.by_key[key].revision in revisions or kept.name_any(entity_ids):
                del self.operations[key]


def _namespaces_of(commit: LoggedCommit) -> set[Namespace | None]:
    """Return which namespaces a commit changed; ``None`` stands for the whole store."""
    spaces: set[Namespace | None] = {split(key)[0] for key in commit.touched}
    spaces.update([one.namespace for one in commit.erased])
    spaces.update([None if one.kind == "rule" else split(one.key)[0] for one in commit.events])
    return spaces


def changes_of_commit(
    commit: LoggedCommit, reader: EntityReader, identify: Identify
) -> Iterator[Change]:
    """Yield what a commit did: its events, then the facts of each entity, then what it erased."""
    revision, made = commit.revision, commit.info
    yield from changes_of_events(revision, commit.events, reader.rules, made)
    for key in commit.touched:
        yield from changes_of_entity(key, reader.history(key), revision, identify, made)
    yield from changes_of_erasure(revision, commit.erased, made)
