"""Plan an erasure: which versions of facts are removed, and which names with them. Pure.

One vocabulary for every backend. *Unknown*: an entity without any version left. *Forgotten*: a
key for whose former presence no test may be left. *Emptied*: an entity that holds no fact any more.
*Freed*: a former name of a forgotten entity that names nothing now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from lamlam.memory_backends.commits.changes import CommitEvent, ErasedFacts
from lamlam.memory_backends.commits.entity_edit import covered_keys
from lamlam.memory_backends.commits.erasure_reach import ErasureReach, TakenFacts
from lamlam.memory_backends.commits.merges import (
    MergedVersions,
    RecordsAfterErasure,
    ids_that_went,
    passed_on,
    passed_to,
)
from lamlam.memory_backends.model.entity_reader import EntityHistory, EntityReader
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.lookups import PastVersion, StoredFact
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.values import EntityRef, Value, code_of


class _Notice(NamedTuple):
    """For the change log: facts of an entity are gone, or, without ids, all of it."""

    key: str
    fact_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What an erasure removes. Keys are scoped canonical keys."""

    covered: Collection[str]
    """Relations of the facts that go; where a value was named, not all facts of them do."""
    taken: TakenFacts
    """The versions that go, of the entity that was named and of what was merged into it."""
    gone: Mapping[str, Sequence[StoredFact]]
    """Versions, of now and of the past, that the entities reached lose."""
    passed: Sequence[MergedVersions]
    """Versions that others have of their facts, from merges; they go too."""
    passed_to: Mapping[str, Collection[PastVersion]]
    """The same by the entity that has them."""
    unknown: Collection[str]
    """Entities that have no fact and no past any more."""
    forgotten: Collection[str]
    """Keys for whose presence no test may be left: the change log names them no more."""
    emptied: Collection[str]
    """The entities reached that hold no fact any more."""
    aliases: Mapping[str, str]
    """Those of them, with their entity."""
    notices: Sequence[_Notice]
    identify: FactIds
    keys: Sequence[str]
    """The entities that the erasure reaches, the one that was named first."""
    name: str
    """Of it, as stored."""
    owners: Mapping[str, str]
    """Other entities that lose facts whose value it was, with their names."""
    taken_of_owners: TakenFacts
    placed: Mapping[str, Sequence[StoredFact]]
    """What the owners state instead, behind all else: facts with a placeholder."""

    @property
    def is_empty(self) -> bool:
        """True where there is nothing to erase."""
        return not (self.gone or self.passed)

    def takes(self, key: str, fact: StoredFact) -> bool:
        """Return whether a version of an entity in `gone` goes."""
        return fact in (self.taken_of_owners if key in self.owners else self.taken)

    def after(self, key: str, now: Iterable[StoredFact], revision: int) -> list[StoredFact]:
        """Return what an entity in `gone` states afterwards.

        Args:
            key: its scoped key.
            now: what it states up to now.
            revision: that of the erasure.
        """
        staying = [fact for fact in now if not self.takes(key, fact)]
        return staying + [fact.placed(revision, fact.seq) for fact in self.placed.get(key, ())]

    def lost(self) -> list[StoredFact]:
        """Return every version that goes."""
        lost = [fact for facts in self.gone.values() for fact in facts]
        return lost + [old.fact for versions in self.passed_to.values() for old in versions]

    def n_of_owners(self) -> int:
        """Return how many of them are facts of others, whose value the entity was."""
        return sum([len(facts) for key, facts in self.gone.items() if key in self.owners])

    def last_names(self) -> list[str]:
        """Return the aliases that entities have up to now which are forgotten."""
        return [alias for alias, key in self.aliases.items() if key in self.forgotten]

    def revisions(self) -> set[int]:
        """Return the revisions of the commits that made or ended a version that goes."""
        made = {fact.revision for fact in self.lost()}
        return made | {old.retracted for ended in self.passed_to.values() for old in ended}

    def names_gone(self, freed: Iterable[str]) -> list[str]:
        """Return the scoped keys of all names that go: nobody may be known by them any more."""
        return [*self.forgotten, *freed]

    def keys_reached(self, freed: Iterable[str]) -> set[str]:
        """Return the scoped keys of all entities and names that the erasure has to do with."""
        return {*self.gone, *self.passed_to, *self.forgotten, *self.unknown, *freed}

    def freed(self, reader: EntityReader, names: Iterable[str]) -> list[str]:
        """Return which former names of forgotten entities name nothing any more.

        Args:
            reader: of the store, without the erased facts.
            names: all that the entities ever had.
        """
        others = [one for one in dict.fromkeys(names) if one not in self.forgotten]
        return [one for one in others if is_unused(reader, one)]

    def erased(self, freed: Iterable[str]) -> list[ErasedFacts]:
        """Return what the change log says of the erasure.

        Freed names are in it: copies may still know one as that of another entity.
        """
        return [
            ErasedFacts(split(key)[0], self.identify.of_entity(key), fact_ids)
            for key, fact_ids in (*self.notices, *map(_Notice, freed))
        ]

    def events(self, aliases: Iterable[str], freed: Collection[str]) -> list[CommitEvent]:
        """Return what the change log says of names that go though their entity stays known.

        A copy cannot tell by its facts that the entity was emptied: of one that follows from the
        first commit on, those that were erased later are missing from the beginning.

        Args:
            aliases: those that entities had which hold no fact any more (`aliases`).
            freed: names that name nothing any more, of which there are notices.
        """
        if not self.emptied:
            return []
        gone = {*self.forgotten, *freed}
        holders = [(alias, self.aliases.get(alias, self.keys[0])) for alias in aliases]
        return [
            CommitEvent("no_alias", key, self.owners.get(key, self.name), alias)
            for alias, key in holders
            if key not in self.forgotten and alias not in gone
        ]

    def records(self, reader: EntityReader, freed: Iterable[str]) -> RecordsAfterErasure:
        """Return what is left of the records of merges.

        Args:
            reader: of the store, the records as they were.
            freed: names of forgotten entities that name nothing any more.
        """
        return RecordsAfterErasure(
            self.gone,
            self.passed,
            reached=self.keys,
            unknown=self.unknown,
            nameless=[
                key
                for key in self.names_gone(freed)
                # One may name another entity by now.
                if (holder := reader.alias(key)) is None or holder in self.forgotten
            ],
            emptied=self.emptied,
            between=reader.merges_between,
            identify=self.identify,
            stated_by_none=[fact for fact in self.lost() if fact in self.taken_of_owners],
        )


