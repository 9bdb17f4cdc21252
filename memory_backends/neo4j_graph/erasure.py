"""Erase from a store in Neo4j: nodes and relationships of facts, and whatever names them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from lamlam.memory_backends.commits.changes import ErasedFacts
from lamlam.memory_backends.commits.erasure_plan import (
    entities_meant,
    is_unused,
    plan_erasure,
)
from lamlam.memory_backends.commits.mentions import Mentions
from lamlam.memory_backends.commits.merges import RecordsAfterErasure
from lamlam.memory_backends.model.entity_reader import EntityHistory, MergeRecord
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import PastVersion, StoredFact
from lamlam.memory_backends.model.namespaces import split, written
from lamlam.memory_backends.model.operations import Commit, Revision
from lamlam.memory_backends.neo4j_graph.driver import Transaction
from lamlam.memory_backends.neo4j_graph.edges import drop_statement
from lamlam.memory_backends.neo4j_graph.index_checks import check_gone
from lamlam.memory_backends.neo4j_graph.loaded_entities import LoadedEntities
from lamlam.memory_backends.neo4j_graph.mentions import (
    count_events,
    find_mentions,
    forget_actors,
    forget_operations,
)
from lamlam.memory_backends.neo4j_graph.rows import event_rows, merge_record, parts, stored_fact
from lamlam.memory_backends.neo4j_graph.writer import Neo4jWriter

COVERED = ("facts", "history", "aliases", "index keys", "change log", "actors")
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
    def ended(self) -> PastVersion | None:
        """The same where it has ended."""
        return None if self.retracted is None else PastVersion(self.fact, self.retracted)


class ServerErasure(NamedTuple):
    """What an erasure did."""

    commit: Commit
    """Its ``facts`` are the versions that are gone."""
    log_entries: int = 0
    """Commits that no longer name it."""
    mentions: Mentions | None = None
    """What else still mentions the name."""


async def erase(writer: Neo4jWriter, named: str, relation: str | None) -> ServerErasure:
    """Erase the entity with this scoped key or alias, or one of its relations.

    What was merged into the entity goes with it.
    """
    work = partial(_erase, writer, named, relation, writer.token(None))
    erased, bookmarks = await writer.repeated(work, frozenset())
    commit = Commit(Revision(erased.commit.revision, bookmarks), erased.commit.facts)
    return erased._replace(commit=commit)


async def _erase(
    writer: Neo4jWriter,
    named: str,
    relation: str | None,
    token: str,
    transaction: Transaction,
) -> ServerErasure:
    queries, ids = writer.queries, writer.ids
    locked = await writer.lock(token, transaction)
    if locked.first is not None:
        return ServerErasure(locked.first)
    loaded = await writer.loaded(locked, transaction)
    keys = await _entities_meant(writer, named, loaded, transaction)
    merges, entities = await _merges(writer, keys, transaction)
    versions = await _versions(writer, entities, transaction)
    loaded.all_merges = merges
    loaded.histories = {key: _history(found) for key, found in versions.items()}
    wanted = canonical_key(relation) if relation is not None else None
    plan = plan_erasure(loaded, keys, wanted, ids)
    if plan.is_empty:
        if relation is not None:
            return ServerErasure(Commit(locked.revision, 0))
        return await _erase_name(writer, named, loaded, locked.revision, token, transaction)
    gone = [one.node for key in plan.gone for one in versions[key] if one.fact.key in plan.covered]
    for key, past in plan.passed_to.items():
        gone += [one.node for one in versions[key] if one.ended in past]
    if locked.has_edges:
        for part in parts(gone, _PART):
            await transaction.do(drop_statement(queries), ids=part)
    for part in parts(gone, _PART):
        await transaction.do(queries.erase_facts, ids=part)
    names: list[dict[str, str]] = []
    emptied = [ids.of_entity(key) for key in plan.gone] if plan.emptied else []
    for (aliases,) in await transaction.rows(queries.erase_aliases, ids=emptied):
        names += aliases
    await transaction.do(queries.end_entities, ids=emptied)
    # A name that went to another entity and came back is among the events of both.
    freed: dict[str, str] = dict(
        await transaction.rows(
            queries.free_names,
            ids=[ids.of_entity(key) for key in plan.forgotten],
            names=names if keys[0] in plan.forgotten else [],
        )
    )
    forgotten = plan.names_gone(freed)
    forgotten_ids = [ids.of_entity(key) for key in forgotten]
    n_entries = await count_events(forgotten_ids, queries, transaction)
    await transaction.do(queries.erase_events, ids=forgotten_ids)
    mentions = Mentions(forgotten, ids)
    n_entries += await forget_actors(mentions, queries, transaction)
    reached = [ids.of_entity(key) for key in plan.keys_reached(freed)]
    await forget_operations(reached, plan.revisions(), queries, transaction)
    await _rewrite_merges(writer, plan.records(loaded, freed), merges, transaction)
    await transaction.do(queries.forget_merged_names, keys=forgotten)
    unknown = [ids.of_entity(key) for key in plan.unknown if key in plan.gone]
    await transaction.do(queries.erase_entities, ids=unknown)
    bare = [ids.of_entity(key) for key in (*plan.passed_to, *plan.keys)]
    await transaction.do(queries.erase_unnamed, ids=bare)
    erased_names = [name["id"] for name in names]
    await check_gone(transaction, queries, gone, erased_names, forgotten_ids)
    if events := plan.events([name["key"] for name in names], freed):
        await transaction.do(queries.add_events, rows=event_rows(events, locked.revision + 1, ids))
    await _finish(writer, plan.erased(freed), len(gone), locked.revision + 1, token, transaction)
    await find_mentions(mentions, loaded.rules.all(), queries, transaction)
    return ServerErasure(Commit(locked.revision + 1, len(gone)), n_entries, mentions)


async def _erase_name(
    writer: Neo4jWriter,
    named: str,
    loaded: LoadedEntities,
    revision: int,
    token: str,
    transaction: Transaction,
) -> ServerErasure:
    """Remove a name of nobody from the log: as an actor, and as what once was an alias."""
    queries, ids = writer.queries, writer.ids
    wanted = [ids.of_entity(named)]
    n_events = 0
    if is_unused(loaded, named):
        n_events = await count_events(wanted, queries, transaction)
    if n_events:
        await transaction.do(queries.erase_events, ids=wanted)
        await transaction.do(queries.forget_merged_names, keys=[named])
        await check_gone(transaction, queries, (), (), wanted)
        # Copies may still know it as the name of another entity.
        notice = ErasedFacts(split(named)[0], wanted[0])
        revision += 1
        await _finish(writer, [notice], 0, revision, token, transaction)
    mentions = Mentions([named], ids)
    n_actors = await forget_actors(mentions, queries, transaction)
    await forget_operations(wanted, (), queries, transaction)
    await find_mentions(mentions, loaded.rules.all(), queries, transaction)
    return ServerErasure(Commit(revision, 0), n_events + n_actors, mentions)


async def _finish(
    writer: Neo4jWriter,
    erased: Sequence[ErasedFacts],
    facts: int,
    revision: int,
    token: str,
    transaction: Transaction,
) -> None:
    await transaction.do(
        writer.queries.commit_erasure,
        revision=revision,
        facts=facts,
        token=token,
        actor=None,
        erased=[one.entity_id for one in erased],
        spaces=[written(one.namespace) for one in erased],
        erased_facts=[" ".join(one.fact_ids) for one in erased],
    )


def _history(versions: Collection[_Version]) -> EntityHistory:
    now = [one.fact for one in versions if one.ended is None]
    past = [past for one in versions if (past := one.ended) is not None]
    return EntityHistory(None, now, past)


async def _merges(
    writer: Neo4jWriter, keys: Iterable[str], transaction: Transaction
) -> tuple[dict[str, MergeRecord], Collection[str]]:
    """Return the records of merges that an erasure may have to do with, by the ids of their nodes.

    And the scoped keys of what is erased, and of all that it was ever merged into, and that before.
    """
    records: dict[str, MergeRecord] = {}
    entities = dict.fromkeys(keys)
    waiting = list(entities)
    while waiting:
        rows = await transaction.rows(writer.queries.merges_with, keys=waiting)
        found = {ident: merge_record(row) for ident, row in rows}
        records |= found
        kept = dict.fromkeys(record.kept for record in found.values())
        waiting = [key for key in kept if key not in entities]
        entities.update(dict.fromkeys(waiting))
    return records, entities


async def _rewrite_merges(
    writer: Neo4jWriter,
    after: RecordsAfterErasure,
    merges: Mapping[str, MergeRecord],
    transaction: Transaction,
) -> None:
    """Remove what was erased from the records of merges."""
    rows: list[dict[str, Any]] = []  # Any: properties
    dropped: list[str] = []
    for ident, record in merges.items():
        left = after.of(record)
        if left is None:
            dropped.append(ident)
        elif left != record:
            lists = {"moved": list(left.moved), "shared": list(left.shared)}
            rows.append({"id": ident, "record": {**lists, "stands": left.is_reversible}})
    await transaction.do(writer.queries.drop_merges, ids=dropped)
    await transaction.do(writer.queries.thin_merges, rows=rows)


async def _versions(
    writer: Neo4jWriter, keys: Iterable[str], transaction: Transaction
) -> dict[str, list[_Version]]:
    """Return every version of the facts of entities, by scoped key."""
    versions: dict[str, list[_Version]] = {}
    for key, node, retracted, row in await transaction.rows(
        writer.queries.all_versions, ids=[writer.ids.of_entity(key) for key in keys]
    ):
        versions.setdefault(key, []).append(_Version(node, retracted, stored_fact(row)))
    return versions


async def _entities_meant(
    writer: Neo4jWriter, named: str, loaded: LoadedEntities, transaction: Transaction
) -> list[str]:
    """Return what an erasure reaches; all that this asks for is loaded."""
    asked: set[str] = set()
    while True:
        # What is not loaded seems to be without facts, and is among these.
        keys = entities_meant(loaded, named)
        missing = [key for key in keys if key not in asked and key not in loaded.records]
        if not missing:
            return keys
        await loaded.load(transaction, writer.queries, missing, writer.ids)
        asked.update(missing)
