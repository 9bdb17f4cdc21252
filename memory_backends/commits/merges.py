"""Records of merged entities: how to undo a merge, and which facts came from which entity.

A record outlives its split. While two entities were one, the kept one had the facts of both, and
it has them in its past for ever: the record says which of them came with the other, so that
erasing the other reaches them. No record is left of an entity that was erased.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from lamlam.memory_backends.commits.carried import (
    Carried,
    MergesBetween,
    carried,
    carried_along,
    id_in,
    statement_id,
)
from lamlam.memory_backends.commits.erasure_reach import TakenFacts
from lamlam.memory_backends.model.entity_reader import EntityReader, MergeRecord
from lamlam.memory_backends.model.lookups import Identify, PastVersion, StoredFact
from lamlam.memory_backends.model.namespaces import split


class MergedVersions(NamedTuple):
    """Versions that an entity has in its past because a merge brought them."""

    record: MergeRecord
    versions: tuple[PastVersion, ...]


def passed_on(
    reader: EntityReader, keys: Collection[str], taken: TakenFacts, identify: Identify
) -> list[MergedVersions]:
    """Return the ended versions that other entities have of facts of these, from merges.

    What an entity still states is its own, as long as it was not split.

    Args:
        reader: of the store.
        keys: scoped keys of the entities whose facts are asked for.
        taken: says which facts are meant.
        identify: gives the ids of facts.
    """
    keys = dict.fromkeys(keys)
    found: list[MergedVersions] = []
    begun: dict[str, list[Carried]] = {}

    def merges_from(key: str) -> list[Carried]:
        """Return the merges of an entity into others than the keys, what they brought at hand."""
        if key not in begun:
            begun[key] = [
                carried(record, reader.merges_between, identify)
                for record in reader.merges(key)
                if record.merged == key and record.kept not in keys
            ]
        return begun[key]

    chains: list[tuple[Carried, ...]] = [(one,) for key in keys for one in merges_from(key)]
    for chain in chains:  # grows while it is read
        last = chain[-1].record
        past = reader.history(last.kept).past
        theirs = taken.and_of([old.fact for old in past])
        versions = tuple(
            old
            for old in past
            if old.fact in theirs
            and last.since <= old.fact.revision
            and (last.until is None or old.retracted <= last.until)
            and all(one.id_of(old.fact) in one.moved for one in chain)
        )
        if versions:
            found.append(MergedVersions(last, versions))
        chains += [
            (*chain, one)
            for one in merges_from(last.kept)
            if one not in chain and last.holds_at(one.record.since)
        ]
    return found


def passed_to(passed: Iterable[MergedVersions]) -> dict[str, dict[PastVersion, None]]:
    """Return the versions, each once, by the entity that has them."""
    found: dict[str, dict[PastVersion, None]] = {}
    for record, versions in passed:
        found.setdefault(record.kept, {}).update(dict.fromkeys(versions))
    return found


def ids_that_went(
    key: str, gone: Iterable[StoredFact], staying: Iterable[StoredFact], identify: Identify
) -> tuple[str, ...]:
    """Return the ids of facts of which the entity has no version left, each once.

    Empty where there are none: a notice without ids would mean that all of the entity is gone.
    """
    left = {identify(key, fact) for fact in staying}
    ids = dict.fromkeys(identify(key, fact) for fact in gone)
    return tuple(ident for ident in ids if ident not in left)


class RecordsAfterErasure:
    """What is left of the records of merges once facts were erased."""

    def __init__(
        self,
        erased: Mapping[str, Collection[StoredFact]],
        passed: Iterable[MergedVersions],
        *,
        reached: Collection[str],
        unknown: Collection[str],
        nameless: Collection[str],
        emptied: Collection[str],
        between: MergesBetween,
        identify: Identify,
        stated_by_none: Collection[StoredFact] = (),
    ) -> None:
        """Take what was erased.

        Args:
            erased: the erased facts of each entity that the erasure reaches.
            passed: what was erased of others with them.
            reached: the entities that the erasure reaches.
            unknown: entities that have no fact and no past any more.
            nameless: names that no entity has any more.
            emptied: entities that the erasure reaches and that hold no fact any more.
            between: gives records as they were.
            identify: gives the ids of facts.
            stated_by_none: erased facts that no entity of the namespace states any more.
        """
        self._erased = erased
        self._stated_by_none = stated_by_none
        self._space = split(next(iter(reached)))[0] if reached else ()
        self._passed = tuple(passed)
        self._reached = frozenset(reached)
        self._unknown, self._nameless = frozenset(unknown), frozenset(nameless)
        self._emptied = frozenset(emptied)
        self._between, self._identify = between, identify
        # What was merged in one commit is one entity: each record of it may name any of these.
        facts = [fact for facts in erased.values() for fact in facts]
        self._statements = {statement_id(fact, identify) for fact in facts}

    def of(self, record: MergeRecord) -> MergeRecord | None:
        """Return what is left of a record; ``None``: nothing."""
        if record.kept in self._unknown or record.merged in self._unknown:
            return None
        gone = self._gone(record)
        if any(one in self._unknown or one in self._nameless for one in carried_along(record)):
            record = carried(record, self._between, self._identify).rewritten()
        record = record._replace(
            moved=tuple(ident for ident in record.moved if ident not in gone),
            shared=tuple(ident for ident in record.shared if ident not in gone),
            aliases=tuple(alias for alias in record.aliases if alias not in self._nameless),
            is_reversible=record.is_reversible and record.kept not in self._emptied,
        )
        return record if record.is_reversible or record.moved else None

    def _gone(self, record: MergeRecord) -> set[str]:
        facts = [*self._erased.get(record.kept, ()), *self._erased.get(record.merged, ())]
        facts += [old.fact for by, versions in self._passed if by == record for old in versions]
        if self._stated_by_none and split(record.kept)[0] == self._space:
            facts += self._stated_by_none
        gone = {id_in(record, fact, self._identify) for fact in facts}
        return gone | self._statements if record.merged in self._reached else gone