def is_unused(reader: EntityReader, key: str) -> bool:
    """Return whether a scoped key is neither an entity, nor was one, nor is an alias."""
    return reader.alias(key) is None and reader.history(key).name is None


def entities_meant(reader: EntityReader, named: str) -> list[str]:
    """Return what an erasure of a scoped key or alias reaches, the entity itself first.

    What was merged into the entity goes with it, and so do its other names, which may have been
    entities before: their past is its past. One that has facts again is another entity.
    """
    key = named if reader.record(named) is not None else (reader.alias(named) or named)
    keys = [key]
    known = {key}
    for one in keys:  # grows while it is read
        for merge in reader.merges(one):
            if (
                merge.kept == one
                and merge.is_reversible
                and merge.merged not in known
                and reader.record(merge.merged) is None
            ):
                known.add(merge.merged)
                keys.append(merge.merged)
    names = [one for one in (*reader.aliases(key), named) if reader.record(one) is None]
    return list(dict.fromkeys((*keys, *names)))


def plan_erasure(
    reader: EntityReader,
    keys: Sequence[str],
    relation: str | None,
    identify: FactIds,
    *,
    value: Value | None = None,
    owners: Iterable[str] = (),
    placeholder: str | None = None,
) -> ErasurePlan:
    """Return what is to be erased.

    Args:
        reader: of the store, before.
        keys: as `entities_meant` returns them; or all names of a namespace.
        relation: erase facts of this relation, or of its synonyms, only.
        identify: gives the ids of facts.
        value: erase only this value of the relation.
        owners: scoped keys of others, which lose what they state of the entity as a value.
        placeholder: what they state instead; ``None``: nothing.
    """
    before = {key: reader.history(key) for key in keys}
    record = reader.record(keys[0])
    covered = covered_keys(chain.from_iterable(one.facts() for one in before.values()), relation)
    taken = TakenFacts(ErasureReach(relation, value))
    for history in before.values():
        taken.learn(history.facts())
    gone = {
        key: lost
        for key, history in before.items()
        if (lost := [fact for fact in history.facts() if fact in taken])
    }
    is_emptied = all(fact in taken for fact in before[keys[0]].now)
    ended = [key for key in gone if all(fact in taken for fact in before[key].facts())]
    passed = passed_on(reader, keys, taken, identify)
    versions_passed = passed_to(passed)
    # Dictionaries: there may be very many, they have an order, and are asked for each.
    forgotten = dict.fromkeys(keys)
    if relation is not None:
        # What is still a name of an entity that stays is not forgotten.
        left = [key for key in ended if is_emptied or reader.alias(key) is None]
        forgotten = dict.fromkeys(left)
    notices: list[_Notice] = []
    for key, facts in gone.items():
        ids = dict.fromkeys(identify(key, fact) for fact in facts)
        # With facts named, copies would keep the entity as a name.
        notices.append(_Notice(key) if key in forgotten else _Notice(key, tuple(ids)))
    for key, versions in versions_passed.items():
        _, now, past = reader.history(key)
        staying = [*now, *(old.fact for old in past if old not in versions)]
        if ids_gone := ids_that_went(key, (old.fact for old in versions), staying, identify):
            notices.append(_Notice(key, ids_gone))
    emptied = dict.fromkeys(keys if is_emptied else ())
    of_owners = _Owners(keys, identify, placeholder)
    others = {key: reader.history(key) for key in owners if key not in before}
    for history in others.values():
        of_owners.taken.learn(history.facts())
    for key, history in others.items():
        of_owners.add(key, history, versions_passed.get(key, ()))
    return ErasurePlan(
        covered=covered,
        taken=taken,
        gone=gone | of_owners.gone,
        passed=passed,
        passed_to=versions_passed,
        unknown=dict.fromkeys(keys if relation is None else ended),
        forgotten=forgotten,
        emptied=emptied | dict.fromkeys(of_owners.emptied),
        aliases={
            alias: key for key in (*emptied, *of_owners.emptied) for alias in reader.aliases(key)
        },
        notices=[*notices, *of_owners.notices],
        identify=identify,
        keys=[*keys, *of_owners.names],
        name=record.name if record is not None else split(keys[0])[1],
        owners=of_owners.names,
        taken_of_owners=of_owners.taken,
        placed=of_owners.placed,
    )


