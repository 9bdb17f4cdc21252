"""The search index of a store in Neo4j: hashes of letter groups on its entities, in a full-text index.

Each entity with facts has a property ``terms``: words that stand for the letter groups of its names,
values and, where asked for, sources. They are made in Python, so that every backend folds alike, and
are hashes of fixed length: no text of a user reaches the index, and none of a question its syntax.

The store node says what is indexed (``search``), up to which revision it is in step (``search_at``),
and who is making it (``search_by``). A release that knows of no index leaves ``search_at`` behind:
then searches read the facts, and the next write catches up.
"""

from __future__ import annotations

import asyncio
from base64 import b32encode
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from lamlam.errors import Conflict
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.namespaces import split
from lamlam.memory_backends.model.search_terms import (
    INDEX_VERSION,
    AskedTerms,
    Term,
    term_number,
    terms_of,
)
from lamlam.memory_backends.neo4j_graph.driver import Row, Transaction
from lamlam.memory_backends.neo4j_graph.queries import FACT_ROW, HELD, Queries
from lamlam.memory_backends.neo4j_graph.rows import Properties, parts, stored_fact
from lamlam.memory_backends.neo4j_graph.search_queries import (
    BEGIN,
    DROP_TERMS,
    END,
    FORGET,
    IN_STEP,
    SET_TERMS,
    TOUCHED,
)

_PART = 500
"""Entities whose terms are written by one statement."""
_MANY_FACTS = 200
"""From so many on, terms are made in a thread, beside the event loop."""
_MOST_WORDS_KEPT = 200_000
NAMES, SOURCES, REMOVING = "names, values", "names, values, sources", "removing"
"""What ``search`` says."""
_ENTITIES = (
    "UNWIND $ids AS id MATCH (e:@Entity {id: id}) WITH e, $at AS at"
    " RETURN e.id, e.key, e.name, COLLECT { MATCH (e)<-[:ABOUT]-(f)"
    f" WHERE {HELD} RETURN {FACT_ROW} ORDER BY f.seq, f.asserted }},"
    " COLLECT { MATCH (a:@Alias)-[:NAMES]->(e) RETURN a.key ORDER BY a.key }"
)


class SearchState(NamedTuple):
    """What the store node says of the search index."""

    fields: str | None = None
    at: int | None = None
    made_by: str | None = None
    version: int | None = None

    @property
    def sources(self) -> bool | None:
        """Whether sources are indexed; ``None``: there is no index, or not all of it."""
        is_whole = self.fields in (NAMES, SOURCES) and self.made_by is None
        return self.fields == SOURCES if is_whole and self.version == INDEX_VERSION else None

    def is_usable(self, revision: int) -> bool:
        """Return whether it can be asked what the store holds at a revision, its present one."""
        return self.sources is not None and self.at == revision


class _TermWords(dict[Term, str]):
    """Words of the index, by term: seven letters and digits, so never an operator of Lucene."""

    def __missing__(self, term: Term) -> str:
        if len(self) > _MOST_WORDS_KEPT:
            self.clear()
        number = term_number(term).to_bytes(4, "big")
        word = self[term] = b32encode(number).decode().rstrip("=").lower()
        return word


_WORDS = _TermWords()


def expression(asked: AskedTerms) -> str:
    """Return what the full-text index is asked: words of hashes, brackets, and our operators."""
    return " AND ".join(
        "("
        + " OR ".join(f"({' AND '.join(_WORDS[term] for term in group)})" for group in groups)
        + ")"
        for groups in asked.all_of
    )


def index_statement(queries: Queries) -> str:
    """Return the statement that makes the full-text index.

    What was just written must be found, so it is not eventually consistent.
    """
    return (
        f"CREATE FULLTEXT INDEX {index_name(queries)} IF NOT EXISTS"
        f" FOR (n:{queries.prefix}Entity) ON EACH [n.terms]"
        " OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace',"
        " `fulltext.eventually_consistent`: false}}"
    )


