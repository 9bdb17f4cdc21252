"""What a change of the store was to find, and what its indexes found.

Releases of Neo4j had indexes that missed an entity, or returned a deleted one. What an index does
not find, a statement leaves as it is, without a word: so changes that must reach everything count.
"""

from __future__ import annotations

from collections.abc import Sequence

from lamlam.errors import BadStore
from lamlam.memory_backends.neo4j_graph.driver import Transaction
from lamlam.memory_backends.neo4j_graph.queries import Queries

# By `labels(n)` and without an index: one on labels is an index as well.
_LEFT = (
    "MATCH (n) WITH n, labels(n) AS labels"
    " WHERE (('@Fact' IN labels OR '@Past' IN labels) AND n.id IN $facts)"
    " OR ('@Alias' IN labels AND n.id IN $aliases)"
    " OR ('@Event' IN labels AND (n.entity_id IN $names OR n.other_id IN $names))"
    " RETURN count(n)"
)


def check_found(found: int, wanted: int, what: str) -> None:
    """Raise unless a statement found all that it was given.

    Args:
        found: how many it found.
        wanted: how many there are, as a read just before said.
        what: their name, in the plural.

    Raises:
        BadStore: it missed some. The transaction is rolled back: nothing has changed.
    """
    if found != wanted:
        raise _wrong_index(f"an index of the server found {found} of {wanted} {what}")


async def check_gone(
    transaction: Transaction,
    queries: Queries,
    facts: Sequence[str],
    aliases: Sequence[str],
    names: Sequence[str],
) -> None:
    """Raise if anything of an erasure is still there: looked for in every node, by no index.

    Args:
        transaction: in which it was erased.
        queries: of the store.
        facts: ids of versions of facts.
        aliases: ids of aliases.
        names: ids of entities and names that no event has any more.

    Raises:
        BadStore: an index did not find all of it. Nothing has changed.
    """
    given = {"facts": list(facts), "aliases": list(aliases), "names": list(names)}
    row = await transaction.row(queries._(_LEFT), **given)
    n_left = row[0] if row is not None else 0
    if n_left:
        raise _wrong_index(f"an index of the server missed {n_left} nodes that were to be erased")


def _wrong_index(problem: str) -> BadStore:
    return BadStore(
        f"{problem}; nothing was changed",
        hint="check the database (neo4j-admin database check) and update the server",
    )
