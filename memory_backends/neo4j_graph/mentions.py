"""What in a Neo4j store still mentions an erased name, in its facts, its names and its log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from typing import Any

from lamlam.memory_backends.commits.erasure_reach import is_one_of
from lamlam.memory_backends.commits.mentions import Mentions
from lamlam.memory_backends.model.entity_reader import EntityHistory
from lamlam.memory_backends.model.fact_ids import FactIds
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import PastVersion, StoredFact
from lamlam.memory_backends.model.namespaces import parsed, split
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.neo4j_graph.driver import Transaction
from lamlam.memory_backends.neo4j_graph.queries import FACT_COLUMNS, Queries
from lamlam.memory_backends.neo4j_graph.rows import stored_fact

_PART = 2_000
_LABELS = ("Fact", "Past")
# Letters that two others stand for in a canonical key.
_ODD = ["ß", "ẞ", "ſ"]
_FACT = "[" + ", ".join(f"f.{column}" for column in FACT_COLUMNS) + "]"
_TEXTS = "[f.value, coalesce(f.code, ''), f.relation] + f.sources"
_MAY_MENTION = (
    "any(text IN {texts} WHERE CASE WHEN $words IS NULL"
    " THEN any(name IN $runs WHERE all(run IN name WHERE toLower(text) CONTAINS run))"
    " OR any(odd IN $odd WHERE text CONTAINS odd)"
    # Of many names one look into a map for each word, not each name in each text.
    " ELSE NOT text =~ '[ -~]*'"
    " OR any(word IN split(toLower(text), $marks) WHERE $words[word] IS NOT NULL) END)"
)
_MARKS = [mark for mark in map(chr, range(ord(" "), 0x7F)) if not mark.isalnum()]
"""What stands between the words of a text of visible ASCII characters."""
_FACTS = (
    "MATCH (f:@{label}) WHERE f.id > $after AND "
    + _MAY_MENTION.replace("{texts}", _TEXTS)
    + f" WITH f ORDER BY f.id LIMIT {_PART} MATCH (f)-[:ABOUT]->(e:@Entity)"
    f" RETURN f.id, e.key, e.name, f.retracted, {_FACT} ORDER BY f.id"
)
_ENTITIES = (
    "MATCH (e:@Entity) WHERE EXISTS { (e)<-[:ABOUT]-() } AND "
    + _MAY_MENTION.replace("{texts}", "[e.name]")
    + " RETURN e.key, e.name ORDER BY e.key"
)
_ALIASES = (
    "MATCH (a:@Alias)-[:NAMES]->(e:@Entity) WHERE "
    + _MAY_MENTION.replace("{texts}", "[a.key]")
    + " RETURN a.key, e.name ORDER BY a.key"
)
_ACTORS = (
    "MATCH (c:@Commit) WHERE c.actor IS NOT NULL AND "
    + _MAY_MENTION.replace("{texts}", "[c.actor]")
    + " RETURN c.actor, min(c.revision) ORDER BY c.actor"
)
_FORGET_ACTORS = (
    "MATCH (c:@Commit) WHERE c.actor IN $actors"
    " AND ($own IS NULL OR (c.revision IN $own AND c.empty IS NULL)) REMOVE c.actor"
    " RETURN count(c)"
)
_FORMER_NAMES = "MATCH (v:@Event) WHERE v.entity_id IN $ids RETURN DISTINCT v.other"
_ACTORS_ONE_BY_ONE = (
    "MATCH (c:@Commit) WHERE c.actor IS NOT NULL AND c.empty IS NULL AND "
    + _MAY_MENTION.replace("{texts}", "[c.actor]")
    + " RETURN c.actor, c.revision, c.erased_spaces"
)
_CHANGED = (
    "CALL () {"
    " MATCH (f:@Fact)-[:ABOUT]->(e) WHERE f.asserted IN $revisions"
    " RETURN f.asserted AS revision, e.key AS key"
    " UNION MATCH (f:@Past)-[:ABOUT]->(e) WHERE f.asserted IN $revisions"
    " RETURN f.asserted AS revision, e.key AS key"
    " UNION MATCH (f:@Past)-[:ABOUT]->(e) WHERE f.retracted IN $revisions"
    " RETURN f.retracted AS revision, e.key AS key"
    " UNION MATCH (v:@Event) WHERE v.revision IN $revisions"
    " RETURN v.revision AS revision, CASE v.kind WHEN 'rule' THEN null ELSE v.key END AS key"
    " } RETURN DISTINCT revision, key"
)
_EVENTS = (
    "MATCH (v:@Event) WHERE v.entity_id IN $ids OR v.other_id IN $ids"
    " RETURN count(DISTINCT v.revision)"
)
_FORGET_OPERATIONS = (
    "MATCH (c:@Commit) WHERE c.operations IS NOT NULL AND (c.entities IS NULL"
    " OR c.revision IN $revisions OR any(one IN c.entities WHERE one IN $ids))"
    " REMOVE c.operations, c.entities"
)


async def find_mentions(
    found: Mentions, rules: Iterable[RelationRule], queries: Queries, transaction: Transaction
) -> None:
    """Search for the names of ``found`` everywhere but in the log."""
    if not found.names:
        return
    wanted = _wanted(found)
    for key, name in await transaction.rows(queries._(_ENTITIES), **wanted):
        found.add_entity(key, EntityHistory(name))
    for label in _LABELS:
        async for key, name, retracted, fact in _facts(label, found, queries, transaction):
            if retracted is None:
                found.add_entity(key, EntityHistory(name, [fact]))
            else:
                found.add_entity(key, EntityHistory(name, (), [PastVersion(fact, retracted)]))
    for alias, name in await transaction.rows(queries._(_ALIASES), **wanted):
        namespace, plain = split(alias)
        found.add_alias(plain, name, namespace)
    found.add_rules(rules)


async def owners_of(
    found: Mentions, namespace: Namespace, queries: Queries, transaction: Transaction
) -> list[str]:
    """Return the scoped keys of entities of a namespace that have, or had, a name as a value."""
    owners: dict[str, None] = {}
    for label in _LABELS:
        async for key, _, _, fact in _facts(label, found, queries, transaction):
            if split(key)[0] == namespace and is_one_of(fact, found.names):
                owners[key] = None
    return list(owners)


async def own_commits(
    keys: Collection[str],
    namespace: Namespace,
    ids: FactIds,
    queries: Queries,
    transaction: Transaction,
) -> list[int] | None:
    """Return which commits that one of the names made changed a namespace alone; ``None``: all.

    Args:
        keys: scoped, of all entities and aliases that may go; asked before anything is erased.
        namespace: whose erasure it is; the unnamed one is that of whoever keeps the whole store.
        ids: gives the ids of entities.
        queries: of the store.
        transaction: of the erasure.
    """
    if not namespace:
        return None
    entity_ids = [ids.of_entity(key) for key in keys]
    former = await transaction.rows(queries._(_FORMER_NAMES), ids=entity_ids)
    found = Mentions([*keys, *(key for (key,) in former if key)], ids)
    rows = await transaction.rows(queries._(_ACTORS_ONE_BY_ONE), **_wanted(found))
    spaces: dict[int, set[Namespace | None]] = {
        revision: {parsed(space) for space in erased or ()}
        for actor, revision, erased in rows
        if found.is_name(actor)
    }
    changed = await transaction.rows(queries._(_CHANGED), revisions=[*spaces]) if spaces else []
    for revision, key in changed:
        spaces[revision].add(None if key is None else split(key)[0])
    return [revision for revision, some in spaces.items() if some == {namespace}]


async def forget_actors(
    found: Mentions, own: Sequence[int] | None, queries: Queries, transaction: Transaction
) -> int:
    """Remove the names from the log as actors; return from how many commits.

    Args:
        found: the names; other actors that mention one are added.
        own: revisions whose actors may be forgotten; ``None``: all.
        queries: of the store.
        transaction: of the erasure.
    """
    if not found.names:
        return 0
    wanted = _wanted(found)
    gone = [one for one, *_ in await transaction.rows(queries._(_ACTORS), **wanted)]
    gone = [actor for actor in gone if found.is_name(actor)]
    row = await transaction.row(queries._(_FORGET_ACTORS), actors=gone, own=own) if gone else None
    for actor, revision in await transaction.rows(queries._(_ACTORS), **wanted):
        found.add_actor(actor, revision)
    return row[0] if row is not None else 0


async def count_events(
    entity_ids: Collection[str], queries: Queries, transaction: Transaction
) -> int:
    """Return how many commits have events of these entities or names."""
    row = await transaction.row(queries._(_EVENTS), ids=list(entity_ids))
    return row[0] if row is not None else 0


async def forget_operations(
    entity_ids: Collection[str],
    revisions: Collection[int],
    queries: Queries,
    transaction: Transaction,
) -> None:
    """Forget of what operations changes were made that have to do with these; keys stay used."""
    await transaction.do(
        queries._(_FORGET_OPERATIONS), ids=list(entity_ids), revisions=list(revisions)
    )


async def _facts(
    label: str, found: Mentions, queries: Queries, transaction: Transaction
) -> AsyncIterator[tuple[str, str, int | None, StoredFact]]:
    """Yield versions of facts that may mention a name: key and name of the entity, end, version."""
    statement = queries._(_FACTS.replace("{label}", label))
    after = ""
    while rows := await transaction.rows(statement, after=after, **_wanted(found)):
        after = rows[-1][0]
        for _, key, name, retracted, row in rows:
            yield key, name, retracted, stored_fact(row)


def _wanted(found: Mentions) -> dict[str, Any]:  # Any: what a server takes
    runs = found.runs
    words = found.words if runs is None else None
    return {
        "runs": [[]] if runs is None else runs,  # of none, every text has all
        "odd": _ODD,
        "words": None if words is None else dict.fromkeys(words, True),
        "marks": _MARKS,
    }
