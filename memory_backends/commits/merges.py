"""Records of merged entities: how to undo a merge, and which facts came from which entity.

A record outlives its split. While two entities were one, the kept one had the facts of both, and
it has them in its past for ever: the record says which of them came with the other, so that
erasing the other reaches them. No record is left of an entity that was erased.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from lamlam.memory_backends.commits.entity_edit import covered_keys
from lamlam.memory_backends.model.entity_reader import EntityReader, MergeRecord
from lamlam.memory_backends.model.lookups import Identify, PastVersion, StoredFact


class MergedVersions(NamedTuple):
    """Versions that an entity has in its past because a merge brought them."""

    record: MergeRecord
    versions: tuple[PastVersion, ...]


def passed_on(
    reader: EntityReader, keys: Collection[str], relation: str | None, identify: Identify
) -> list[MergedVersions]:
    """Return the ended versions that other entities have of facts of these, from merges.

    What an entity still states is its own, as long as it was not split.

    Args:
        reader: of the store.
        keys: scoped keys of the entities whose facts are asked for.
        relation: only versions of facts of this relation, or of its synonyms.
        identify: gives the ids of facts.
    """
    keys = dict.fromkeys(keys)
    found: list[MergedVersions] = []
    chains: list[tuple[MergeRecord, ...]] = [
        (record,) for key in keys for record in _merges_from(reader, key) if record.kept not in keys
    ]
    for chain in chains:  # grows while it is read
        last = chain[-1]
        past = reader.history(last.kept).past
        covered = covered_keys((old.fact for old in past), relation)
        versions = tuple(
            old
            for old in past
            if old.fact.key in covered
            and last.since <= old.fact.revision
            and (last.until is None or old.retracted <= last.until)
            and all(identify(record.merged, old.fact) in record.moved for record in chain)
        )
        if versions:
            found.append(MergedVersions(last, versions))
        chains += [
            (*chain, record)
            for record in _merges_from(reader, last.kept)
            if record.kept not in keys and record not in chain and last.holds_at(record.since)
        ]
    return found


def _merges_from(reader: EntityReader, key: str) -> Iterable[MergeRecord]:
    return [record for record in reader.merges(key) if record.merged == key]


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


def after_erasure(
    record: MergeRecord,
    erased: Mapping[str, Collection[StoredFact]],
    passed: Iterable[MergedVersions],
    *,
    unknown: Collection[str],
    nameless: Collection[str],
    emptied: Collection[str],
    identify: Identify,
) -> MergeRecord | None:
    """Return what is left of a record once facts were erased; ``None``: nothing.

    Args:
        record: as it was.
        erased: the erased facts of each entity that the erasure reaches.
        passed: what was erased of others with them.
        unknown: entities that have no fact and no past any more.
        nameless: names that no entity has any more.
        emptied: entities that the erasure reaches and that hold no fact any more.
        identify: gives the ids of facts.
    """
    if record.kept in unknown or record.merged in unknown:
        return None
    facts = [*erased.get(record.kept, ()), *erased.get(record.merged, ())]
    facts += [old.fact for by, versions in passed if by == record for old in versions]
    gone = {identify(record.merged, fact) for fact in facts}
    record = record._replace(
        moved=tuple(ident for ident in record.moved if ident not in gone),
        shared=tuple(ident for ident in record.shared if ident not in gone),
        aliases=tuple(alias for alias in record.aliases if alias not in nameless),
        is_reversible=record.is_reversible and record.kept not in emptied,
    )
    return record if record.is_reversible or record.moved else None
