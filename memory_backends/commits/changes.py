"""Change data capture: the changes of a commit, from what a store keeps of it and of entities.

No value is kept twice: what a commit did to facts stands in their versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lamlam.memory_backends.model.commit_info import UNKNOWN, CommitInfo
from lamlam.memory_backends.model.entity_reader import EntityHistory, EntityRecord
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import Identify, as_fact
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.operations import Change, ChangeKind
from lamlam.memory_backends.model.relation_rules import RelationRules

EVENT_KINDS: tuple[ChangeKind, ...] = ("alias", "no_alias", "merged", "split", "rule")


class CommitEvent(NamedTuple):
    """What a commit did to an entity or a relation besides its facts."""

    kind: ChangeKind
    key: str
    """Scoped key of the entity; the relation's key for a rule."""
    name: str
    """Of the entity as stored, or of the relation."""
    other: str = ""
    """Scoped key of the alias or of the merged entity."""


class ErasedFacts(NamedTuple):
    """What is left of an entity, or of facts of it, that were erased: ids alone."""

    namespace: Namespace
    entity_id: str
    fact_ids: tuple[str, ...] = ()
    """Empty where all of the entity is gone."""


def changes_of_events(
    revision: int,
    events: Iterable[CommitEvent],
    rules: RelationRules,
    made: CommitInfo = UNKNOWN,
) -> Iterator[Change]:
    """Yield the changes of the events of a commit.

    Args:
        revision: that of the commit.
        events: in the order in which they happened.
        rules: of the store, now.
        made: when and by whom the commit was made.
    """
    at, actor = made.at, made.actor
    for event in events:
        if event.kind != "rule":
            alias = split(event.other)[1]
            space = split(event.key)[0]
            yield Change(revision, event.kind, space, event.name, alias=alias, at=at, actor=actor)
        elif (rule := rules.of(event.key)) is not None:
            yield Change(revision, "rule", rule=rule, at=at, actor=actor)


def changes_of_erasure(
    revision: int, erased: Iterable[ErasedFacts], made: CommitInfo = UNKNOWN
) -> Iterator[Change]:
    """Yield the changes of an erasure."""
    at, actor = made.at, made.actor
    for space, entity_id, ids in erased:
        yield Change(
            revision, "erased", space, entity_id=entity_id, fact_ids=ids, at=at, actor=actor
        )


def changes_of_entity(
    key: str,
    history: EntityHistory,
    revision: int,
    identify: Identify,
    made: CommitInfo = UNKNOWN,
) -> Iterator[Change]:
    """Yield what one commit did to the facts of an entity: what ended, then what began.

    Args:
        key: scoped key of the entity.
        history: every version of its facts.
        revision: that of the commit.
        identify: gives the ids of facts.
        made: when and by whom the commit was made.
    """
    namespace, name = split(key)[0], history.name or ""
    at, actor = made.at, made.actor
    began = [fact for fact in history.facts() if fact.revision == revision]
    # One that ended and came again in one commit has moved to the end of the entity's facts.
    replaced = {(fact.identity, fact.seq) for fact in began}
    for fact, end in history.past:
        if end == revision and (fact.identity, fact.seq) not in replaced:
            gone = as_fact(name, fact, identify(key, fact), namespace, retracted=end)
            yield Change(revision, "ended", namespace, name, gone, at=at, actor=actor)
    for fact in sorted(began, key=lambda fact: fact.seq):
        new = as_fact(name, fact, identify(key, fact), namespace)
        yield Change(revision, "asserted", namespace, name, new, at=at, actor=actor)


def present_changes(
    record: EntityRecord, aliases: Iterable[str], revision: int, identify: Identify
) -> Iterator[Change]:
    """Yield the facts and aliases of an entity, each asserted at one revision.

    Args:
        record: the entity.
        aliases: its scoped aliases.
        revision: that of the store.
        identify: gives the ids of facts.
    """
    key, name = record.key, record.name
    namespace = split(key)[0]
    for fact in record.stored():
        given = as_fact(name, fact, identify(key, fact), namespace)
        yield Change(revision, "asserted", namespace, name, given)
    for alias in aliases:
        yield Change(revision, "alias", namespace, name, alias=split(alias)[1])


def within(changes: Iterable[Change], namespace: Namespace | None) -> Iterator[Change]:
    """Yield the changes of one namespace (``None``: of all), and of rules, which hold in all."""
    for change in changes:
        if namespace is None or change.kind == "rule" or change.namespace == namespace:
            yield change
