"""The feed of changes of a store in Neo4j, read from its log and from the versions of facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from lamlam.memory_backends.commits.changes import changes_of_entity
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import PastVersion, StoredFact
from lamlam.memory_backends.model.namespaces import parsed, split
from lamlam.memory_backends.model.operations import Change, ChangeKind
from lamlam.memory_backends.model.relation_rules import RelationRules
from lamlam.memory_backends.neo4j_graph.driver import Neo4jConnection, Row, Transaction
from lamlam.memory_backends.neo4j_graph.queries import Queries
from lamlam.memory_backends.neo4j_graph.reader import Reading
from lamlam.memory_backends.neo4j_graph.rows import rule_of, stored_fact

_COMMITS = 200
_ENTITIES = 1_000
_KINDS: tuple[ChangeKind, ...] = ("alias", "no_alias", "merged", "split")


class _Part(NamedTuple):
    """Some commits, with all but the facts that they changed."""

    commits: list[Row]
    events: dict[int, list[Row]]
    touched: dict[int, list[str]]
    rules: RelationRules


class Feed:
    """Changes, in parts; every part is one read transaction on the connection's loop."""

    def __init__(
        self, connection: Neo4jConnection, queries: Queries, ids: FactIds, reading: Reading
    ) -> None:
        self._connection = connection
        self._queries = queries
        self._ids = ids
        self._reading = reading

    async def everything(self, at: int) -> AsyncIterator[list[Change]]:
        """Give what holds at a revision."""
        rules = await self._reading.all_rules()
        yield [Change(at, "rule", rule=rule) for rule in rules]
        after = ""
        while rows := await self._reading.batch_after(after, at, _ENTITIES):
            after = rows[-1][0]
            yield [change for row in rows for change in self._of_entity(row, at)]

    def _of_entity(self, row: Row, at: int) -> Iterable[Change]:
        _, key, name, facts, aliases = row
        if not facts:
            return
        space = split(key)[0]
        for fact in self._reading.facts_of(row, None, None):
            yield Change(at, "asserted", space, name, fact)
        for alias in aliases:
            yield Change(at, "alias", space, name, alias=split(alias)[1])

    async def since(self, revision: int, upto: int) -> AsyncIterator[list[Change]]:
        """Give what the commits after a revision did."""
        while revision < upto:
            part = await self._connection.read(partial(self._part, revision, upto))
            if not part.commits:
                return
            for number, *erased in part.commits:
                yield [
                    change
                    for event in part.events[number]
                    for change in _of_event(event, part.rules)
                ]
                keys = part.touched[number]
                for start in range(0, len(keys), _ENTITIES):
                    yield await self._of_commit(number, keys[start : start + _ENTITIES])
                yield list(_of_erasure(number, erased))
            revision = part.commits[-1][0]

    async def _part(self, since: int, upto: int, transaction: Transaction) -> _Part:
        queries = self._queries
        commits = await transaction.rows(queries.commits, since=since, upto=upto, batch=_COMMITS)
        events: dict[int, list[Row]] = defaultdict(list)
        touched: dict[int, list[str]] = defaultdict(list)
        if not commits:
            return _Part([], events, touched, RelationRules())
        last = commits[-1][0]
        for row in await transaction.rows(queries.events, since=since, upto=last):
            events[row[0]].append(row)
        for number, key in await transaction.rows(queries.touched, since=since, upto=last):
            touched[number].append(key)
        rules = RelationRules(map(rule_of, await transaction.rows(queries.rules)))
        return _Part(commits, events, touched, rules)

    async def _of_commit(self, revision: int, keys: Sequence[str]) -> list[Change]:
        """Return what a commit did to the facts of entities."""
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
        return [
            change
            for key in keys
            if key in names
            for change in changes_of_entity(
                key, names[key], now[key], past[key], revision, self._ids
            )
        ]


def _of_event(row: Row, rules: RelationRules) -> Iterable[Change]:
    revision, kind, key, name, other = row
    if kind == "rule":
        rule = rules.of(key)
        if rule is not None:
            yield Change(revision, "rule", rule=rule)
    for known in _KINDS:
        if kind == known:
            yield Change(revision, known, split(key)[0], name, alias=split(other)[1])


def _of_erasure(revision: int, row: Sequence[list[str] | None]) -> Iterable[Change]:
    entities, spaces, facts = (part or [] for part in row)
    for entity_id, space, fact_ids in zip(entities, spaces, facts, strict=True):
        yield Change(
            revision,
            "erased",
            parsed(space),
            entity_id=entity_id,
            fact_ids=tuple(fact_ids.split()),
        )


def within(changes: Iterable[Change], namespace: Namespace | None) -> list[Change]:
    """Return the changes of one namespace, and those of rules, which hold in all."""
    return [
        change
        for change in changes
        if namespace is None or change.kind == "rule" or change.namespace == namespace
    ]
