"""`connect_neo4j`: the store behind a URL of a Neo4j database."""

from __future__ import annotations

from lamlam.memory_backends.neo4j_graph.address import parse_address
from lamlam.memory_backends.neo4j_graph.driver import Neo4jConnection
from lamlam.memory_backends.neo4j_graph.queries import Queries
from lamlam.memory_backends.neo4j_graph.schema import (
    StoreState,
    check_server,
    make_schema,
    read_state,
    require_state,
)
from lamlam.memory_backends.neo4j_graph.store import Neo4jStore
from lamlam.memory_backends.protocol import FactStore


def connect_neo4j(url: str, *, create: bool = True, read_only: bool = False) -> FactStore:
    """Return the open store behind a URL of a Neo4j database; the caller closes it.

    Waits for the server; from a coroutine call it in a thread.

    Args:
        url: ``neo4j://user:password@host:7687/database?option=value`` (also ``bolt``, and each
            with ``+s`` or ``+ssc``), parts percent-encoded. User and password may come from
            ``NEO4J_USERNAME`` and ``NEO4J_PASSWORD``. Options: ``prefix`` of all labels,
            ``edges=on|off``, ``cache=on|off``, ``search_index=on|off|sources``, ``timeout`` in seconds; ``view=foreign`` with
            ``label`` reads a graph that others made.
        create: make the schema in a database that holds no store.
        read_only: refuse every write; nothing is made.

    Raises:
        UnknownBackend: no such URL.
        UnknownOption: no such option.
        MissingExtra: the driver is not installed.
        AccessDenied: the server refuses the user or the password.
        StoreMissing: there is no such database, or no store in it and none may be made.
        SchemaMismatch: a newer version wrote it.
        Unavailable: no server answers.
    """
    address = parse_address(url)
    if address.view == "foreign":
        from lamlam.memory_backends.neo4j_graph.foreign_graph import ForeignGraph

        return ForeignGraph.open(address)
    connection = Neo4jConnection(address)
    try:
        version, edition = connection.loop.call(connection.open)
        check_server(version)
        queries = Queries(address.prefix)
        state = connection.loop.call(_prepared, connection, queries, create and not read_only)
        store = Neo4jStore(
            connection, queries, state, edition=f"{edition} {version}", read_only=read_only
        )
        if address.edges is not None and not read_only and address.edges != state.has_edges:
            connection.loop.call(store._writer.set_edges, address.edges)
        if address.search_index is not None and not read_only:
            connection.loop.call(_indexed, store, *address.search_index)
        return store
    except BaseException:
        connection.shut()
        raise


async def _prepared(connection: Neo4jConnection, queries: Queries, create: bool) -> StoreState:
    if create:
        state = await read_state(connection, queries)
        if state is not None and not state.has_old_keys:
            return state
        await make_schema(connection, queries)
    return await require_state(connection, queries)


async def _indexed(store: Neo4jStore, is_on: bool, sources: bool) -> None:
    from lamlam.memory_backends.neo4j_graph.index_making import IndexMaking

    async for _ in IndexMaking(store._writer).steps(is_on, sources):
        pass
