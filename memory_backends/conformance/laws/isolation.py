"""Suite 13, random histories of several namespaces: each is as if the others were not there."""

from __future__ import annotations

import random
from typing import Any

from lamlam.errors import LamLamError
from lamlam.memory_backends.conformance.backend import Place
from lamlam.memory_backends.conformance.laws.base import Laws, needs
from lamlam.memory_backends.conformance.samples import answer, facts, past_values
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    MergeEntities,
    RemoveAlias,
    Replace,
    Retract,
)
from lamlam.memory_backends.model.values import EntityRef, Value
from lamlam.memory_backends.protocol import Capability, FactStore

_SPACES: tuple[Namespace, ...] = ((), ("users", "7"), ("users", "77"))
_NAMES = ("Ada Quill", "Ada Quil", "Orb", "Łódź")
_RELATIONS = ("work", "spouse")
_TEXT = "Does ada quill's spouse know Orb of Łódź?"
_STEPS = 16
_Written = tuple[str, Any]
"""The name of a method, and its argument."""


def history_of(rng: random.Random, space: Namespace) -> list[_Written]:
    """Return random writes to one namespace."""

    def fact() -> Fact:
        values: list[Value] = [f"thing {rng.randrange(6)}", rng.choice(_NAMES), EntityRef("Orb")]
        value, name, relation = rng.choice(values), rng.choice(_NAMES), rng.choice(_RELATIONS)
        return Fact(entity=name, relation=relation, value=value, namespace=space)

    def write() -> _Written:
        name, other = rng.sample(_NAMES, 2)
        kinds: list[_Written] = [
            ("apply", Assert(fact())),
            ("apply", Assert(fact())),
            ("apply", Assert(fact())),
            ("apply", Replace(fact())),
            ("apply", Retract(name, rng.choice(_RELATIONS), namespace=space)),
            ("apply", AddAlias(name, f"also {other}", space)),
            ("apply", RemoveAlias(name, f"also {other}", space)),
            ("apply", MergeEntities(name, other, space)),
            ("erase", name),
        ]
        return rng.choice(kinds)

    return [write() for _ in range(_STEPS)]


async def do(store: FactStore, written: _Written, space: Namespace) -> str:
    """Do one write; return what is said of it, but for revisions."""
    kind, given = written
    try:
        if kind == "erase":
            if Capability.ERASE not in store.capabilities:
                return "not declared"
            receipt = await store.erase(given, namespace=space)
            # Its mentions are those of the whole store, each with its namespace.
            return f"{receipt.facts} erased"
        commit = await store.apply([given])
        return f"{commit.facts} changed"
    except LamLamError as error:
        return type(error).__name__


async def seen_in(store: FactStore, space: Namespace) -> dict[str, Any]:
    """Return all that a store says of a namespace, but for ids, revisions and times."""
    asked = [Lookup(name, relation, space) for name in _NAMES for relation in _RELATIONS]
    found = await store.search("quill orb", namespace=space)
    about = await store.facts_about(_TEXT, namespace=space, shared_namespace=None)
    seen: dict[str, Any] = {
        "facts": await facts(store, namespace=space),
        "lookups": [answer(one) for one in await store.lookup_many(asked)],
        "search": [(one.entity, one.surface) for one in found.facts],
        "about": [(one.entity, one.surface) for one in about.facts],
        "names": await store.names("", namespace=space),
        "known": await store.known_names(_NAMES, namespace=space),
        "entities": sorted([one async for one in store.entities(namespace=space)], key=repr),
    }
    if Capability.HISTORY in store.capabilities:
        past = [await store.history(name, namespace=space) for name in _NAMES]
        seen["history"] = [past_values(one) for one in past]
    if Capability.ALIASES in store.capabilities:
        seen["aliases"] = [await store.aliases(name, namespace=space) for name in _NAMES]
    return seen


@needs(Capability.NAMESPACES)
class IsolationLaws(Laws):
    """Suite 13: what is done in a namespace is seen in it alone."""

    suite = "namespaces"

    async def test_a_namespace_is_as_if_it_were_alone(self, place: Place) -> None:
        """Whatever was written, merged and erased in other namespaces, with a search index or
        without, a namespace says the same as in a store that has no other.
        """
        rng = random.Random(11)
        for number in range(max(1, place.backend.examples // 10)):
            histories = {space: history_of(rng, space) for space in _SPACES}
            order = [space for space in _SPACES for _ in range(_STEPS)]
            rng.shuffle(order)
            said: dict[Namespace, list[str]] = {space: [] for space in _SPACES}
            async with place.another() as shared:
                if number % 2 == 0 and Capability.SEARCH_INDEX in shared.capabilities:
                    await shared.set_search_index()
                for space in order:
                    written = histories[space][len(said[space])]
                    said[space].append(await do(shared, written, space))
                for space, history in histories.items():
                    async with place.another() as alone:
                        assert [await do(alone, one, space) for one in history] == said[space]
                        assert await seen_in(shared, space) == await seen_in(alone, space), space