def index_name(queries: Queries) -> str:
    """Return the name of the full-text index over terms."""
    return f"{queries.prefix.lower()}_entity_terms"


async def keep_in_step(
    state: SearchState,
    keys: Iterable[str],
    before: int,
    after: int,
    transaction: Transaction,
    queries: Queries,
    ids: FactIds,
) -> None:
    """Give entities that a transaction changed the terms that they have now.

    Args:
        state: of the index, as the lock found it.
        keys: scoped keys of the entities.
        before: the revision of the store before the transaction.
        after: its revision afterwards.
        transaction: that has written the facts and names.
        queries: of the store.
        ids: of the store.
    """
    if state.fields is None:
        return
    touched = [ids.of_entity(key) for key in dict.fromkeys(keys)]
    if state.fields == REMOVING:
        await transaction.do(queries._(DROP_TERMS), ids=touched)
        return
    is_ours = state.version == INDEX_VERSION
    if is_ours and state.at != before:
        rows = await transaction.rows(queries._(TOUCHED), since=state.at or 0)
        touched = list(dict.fromkeys([*touched, *(ident for (ident,) in rows)]))
    for part in parts(touched, _PART):
        found = await transaction.rows(searched_entities(queries), ids=part, at=after)
        await set_terms(found, state.fields, transaction, queries)
    if is_ours:  # another version is to see that this one wrote
        await transaction.do(queries._(IN_STEP), revision=after)


def searched_entities(queries: Queries) -> str:
    """Return the statement for entities of ``$ids`` at ``$at``: rows as of `entities_after`."""
    return queries._(_ENTITIES)


async def set_terms(
    rows: Sequence[Row], fields: str, transaction: Transaction, queries: Queries
) -> None:
    """Write the terms of entities.

    Args:
        rows: of entities, as `Queries.entities_after` gives them.
        fields: what is indexed.
        transaction: in which the store is locked.
        queries: of the store.
    """
    n_facts = sum(len(row[3]) for row in rows)
    sources = fields == SOURCES
    if n_facts > _MANY_FACTS:
        given = await asyncio.to_thread(_term_rows, rows, sources)
    else:
        given = _term_rows(rows, sources)
    await transaction.do(queries._(SET_TERMS), rows=given)


def _term_rows(rows: Iterable[Row], sources: bool) -> list[Properties]:
    return [
        {"id": ident, "terms": _terms(key, name, facts, aliases, sources) if facts else None}
        for ident, key, name, facts, aliases in rows
    ]


def _terms(key: str, name: str, facts: Sequence[Any], aliases: Sequence[str], sources: bool) -> str:
    names = [name, *(split(alias)[1] for alias in aliases)]
    stored = [stored_fact(fact) for fact in facts]
    found = terms_of(split(key)[0], names, stored, sources=sources)
    return " ".join(sorted({_WORDS[term] for term in found}))


async def begin_making(fields: str, token: str, transaction: Transaction, queries: Queries) -> None:
    """Note that the index is being made: from now on every write keeps its part of it in step."""
    await transaction.do(queries._(BEGIN), fields=fields, token=token, version=INDEX_VERSION)


async def end_making(transaction: Transaction, queries: Queries) -> None:
    """Note that every entity is in the index."""
    await transaction.do(queries._(END))


async def forget_index(transaction: Transaction, queries: Queries) -> None:
    """Note that there is no index, and nothing left of it."""
    await transaction.do(queries._(FORGET))


def check_made_by(state: SearchState, token: str) -> None:
    """Raise unless the index is still being made, or removed, by the caller.

    Raises:
        Conflict: another process has begun since.
    """
    if state.made_by != token:
        raise Conflict(
            "another process turned the search index on or off meanwhile",
            hint="see what is indexed by info().search_index, and repeat the call if need be",
        )
