"""What a store in memory keeps of each commit: which entities it touched, and never a value."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

from lamlam.memory_backends.commits.changes import changes_of_entity
from lamlam.memory_backends.commits.commit_plan import Event
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import Identify, PastVersion, StoredFact
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.operations import Change, Commit
from lamlam.memory_backends.model.relation_rules import RelationRules

Versions = tuple[str | None, Sequence[StoredFact], Sequence[PastVersion]]


class Erasure(NamedTuple):
    """What is left of an entity, or of facts of it, that were erased."""

    namespace: Namespace
    entity_id: str
    fact_ids: tuple[str, ...]
    """Empty where all of the entity is gone."""


@dataclass(frozen=True, slots=True)
class LoggedCommit:
    """One commit, without what it wrote: that stands in the facts and their past."""

    revision: int
    time: str
    """ISO 8601, UTC."""
    actor: str | None = None
    touched: tuple[str, ...] = ()
    """Scoped keys of the entities whose facts changed."""
    events: tuple[Event, ...] = ()
    erased: tuple[Erasure, ...] = ()


@dataclass(slots=True)
class CommitLog:
    """Every commit of a store, and which commit an idempotency key made."""

    commits: list[LoggedCommit] = field(default_factory=list)
    by_key: dict[str, Commit] = field(default_factory=dict)
    """By the keyed hash of an idempotency key, so that the log does not hold the key itself."""

    def add(
        self,
        revision: int,
        *,
        actor: str | None = None,
        touched: Sequence[str] = (),
        events: Sequence[Event] = (),
        erased: Sequence[Erasure] = (),
    ) -> None:
        """The commit stands at the end of the log."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.commits.append(
            LoggedCommit(revision, now, actor, tuple(touched), tuple(events), tuple(erased))
        )

    def after(self, revision: int) -> list[LoggedCommit]:
        """Return the commits after a revision, in order."""
        return self.commits[self._place_after(revision) :]

    def at(self, revision: int) -> LoggedCommit:
        """Return the commit that made a revision, which is in the log."""
        return self.commits[self._place_after(revision - 1)]

    def _place_after(self, revision: int) -> int:
        return bisect_right(self.commits, revision, key=lambda commit: commit.revision)

    def names_of(self, keys: Collection[str]) -> list[str]:
        """Return the other names (scoped keys) that entities ever had, as far as commits tell."""
        events = [event for commit in self.commits for event in commit.events]
        names = [event.other for event in events if event.kind != "rule" and event.key in keys]
        return list(dict.fromkeys(names))

    def forget_entities(self, keys: Collection[str]) -> None:
        """No commit tells of the entities with these scoped keys."""
        for n, commit in enumerate(self.commits):
            touched = tuple([key for key in commit.touched if key not in keys])
            events = tuple(
                [event for event in commit.events if event.kind == "rule" or event.key not in keys]
            )
            if touched != commit.touched or events != commit.events:
                self.commits[n] = replace(commit, touched=touched, events=events)

    def forget_names(self, keys: Collection[str]) -> None:
        """No commit gives or takes these scoped keys as other names of an entity."""
        for n, commit in enumerate(self.commits):
            events = tuple([event for event in commit.events if event.other not in keys])
            if events != commit.events:
                self.commits[n] = replace(commit, events=events)


def key_hash(secret: bytes, idempotency_key: str) -> str:
    """Return what a log keeps of an idempotency key."""
    return blake2b(idempotency_key.encode(), digest_size=16, key=secret).hexdigest()


def changes_of_commit(
    commit: LoggedCommit,
    versions_of: Callable[[str], Versions],
    rules: RelationRules,
    identify: Identify,
) -> Iterator[Change]:
    """Give what a commit did: its events, then the facts of each entity, then what it erased.

    Args:
        commit: as logged.
        versions_of: gives name, facts and past of a scoped key.
        rules: of the store, now.
        identify: gives the ids of facts.
    """
    for event in commit.events:
        yield from _change_of_event(commit.revision, event, rules)
    for key in commit.touched:
        name, now, past = versions_of(key)
        if name is not None:
            yield from changes_of_entity(key, name, now, past, commit.revision, identify)
    for namespace, entity_id, fact_ids in commit.erased:
        yield Change(commit.revision, "erased", namespace, entity_id=entity_id, fact_ids=fact_ids)


def _change_of_event(revision: int, event: Event, rules: RelationRules) -> Iterator[Change]:
    if event.kind == "rule":
        rule = rules.of(event.key)
        if rule is not None:
            yield Change(revision, "rule", rule=rule)
        return
    namespace = split(event.key)[0]
    yield Change(revision, event.kind, namespace, event.name, alias=split(event.other)[1])
