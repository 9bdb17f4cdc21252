"""Erasing from a store in Neo4j: nodes and relationships of the facts, and whatever names them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, Self

from lamlam.memory_backends.edits import covered_keys
from lamlam.memory_backends.keys import canonical_key
from lamlam.memory_backends.lookups import PastVersion, StoredFact
from lamlam.memory_backends.merge_records import (
    MergeRecord,
    Passed,
    after_erasure,
    ids_that_went,
    passed_on,
    passed_to,
)
from lamlam.memory_backends.namespaces import split, written
from lamlam.memory_backends.neo4j_desk import LoadedDesk
from lamlam.memory_backends.neo4j_driver import Transaction
from lamlam.memory_backends.neo4j_edges import drop_statement
from lamlam.memory_backends.neo4j_rows import merge_record, parts, stored_fact
from lamlam.memory_backends.neo4j_writing import Committer
from lamlam.memory_backends.operations import Commit

COVERED = ("facts", "history", "aliases", "index keys", "feed of changes")
PENDING = (
    "transaction logs of the server: hold it until they are pruned (db.tx_log.rotation.…)",
    "store files of the server: the records are free, and overwritten when they are used again",
)
_PART = 5_000


class _Version(NamedTuple):
    node: str
    retracted: int | None
    fact: StoredFact

    @property
    def is_past(self) -> bool:
        return self.retracted is not None

    @property
    def ended(self) -> PastVersion:
        """The same where it has ended."""
        assert self.retracted is not None
        return PastVersion(self.fact, self.retracted)


class _Merges(NamedTuple):
    """The records of merges that an erasure may have to do with, by the ids of their nodes."""

    records: Mapping[str, MergeRecord]
    entities: Collection[str]
    """Scoped keys of what is erased, and of all that it was ever merged into, and that before."""

    @classmethod
    async def loaded(
        cls, committer: Committer, keys: Iterable[str], transaction: Transaction
    ) -> Self:
        """Return those of these entities."""
        records: dict[str, MergeRecord] = {}
        entities = dict.fromkeys(keys)
        waiting = list(entities)
        while waiting:
            rows = await transaction.rows(committer.queries.merges_with, keys=waiting)
            found = {ident: merge_record(row) for ident, row in rows}
            records |= found
            kept = dict.fromkeys(record.kept for record in found.values())
            waiting = [key for key in kept if key not in entities]
            entities.update(dict.fromkeys(waiting))
        return cls(records, entities)

    def merges_from(self, key: str) -> list[MergeRecord]:
        """The records of merges of an entity into another."""
        return [record for record in self.records.values() if record.merged == key]

    async def rewrite(
        self,
        committer: Committer,
        erased: Mapping[str, Collection[StoredFact]],
        passed: Collection[Passed],
        *,
        unknown: Collection[str],
        nameless: Collection[str],
        emptied: Collection[str],
        transaction: Transaction,
    ) -> None:
        """No record tells of what was erased."""
        rows: list[dict[str, Any]] = []  # Any: properties
        dropped: list[str] = []
        for ident, record in self.records.items():
            left = after_erasure(
                record,
                erased,
                passed,
                unknown=unknown,
                nameless=nameless,
                emptied=emptied,
                identify=committer.ids,
            )
            if left is None:
                dropped.append(ident)
            elif left != record:
                lists = {"moved": list(left.moved), "shared": list(left.shared)}
                rows.append({"id": ident, "record": {**lists, "stands": left.stands}})
        await transaction.do(committer.queries.drop_merges, ids=dropped)
        await transaction.do(committer.queries.thin_merges, rows=rows)


async def erase(committer: Committer, named: str, relation: str | None) -> Commit:
    """Nothing of the entity with this scoped key or alias is left, or of one of its relations.

    What was merged into the entity goes with it.

    Returns:
        The commit; its ``facts`` are the versions that are gone.
    """
    work = partial(_erase, committer, named, relation, committer.token(None))
    return await committer.commit(work)


async def _erase(
    committer: Committer,
    named: str,
    relation: str | None,
    token: str,
    transaction: Transaction,
) -> Commit:
    queries, ids = committer.queries, committer.ids
    locked = await committer.lock(token, transaction)
    if locked.first is not None:
        return locked.first
    desk = await committer.desk(locked, transaction)
    keys = await _erased_keys(committer, named, desk, transaction)
    merges = await _Merges.loaded(committer, keys, transaction)
    everything = await _versions(committer, merges.entities, transaction)
    versions = {key: everything[key] for key in keys if key in everything}
    covered = covered_keys(
        (one.fact for held in versions.values() for one in held),
        canonical_key(relation) if relation is not None else None,
    )
    gone_nodes: list[str] = []
    without_facts: list[str] = []
    unknown: list[str] = []
    nameless: list[str] = []
    is_emptied = all(one.is_past or one.fact.key in covered for one in versions.get(keys[0], ()))
    erased: list[str] = []
    spaces: list[str] = []
    erased_facts: list[str] = []
    gone_facts: dict[str, list[StoredFact]] = {}
    for key, held in versions.items():
        gone = [one for one in held if one.fact.key in covered]
        if not gone:
            continue
        kept = [one for one in held if one.fact.key not in covered]
        gone_nodes += [one.node for one in gone]
        gone_facts[key] = [one.fact for one in gone]
        if not any(not one.is_past for one in kept):
            without_facts.append(ids.of_entity(key))
        fact_ids = dict.fromkeys(ids(key, one.fact) for one in gone)
        if not kept:
            unknown.append(key)
            # What is still a name of an entity that stays is not forgotten.
            if relation is None or is_emptied or desk.alias(key) is None:
                nameless.append(key)
                fact_ids = {}
        erased.append(ids.of_entity(key))
        spaces.append(written(split(key)[0]))
        erased_facts.append(" ".join(fact_ids))
    # What they brought to others while they were one with them.
    passed = passed_on(
        keys,
        relation,
        merges.merges_from,
        lambda key: [one.ended for one in everything.get(key, ()) if one.is_past],
        ids,
    )
    for key, past in passed_to(passed).items():
        gone = [one for one in everything[key] if one.is_past and one.ended in past]
        gone_nodes += [one.node for one in gone]
        staying = [one.fact for one in everything[key] if one not in gone]
        if told := ids_that_went(key, (one.fact for one in gone), staying, ids):
            erased.append(ids.of_entity(key))
            spaces.append(written(split(key)[0]))
            erased_facts.append(" ".join(told))
    if not gone_nodes:
        return Commit(locked.revision, 0)
    if locked.has_edges:
        for part in parts(gone_nodes, _PART):
            await transaction.do(drop_statement(queries), ids=part)
    for part in parts(gone_nodes, _PART):
        await transaction.do(queries.erase_facts, ids=part)
    names: list[dict[str, str]] = []
    if without_facts:
        for (aliases,) in await transaction.rows(queries.erase_aliases, ids=without_facts):
            names += aliases
        await transaction.do(queries.end_entities, ids=without_facts)
    # A name that went to another entity and came back is in what is told of both, and copies may
    # still know it as that of the other.
    whole = [ids.of_entity(key) for key in nameless]
    forgotten = [*whole, *(name["id"] for name in names)]
    if relation is None:
        unknown = nameless = keys
        forgotten += [ids.of_entity(key) for key in keys]
    freed: list[str] = []
    for key, ident in await transaction.rows(
        queries.free_names, ids=whole, names=names if whole else []
    ):
        erased.append(ident)
        spaces.append(written(split(key)[0]))
        erased_facts.append("")
        forgotten.append(ident)
        freed.append(key)
    await transaction.do(queries.erase_events, ids=forgotten)
    await merges.rewrite(
        committer,
        gone_facts,
        passed,
        unknown=unknown,
        nameless=[*nameless, *freed],
        emptied=keys if is_emptied else (),
        transaction=transaction,
    )
    await transaction.do(queries.forget_merged_names, keys=[*nameless, *freed])
    await transaction.do(
        queries.erase_entities, ids=[ids.of_entity(key) for key in unknown if key in gone_facts]
    )
    await transaction.do(
        queries.erase_unnamed, ids=[ids.of_entity(key) for key in passed_to(passed)]
    )
    await transaction.do(
        queries.commit_erasure,
        revision=locked.revision + 1,
        facts=len(gone_nodes),
        token=token,
        actor=None,
        erased=erased,
        spaces=spaces,
        erased_facts=erased_facts,
    )
    return Commit(locked.revision + 1, len(gone_nodes))


async def _versions(
    committer: Committer, keys: Iterable[str], transaction: Transaction
) -> dict[str, list[_Version]]:
    """Return every version of the facts of entities, by scoped key."""
    versions: dict[str, list[_Version]] = {}
    for key, node, retracted, row in await transaction.rows(
        committer.queries.all_versions, ids=[committer.ids.of_entity(key) for key in keys]
    ):
        versions.setdefault(key, []).append(_Version(node, retracted, stored_fact(row)))
    return versions


async def _erased_keys(
    committer: Committer, named: str, desk: LoadedDesk, transaction: Transaction
) -> list[str]:
    """Return the entity that is meant, and those whose facts it took over or whose names it has.

    Their past is its past.
    """
    queries, ids = committer.queries, committer.ids
    await desk.load(transaction, queries, [named], ids)
    key = named if desk.page(named).facts else (desk.alias(named) or named)
    keys = {key: None}
    waiting = [key]
    while waiting:
        merged = [record.merged for record in desk.merges_of(waiting.pop())]
        await desk.load(transaction, queries, merged, ids)
        for one in merged:
            # One that has facts of its own again is another entity.
            if one not in keys and not desk.page(one).facts:
                keys[one] = None
                waiting.append(one)
    # A name that became an alias may have been an entity of its own, with a past.
    aliases = desk.aliases_of(key)
    await desk.load(transaction, queries, aliases, ids)
    for one in (*aliases, named):
        if not desk.page(one).facts:
            keys.setdefault(one)
    return list(keys)
