"""The facts that a user sees, one after another: the user's own, and those that none of them hides."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING

from lamlam.memory_backends.model.clock import now
from lamlam.memory_backends.model.expiry import ExpiryOptions, with_expired
from lamlam.memory_backends.model.keys import canonical_key, fold, relation_key
from lamlam.memory_backends.model.timestamps import holds_at, to_us
from lamlam.memory_backends.resolution.relation_matching import is_hidden

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Fact, Namespace
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.memory_backends.resolution.layers import Layers

Form = tuple[str, str, str]
"""What the names of one entity have in common in both layers."""


async def scan_layers(
    store: FactStore,
    layers: Layers,
    entity: str | None,
    relation: str | None,
    *,
    as_of: int | None,
    batch: int,
    include_expired: bool,
) -> AsyncGenerator[Fact, None]:
    """Yield the facts of both layers, those of one entity together; arguments as for `scan`."""
    read = _Reading(store, relation, as_of, batch, with_expired(store, include_expired))
    if layers.shared is None:
        async for fact in read.of(entity, layers.own):
            yield fact
        return
    if entity is not None:
        async for fact in _of_entity(read, layers, entity):
            yield fact
        return
    held = _Held(now())
    async for fact in read.of(None, layers.own, is_whole=True):
        held.add(fact)
    had: set[str] = set()
    last: Fact | None = None
    async for fact in read.of(None, layers.own):
        if last is not None and last.entity != fact.entity:
            async for one in _behind(read, layers.shared, last.entity, held, had):
                yield one
        yield fact
        last = fact
    if last is not None:
        async for one in _behind(read, layers.shared, last.entity, held, had):
            yield one
    async for fact in read.of(None, layers.shared):
        if canonical_key(fact.entity) not in had and not held.hides(fact):
            yield fact


async def _of_entity(read: _Reading, layers: Layers, entity: str) -> AsyncIterator[Fact]:
    assert layers.shared is not None
    mine = [fact async for fact in read.of(entity, layers.own, is_whole=True)]
    theirs = [fact async for fact in read.of(entity, layers.shared)]
    # An alias of one layer is a name of the other only by the entity that it stands for.
    if mine and canonical_key(mine[0].entity) != canonical_key(entity):
        theirs = [fact async for fact in read.of(mine[0].entity, layers.shared)]
    elif theirs and not mine and canonical_key(theirs[0].entity) != canonical_key(entity):
        entity = theirs[0].entity
        mine = [fact async for fact in read.of(entity, layers.own, is_whole=True)]
    held = _Held(now())
    for fact in mine:
        held.add(fact, "")
    if read.relation is None:
        for fact in mine:
            yield fact
    else:
        async for fact in read.of(entity, layers.own):
            yield fact
    for fact in theirs:
        if not held.hides(fact, ""):
            yield fact


async def _behind(
    read: _Reading, shared: Namespace, entity: str, held: _Held, had: set[str]
) -> AsyncIterator[Fact]:
    """Yield what the shared layer has of an entity of the user."""
    async for fact in read.of(entity, shared):
        key = canonical_key(fact.entity)
        if key != canonical_key(entity):  # an alias: it comes under its own name
            return
        had.add(key)
        if not held.hides(fact):
            yield fact


class _Reading:
    """Scans of a store that differ in entity and namespace."""

    def __init__(
        self,
        store: FactStore,
        relation: str | None,
        as_of: int | None,
        batch: int,
        shown: ExpiryOptions,
    ) -> None:
        self._store = store
        self.relation = relation
        self._as_of = as_of
        self._batch = batch
        self._shown = shown

    async def of(
        self, entity: str | None, namespace: Namespace, *, is_whole: bool = False
    ) -> AsyncIterator[Fact]:
        """Yield the facts of a namespace; ``is_whole``: of every relation."""
        relation = None if is_whole else self.relation
        facts = self._store.scan(
            entity,
            relation,
            namespace=namespace,
            as_of=self._as_of,
            batch=self._batch,
            **self._shown,
        )
        try:
            async for fact in facts:
                yield fact
        finally:
            if isinstance(facts, AsyncGenerator):  # one that is left early must be closed
                await facts.aclose()


class _Held:
    """The relations of which the user has a fact that holds now: one that is over hides nothing."""

    def __init__(self, now: datetime) -> None:
        self._now = to_us(now) or 0
        self._relations: dict[Form | str, dict[str, None]] = {}

    def add(self, fact: Fact, entity: str | None = None) -> None:
        """Note a fact of the user; ``entity`` in place of its own."""
        if holds_at(to_us(fact.valid_from), to_us(fact.valid_to), self._now):
            known = self._relations.setdefault(_form(fact, entity), {})
            known[relation_key(fact.relation)] = None

    def hides(self, fact: Fact, entity: str | None = None) -> bool:
        """Return whether a fact of the shared layer is hidden."""
        held = self._relations.get(_form(fact, entity), {})
        return is_hidden(relation_key(fact.relation), held)


def _form(fact: Fact, entity: str | None) -> Form | str:
    if entity is not None:
        return entity
    name = fold(canonical_key(fact.entity))
    return name.key, name.qualifier, name.signs
