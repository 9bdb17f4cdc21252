"""Facts of one entity as callers read them: by its name or an alias, of one relation or of all."""

from __future__ import annotations

from lamlam.memory_backends.model.commit_info import UNKNOWN, CommitsOf, no_commits
from lamlam.memory_backends.model.entity_reader import EntityHistory, EntityReader, EntityRecord
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Identify, as_fact
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.operations import PastFact
from lamlam.memory_backends.model.synonyms import same_relation


def named_record(reader: EntityReader, key: str) -> EntityRecord | None:
    """Return the entity with this very key if it has facts, else the one with this alias."""
    record = reader.record(key)
    if record is None and (holder := reader.alias(key)) is not None:
        record = reader.record(holder)
    return record


def facts_of(
    record: EntityRecord, wanted: str | None, identify: Identify, hiding_from: int | None = None
) -> list[Fact]:
    """Return the facts of an entity, in stored order.

    Args:
        record: the entity.
        wanted: key of a relation: only facts of it, or of a synonym of it.
        identify: gives the ids of facts.
        hiding_from: leave out facts whose period has ended by this moment, in microseconds.
    """
    key, name = record.key, record.name
    namespace = split(key)[0]
    return [
        as_fact(name, fact, identify(key, fact), namespace)
        for fact in record.stored()
        if (wanted is None or same_relation(fact.key, wanted))
        and (hiding_from is None or fact.valid_to is None or fact.valid_to > hiding_from)
    ]


def past_facts(
    key: str,
    history: EntityHistory,
    wanted: str | None,
    identify: Identify,
    commits_of: CommitsOf = no_commits,
) -> list[PastFact]:
    """Return the versions of facts of an entity that have ended, oldest first.

    Args:
        key: scoped key of the entity.
        history: every version of its facts.
        wanted: key of a relation: only facts of it, or of a synonym of it.
        identify: gives the ids of facts.
        commits_of: what the log knows of commits.
    """
    name, namespace = history.name or "", split(key)[0]
    past = [one for one in history.past if wanted is None or same_relation(one.fact.key, wanted)]
    commits = commits_of({n for fact, retracted in past for n in (fact.revision, retracted)})
    found = []
    for fact, retracted in past:
        begin, end = commits.get(fact.revision, UNKNOWN), commits.get(retracted, UNKNOWN)
        found.append(
            PastFact(
                as_fact(name, fact, identify(key, fact), namespace, retracted),
                asserted=fact.revision,
                retracted=retracted,
                asserted_at=begin.at,
                asserted_by=begin.actor,
                retracted_at=end.at,
                retracted_by=end.actor,
            )
        )
    return found
