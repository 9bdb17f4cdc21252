"""What an overlay is beyond its laws: other methods of a store, other kinds of stores, wrong use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import BaseModel

import lamlam
from lamlam.errors import BadAnswer, BadFact, NotSupported, OverlayCycle, UsageError
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import Capability, FactStore
from lamlam.memory_backends.read_views.overlay import Overlay
from lamlam.memory_backends.sync import SyncFactStore

ADA, MINE, OTHER = "Ada Quill", ("users", "7"), ("users", "8")
pytestmark = pytest.mark.anyio


class Person(BaseModel):
    birth_place: str
    occupation: str


def fact(value: str, relation: str, namespace: Namespace = (), entity: str = ADA) -> Assert:
    return Assert(Fact(entity=entity, relation=relation, value=value, namespace=namespace))


async def fill(store: FactStore) -> None:
    shared = [fact("Lowmere", "birth place"), fact("miller", "occupation")]
    await store.apply([*shared, fact("Town 7", "birth place", MINE)])
    await store.apply([fact("Rome", "birth place", OTHER), fact("x", "work", OTHER, "Bob")])


async def test_a_model_is_filled_from_both_layers() -> None:
    """`recall` takes each field from the user, or from what all share."""
    async with open_store("memory:") as store:
        await fill(store)
        recalled = await Overlay(store, MINE).recall(Person, ADA)
        assert (recalled.model.birth_place, recalled.model.occupation) == ("Town 7", "miller")


async def test_what_a_user_sees_of_the_whole() -> None:
    """Entities, namespaces, ids, search and what is said about a text: of both layers alone."""
    async with open_store("memory:") as store:
        await fill(store)
        view = Overlay(store, MINE)
        assert {one.name async for one in view.entities()} == {ADA}
        assert {one.namespace async for one in view.namespaces()} == {(), MINE}
        ids = {one.surface: one.id async for one in store.scan()}
        seen = {value for value, id_ in ids.items() if id_ and await view.fact(id_)}
        assert seen == {"Lowmere", "miller", "Town 7"}
        about = await view.facts_about(f"Where was {ADA} born, and who is Bob?")
        told = {one.surface for one in about.facts}
        assert "Town 7" in told and not told & {"Rome", "Lowmere", "x"}
        found = await view.search("Ada Quill")
        assert not {one.surface for one in found.facts} & {"Rome", "x"}


async def test_a_blocking_overlay() -> None:
    """`SyncFactStore` gives it to code without ``async``."""
    async with open_store("memory:") as store:
        await fill(store)
        with SyncFactStore(Overlay(store, MINE)) as view:
            assert view.lookup(ADA, "birth place").value == "Town 7"
            assert view.lookup(ADA, "occupation").value == "miller"
            assert {one.surface for one in view.scan(ADA)} == {"Town 7", "miller"}


async def test_a_store_that_answers_at_once_only_when_asked_so() -> None:
    """Without fast lookups an overlay has none either, and says so."""

    class Slow(GraphStore):
        def __init__(self) -> None:
            super().__init__()
            self.capabilities = self.capabilities - {Capability.FAST_LOOKUP}

    async with Slow() as store:
        await fill(store)
        view = Overlay(store, MINE)
        assert Capability.FAST_LOOKUP not in view.capabilities
        assert (await view.lookup(ADA, "occupation")).value == "miller"


async def test_a_round_of_questions_is_of_one_state() -> None:
    """A commit between two questions of a lookup begins it again."""

    class Moving(GraphStore):
        n_asked = 0

        async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
            found = await super().lookup_many(queries)
            Moving.n_asked += 1
            if Moving.n_asked == 1:  # after the first question, before the second
                await self.apply([fact("Newtown", "birth place", (), "Ada Lovelace")])
            return found

    async with Moving() as store:
        await store.apply([fact("London", "birth place", (), "Ada Lovelace")])
        await store.apply([fact("blue", "colour", MINE, "Ada Lovelace")])
        await store.apply([lamlam.AddAlias("Ada Lovelace", "Countess", MINE)])
        found = await Overlay(store, MINE).lookup("Countess", "birth place")
    assert found.values == ("London", "Newtown")
    assert Moving.n_asked == 4


@pytest.mark.parametrize("answer", [None, [], "no list"])
async def test_a_store_that_answers_nonsense(answer: Any) -> None:
    """Too few results, and what is no list, are `BadAnswer`."""

    class Nonsense(GraphStore):
        async def lookup_many(self, queries: Sequence[Lookup]) -> Any:
            return answer

    async with Nonsense() as store:
        with pytest.raises(BadAnswer):
            await Overlay(store, MINE).lookup(ADA, "work")


async def test_wrong_use() -> None:
    """No store, no namespace, a cycle, and an overlay of an overlay: each has its name."""
    async with open_store("memory:") as store:
        for wrong in ("users/7", ("users/7",), ("a", ""), ("a\n",), 7):
            with pytest.raises(BadFact, match="namespace"):
                Overlay(store, wrong)  # type: ignore[arg-type]
        with pytest.raises(OverlayCycle, match="users/7"):
            Overlay(store, MINE, MINE)
        with pytest.raises(OverlayCycle):
            Overlay(Overlay(store, MINE), OTHER)
        with pytest.raises(UsageError):
            Overlay("sqlite:///facts.db", MINE)  # type: ignore[arg-type]
        with pytest.raises(NotSupported):
            await anext(Overlay(store, MINE).changes())
        assert Overlay(store, ()).layers.is_usual


async def test_what_only_looks_like_a_store() -> None:
    """The questions that came later are asked by those that it has."""

    class LooksLike:
        capabilities = frozenset({Capability.FAST_LOOKUP, Capability.NAMESPACES})

        def __init__(self, store: FactStore) -> None:
            self.lookup_nowait = store.lookup_nowait
            self.describe_nowait = store.describe_nowait
            self.homonyms_nowait = store.homonyms_nowait
            self.known_names_nowait = store.known_names_nowait

    async with open_store("memory:") as store:
        await fill(store)
        view = Overlay(LooksLike(store), MINE)  # type: ignore[arg-type]
        assert view.lookup_nowait(Lookup(ADA, "occupation")).value == "miller"
        found = view.meanings_nowait(ADA)
        assert found.view is not None and found.view.values("birth place") == ("Town 7",)
        assert view.possible_names_nowait([ADA, "Nobody"]) == {ADA, "Nobody"}
        assert view.homonyms_nowait("Nobody") == ()
