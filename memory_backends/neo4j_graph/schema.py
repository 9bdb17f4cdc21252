"""The schema of a store in Neo4j: constraints, indexes, and the store node with its secret."""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

from lamlam.errors import BadStore, SchemaMismatch, StoreMissing
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.keys import KEY_VERSION
from lamlam.memory_backends.model.old_keys import REKEYED
from lamlam.memory_backends.model.operations import MigrationReport
from lamlam.memory_backends.neo4j_graph.driver import Neo4jConnection
from lamlam.memory_backends.neo4j_graph.key_migration import rekey_store
from lamlam.memory_backends.neo4j_graph.queries import Queries

SCHEMA = 1
OLDEST_SERVER = (5, 26)
_UNIQUE = ("Store", "Entity", "Alias", "Fact", "Past", "Commit", "Merge", "Rule")
_INDEXES = (
    ("Fact", "asserted"),
    ("Past", "asserted"),
    ("Past", "retracted"),
    ("Commit", "revision"),
    ("Event", "revision"),
    ("Event", "entity_id"),
    ("Event", "other_id"),
)
_AWAIT_S = 300
_READY = (
    "SHOW INDEXES YIELD name, state, owningConstraint WHERE state = 'ONLINE'"
    " RETURN name, owningConstraint"
)


class StoreState(NamedTuple):
    """What the store node says."""

    schema: int
    revision: int
    secret: bytes
    has_edges: bool
    has_old_keys: bool
    """Names are under the keys of an earlier version."""


def schema_statements(queries: Queries) -> list[str]:
    """Return the statements that make the schema; one that was done does nothing."""
    prefix, name = queries.prefix, queries.prefix.lower()
    statements = [
        f"CREATE CONSTRAINT {name}_{label.lower()}_id IF NOT EXISTS"
        f" FOR (n:{prefix}{label}) REQUIRE n.id IS UNIQUE"
        for label in _UNIQUE
    ]
    statements += [
        f"CREATE INDEX {name}_{label.lower()}_{key} IF NOT EXISTS"
        f" FOR (n:{prefix}{label}) ON (n.{key})"
        for label, key in _INDEXES
    ]
    # Codes are words of hexadecimal digits: no text of a user reaches the index. What was just
    # written must be found, so the index is not eventually consistent.
    statements.append(
        f"CREATE FULLTEXT INDEX {queries.near_index} IF NOT EXISTS"
        f" FOR (n:{prefix}Entity) ON EACH [n.codes]"
        " OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace',"
        " `fulltext.eventually_consistent`: false}}"
    )
    return statements


def check_server(version: str) -> None:
    """Raise unless the server has a version that the statements are written for.

    Raises:
        BadStore: it is.
    """
    numbers = [int(part) for part in version.split("-")[0].split(".")[:2] if part.isdigit()]
    if tuple(numbers) < OLDEST_SERVER:
        raise BadStore(
            f"Neo4j {version[:20]} is too old", hint="5.26 (long-term support) or later is needed"
        )


async def read_state(connection: Neo4jConnection, queries: Queries) -> StoreState | None:
    """Return what the store node says, or ``None`` where the database holds no store.

    Raises:
        SchemaMismatch: a newer version wrote it.
    """
    row = await connection.read(lambda tx: tx.row(queries.state))
    if row is None:
        return None
    return _checked(row)


async def require_state(connection: Neo4jConnection, queries: Queries) -> StoreState:
    """Return what the store node says.

    Raises:
        StoreMissing: the database holds no store.
        SchemaMismatch: a newer version wrote it.
    """
    state = await read_state(connection, queries)
    if state is None:
        raise StoreMissing(
            f"{connection.address.uri}/{connection.database} holds no facts of lamlam"
            f" under the prefix {queries.prefix!r}",
            hint="open it once for writing, or call migrate(), which makes the schema",
        )
    return state


async def make_schema(
    connection: Neo4jConnection, queries: Queries, *, dry_run: bool = False
) -> MigrationReport:
    """Bring the database to the schema of this version; several processes may do it at once.

    Raises:
        SchemaMismatch: a newer version wrote it.
    """
    state = await read_state(connection, queries)
    before = state.schema if state is not None else 0
    if state is not None and before == SCHEMA:
        if not state.has_old_keys:
            return MigrationReport(before, SCHEMA, (), dry_run)
        if not dry_run:
            await rekey_store(connection, queries, FactIds(state.secret))
        return MigrationReport(before, SCHEMA, (REKEYED,), dry_run)
    statements = schema_statements(queries)
    steps = (
        *(statement.partition(" IF NOT")[0].lower() for statement in statements),
        "store node: revision 0 and the secret of ids",
    )
    if dry_run:
        return MigrationReport(before, SCHEMA, steps, dry_run)
    if missing := await _missing(connection, statements):
        for statement in missing:
            await make_one(connection, statement)
        await await_indexes(connection)
    secret = secrets.token_bytes(32)
    await connection.write(
        lambda tx: tx.do(
            queries._(
                "MERGE (s:@Store {id: 'store'}) ON CREATE SET s.schema = $schema, s.revision = 0,"
                " s.rules_at = 0, s.keys = $keys, s.secret = $secret"
            ),
            schema=SCHEMA,
            keys=KEY_VERSION,
            secret=secret.hex(),
        )
    )
    return MigrationReport(before, SCHEMA, steps)


async def await_indexes(connection: Neo4jConnection) -> None:
    """Wait until every index of the database can be asked."""
    await connection.read(
        lambda tx: tx.do("CALL db.awaitIndexes($seconds)", seconds=_AWAIT_S), timeout_s=_AWAIT_S
    )


async def _missing(connection: Neo4jConnection, statements: list[str]) -> list[str]:
    """Return the statements that have something to make: asking is one statement, not sixteen."""
    rows = await connection.read(lambda tx: tx.rows(_READY))
    ready = {("CREATE", "CONSTRAINT" if owner else "INDEX", name) for name, owner in rows}
    return [
        statement
        for statement in statements
        if tuple(statement.replace("FULLTEXT ", "").split()[:3]) not in ready
    ]


async def make_one(connection: Neo4jConnection, statement: str) -> None:
    """Make one thing of the schema by a statement that does nothing where it is there."""
    try:
        await connection.write(lambda tx: tx.do(statement))
    except BadStore as error:
        # Another process made the same at the same moment.
        if "AlreadyExists" not in str(error):
            raise


def _checked(row: list[Any]) -> StoreState:
    schema, revision, secret, keys, has_edges = row
    if schema > SCHEMA or keys > KEY_VERSION:
        raise SchemaMismatch(
            f"a newer version of lamlam wrote the store (schema {schema}, keys {keys})",
            hint="pip install -U lamlam",
        )
    return StoreState(schema, revision, bytes.fromhex(secret), has_edges, keys < KEY_VERSION)
