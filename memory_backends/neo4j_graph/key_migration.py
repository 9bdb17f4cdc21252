"""Give what a store of version 1 holds the keys of this version, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from lamlam.memory_backends.model.entity_reader import MergeRecord, value_key
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.keys import KEY_VERSION, relation_key
from lamlam.memory_backends.model.lookups import StoredFact
from lamlam.memory_backends.model.old_keys import (
    as_of_version_1,
    new_scoped_key,
    rekeyed,
    rekeyed_merge,
)
from lamlam.memory_backends.neo4j_graph.driver import Neo4jConnection, Row, Transaction
from lamlam.memory_backends.neo4j_graph.edges import redraw_edges
from lamlam.memory_backends.neo4j_graph.queries import FACT_COLUMNS, Queries
from lamlam.memory_backends.neo4j_graph.rows import (
    Properties,
    code_words,
    merge_record,
    namespace_of,
    parts,
    stored_fact,
    version_id,
)

_PART = 5_000
_NOT_ASCII = r"(?s).*\P{ASCII}.*"
_FACT = ", ".join(f"f.{column}" for column in FACT_COLUMNS)


@dataclass(slots=True)
class _Changes:
    """What changes in a store, found before anything does."""

    entities: list[Properties] = field(default_factory=list)
    facts: list[Properties] = field(default_factory=list)
    values: list[Properties] = field(default_factory=list)
    merges: list[Properties] = field(default_factory=list)
    aliases: list[Properties] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    """New scoped keys of entities, by the old ones."""


async def rekey_store(connection: Neo4jConnection, queries: Queries, ids: FactIds) -> None:
    """Move what has another key now, and index it anew; a second call changes nothing."""
    await connection.write(partial(_rekey, queries, ids), timeout_s=0.0)


async def _rekey(queries: Queries, ids: FactIds, transaction: Transaction) -> None:
    await transaction.do(queries._("MATCH (s:@Store {id: 'store'}) SET s.writers = 'keys'"))
    state = await transaction.row(queries.state)
    if state is None or state[3] >= KEY_VERSION:
        return
    changes = _Changes()
    await _find_entities(queries, ids, changes, transaction)
    await _find_facts(queries, ids, changes, transaction)
    await _find_merges(queries, ids, changes, transaction)
    await _write(queries, changes, transaction)
    await _write_events(queries, ids, changes, transaction)
    if state[4]:
        await redraw_edges(transaction, queries, True)
    await transaction.do(
        # Keys of aliases are in the search index, which has to be made anew.
        queries._(
            "MATCH (s:@Store {id: 'store'}) SET s.keys = $keys, s.search_version ="
            " CASE WHEN s.search IS NULL THEN null ELSE 0 END"
        ),
        keys=KEY_VERSION,
    )


async def _find_entities(
    queries: Queries, ids: FactIds, changes: _Changes, transaction: Transaction
) -> None:
    rows = await transaction.rows(
        queries._(
            "MATCH (e:@Entity) WHERE e.name =~ $other OR e.name CONTAINS ' & '"
            " RETURN e.id, e.key, e.name, NOT e:@Bare"
        ),
        other=_NOT_ASCII,
    )
    for ident, old, name, is_indexed in rows:
        key = new_scoped_key(old, name)
        if key != old:
            changes.keys[old] = key
        codes = code_words(key) if is_indexed else ""
        changes.entities.append(
            {"old": ident, "id": ids.of_entity(key), "key": key, "codes": codes or None}
        )


async def _find_facts(
    queries: Queries, ids: FactIds, changes: _Changes, transaction: Transaction
) -> None:
    rows = await transaction.rows(
        queries._(
            "MATCH (f:@Fact|@Past)-[:ABOUT]->(e:@Entity)"
            " OPTIONAL MATCH (f)-[:VALUE]->(v:@Entity)"
            " WITH f, e, v WHERE e.key IN $moved OR v.key IN $moved OR f.relation =~ $other"
            " OR (f.code STARTS WITH 'e:' AND f.value =~ $other)"
            f" RETURN f.id, e.key, v.key, {_FACT}"
        ),
        moved=list(changes.keys),
        other=_NOT_ASCII,
    )
    for ident, owner, target, *columns in rows:
        new = rekeyed(stored_fact(columns))
        key = changes.keys.get(str(owner), str(owner))
        fact_id = ids(key, new)
        row: Properties = {
            "old": ident,
            "id": version_id(fact_id, new.revision),
            "fact_id": fact_id,
            "key": new.key,
            "code": new.code or None,
        }
        changes.facts.append(row)
        referred = value_key(key, new)
        if referred is not None and referred != changes.keys.get(target, target):
            changes.values.append(
                {
                    "fact": row["id"],
                    "id": ids.of_entity(referred),
                    "key": referred,
                    "name": new.value,
                    "namespace": namespace_of(referred),
                }
            )


async def _find_merges(
    queries: Queries, ids: FactIds, changes: _Changes, transaction: Transaction
) -> None:
    rows = await transaction.rows(
        queries._(
            "MATCH (m:@Merge) RETURN m.id, m.kept, m.merged, m.merged_name, m.moved, m.shared,"
            " m.aliases, coalesce(m.since, 0), m.until, coalesce(m.stands, true)"
        )
    )
    for ident, *columns in rows:
        record = merge_record(columns)
        merged = new_scoped_key(record.merged, record.merged_name)
        facts = await _versions(queries, ids, record, transaction)
        by_id = {ids(record.merged, as_of_version_1(f)): ids(merged, rekeyed(f)) for f in facts}
        new = rekeyed_merge(record, changes.keys, by_id)
        if new == record:
            continue
        changes.merges.append(
            {
                "id": ident,
                "record": {
                    "kept": new.kept,
                    "merged": new.merged,
                    "moved": list(new.moved),
                    "shared": list(new.shared),
                },
            }
        )
        if merged != record.merged:
            changes.aliases.append(
                {
                    "old": ids.of_entity(record.merged),
                    "id": ids.of_entity(merged),
                    "key": merged,
                }
            )


async def _versions(
    queries: Queries, ids: FactIds, record: MergeRecord, transaction: Transaction
) -> list[StoredFact]:
    """Return every version of the facts of an entity that was merged into."""
    rows: Sequence[Row] = await transaction.rows(
        queries.all_versions, ids=[ids.of_entity(record.kept)]
    )
    return [stored_fact(fact) for *_, fact in rows]


async def _write(queries: Queries, changes: _Changes, transaction: Transaction) -> None:
    _ = queries._
    for rows in parts(changes.entities, _PART):
        await transaction.do(
            _(
                "UNWIND $rows AS row MATCH (e:@Entity {id: row.old})"
                " SET e.id = row.id, e.key = row.key, e.codes = row.codes"
            ),
            rows=rows,
        )
    for label in ("Fact", "Past"):
        for rows in parts(changes.facts, _PART):
            await transaction.do(
                _(
                    f"UNWIND $rows AS row MATCH (f:@{label} {{id: row.old}})"
                    " SET f.id = row.id, f.fact_id = row.fact_id, f.key = row.key,"
                    " f.code = row.code"
                ),
                rows=rows,
            )
        for rows in parts(changes.values, _PART):
            await transaction.do(
                _(
                    f"UNWIND $rows AS row MATCH (f:@{label} {{id: row.fact}})"
                    " MERGE (v:@Entity {id: row.id})"
                    " ON CREATE SET v:@Bare, v.key = row.key, v.name = row.name,"
                    " v.namespace = row.namespace"
                    " WITH f, v OPTIONAL MATCH (f)-[old:VALUE]->() DELETE old"
                    " WITH DISTINCT f, v CREATE (f)-[:VALUE]->(v)"
                ),
                rows=rows,
            )
    if changes.values:
        await transaction.do(
            _(
                "MATCH (v:@Entity&@Bare) WHERE NOT EXISTS { (v)<--() } AND NOT EXISTS { (v)-->() } DELETE v"
            )
        )
    await transaction.do(
        _("UNWIND $rows AS row MATCH (m:@Merge {id: row.id}) SET m += row.record"),
        rows=changes.merges,
    )
    await transaction.do(
        _("UNWIND $rows AS row MATCH (a:@Alias {id: row.old}) SET a.id = row.id, a.key = row.key"),
        rows=changes.aliases,
    )


async def _write_events(
    queries: Queries, ids: FactIds, changes: _Changes, transaction: Transaction
) -> None:
    """Put the new keys into the log of commits."""
    moved = [
        {"old": ids.of_entity(old), "id": ids.of_entity(new), "key": new}
        for old, new in changes.keys.items()
    ]
    await transaction.do(
        queries._(
            "UNWIND $rows AS row MATCH (v:@Event {entity_id: row.old})"
            " SET v.entity_id = row.id, v.key = row.key"
        ),
        rows=moved,
    )
    await transaction.do(
        queries._(
            "UNWIND $rows AS row MATCH (v:@Event {other_id: row.old})"
            " SET v.other_id = row.id, v.other = row.key"
        ),
        rows=changes.aliases,
    )
    names = await transaction.rows(
        queries._("MATCH (v:@Event {kind: 'rule'}) WHERE v.name =~ $other RETURN DISTINCT v.name"),
        other=_NOT_ASCII,
    )
    await transaction.do(
        queries._(
            "UNWIND $rows AS row MATCH (v:@Event {kind: 'rule', name: row.name}) SET v.key = row.key"
        ),
        rows=[{"name": name, "key": relation_key(name)} for (name,) in names],
    )
