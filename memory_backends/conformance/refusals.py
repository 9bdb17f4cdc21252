"""What a store must refuse where it does not declare a capability: never by doing nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from lamlam.errors import NotSupported, ReadOnly
from lamlam.memory_backends.conformance.samples import ADA, changes, fact, listed
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    DefineRelation,
    MergeEntities,
    RemoveAlias,
    Replace,
    SplitEntities,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.protocol import Capability, FactStore

Call = Callable[[FactStore], Awaitable[Any]]  # Any: whatever a call would have given
_THEN = datetime(2000, 1, 1, tzinfo=UTC)


async def _snapshot(store: FactStore) -> None:
    async with store.snapshot():
        pass


async def _lookup_nowait(store: FactStore) -> None:
    store.lookup_nowait(Lookup(ADA, "birth place"))


async def _describe_nowait(store: FactStore) -> None:
    store.describe_nowait(ADA)


async def _known_names_nowait(store: FactStore) -> None:
    store.known_names_nowait([ADA])


async def _facts_about_nowait(store: FactStore) -> None:
    store.facts_about_nowait(ADA)


async def _homonyms_nowait(store: FactStore) -> None:
    store.homonyms_nowait(ADA)


REFUSALS: dict[Capability, dict[str, Call]] = {
    Capability.WRITE: {"apply": lambda store: store.apply([Assert(fact())])},
    Capability.CAS: {
        "expected": lambda store: store.apply([Assert(fact())], expected=0),
        "Replace.expected": lambda store: store.apply([Replace(fact(), expected=())]),
    },
    Capability.IDEMPOTENCY: {
        "idempotency_key": lambda store: store.apply([Assert(fact())], idempotency_key="once"),
    },
    Capability.ALIASES: {
        "AddAlias": lambda store: store.apply([Assert(fact()), AddAlias(ADA, "Countess")]),
        "RemoveAlias": lambda store: store.apply([RemoveAlias(ADA, "Countess")]),
        "MergeEntities": lambda store: store.apply([MergeEntities(ADA, "Countess")]),
        "SplitEntities": lambda store: store.apply([SplitEntities(ADA, "Countess")]),
        "aliases": lambda store: store.aliases(ADA),
    },
    Capability.RULES: {
        "DefineRelation": lambda store: store.apply(
            [DefineRelation(RelationRule("birth place", "one"))]
        ),
        "rules": lambda store: store.rules(),
    },
    Capability.NAMESPACES: {
        "Assert": lambda store: store.apply([Assert(fact(namespace=("a",)))]),
        "lookup": lambda store: store.lookup(ADA, "birth place", namespace=("a",)),
        "scan": lambda store: listed(store.scan(namespace=("a",))),
    },
    Capability.FAST_LOOKUP: {
        "lookup_nowait": _lookup_nowait,
        "describe_nowait": _describe_nowait,
        "known_names_nowait": _known_names_nowait,
        "homonyms_nowait": _homonyms_nowait,
        "facts_about_nowait": _facts_about_nowait,
    },
    Capability.HISTORY: {
        "history": lambda store: store.history(ADA),
        "facts_about as_of": lambda store: store.facts_about(ADA, as_of=0),
        "known_names as_of": lambda store: store.known_names([ADA], as_of=0),
        "lookup as_of": lambda store: store.lookup(ADA, "birth place", as_of=0),
        "scan as_of": lambda store: listed(store.scan(as_of=0)),
        "snapshot": _snapshot,
    },
    Capability.VALID_TIME: {
        "Assert": lambda store: store.apply([Assert(fact(valid_from=_THEN))]),
        "lookup": lambda store: store.lookup(ADA, "birth place", valid_at=_THEN),
    },
    Capability.CHANGES: {"changes": lambda store: changes(store)},
    Capability.SEARCH_INDEX: {"set_search_index": lambda store: store.set_search_index()},
    Capability.ERASE: {"erase": lambda store: store.erase(ADA)},
}
"""By capability: the calls that need it. Those not listed promise how, not what, a store does."""


async def check_refused(store: FactStore, capability: Capability) -> None:
    """Check that every call that needs the capability is refused, and that nothing has changed.

    Raises:
        AssertionError: one was done, or swallowed.
    """
    before = await store.info()
    writes = {Capability.WRITE, Capability.ERASE}
    for name, call in REFUSALS.get(capability, {}).items():
        # A store for reading may refuse a write as one, whatever else it would need.
        is_reading = capability in writes or Capability.WRITE not in store.capabilities
        refused = (NotSupported, ReadOnly) if is_reading else (NotSupported,)
        try:
            await call(store)
        except refused:
            continue
        pytest.fail(f"{capability.value!r} is not declared, but {name} is not refused")
    after = await store.info()
    assert (after.revision, after.facts) == (before.revision, before.facts), (
        f"{capability.value!r} is not declared, and what was refused changed the store"
    )
