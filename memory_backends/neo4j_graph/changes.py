"""The change log of a store in Neo4j, from its log of commits and the versions of facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from lamlam.memory_backends.commits.changes import (
    EVENT_KINDS,
    CommitEvent,
    ErasedFacts,
    changes_of_entity,
    changes_of_erasure,
    changes_of_events,
    present_changes,
)
from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.entity_reader import EntityHistory
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.lookups import PastVersion, StoredFact
from lamlam.memory_backends.model.namespaces import parsed
from lamlam.memory_backends.model.operations import Change
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.neo4j_graph.commit_queries import commits_after
from lamlam.memory_backends.neo4j_graph.driver import Neo4jConnection, Row, Transaction
from lamlam.memory_backends.neo4j_graph.queries import Queries
from lamlam.memory_backends.neo4j_graph.reader import Neo4jReader
from lamlam.memory_backends.neo4j_graph.rows import (
    commit_info,
    rule_of,
    stored_entity,
    stored_fact,
)

_COMMITS = 200
_ENTITIES = 1_000


class _CommitBatch(NamedTuple):
    """Some commits, with all but the facts that they changed."""

    commits: list[Row]
    events: dict[int, list[CommitEvent]]
    touched: dict[int, list[str]]
    rules: RelationRules


class Neo4jChanges:
    """Changes, in parts; every part is one read transaction on the connection's loop."""

    def __init__(
        self, connection: Neo4jConnection, queries: Queries, ids: FactIds, reader: Neo4jReader
    ) -> None:
        self._connection = connection
        self._queries = queries
        self._ids = ids
        self._reader = reader

    async def everything(self, at: int) -> AsyncIterator[list[Change]]:
        """Yield what holds at a revision."""
        rules = await self._reader.all_rules()
        yield [Change(at, "rule", rule=rule) for rule in rules]
        after = ""
        while rows := await self._reader.batch_after(after, at, _ENTITIES):
            after = rows[-1][0]
            yield [change for row in rows for change in self._of_entity(row, at)]

    def _of_entity(self, row: Row, at: int) -> Iterable[Change]:
        _, key, name, facts, aliases = row
        record = stored_entity(key, name, facts)
        return present_changes(record, aliases, at, self._ids) if record is not None else ()

    async def since(self, revision: int, upto: int) -> AsyncIterator[list[Change]]:
        """Yield what the commits after a revision did."""
        while revision < upto:
            part = await self._connection.read(partial(self._part, revision, upto))
            if not part.commits:
                return
            for number, at, actor, *erased in part.commits:
                made = commit_info(number, at, actor)
                yield list(changes_of_events(number, part.events[number], part.rules, made))
                keys = part.touched[number]
                for start in range(0, len(keys), _ENTITIES):
                    yield await self._of_commit(made, keys[start : start + _ENTITIES])
                yield list(changes_of_erasure(number, _erased_facts(*erased), made))
            revision = part.commits[-1][0]

    async def commits_after(self, since: int) -> list[CommitInfo]:
        """Return the next commits after a revision, without what they did."""
        statement = commits_after(self._queries.prefix)
        rows = await self._connection.read(
            lambda tx: tx.rows(statement, since=since, batch=_COMMITS)
        )
        return [commit_info(*row) for row in rows]

    async def _part(self, since: int, upto: int, transaction: Transaction) -> _CommitBatch:
        queries = self._queries
        commits = await transaction.rows(queries.commits, since=since, upto=upto, batch=_COMMITS)
        events: dict[int, list[CommitEvent]] = defaultdict(list)
        touched: dict[int, list[str]] = defaultdict(list)
        if not commits:
            return _CommitBatch([], events, touched, RelationRules())
        last = commits[-1][0]
        for row in await transaction.rows(queries.events, since=since, upto=last):
            number, kind, *about = row
            events[number] += [CommitEvent(known, *about) for known in EVENT_KINDS if known == kind]
        for number, key in await transaction.rows(queries.touched, since=since, upto=last):
            touched[number].append(key)
        rules = RelationRules(map(rule_of, await transaction.rows(queries.rules)))
        return _CommitBatch(commits, events, touched, rules)

    async def _of_commit(self, made: CommitInfo, keys: Sequence[str]) -> list[Change]:
        """Return what a commit did to the facts of entities."""
        revision = made.revision
        ids = [self._ids.of_entity(key) for key in keys]
        rows = await self._connection.read(
            lambda tx: tx.rows(self._queries.versions, ids=ids, revision=revision)
        )
        names: dict[str, str] = {}
        now: dict[str, list[StoredFact]] = defaultdict(list)
        past: dict[str, list[PastVersion]] = defaultdict(list)
        for key, name, retracted, row in rows:
            names[key] = name
            if retracted is None:
                now[key].append(stored_fact(row))
            else:
                past[key].append(PastVersion(stored_fact(row), retracted))
        histories = {key: EntityHistory(names[key], now[key], past[key]) for key in names}
        return [
            change
            for key in keys
            if key in histories
            for change in changes_of_entity(key, histories[key], revision, self._ids, made)
        ]


def _erased_facts(
    entities: list[str] | None, spaces: list[str] | None, facts: list[str] | None
) -> Iterable[ErasedFacts]:
    for entity_id, space, ids in zip(entities or (), spaces or (), facts or (), strict=True):
        yield ErasedFacts(parsed(space), entity_id, tuple(ids.split()))
