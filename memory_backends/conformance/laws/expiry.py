"""Suite 6: facts whose period has ended: hidden, found when asked for, and swept away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lamlam.errors import BadFact
from lamlam.memory_backends.conformance.laws.base import Laws, does_not_apply, needs
from lamlam.memory_backends.conformance.laws.time_travel import year
from lamlam.memory_backends.conformance.samples import ADA, changes, fact, listed, past_values
from lamlam.memory_backends.model.clock import clock_at
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import Assert, Replace, Retract
from lamlam.memory_backends.model.timestamps import as_moment
from lamlam.memory_backends.protocol import Capability, FactStore

_INSTANT = timedelta(microseconds=1)


async def scanned(store: FactStore, *names: str, **where: object) -> list[str]:
    """Return the surfaces of what a scan yields, in its order."""
    return [one.surface async for one in store.scan(*names, **where)]  # type: ignore[arg-type]


async def put_mayors(store: FactStore, *, namespace: tuple[str, ...] = ()) -> None:
    """Write one value that was, one that is and one that will be, and one without a period."""
    old = fact("old", "mayor", valid_from="1900", valid_to="1910", namespace=namespace)
    now = fact("now", "mayor", valid_from="1910", namespace=namespace)
    later = fact("later", "mayor", valid_from="9000", namespace=namespace)
    always = fact("always", "home", namespace=namespace)
    await store.apply([Assert(one) for one in (old, now, later, always)])


@needs(Capability.VALID_TIME, Capability.EXPIRY)
class ExpiryLaws(Laws):
    """Suite 6: expiry."""

    suite = "expiry"

    async def test_what_has_expired_is_hidden(self, store: FactStore) -> None:
        """A scan leaves out facts whose period has ended, of one entity or relation as of all;
        asked for, they are there, in their places.
        """
        await put_mayors(store)
        assert await scanned(store) == ["now", "later", "always"]
        assert await scanned(store, ADA) == ["now", "later", "always"]
        assert await scanned(store, ADA, "mayor") == ["now", "later"]
        assert [one.surface async for one in store.scan(relation="mayor")] == ["now", "later"]
        everything = ["old", "now", "later", "always"]
        assert await scanned(store, include_expired=True) == everything
        assert await scanned(store, ADA, include_expired=True) == everything
        assert (await store.info()).facts == 4
        if Capability.FAST_LOOKUP in store.capabilities:
            view = store.describe_nowait(ADA)
            assert view is not None and view.values("mayor") == ("now",)
        if Capability.CHANGES in store.capabilities:
            told = [one.fact.surface for one in await changes(store) if one.fact is not None]
            assert told == everything
        if Capability.HISTORY in store.capabilities:
            revision = (await store.info()).revision
            await store.apply([Retract(ADA, "mayor")])
            assert await scanned(store, as_of=revision) == ["now", "later", "always"]
            assert await scanned(store, as_of=revision, include_expired=True) == everything

    async def test_a_search_leaves_out_what_has_expired(self, store: FactStore) -> None:
        """A search finds no fact whose period has ended, by its value or by its entity, until it is
        asked for.
        """
        await put_mayors(store)
        for text in ("old", ADA, "mayor old"):
            found = await store.search(text)
            assert "old" not in [one.surface for one in found.facts]
            found = await store.search(text, include_expired=True)
            assert "old" in [one.surface for one in found.facts]

    async def test_a_fact_expires_at_its_end(self, store: FactStore) -> None:
        """To the microsecond before its end a fact is seen by lookups and scans, from its end on
        by neither: the clock decides, nothing is written.
        """
        await store.apply([Assert(fact("x", "mayor", valid_to="2000"))])
        revision = (await store.info()).revision
        with clock_at(year(2000) - _INSTANT):
            assert (await store.lookup(ADA, "mayor")).values == ("x",)
            assert await scanned(store) == ["x"]
        with clock_at("2000"):
            assert (await store.lookup(ADA, "mayor")).status == "not_valid_at"
            assert await scanned(store) == []
        assert (await store.info()).revision == revision

    async def test_an_entity_may_expire_as_a_whole(self, store: FactStore) -> None:
        """Of an entity whose facts have all expired a scan yields nothing and a description says
        nothing; its name is still one that the store knows.
        """
        await store.apply([Assert(fact("x", "mayor", valid_to="1910"))])
        assert await scanned(store) == await scanned(store, ADA) == []
        if Capability.FAST_LOOKUP in store.capabilities:
            view = store.describe_nowait(ADA)
            assert view is not None and view.relations == ()
        assert await store.known_names([ADA, "Nobody"]) == {ADA}

    async def test_what_held_at_another_time_is_a_candidate(self, store: FactStore) -> None:
        """Where all values are of other times, the result has them as candidates, nearest in time
        first, with value, period and id.
        """
        await store.apply([
            Assert(fact("A", "mayor", valid_from="1900", valid_to="1910")),
            Assert(fact("B", "mayor", valid_from="1920", valid_to="1930")),
            Assert(fact("C", "mayor", valid_from="9000")),
        ])  # fmt: skip
        result = await store.lookup(ADA, "mayor")
        assert (result.status, result.values, result.facts) == ("not_valid_at", (), ())
        assert [one.facts for one in result.candidates] == [
            (("mayor", "B"),), (("mayor", "A"),), (("mayor", "C"),),
        ]  # fmt: skip
        best = result.candidates[0]
        assert (best.entity, best.relation, best.score) == (ADA, "mayor", 1.0)
        assert (best.valid_from, best.valid_to) == (year(1920), year(1930))
        ids = {one.surface: one.id async for one in store.scan(include_expired=True)}
        assert [one.fact_id for one in result.candidates] == [ids["B"], ids["A"], ids["C"]]
        between = Lookup(ADA, "mayor", valid_at=year(1911))
        (result,) = await store.lookup_many([between])
        assert [dict(one.facts)["mayor"] for one in result.candidates] == ["A", "B", "C"]
        assert (await store.lookup(ADA, "mayor", valid_at=year(1925))).candidates == ()

    async def test_a_sweep_retracts_what_has_expired(self, store: FactStore) -> None:
        """`sweep` ends what has expired, in one commit, and nothing else; a second one finds
        nothing to do.
        """
        await put_mayors(store)
        assert [one.surface async for one in store.expired()] == ["old"]
        before = (await store.info()).revision
        commit = await store.sweep()
        assert (commit.facts, commit.revision) == (1, before + 1)
        assert [one.surface for one in commit.ended] == ["old"]
        assert await scanned(store, include_expired=True) == ["now", "later", "always"]
        again = await store.sweep()
        assert (again.facts, again.revision) == (0, commit.revision)
        if Capability.HISTORY in store.capabilities:
            past = await store.history(ADA)
            assert past_values(past) == ["old"]
            if Capability.COMMIT_TIMES in store.capabilities:
                assert past[0].retracted_by == "expiry"

    async def test_a_sweep_is_of_a_moment(self, store: FactStore) -> None:
        """`sweep` ends what has ended by the moment that is given, or else by the present."""
        await store.apply([Assert(fact(f"{n}", "mayor", valid_to=f"{n}")) for n in (1910, 1920)])
        assert (await store.sweep(now=as_moment("1909"))).facts == 0
        assert (await store.sweep(now=as_moment("1910"))).facts == 1
        with clock_at("1915"):
            assert (await store.sweep()).facts == 0
            assert await scanned(store) == ["1920"]
        with clock_at("1920"):
            assert (await store.sweep(actor="janitor")).facts == 1
        with pytest.raises(BadFact):
            await store.sweep(now="some day")  # type: ignore[arg-type]

    async def test_a_prolonged_fact_is_not_swept(self, store: FactStore) -> None:
        """Retracting what has expired by a moment spares what is given a later end meanwhile, and
        siblings.
        """
        await store.apply([Assert(fact("x", "mayor", valid_from="1900", valid_to="1910"))])
        await store.apply([Assert(fact("x", "mayor", valid_from="1900"))])
        await store.apply([Assert(fact("y", "mayor"))])
        gone = Retract(ADA, "mayor", expired_at=as_moment("1950"))
        assert (await store.apply([gone])).facts == 0
        await store.apply([Replace(fact("z", "mayor", valid_to="1940"))])
        assert (await store.apply([gone])).facts == 1
        assert sorted(await scanned(store)) == ["x", "y"]

    async def test_a_sweep_keeps_to_its_namespace(self, store: FactStore) -> None:
        """With a namespace `sweep` ends what has expired there, without one everywhere."""
        if Capability.NAMESPACES not in store.capabilities:
            does_not_apply("it has no namespaces")
        for space in ((), ("users", "7"), ("users", "8")):
            await put_mayors(store, namespace=space)
        assert (await store.sweep(namespace=("users", "7"))).facts == 1
        left: list[Fact] = await listed(store.expired())
        assert sorted(one.namespace for one in left) == [(), ("users", "8")]
        assert (await store.sweep()).facts == 2
        assert await listed(store.expired()) == []
