"""The feed of changes, worked out from what a store keeps of an entity: no value is kept twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lamlam.memory_backends.model.lookups import Identify, PastVersion, StoredFact, as_fact
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.operations import Change


def changes_of_entity(
    key: str,
    name: str,
    now: Sequence[StoredFact],
    past: Iterable[PastVersion],
    revision: int,
    identify: Identify,
) -> Iterator[Change]:
    """Give what one commit did to the facts of an entity: what ended, then what began.

    Args:
        key: scoped key of the entity.
        name: as stored.
        now: its facts that hold.
        past: its versions that have ended.
        revision: that of the commit.
        identify: gives the ids of facts.
    """
    namespace = split(key)[0]
    versions = list(past)
    began = [fact for fact in now if fact.revision == revision]
    began += [fact for fact, _ in versions if fact.revision == revision]
    # One that ended and came again in one commit has moved to the end of the entity's facts.
    replaced = {(fact.identity, fact.seq) for fact in began}
    for fact, end in versions:
        if end == revision and (fact.identity, fact.seq) not in replaced:
            gone = as_fact(name, fact, identify(key, fact), namespace, retracted=end)
            yield Change(revision, "ended", namespace, name, gone)
    for fact in sorted(began, key=lambda fact: fact.seq):
        new = as_fact(name, fact, identify(key, fact), namespace)
        yield Change(revision, "asserted", namespace, name, new)
