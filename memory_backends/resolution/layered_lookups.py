"""Look up in two namespaces of a store that must be waited for, as one: the user's own first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from lamlam.errors import BadAnswer
from lamlam.memory_backends.model.capabilities import Capability
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.memory_backends.resolution.layer_answers import AsksAlias, all_answers
from lamlam.memory_backends.resolution.layers import Layers

_MOST_TRIES = 3


class LookedUpStore(Protocol):
    """What is asked of a store."""

    capabilities: frozenset[Capability]

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        """Return one result per query."""
        ...

    async def aliases(self, entity: str, *, namespace: Namespace = ()) -> list[str]:
        """Return the other names of an entity."""
        ...


async def look_up_in_layers(
    store: LookedUpStore, queries: Sequence[tuple[Lookup, Layers]]
) -> list[LookupResult]:
    """Return one result per question, in their order, all from one state of the store.

    Args:
        store: it is asked again, up to three times, where something is committed in between.
        queries: each with the namespaces that it reads; its own plays no role.

    Raises:
        BadAnswer: the store does not return one result for each question.
    """
    results, n_revisions = await _answers(store, queries)
    for _ in range(_MOST_TRIES - 1):
        if n_revisions <= 1:
            break
        results, n_revisions = await _answers(store, queries)
    return results


async def _answers(
    store: LookedUpStore, queries: Sequence[tuple[Lookup, Layers]]
) -> tuple[list[LookupResult], int]:
    """Return the answers, and how many revisions of the store what was asked for them had."""
    steps = all_answers(queries)
    sent: Any = None
    revisions: set[int] = set()
    try:
        while True:
            step = steps.send(sent)
            if isinstance(step, AsksAlias):
                sent = await _is_alias(store, step)
            else:
                sent = _all_answered(step, await store.lookup_many(step))
                revisions.update(one.revision for one in sent)
    except StopIteration as end:
        return end.value, len(revisions)


async def _is_alias(store: LookedUpStore, step: AsksAlias) -> bool:
    if Capability.ALIASES not in store.capabilities:
        return False
    aliases = await store.aliases(step.stored, namespace=step.namespace)
    return canonical_key(step.name) in aliases


def _all_answered(asked: Sequence[Lookup], results: list[LookupResult]) -> list[LookupResult]:
    """Return the results; check that there is one for each question."""
    if not isinstance(results, list) or len(results) != len(asked):
        n = f"{len(results)} results" if isinstance(results, list) else type(results).__name__
        raise BadAnswer(
            f"invalid answer of memory: must be {len(asked)} results, got {n}",
            hint="lookup_many returns a list with one LookupResult for each lookup",
        )
    return results
