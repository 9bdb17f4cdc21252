"""Suite 6: what held in the world at a moment, and what the store said at a revision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lamlam.errors import BadFact, Conflict
from lamlam.memory_backends.conformance.laws.base import Laws, needs
from lamlam.memory_backends.conformance.samples import (
    ADA,
    fact,
    facts,
    listed,
    past_values,
    put,
    values,
)
from lamlam.memory_backends.model.early_moments import Instant
from lamlam.memory_backends.model.expiry import with_expired
from lamlam.memory_backends.model.lookups import Lookup, LookupStatus
from lamlam.memory_backends.model.operations import AddAlias, Assert, Replace, Retract
from lamlam.memory_backends.model.timestamps import as_moment
from lamlam.memory_backends.protocol import Capability, FactStore

INSTANT = timedelta(microseconds=1)


def year(number: int) -> datetime:
    """Return the first moment of a year."""
    return datetime(number, 1, 1, tzinfo=UTC)


async def at(store: FactStore, moment: Instant, relation: str = "mayor") -> list[str]:
    """Return the values that are valid at a moment."""
    return list((await store.lookup(ADA, relation, valid_at=moment)).values)


async def periods(store: FactStore) -> list[tuple[str, int | None, int | None]]:
    """Return values with the years of their periods, in stored order."""
    read = await listed(store.scan(**with_expired(store)))
    return [(f.surface, _year(f.valid_from), _year(f.valid_to)) for f in read]


def _year(moment: Instant | None) -> int | None:
    return None if moment is None else moment.year


@needs(Capability.VALID_TIME)
class ValidTimeLaws(Laws):
    """Suite 6: periods of world time."""

    suite = "valid time"

    async def test_a_period_is_half_open(self, store: FactStore) -> None:
        """A fact holds from its first moment on and no longer at its last, to the microsecond."""
        await store.apply([Assert(fact("A", "mayor", valid_from="1900", valid_to="1910"))])
        assert await at(store, year(1900)) == ["A"]
        assert await at(store, year(1900) - INSTANT) == []
        assert await at(store, year(1910) - INSTANT) == ["A"]
        assert await at(store, year(1910)) == []

    async def test_an_open_period_has_no_end(self, store: FactStore) -> None:
        """Without a begin a fact always held, without an end it holds for ever."""
        await store.apply(
            [
                Assert(fact("A", "mayor", valid_to="1910")),
                Assert(fact("B", "mayor", valid_from="1910")),
            ]
        )
        assert await at(store, datetime(1, 1, 1, tzinfo=UTC)) == ["A"]
        assert await at(store, year(1910)) == ["B"]
        assert await at(store, datetime(9999, 12, 31, tzinfo=UTC)) == ["B"]
        assert await values(store, "mayor") == ["B"]

    async def test_a_value_of_another_time_is_no_miss(self, store: FactStore) -> None:
        """Where values are known but none holds at the moment, the status says so."""
        await store.apply([Assert(fact("A", "mayor", valid_to="1910"))])
        result = await store.lookup(ADA, "mayor")
        assert (result.status, result.values) == (LookupStatus.NOT_VALID_AT, ())
        asked = [Lookup(ADA, "mayor", valid_at=year(y)) for y in (1909, 1911)]
        assert [one.status for one in await store.lookup_many(asked)] == ["hit", "not_valid_at"]
        assert (await store.lookup(ADA, "work", valid_at=year(1900))).status == "miss"

    async def test_the_same_moment_in_any_zone(self, store: FactStore) -> None:
        """Moments are compared as moments; one without a zone is `BadFact`."""
        await store.apply([Assert(fact("A", "mayor", valid_from="2000-01-01T00:00:00+02:00"))])
        assert await at(store, datetime(1999, 12, 31, 22, tzinfo=UTC)) == ["A"]
        assert await at(store, datetime(1999, 12, 31, 22, tzinfo=UTC) - INSTANT) == []
        with pytest.raises(BadFact):
            await at(store, datetime(2000, 1, 1))

    async def test_one_value_in_several_periods(self, store: FactStore) -> None:
        """The same value may be valid in several periods, each a separate fact, and is returned
        once.
        """
        await store.apply([
            Assert(fact("A", "mayor", valid_from="1900", valid_to="1910")),
            Assert(fact("A", "mayor", valid_from="1920", valid_to="1930")),
            Assert(fact("A", "mayor", valid_from="1925", valid_to="1935")),
        ])  # fmt: skip
        assert len({one.id async for one in store.scan(**with_expired(store))}) == 3
        assert await at(store, year(1915)) == []
        assert await at(store, year(1927)) == ["A"]
        await store.apply([Retract(ADA, "mayor", exact=True, valid_from=year(1900))])
        assert await periods(store) == [("A", 1920, 1930), ("A", 1925, 1935)]

    async def test_the_end_of_a_period_becomes_known(self, store: FactStore) -> None:
        """The same statement with another end is the same fact with that end."""
        await store.apply([Assert(fact("A", "mayor", valid_from="1900"))])
        fact_id = (await listed(store.scan(**with_expired(store))))[0].id
        await store.apply([Assert(fact("A", "mayor", valid_from="1900", valid_to="1910"))])
        (read,) = await listed(store.scan(**with_expired(store)))
        assert (read.id, read.valid_to) == (fact_id, year(1910))

    async def test_replacing_in_the_middle_of_a_period(self, store: FactStore) -> None:
        """What held outside the new period keeps those times; inside it only the
        new value holds.
        """
        await store.apply(
            [Assert(fact("A", "mayor", valid_from="1900", valid_to="1940", source="s"))]
        )
        await store.apply([Replace(fact("B", "mayor", valid_from="1910", valid_to="1920"))])
        found = [await at(store, year(y)) for y in (1899, 1900, 1909, 1910, 1919, 1920, 1939, 1940)]
        assert found == [[], ["A"], ["A"], ["B"], ["B"], ["A"], ["A"], []]
        assert sorted(await periods(store)) == [
            ("A", 1900, 1910), ("A", 1920, 1940), ("B", 1910, 1920),
        ]  # fmt: skip
        assert {one.source for one in await facts(store) if one.surface == "A"} == {"s"}

    async def test_replacing_before_the_same_value(self, store: FactStore) -> None:
        """Where a value goes on as a later statement of the same, that one keeps its confidence and
        joins the sources.
        """
        await store.apply([
            Assert(fact("A", "mayor", valid_from="1900", valid_to="1930", source="old",
                        confidence=0.3)),
            Assert(fact("A", "mayor", valid_from="1920", valid_to="1940", source="new",
                        confidence=0.9)),
        ])  # fmt: skip
        await store.apply([Replace(fact("B", "mayor", valid_from="1910", valid_to="1920"))])
        assert await periods(store) == [("A", 1900, 1910), ("A", 1920, 1940), ("B", 1910, 1920)]
        later = next(one for one in await facts(store) if one.valid_from == year(1920))
        assert (later.confidence, later.sources) == (0.9, ("new", "old"))

    async def test_replacing_from_a_moment_on(self, store: FactStore) -> None:
        """A new value without an end closes what held, and what was to come is gone."""
        await store.apply([
            Assert(fact("A", "mayor", valid_from="1900")),
            Assert(fact("C", "mayor", valid_from="1950", valid_to="1960")),
            Assert(fact("O", "mayor", valid_to="1890")),
        ])  # fmt: skip
        await store.apply([Replace(fact("B", "mayor", valid_from="1910"))])
        assert sorted(await periods(store), key=str) == [
            ("A", 1900, 1910), ("B", 1910, None), ("O", None, 1890),
        ]  # fmt: skip

    async def test_replacing_for_all_time(self, store: FactStore) -> None:
        """A new value without a period is the only one ever."""
        await store.apply([Assert(fact("A", "mayor", valid_from="1900", valid_to="1910"))])
        await store.apply([Replace(fact("B", "mayor"))])
        assert await periods(store) == [("B", None, None)]

    async def test_a_correction_of_the_past(self, store: FactStore) -> None:
        """A period that was wrong is replaced without touching the present."""
        await store.apply(
            [
                Assert(fact("A", "mayor", valid_to="1910")),
                Assert(fact("B", "mayor", valid_from="1910")),
            ]
        )
        await store.apply([Replace(fact("C", "mayor", valid_to="1905"))])
        found = [await at(store, year(y)) for y in (1904, 1905, 1909, 1910)]
        assert found == [["C"], ["A"], ["A"], ["B"]]
        assert await values(store, "mayor") == ["B"]

    async def test_periods_before_christ(self, store: FactStore) -> None:
        """A period may begin and end before the year 1, and a new one may end in it."""
        years = [as_moment(y) for y in ("-0060", "-0059", "-0050", "-0044", "-0043", "0000")]
        await store.apply([Assert(fact("A", "mayor", valid_from="-0059", valid_to="-0043"))])
        found = [await at(store, moment) for moment in years]
        assert found == [[], ["A"], ["A"], ["A"], [], []]
        await store.apply([Replace(fact("B", "mayor", valid_from="-0049", valid_to="0014"))])
        found = [await at(store, moment) for moment in years]
        assert found == [[], ["A"], ["A"], ["B"], ["B"], ["B"]]
        assert (await at(store, year(13)), await at(store, year(14))) == (["B"], [])
        assert sorted(await periods(store), key=str) == [("A", -59, -49), ("B", -49, 14)]
        await store.apply([Retract(ADA, "mayor", exact=True, valid_from=as_moment("-0059"))])
        assert await periods(store) == [("B", -49, 14)]

    async def test_the_same_value_replaced_grows(self, store: FactStore) -> None:
        """The same statement with a later end stays one fact, and keeps the later end."""
        await store.apply([Assert(fact("A", "mayor", valid_from="1900", valid_to="1910"))])
        await store.apply([Replace(fact("A", "mayor", valid_from="1900", valid_to="1905"))])
        assert await periods(store) == [("A", 1900, 1910)]
        await store.apply([Replace(fact("A", "mayor", valid_from="1900"))])
        assert await periods(store) == [("A", 1900, None)]

    async def test_retracting_takes_every_period(self, store: FactStore) -> None:
        """A value retracted ends in all its periods."""
        await store.apply([Assert(fact("A", "mayor", valid_from=f"{y}")) for y in (1900, 1910)])
        assert (await store.apply([Retract(ADA, "mayor", "A")])).facts == 2
        assert await periods(store) == []


@needs(Capability.HISTORY)
class HistoryLaws(Laws):
    """Suite 6: what the store said at a revision."""

    suite = "history"

    async def test_what_ended_is_in_the_history(self, store: FactStore) -> None:
        """A fact that ended is not returned any more, and the history gives the revisions of its
        begin and end.
        """
        first = await store.apply([Assert(fact("Paris", source="s")), Assert(fact("Rome"))])
        second = await store.apply([Retract("ada lovelace", "birth place", "Paris")])
        assert await values(store) == ["Rome"]
        (past,) = await store.history(ADA)
        assert (past.fact.surface, past.fact.source, past.fact.entity) == ("Paris", "s", ADA)
        assert (past.asserted, past.retracted) == (first.revision, second.revision)
        assert past.fact.retracted == second.revision
        await store.apply([Retract(ADA, "place of birth")])
        assert past_values(await store.history(ADA, "born in")) == ["Paris", "Rome"]
        assert await store.history(ADA, "death place") == await store.history("Nobody") == []
        assert (await store.info()).entities == 0

    async def test_a_new_version_ends_the_old_one(self, store: FactStore) -> None:
        """New sources or confidence make a version with the same id; the one before is in the
        history.
        """
        first = await store.apply([Assert(fact(source="a"))])
        second = await store.apply([Assert(fact(source="b", confidence=0.5))])
        (now,) = await listed(store.scan(**with_expired(store)))
        (past,) = await store.history(ADA)
        assert (now.id, now.revision) == (past.fact.id, second.revision)
        assert (past.asserted, past.retracted) == (first.revision, second.revision)
        assert (past.fact.sources, past.fact.confidence) == (("a",), 1.0)

    async def test_the_past_has_the_name_of_today(self, store: FactStore) -> None:
        """An entity that ended and came back in another spelling has that one in its history
        too; one that did not come back has its last.
        """
        await store.apply([Assert(fact("x", "work", "ada lovelace"))])
        await store.apply([Retract(ADA, "work")])
        assert [past.fact.entity for past in await store.history(ADA)] == ["ada lovelace"]
        await store.apply([Assert(fact("y", "score", "ADA LOVELACE"))])
        assert [past.fact.entity for past in await store.history(ADA)] == ["ADA LOVELACE"]
        await store.apply([Retract(ADA, "score")])
        assert [past.fact.entity for past in await store.history(ADA)] == ["ADA LOVELACE"] * 2

    async def test_every_earlier_state_is_read(self, store: FactStore) -> None:
        """At each revision lookups and scans give what they gave then, in the order they had."""
        ops = (
            [Assert(fact("a", "work")), Assert(fact("b", "work"))],
            [Retract(ADA, "work", "a")],
            [Assert(fact("c", "work")), Assert(fact("x", "score", "Other"))],
            [Assert(fact("b", "work", source="s"))],
            [Assert(fact("a", "work"))],
            [Replace(fact("d", "work"))],
            [Retract(ADA, "work")],
            [Assert(fact("e", "work"))],
        )
        states = []
        for batch in ops:
            commit = await store.apply(batch)
            states.append(
                (commit.revision, await values(store, "work"), await listed(store.scan(ADA)))
            )
        for revision, now, scanned in states:
            result = await store.lookup(ADA, "work", as_of=revision)
            assert list(result.values) == now, f"as of {revision}"
            was = await listed(store.scan(ADA, as_of=revision))
            assert [(f.id, f.sources, f.revision) for f in was] == [
                (f.id, f.sources, f.revision) for f in scanned
            ]
        first = states[0][0]
        assert (await store.lookup(ADA, "work", as_of=first - 1)).status == "miss"
        assert {f.entity for f in await facts(store, as_of=states[2][0])} == {ADA, "Other"}

    async def test_the_future_is_no_state(self, store: FactStore) -> None:
        """A revision that the store has not reached is `Conflict`."""
        revision = (await put(store, (ADA, "work", "x"))).revision
        await store.lookup(ADA, "work", as_of=revision)
        with pytest.raises(Conflict):
            await store.lookup(ADA, "work", as_of=revision + 1)
        with pytest.raises(Conflict):
            await listed(store.scan(as_of=revision + 1))

    async def test_an_entity_of_the_past_is_found(self, store: FactStore) -> None:
        """An entity that has no facts any more is found by its own name as of then."""
        revision = (await put(store, (ADA, "work", "x"), ("Other", "work", "y"))).revision
        await store.apply([Retract(ADA, "work")])
        assert (await store.lookup("ada LOVELACE", "work", as_of=revision)).values == ("x",)
        assert [one.entity async for one in store.scan(as_of=revision)].count(ADA) == 1

    @needs(Capability.ALIASES)
    async def test_names_are_todays(self, store: FactStore) -> None:
        """Earlier states are asked by the names of today."""
        revision = (await put(store, (ADA, "work", "x"))).revision
        await store.apply([AddAlias(ADA, "Countess"), Replace(fact("y", "work"))])
        assert (await store.lookup("Countess", "work", as_of=revision)).values == ("x",)
        assert past_values(await store.history("countess")) == ["x"]

    async def test_a_snapshot_stands_still(self, store: FactStore) -> None:
        """Reads of a snapshot give one state, whatever is committed meanwhile."""
        revision = (await put(store, (ADA, "work", "x"))).revision
        async with store.snapshot() as still:
            await store.apply([Replace(fact("y", "work")), Assert(fact())])
            assert await values(still, "work") == ["x"]
            assert await values(still) == []
            assert [one.surface async for one in still.scan()] == ["x"]
            assert (await still.info()).revision == revision
            assert await still.history(ADA) == []
            assert Capability.WRITE not in still.capabilities
        assert await values(store, "work") == ["y"]

    async def test_a_snapshot_has_no_future(self, store: FactStore) -> None:
        """A snapshot answers as of earlier revisions; one that it has not reached is `Conflict`."""
        first = (await put(store, (ADA, "work", "x"))).revision
        await store.apply([Replace(fact("y", "work"))])
        async with store.snapshot() as still:
            later = (await store.apply([Replace(fact("z", "work"))])).revision
            assert (await still.lookup(ADA, "work", as_of=first)).values == ("x",)
            assert [one.surface async for one in still.scan(as_of=first)] == ["x"]
            with pytest.raises(Conflict):
                await still.lookup(ADA, "work", as_of=later)
            with pytest.raises(Conflict):
                await listed(still.scan(as_of=later))
        assert (await store.lookup(ADA, "work", as_of=later)).values == ("z",)

    @needs(Capability.VALID_TIME)
    async def test_two_times(self, store: FactStore) -> None:
        """What held in the world at a moment, as the store knew it at a revision."""
        first = await store.apply([Assert(fact("A", "mayor", valid_from="1900"))])
        second = await store.apply([Replace(fact("B", "mayor", valid_from="1910"))])
        third = await store.apply([Replace(fact("C", "mayor", valid_from="1905"))])
        for moment, revision, value in (
            (1912, first, "A"), (1912, second, "B"), (1912, third, "C"), (1907, second, "A"),
            (1907, third, "C"), (1902, third, "A"),
        ):  # fmt: skip
            result = await store.lookup(
                ADA, "mayor", valid_at=year(moment), as_of=revision.revision
            )
            assert result.values == (value,), (moment, revision)

    @needs(Capability.NAMESPACES)
    async def test_history_stays_in_its_namespace(self, store: FactStore) -> None:
        """The past of an entity of the same name elsewhere is not read."""
        commit = await store.apply([Assert(fact("x")), Assert(fact("y", namespace=("a",)))])
        await store.apply([Retract(ADA, "birth place", namespace=("a",))])
        assert await store.history(ADA) == []
        assert past_values(await store.history(ADA, namespace=("a",))) == ["y"]
        then = commit.revision
        assert [one.surface async for one in store.scan(namespace=("a",), as_of=then)] == ["y"]
        assert [one.surface async for one in store.scan(namespace=(), as_of=then)] == ["x"]
        assert len(await facts(store, as_of=then)) == 2
