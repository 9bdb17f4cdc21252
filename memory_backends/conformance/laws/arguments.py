"""What is given to a store by mistake: refused by name, and nothing is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from lamlam.errors import BadFact
from lamlam.memory_backends.conformance.laws.base import Laws, needs
from lamlam.memory_backends.conformance.samples import ADA, fact, listed, put, triples
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import Assert, Replace, Retract
from lamlam.memory_backends.protocol import Capability, FactStore

# Any: all of these are wrong on purpose, and types would not let them pass.
NO_OPERATIONS: tuple[Any, ...] = (
    None, 7, "ops", Assert(fact()), fact(), [None], ["op"], [fact()], [Assert(None)],  # type: ignore[arg-type]
)  # fmt: skip
NO_NAMES: tuple[Any, ...] = (None, 7, b"Ada", [ADA])
NO_REVISIONS: tuple[Any, ...] = ("x", -1, 1.5, True, 2**63)
NO_LOOKUPS: tuple[Any, ...] = (None, 7, "ab", Lookup(ADA, "work"), ["ab"], [None])
NO_FIELDS: dict[str, dict[str, Any]] = {
    "entity": {"entity": 7},
    "entity of bytes": {"entity": b"Ada"},
    "no entity": {"entity": None},
    "relation": {"relation": 7},
    "relation of a list": {"relation": ["work"]},
    "no relation": {"relation": None},
    "moment": {"valid_at": 7},
}
NO_BATCHES: tuple[Any, ...] = (0, -1, 1.5, "2", None, True)
NO_SWITCHES: tuple[Any, ...] = ("yes", "no", 0, 1, None)
_SWITCH = "must be True or False"
MISSING = object()
UNCHECKED: dict[str, dict[str, Any]] = {
    "value": {"value": "\ud800"},
    "both": {"value": "\ud800", "surface": "\ud800"},
    "surface": {"surface": "\ud800"},
    "no surface": {"surface": MISSING},
    "entity": {"entity": "\ud800"},
    "no entity": {"entity": MISSING},
    "empty entity": {"entity": ""},
    "relation": {"relation": 7},
    "no value": {"value": MISSING},
    "source": {"sources": ("\ud800",)},
    "sources": {"sources": None},
    "confidence": {"confidence": "high"},
    "large integer": {"value": 10**30, "surface": "many"},
}


class ArgumentLaws(Laws):
    """Suite 4: mistakes are refused before anything is done."""

    suite = "atomicity"

    @pytest.mark.parametrize("ops", NO_OPERATIONS)
    async def test_what_is_no_list_of_operations_is_refused(
        self, store: FactStore, ops: Any
    ) -> None:
        """Nothing, a text, a number, one operation or one fact where a list of operations belongs
        is `BadFact`.
        """
        await put(store, ("A B", "work", "x"))
        before = await store.info()
        with pytest.raises(BadFact):
            await store.apply(ops)
        assert await triples(store) == [("A B", "work", "x")]
        assert await store.info() == before

    @needs(Capability.ERASE)
    @pytest.mark.parametrize("name", NO_NAMES, ids=repr)
    async def test_what_names_nothing_erases_nothing(self, store: FactStore, name: Any) -> None:
        """An erasure whose entity or relation is not a text is `BadFact`."""
        await put(store, ("A B", "work", "x"))
        with pytest.raises(BadFact):
            await store.erase(name)
        if name is not None:  # stands for every relation
            with pytest.raises(BadFact):
                await store.erase("A B", name)
        assert await triples(store) == [("A B", "work", "x")]

    @pytest.mark.parametrize("batch", NO_BATCHES, ids=repr)
    async def test_a_scan_needs_a_batch(self, store: FactStore, batch: Any) -> None:
        """A batch that is not a whole number from 1 on is `BadFact`, never an empty scan."""
        await put(store, ("A B", "work", "x"))
        with pytest.raises(BadFact, match="batch"):
            await listed(store.scan(batch=batch))
        assert len(await listed(store.scan(batch=1))) == 1

    @pytest.mark.parametrize("field", UNCHECKED)
    async def test_a_fact_that_nobody_checked_is_checked(
        self, store: FactStore, field: str
    ) -> None:
        """Half a surrogate pair, a missing field, or a wrong type in a fact made without checks is
        `BadFact`, and nothing of the commit is written.
        """
        await put(store, ("A B", "work", "x"))
        before = await store.info()
        given: dict[str, Any] = {"entity": ADA, "relation": "work", "value": "y", "surface": "y"}
        given |= UNCHECKED[field]
        bad = Fact.model_construct(**{k: v for k, v in given.items() if v is not MISSING})
        for op in (Assert(bad), Replace(bad)):
            with pytest.raises(BadFact):
                await store.apply([Assert(fact()), op])
            # In the company of many, stores take shorter ways.
            with pytest.raises(BadFact):
                await store.apply([*(Assert(fact("z", "job", f"N {n}")) for n in range(600)), op])
        assert await triples(store) == [("A B", "work", "x")]
        assert await store.info() == before

    @needs(Capability.VALID_TIME)
    async def test_a_time_needs_its_zone(self, store: FactStore) -> None:
        """A time without a zone is `BadFact` wherever a moment is taken: written, retracted, asked."""
        await put(store, ("A B", "work", "x"))
        naive = datetime(2000, 1, 1)
        with pytest.raises(BadFact, match="zone"):
            await store.apply([Retract("A B", "work", exact=True, valid_from=naive)])
        bad = Fact.model_construct(entity=ADA, relation="r", value="v", surface="v", valid_to=naive)
        with pytest.raises(BadFact, match="zone"):
            await store.apply([Assert(bad)])
        with pytest.raises(BadFact, match="zone"):
            await store.lookup("A B", "work", valid_at=naive)
        if Capability.FAST_LOOKUP in store.capabilities:
            with pytest.raises(BadFact, match="zone"):
                store.lookup_nowait(Lookup("A B", "work", valid_at=naive))
        assert await triples(store) == [("A B", "work", "x")]

    @pytest.mark.parametrize("name", NO_NAMES[1:], ids=repr)
    async def test_a_read_needs_names(self, store: FactStore, name: Any) -> None:
        """A read by a name that is not a text is `BadFact`."""
        with pytest.raises(BadFact):
            await listed(store.scan(name))
        with pytest.raises(BadFact):
            await listed(store.scan(ADA, name))
        with pytest.raises(BadFact):
            await store.lookup(name, "work")
        if Capability.HISTORY in store.capabilities:
            with pytest.raises(BadFact):
                await store.history(name)
        if Capability.ALIASES in store.capabilities:
            with pytest.raises(BadFact):
                await store.aliases(name)
        if Capability.FAST_LOOKUP in store.capabilities:
            with pytest.raises(BadFact):
                store.describe_nowait(name)

    @pytest.mark.parametrize("field", NO_FIELDS)
    async def test_a_question_is_checked_however_it_is_asked(
        self, store: FactStore, field: str
    ) -> None:
        """A `Lookup` with a field of the wrong type is `BadFact` to `lookup_many` and
        `lookup_nowait`, whether or not the store holds what its other fields name.
        """
        await put(store, ("A B", "work", "x"))
        for entity, relation in (("A B", "work"), ("A B", "job"), ("C D", "work")):
            bad = replace(Lookup(entity, relation), **NO_FIELDS[field])
            with pytest.raises(BadFact):
                await store.lookup_many([Lookup("A B", "work"), bad])
            if Capability.FAST_LOOKUP in store.capabilities:
                with pytest.raises(BadFact):
                    store.lookup_nowait(bad)
        assert [one.value for one in await store.lookup_many([Lookup("A B", "work")])] == ["x"]

    @pytest.mark.parametrize("queries", NO_LOOKUPS, ids=repr)
    async def test_what_is_no_list_of_questions_is_refused(
        self, store: FactStore, queries: Any
    ) -> None:
        """Nothing, a text, a number or one question where a list of questions belongs is
        `BadFact`.
        """
        with pytest.raises(BadFact):
            await store.lookup_many(queries)

    @needs(Capability.NAMESPACES)
    @pytest.mark.parametrize("namespace", (None, 7, "users", ("a/b",)), ids=repr)
    async def test_a_question_needs_a_namespace(self, store: FactStore, namespace: Any) -> None:
        """A read from a namespace that is not one is `BadFact`."""
        await put(store, ("A B", "work", "x"))
        with pytest.raises(BadFact):
            await store.lookup_many([Lookup("A B", "work", namespace)])
        if Capability.FAST_LOOKUP in store.capabilities:
            with pytest.raises(BadFact):
                store.lookup_nowait(Lookup("A B", "work", namespace))

    @needs(Capability.HISTORY)
    @pytest.mark.parametrize("revision", NO_REVISIONS, ids=repr)
    async def test_a_question_needs_a_revision(self, store: FactStore, revision: Any) -> None:
        """A read as of a revision that is not a whole number, or too large for a store, is
        `BadFact`.
        """
        await put(store, ("A B", "work", "x"))
        bad = Lookup("A B", "work", as_of=revision)
        with pytest.raises(BadFact):
            await store.lookup("A B", "work", as_of=revision)
        with pytest.raises(BadFact):
            await store.lookup_many([bad])
        async with store.snapshot() as still:
            with pytest.raises(BadFact):
                await still.lookup_many([bad])
        if Capability.FAST_LOOKUP in store.capabilities:
            with pytest.raises(BadFact):
                store.lookup_nowait(bad)
            with pytest.raises(BadFact):
                store.describe_nowait("A B", as_of=revision)

    async def test_a_switch_is_on_or_off(self, store: FactStore) -> None:
        """A switch that is neither True nor False is `BadFact`: "no" would count as on."""
        await put(store, ("A B", "work", "x"))
        before = await store.info()
        for flag in NO_SWITCHES:
            with pytest.raises(BadFact, match=_SWITCH):
                await store.apply([Retract("A B", "work", exact=flag)])
            for options in ({"sources": flag}, {"include_expired": flag}):
                with pytest.raises(BadFact, match=_SWITCH):
                    await store.search("x", **options)
            if Capability.EXPIRY in store.capabilities:
                with pytest.raises(BadFact, match=_SWITCH):
                    await listed(store.scan(include_expired=flag))
            if Capability.SEARCH_INDEX in store.capabilities:
                for asked in ({"is_on": flag}, {"sources": flag}):
                    with pytest.raises(BadFact, match=_SWITCH):
                        await store.set_search_index(**asked)
            if {Capability.CHANGES, Capability.HISTORY} <= store.capabilities:
                with pytest.raises(BadFact, match=_SWITCH):
                    await store.undo(int(before.revision), dry_run=flag)
            if Capability.FAST_LOOKUP in store.capabilities:
                with pytest.raises(BadFact, match=_SWITCH):
                    store.describe_nowait("A B", fuzzy=flag)
        assert await store.info() == before
        assert await triples(store) == [("A B", "work", "x")]
