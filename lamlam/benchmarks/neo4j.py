"""What the Neo4j backend costs beside the bare driver, on the facts of the other benchmarks.

Loading is compared with one obvious statement that writes the same nodes, relationships and
properties under the same constraints and indexes; looking up with one query for the same fact.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from lamlam.benchmarks.invented_facts import invented_facts
from lamlam.benchmarks.lookup import percentiles, questions_about
from lamlam.errors import BadStore, UsageError
from lamlam.memory_backends.commits.entity_edit import stored_form
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.keys import canonical_key, relation_key
from lamlam.memory_backends.neo4j_graph.address import Neo4jAddress, parse_address
from lamlam.memory_backends.neo4j_graph.bulk_load import load
from lamlam.memory_backends.neo4j_graph.connect import connect_neo4j
from lamlam.memory_backends.neo4j_graph.queries import Queries
from lamlam.memory_backends.neo4j_graph.rows import code_words, fact_properties
from lamlam.memory_backends.neo4j_graph.store import Neo4jStore

if TYPE_CHECKING:
    from neo4j import Driver, ManagedTransaction

_ROWS = 10_000
_N_SERVER = 500
_N_CACHE = 20_000
_OURS, _BARE = "LamlamBenchOurs", "LamlamBenchBare"


def neo4j_load_benchmark(url: str, facts: int, pairs: int = 5, seed: int = 0) -> dict[str, Any]:
    """Return how fast facts are loaded, by the store and by the bare driver, in alternating pairs.

    Each writes under separate labels, whose nodes are deleted afterwards. A first
    pair is not counted: a server that was just started compiles what it runs.

    Returns:
        ``facts_per_s`` and ``bare_facts_per_s`` (medians), ``ratio`` (median of the pairs) and
        ``pairs``.
    """
    if facts < 1 or pairs < 1:
        raise UsageError("a benchmark needs at least one fact and one pair")
    address = parse_address(url)
    written = list(islice(invented_facts(facts, seed), facts))
    rows = _rows(written)
    measured = []
    with _driver(address) as driver:
        database = _database(url)
        for _ in range(1 + pairs):
            ours = _time_ours(url, written, driver, database)
            bare = _time_bare(url, rows, driver, database)
            measured.append((ours, bare))
    del measured[0]
    return {
        "facts": facts,
        "facts_per_s": round(statistics.median(facts / ours for ours, _ in measured)),
        "bare_facts_per_s": round(statistics.median(facts / bare for _, bare in measured)),
        "ratio": round(statistics.median(bare / ours for ours, bare in measured), 3),
        "pairs": [[round(facts / ours), round(facts / bare)] for ours, bare in measured],
    }


def neo4j_lookup_benchmark(url: str, facts: int, seed: int = 0) -> dict[str, Any]:
    """Return how long exact lookups take in a store of so many facts, in microseconds.

    Returns:
        ``exact_us`` (from the copy in this process), ``server_us`` (through the driver) and
        ``bare_us`` (one query of the bare driver), each ``p50`` and ``p99``; ``fill_s``, which
        the first lookup takes.
    """
    if facts < 1:
        raise UsageError("a benchmark needs at least one fact")
    address = parse_address(url)
    written = list(islice(invented_facts(facts, seed), facts))
    questions = questions_about(facts, seed, random.Random(seed + 1))
    with _driver(address) as driver:
        database = _database(url)
        store = _opened(url, _OURS)
        try:
            store._loop.call(load, store._writer, written)
            store.refresh_nowait()
            began = time.perf_counter()
            store.lookup_nowait(questions[0])
            fill_s = time.perf_counter() - began
            if not all(store.lookup_nowait(query).value for query in questions[:1000]):
                raise BadStore("the store does not find what was put into it")
            few = questions[:_N_SERVER]
            return {
                "facts": facts,
                "exact_us": _timed(store.lookup_nowait, questions[:_N_CACHE]),
                "server_us": _timed(
                    lambda query: store._loop.call(store._reader.look_up_all, [query]), few
                ),
                "bare_us": _timed(
                    _bare_lookup(driver, database, store._ids),
                    [(canonical_key(q.entity), relation_key(q.relation)) for q in few],
                ),
                "fill_s": round(fill_s, 3),
            }
        finally:
            store.close_nowait()
            _empty(driver, database, _OURS)


def _opened(url: str, prefix: str) -> Neo4jStore:
    joint = "&" if "?" in url else "?"
    store = connect_neo4j(f"{url}{joint}prefix={prefix}")
    assert isinstance(store, Neo4jStore)  # no foreign view was asked for
    return store


def _time_ours(url: str, facts: Sequence[Fact], driver: Driver, database: str) -> float:
    store = _opened(url, _OURS)
    try:
        began = time.perf_counter()
        store._loop.call(load, store._writer, facts)
        return time.perf_counter() - began
    finally:
        store.close_nowait()
        _empty(driver, database, _OURS)


def _time_bare(url: str, rows: list[dict[str, Any]], driver: Driver, database: str) -> float:
    _opened(url, _BARE).close_nowait()  # the same constraints and indexes
    statement = Queries(_BARE)._(
        "UNWIND $rows AS row MERGE (e:@Entity {id: row.entity})"
        " ON CREATE SET e.key = row.entity_key, e.name = row.name, e.codes = row.codes"
        " CREATE (f:@Fact {id: row.id, fact_id: row.fact_id, relation: row.relation,"
        " key: row.key, value: row.value, sources: row.sources, asserted: row.asserted,"
        " confidence: row.confidence, seq: row.seq})-[:ABOUT]->(e)"
    )
    try:
        began = time.perf_counter()
        with driver.session(database=database) as session:
            for start in range(0, len(rows), _ROWS):
                session.execute_write(_write, statement, rows[start : start + _ROWS])
        return time.perf_counter() - began
    finally:
        _empty(driver, database, _BARE)


def _write(transaction: ManagedTransaction, statement: str, rows: list[dict[str, Any]]) -> None:
    run: Any = transaction.run  # Any: takes literal strings only, by its types
    run(statement, rows=rows).consume()


def _rows(facts: Sequence[Fact]) -> list[dict[str, Any]]:
    """Return what the store would write, one row for each fact."""
    ids = FactIds(bytes(32))
    rows: dict[str, dict[str, Any]] = {}
    for number, fact in enumerate(facts):
        key = canonical_key(fact.entity)
        stored = stored_form(fact, None)._replace(revision=1, seq=number)
        row = fact_properties(key, stored, ids)
        row |= {
            "entity": ids.of_entity(key),
            "entity_key": key,
            "name": fact.entity,
            "codes": code_words(key) or None,
        }
        rows.setdefault(row["id"], row)  # the same statement twice is one fact
    return list(rows.values())


def _bare_lookup(driver: Driver, database: str, ids: FactIds) -> Callable[[tuple[str, str]], Any]:
    statement = Queries(_OURS)._(
        "MATCH (:@Entity {id: $id})<-[:ABOUT]-(f:@Fact {key: $key})"
        " RETURN f.value, f.fact_id, f.asserted"
    )

    def find(transaction: ManagedTransaction, ident: str, relation: str) -> Any:  # Any: rows
        run: Any = transaction.run  # Any: as above
        return run(statement, id=ident, key=relation).values()

    def ask(question: tuple[str, str]) -> Any:  # Any: rows
        entity, relation = question
        with driver.session(database=database, default_access_mode="READ") as session:
            return session.execute_read(find, ids.of_entity(entity), relation)

    return ask


def _timed(ask: Callable[[Any], object], questions: Sequence[Any]) -> dict[str, float]:
    for question in questions[:100]:
        ask(question)
    times = []
    for question in questions:
        began = time.perf_counter_ns()
        ask(question)
        times.append((time.perf_counter_ns() - began) / 1000)
    return percentiles(times)


def _driver(address: Neo4jAddress) -> Driver:
    from neo4j import GraphDatabase

    user, password = address.user or "neo4j", address.password.get_secret_value()
    return GraphDatabase.driver(address.uri, auth=(user, password))


def _database(url: str) -> str:
    store = _opened(url, _OURS)
    try:
        return store._connection.database or "neo4j"
    finally:
        store.close_nowait()


def _empty(driver: Driver, database: str, prefix: str) -> None:
    """Delete the benchmark's nodes; its constraints and indexes stay."""
    with driver.session(database=database) as session:
        run: Any = session.run  # Any: as above
        for label in ("Fact", "Past", "Entity", "Commit", "Event", "Store"):
            run(
                f"MATCH (n:{prefix}{label}) CALL (n) {{ DETACH DELETE n }}"
                " IN TRANSACTIONS OF 10000 ROWS"
            ).consume()