class _Owners:
    """What others lose that have the entity as a value, and what they get instead."""

    def __init__(self, keys: Iterable[str], identify: FactIds, placeholder: str | None) -> None:
        self.taken = TakenFacts(ErasureReach(names={split(key)[1] for key in keys}))
        self.names: dict[str, str] = {}
        self.gone: dict[str, list[StoredFact]] = {}
        self.notices: list[_Notice] = []
        self.placed: dict[str, list[StoredFact]] = {}
        self.emptied: list[str] = []
        self._identify = identify
        self._placeholder = placeholder

    def add(self, key: str, history: EntityHistory, passed: Collection[PastVersion]) -> None:
        """Take another entity, which may have nothing of the kind.

        Args:
            key: its scoped key.
            history: every version of its facts.
            passed: versions that go anyway.
        """
        ended = [old.fact for old in history.past if old not in passed]
        lost = [fact for fact in (*history.now, *ended) if fact in self.taken]
        if not lost:
            return
        self.names[key] = history.name or split(key)[1]
        self.gone[key] = lost
        ids = dict.fromkeys(self._identify(key, fact) for fact in lost)
        self.notices.append(_Notice(key, tuple(ids)))
        staying = [fact for fact in history.now if fact not in self.taken]
        placed = self._instead_of(history.now, staying)
        if placed:
            self.placed[key] = placed
        elif not staying:
            self.emptied.append(key)

    def _instead_of(
        self, now: Sequence[StoredFact], staying: Iterable[StoredFact]
    ) -> list[StoredFact]:
        if self._placeholder is None:
            return []
        code = code_of(EntityRef(self._placeholder))
        held = {fact.identity for fact in staying}
        seq = max((fact.seq for fact in now), default=-1)
        placed: list[StoredFact] = []
        for fact in now:
            if fact in self.taken:
                is_entity = fact.code.startswith("e:")
                new = fact._replace(value=self._placeholder, code=code if is_entity else "")
                if new.identity not in held:
                    held.add(new.identity)
                    placed.append(new._replace(seq=seq + 1 + len(placed)))
        return placed
