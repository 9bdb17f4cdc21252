"""Erasing from a store in Neo4j: nodes and relationships of the facts, and whatever names them."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import NamedTuple

from lamlam.memory_backends.edits import covered_keys
from lamlam.memory_backends.keys import canonical_key
from lamlam.memory_backends.lookups import StoredFact
from lamlam.memory_backends.namespaces import split, written
from lamlam.memory_backends.neo4j_desk import LoadedDesk
from lamlam.memory_backends.neo4j_driver import Transaction
from lamlam.memory_backends.neo4j_edges import drop_statement
from lamlam.memory_backends.neo4j_rows import parts, stored_fact
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
    is_past: bool
    fact: StoredFact


async def erase(
    committer: Committer, named: str, relation: str | None, actor: str | None
) -> Commit:
    """Nothing of the entity with this scoped key or alias is left, or of one of its relations.

    What was merged into the entity goes with it.

    Returns:
        The commit; its ``facts`` are the versions that are gone.
    """
    work = partial(_erase, committer, named, relation, actor, committer.token(None))
    return await committer.commit(work)


async def _erase(
    committer: Committer,
    named: str,
    relation: str | None,
    actor: str | None,
    token: str,
    transaction: Transaction,
) -> Commit:
    queries, ids = committer.queries, committer.ids
    locked = await committer.lock(token, transaction)
    if locked.first is not None:
        return locked.first
    desk = await committer.desk(locked, transaction)
    keys = await _erased_keys(committer, named, desk, transaction)
    versions: dict[str, list[_Version]] = defaultdict(list)
    for key, node, retracted, *row in await transaction.rows(
        queries.all_versions, ids=[ids.of_entity(key) for key in keys]
    ):
        versions[key].append(_Version(node, retracted is not None, stored_fact(row[0])))
    covered = covered_keys(
        (one.fact for held in versions.values() for one in held),
        canonical_key(relation) if relation is not None else None,
    )
    gone_nodes: list[str] = []
    without_facts: list[str] = []
    without_anything: list[str] = []
    erased: list[str] = []
    spaces: list[str] = []
    erased_facts: list[str] = []
    for key, held in versions.items():
        gone = [one for one in held if one.fact.key in covered]
        if not gone:
            continue
        kept = [one for one in held if one.fact.key not in covered]
        gone_nodes += [one.node for one in gone]
        if not any(not one.is_past for one in kept):
            without_facts.append(ids.of_entity(key))
        fact_ids = dict.fromkeys(ids(key, one.fact) for one in gone)
        if not kept:
            without_anything.append(ids.of_entity(key))
            fact_ids = {}
        erased.append(ids.of_entity(key))
        spaces.append(written(split(key)[0]))
        erased_facts.append(" ".join(fact_ids))
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
    forgotten = [*without_anything, *(name["id"] for name in names)]
    for key, ident in await transaction.rows(
        queries.free_names, ids=without_anything, names=names if without_anything else []
    ):
        erased.append(ident)
        spaces.append(written(split(key)[0]))
        erased_facts.append("")
        forgotten.append(ident)
    await transaction.do(queries.erase_events, ids=forgotten)
    await transaction.do(queries.erase_entities, ids=without_anything)
    await transaction.do(
        queries.commit_erasure,
        revision=locked.revision + 1,
        facts=len(gone_nodes),
        token=token,
        actor=actor,
        erased=erased,
        spaces=spaces,
        erased_facts=erased_facts,
    )
    return Commit(locked.revision + 1, len(gone_nodes))


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
