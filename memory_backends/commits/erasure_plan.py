"""What an erasure takes and whose names go with it: pure, and the same for every backend."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from lamlam.memory_backends.commits.commit_plan import Desk
from lamlam.memory_backends.commits.entity_edit import covered_keys
from lamlam.memory_backends.commits.merges import (
    MergeRecord,
    Passed,
    after_erasure,
    ids_that_went,
    passed_on,
    passed_to,
)
from lamlam.memory_backends.model.lookups import Identify, PastVersion, StoredFact


class Held(NamedTuple):
    """Every version of the facts of an entity."""

    now: Sequence[StoredFact] = ()
    past: Sequence[PastVersion] = ()


class Told(NamedTuple):
    """What the feed is to tell: facts of an entity are gone, or, without ids, all of it."""

    key: str
    fact_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What an erasure takes. Keys are scoped canonical keys."""

    covered: Collection[str]
    """Relations of the facts that go."""
    gone: Mapping[str, Sequence[StoredFact]]
    """Versions, of now and of the past, that entities which were meant lose."""
    passed: Sequence[Passed]
    """Versions that others have of their facts, from merges; they go too."""
    passed_to: Mapping[str, Collection[PastVersion]]
    """The same by the entity that has them."""
    unknown: Collection[str]
    """Entities that have no fact and no past any more."""
    forgotten: Collection[str]
    """Keys that nobody may be able to test for: of these the feed tells nothing more."""
    emptied: Collection[str]
    """What was meant, where nothing holds of it any more."""
    told: Sequence[Told]
    identify: Identify

    @property
    def is_empty(self) -> bool:
        """There is nothing to erase."""
        return not (self.gone or self.passed)

    def thinned(self, record: MergeRecord, freed: Collection[str]) -> MergeRecord | None:
        """Return what is left of the record of a merge; ``None``: nothing.

        Args:
            record: as it was.
            freed: names of forgotten entities that nobody has any more.
        """
        return after_erasure(
            record,
            self.gone,
            self.passed,
            unknown=self.unknown,
            nameless={*self.forgotten, *freed},
            emptied=self.emptied,
            identify=self.identify,
        )


def entities_meant(desk: Desk, named: str) -> list[str]:
    """Return what an erasure of a scoped key or alias reaches, the entity itself first.

    What was merged into the entity goes with it, and so do its other names, which may have been
    entities before: their past is its past. One that has facts of its own again is another entity.
    """
    key = named if desk.page(named).facts else (desk.alias(named) or named)
    keys = [key]
    for one in keys:  # grows while it is read
        keys += [
            record.merged
            for record in desk.merges_of(one)
            if record.merged not in keys and not desk.page(record.merged).facts
        ]
    names = [one for one in (*desk.aliases_of(key), named) if not desk.page(one).facts]
    return list(dict.fromkeys((*keys, *names)))


def plan_erasure(
    desk: Desk,
    keys: Sequence[str],
    relation: str | None,
    *,
    held: Callable[[str], Held],
    merges_from: Callable[[str], Iterable[MergeRecord]],
    identify: Identify,
) -> ErasurePlan:
    """Return what is to be erased.

    Args:
        desk: the store, before.
        keys: what `entities_meant` gave.
        relation: erase facts of this relation, or of its synonyms, only.
        held: gives the versions of a scoped key.
        merges_from: gives the records of merges of an entity into another.
        identify: gives the ids of facts.
    """
    before = {key: held(key) for key in keys}
    covered = covered_keys(chain.from_iterable(map(_facts, before.values())), relation)
    gone = {
        key: lost
        for key, entity in before.items()
        if (lost := [fact for fact in _facts(entity) if fact.key in covered])
    }
    is_emptied = all(fact.key in covered for fact in before[keys[0]].now)
    ended = [key for key in gone if all(fact.key in covered for fact in _facts(before[key]))]
    passed = passed_on(keys, relation, merges_from, lambda key: held(key).past, identify)
    if relation is None:
        forgotten = list(keys)
    else:
        # What is still a name of an entity that stays is not forgotten.
        forgotten = [key for key in ended if is_emptied or desk.alias(key) is None]
    told: list[Told] = []
    for key, facts in gone.items():
        ids = dict.fromkeys(identify(key, fact) for fact in facts)
        # With facts named, copies would keep the entity as a name.
        told.append(Told(key) if key in forgotten else Told(key, tuple(ids)))
    for key, versions in passed_to(passed).items():
        now, past = held(key)
        staying = [*now, *(old.fact for old in past if old not in versions)]
        if ids_gone := ids_that_went(key, (old.fact for old in versions), staying, identify):
            told.append(Told(key, ids_gone))
    return ErasurePlan(
        covered=covered,
        gone=gone,
        passed=passed,
        passed_to=passed_to(passed),
        unknown=keys if relation is None else ended,
        forgotten=forgotten,
        emptied=keys if is_emptied else (),
        told=told,
        identify=identify,
    )


def _facts(held: Held) -> Iterator[StoredFact]:
    yield from held.now
    for old in held.past:
        yield old.fact
