"""Facts between entities as relationships as well: ``(:Entity)-[:BORN_IN]->(:Entity)``.

The record is the nodes of facts. These edges are a projection of them for people and tools that
read graphs; they are kept in the same transactions and can be made anew at any time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b

from lamlam.memory_backends.neo4j_graph.driver import Transaction
from lamlam.memory_backends.neo4j_graph.queries import Queries
from lamlam.memory_backends.neo4j_graph.rows import PlannedRows, Properties, parts

_PLAIN = re.compile(r"[a-z][a-z0-9]*(?: [a-z0-9]+)*")
_MOST_CHARACTERS = 60
_TAKEN = frozenset({"ABOUT", "VALUE", "NAMES", "INTO"})
_PART = 5_000


def edge_type(relation_key: str) -> str:
    """Return the type of the relationships of a relation: two relations never share one.

    A key of plain words becomes them in capitals. Any other one, and one that the model itself
    uses, becomes a hash: nothing of it reaches a query.

    >>> edge_type("born in"), edge_type("value")[:2]
    ('BORN_IN', 'R_')
    """
    name = relation_key.upper().replace(" ", "_")
    if (
        len(relation_key) <= _MOST_CHARACTERS
        and _PLAIN.fullmatch(relation_key)
        and name not in _TAKEN
    ):
        return name
    # The small x at the end stands in no name made from words.
    return f"R_{blake2b(relation_key.encode(), digest_size=8).hexdigest()}x"


def edge_statement(queries: Queries) -> str:
    """Return the statement that draws the edges of facts whose versions are ``$rows``."""
    return queries._(
        "UNWIND $rows AS row MATCH (f:@Fact {id: row.fact})-[:ABOUT]->(e:@Entity)"
        " MATCH (f)-[:VALUE]->(v:@Entity)"
        " CREATE (e)-[r:$(row.type)]->(v)"
        " SET r.fact_id = f.fact_id, r.revision = f.asserted, r.relation = f.relation,"
        " r.version = f.id"
    )


def drop_statement(queries: Queries) -> str:
    """Return the statement that removes the edges of versions ``$ids``."""
    return queries._(
        "UNWIND $ids AS id"
        " CALL (id) { MATCH (f:@Fact {id: id}) RETURN f UNION MATCH (f:@Past {id: id}) RETURN f }"
        " MATCH (v:@Entity)<-[:VALUE]-(f)-[:ABOUT]->(e:@Entity)"
        " MATCH (e)-[r]->(v) WHERE r.version = id DELETE r"
    )


async def redraw_edges(transaction: Transaction, queries: Queries, is_on: bool) -> None:
    """Remove all edges and, where the store is to have them, draw them from the facts."""
    await transaction.do(
        queries._("MATCH (:@Entity)-[r]->(:@Entity) WHERE r.version IS NOT NULL DELETE r")
    )
    await transaction.do(
        queries._("MATCH (s:@Store {id: 'store'}) SET s.edges = $is_on"), is_on=is_on
    )
    if is_on:
        found = await transaction.rows(
            queries._("MATCH (f:@Fact)-[:VALUE]->(:@Entity) RETURN f.id, f.key")
        )
        await _draw(transaction, queries, [(ident, key) for ident, key in found])


async def write_edges(transaction: Transaction, queries: Queries, writing: PlannedRows) -> None:
    """Make the edges those of the facts that hold after the writing."""
    for ids in parts(writing.ended, _PART):
        await transaction.do(drop_statement(queries), ids=ids)
    keys = {fact["id"]: fact["key"] for fact in writing.new_facts}
    await _draw(transaction, queries, [(row["fact"], keys[row["fact"]]) for row in writing.values])


async def _draw(
    transaction: Transaction, queries: Queries, facts: Iterable[tuple[str, str]]
) -> None:
    rows: list[Properties] = [{"fact": ident, "type": edge_type(key)} for ident, key in facts]
    for part in parts(rows, _PART):
        await transaction.do(edge_statement(queries), rows=part)
