"""Erase from a store in Neo4j: nodes and relationships of facts, and whatever names them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from lamlam.memory_backends.commits.changes import ErasedFacts
from lamlam.memory_backends.commits.erasure_plan import (
    ErasurePlan,
    entities_meant,
    is_unused,
    plan_erasure,
)
from lamlam.memory_backends.commits.erasure_request import ErasureRequest
from lamlam.memory_backends.commits.mentions import Mentions
from lamlam.memory_backends.commits.merges import RecordsAfterErasure
from lamlam.memory_backends.model.entity_reader import EntityHistory, MergeRecord, StoredEntity
from lamlam.memory_backends.model.lookups import PastVersion, StoredFact
from lamlam.memory_backends.model.namespaces import scoped, split, written
from lamlam.memory_backends.model.operations import Commit, Revision
from lamlam.memory_backends.neo4j_graph.driver import Transaction
from lamlam.memory_backends.neo4j_graph.edges import drop_statement, write_edges
from lamlam.memory_backends.neo4j_graph.index_checks import check_gone
from lamlam.memory_backends.neo4j_graph.loaded_entities import LoadedEntities
from lamlam.memory_backends.neo4j_graph.mentions import (
    count_events,
    find_mentions,
    forget_actors,
    forget_operations,
    own_commits,
    owners_of,
)
from lamlam.memory_backends.neo4j_graph.rows import (
    PlannedRows,
    event_rows,
    merge_record,
    parts,
    stored_fact,
)
from lamlam.memory_backends.neo4j_graph.writer import LockedStore, Neo4jWriter

COVERED = ("facts", "history", "aliases", "index keys", "change log", "actors")
PENDING = (
    "transaction logs of the server: hold it until they are pruned (db.tx_log.rotation.…)",
    "store files and full-text indexes of the server: what they held is free, and overwritten when"
    " they are used again",
)
_PART = 5_000


_KEYS_IN = (
    "CALL () { MATCH (e:@Entity) WHERE e.key STARTS WITH $begin AND EXISTS { (e)<-[:ABOUT]-() }"
    " RETURN e.key AS key"
    " UNION MATCH (a:@Alias) WHERE a.key STARTS WITH $begin RETURN a.key AS key"
    " UNION MATCH (v:@Event) WHERE v.key STARTS WITH $begin UNWIND [v.key, v.other] AS key"
    " RETURN key"
    " UNION MATCH (m:@Merge) WHERE m.kept STARTS WITH $begin"
    " UNWIND [m.kept, m.merged] + m.aliases AS key RETURN key"
    " } WITH DISTINCT key WHERE key IS NOT NULL RETURN key ORDER BY key"
)
"""All names of a namespace: of entities and former ones, aliases, and what the log still names."""


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
    as_value: int = 0
    """How many of the versions were facts of others, whose value the entity was."""


async def erase(writer: Neo4jWriter, request: ErasureRequest) -> ServerErasure:
    """Erase what is asked for, in one transaction, and what was merged into it."""
    work = partial(_erase, writer, request, writer.token(None))
    erased, bookmarks = await writer.repeated(work, frozenset())
    commit = Commit(Revision(erased.commit.revision, bookmarks), erased.commit.facts)
    return erased._replace(commit=commit)


async def _erase(
    writer: Neo4jWriter, request: ErasureRequest, token: str, transaction: Transaction
) -> ServerErasure:
    queries, ids = writer.queries, writer.ids
    locked = await writer.lock(token, transaction)
    if locked.first is not None:
        return ServerErasure(locked.first)
    loaded = await writer.loaded(locked, transaction)
    if request.is_whole:
        begin = scoped(request.namespace, "")
        rows = await transaction.rows(queries._(_KEYS_IN), begin=begin)
        keys = [key for (key,) in rows]
        await loaded.load(transaction, queries, keys, ids)
        if not keys:
            return ServerErasure(Commit(locked.revision, 0))
    else:
        keys = await _entities_meant(writer, request.key, loaded, transaction)
    owners: Sequence[str] = ()
    if request.mentions != "leave":
        request.check_placeholder(keys)
        owners = await owners_of(Mentions(keys, ids), request.namespace, queries, transaction)
        await loaded.load(transaction, queries, owners, ids)
    merges, entities = await _merges(writer, keys, transaction)
    versions = await _versions(writer, [*entities, *owners], transaction)
    loaded.all_merges = merges
    loaded.histories = {key: _history(found, loaded.record(key)) for key, found in versions.items()}
    plan = plan_erasure(
        loaded,
        keys,
        request.relation,
        ids,
        value=request.value,
        owners=owners,
        placeholder=request.placeholder,
    )
    names_there = list(dict.fromkeys((*keys, *plan.aliases)))
    own = await own_commits(names_there, request.namespace, ids, queries, transaction)
    if plan.is_empty:
        if request.relation is not None:
            return ServerErasure(Commit(locked.revision, 0))
        free = keys if request.is_whole else [request.key]
        return await _erase_names(writer, free, loaded, locked, token, own, transaction)
    going = {
        one.node: None for key in plan.gone for one in versions[key] if plan.takes(key, one.fact)
    }
    for key, past in plan.passed_to.items():
        going.update((one.node, None) for one in versions[key] if one.ended in past)
    gone = list(going)
    if locked.has_edges:
        for part in parts(gone, _PART):
            await transaction.do(drop_statement(queries), ids=part)
    for part in parts(gone, _PART):
        await transaction.do(queries.erase_facts, ids=part)
    await _put_placeholders(writer, plan, locked, transaction)
    names: list[dict[str, str]] = []
    emptied = [key for key in plan.gone if key in plan.emptied]
    if plan.aliases:
        of = [ids.of_entity(key) for key in emptied]
        for (aliases,) in await transaction.rows(queries.erase_aliases, ids=of):
            names += aliases
    # Those of which nothing is left are ended below.
    if bare := [ids.of_entity(key) for key in emptied if key not in plan.unknown]:
        await transaction.do(queries.end_entities, ids=bare)
    # A name that went to another entity and came back is among the events of both.
    last = set(plan.last_names())
    named = [name for name in names if name["key"] in last]
    gone_ids = [ids.of_entity(key) for key in plan.forgotten]
    n_entries = await count_events(gone_ids, queries, transaction)
    freed: dict[str, str] = {}
    if n_entries or named:
        freed = dict(await transaction.rows(queries.free_names, ids=gone_ids, names=named))
    forgotten = plan.names_gone(freed)
    forgotten_ids = [ids.of_entity(key) for key in forgotten]
    if freed:
        n_entries = await count_events(forgotten_ids, queries, transaction)
    if n_entries:
        await transaction.do(queries.erase_events, ids=forgotten_ids)
    mentions = Mentions(forgotten, ids)
    n_entries += await forget_actors(mentions, own, queries, transaction)
    reached = [ids.of_entity(key) for key in plan.keys_reached(freed)]
    await forget_operations(reached, plan.revisions(), queries, transaction)
    await _rewrite_merges(writer, plan.records(loaded, freed), merges, transaction)
    await transaction.do(queries.forget_merged_names, keys=forgotten)
    unknown = [ids.of_entity(key) for key in plan.unknown if key in plan.gone]
    await transaction.do(queries.erase_entities, ids=unknown)
    nameless = [ids.of_entity(key) for key in (*plan.passed_to, *plan.keys)]
    await transaction.do(queries.erase_unnamed, ids=nameless)
    erased_names = [name["id"] for name in names]
    await check_gone(transaction, queries, gone, erased_names, forgotten_ids)
    if events := plan.events([name["key"] for name in names], freed):
        await transaction.do(queries.add_events, rows=event_rows(events, locked.revision + 1, ids))
    await writer.index([*versions, *entities], locked, locked.revision + 1, transaction)
    await _finish(writer, plan.erased(freed), len(gone), locked.revision + 1, token, transaction)
    await find_mentions(mentions, loaded.rules.all(), queries, transaction)
    commit = Commit(locked.revision + 1, len(gone))
    return ServerErasure(commit, n_entries, mentions, plan.n_of_owners())


async def _put_placeholders(
    writer: Neo4jWriter, plan: ErasurePlan, locked: LockedStore, transaction: Transaction
) -> None:
    """Write what others state instead of the facts that go."""
    revision = locked.revision + 1
    writing = PlannedRows(writer.ids)
    for key, facts in plan.placed.items():
        writing.put(key, [fact.placed(revision, fact.seq) for fact in facts])
    if plan.placed:
        await writer.write_facts(writing, revision, transaction)
        if locked.has_edges:
            await write_edges(transaction, writer.queries, writing)


async def _erase_names(
    writer: Neo4jWriter,
    keys: Sequence[str],
    loaded: LoadedEntities,
    locked: LockedStore,
    token: str,
    own: Sequence[int] | None,
    transaction: Transaction,
) -> ServerErasure:
    """Remove names of nobody from the log: as actors, and as what once were aliases."""
    queries, ids, revision = writer.queries, writer.ids, locked.revision
    free = [key for key in keys if is_unused(loaded, key)]
    wanted = [ids.of_entity(key) for key in free]
    n_events = await count_events(wanted, queries, transaction) if free else 0
    if n_events:
        await transaction.do(queries.erase_events, ids=wanted)
        await transaction.do(queries.forget_merged_names, keys=free)
        await check_gone(transaction, queries, (), (), wanted)
        # Copies may still know one as the name of another entity.
        notices = [ErasedFacts(split(key)[0], ids.of_entity(key)) for key in free]
        revision += 1
        await writer.index((), locked, revision, transaction)
        await _finish(writer, notices, 0, revision, token, transaction)
    mentions = Mentions(keys, ids)
    n_actors = await forget_actors(mentions, own, queries, transaction)
    reached = [ids.of_entity(key) for key in keys]
    await forget_operations(reached, (), queries, transaction)
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


def _history(versions: Collection[_Version], record: StoredEntity | None) -> EntityHistory:
    now = [one.fact for one in versions if one.ended is None]
    past = [past for one in versions if (past := one.ended) is not None]
    return EntityHistory(record.name if record is not None else None, now, past)


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
    if dropped:
        await transaction.do(writer.queries.drop_merges, ids=dropped)
    if rows:
        await transaction.do(writer.queries.thin_merges, rows=rows)


async def _versions(
    writer: Neo4jWriter, keys: Iterable[str], transaction: Transaction
) -> dict[str, list[_Version]]:
    """Return every version of the facts of entities, by scoped key."""
    versions: dict[str, list[_Version]] = {}
    ids = [writer.ids.of_entity(key) for key in dict.fromkeys(keys)]
    for part in parts(ids, _PART):
        rows = await transaction.rows(writer.queries.all_versions, ids=part)
        for key, node, retracted, row in rows:
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
