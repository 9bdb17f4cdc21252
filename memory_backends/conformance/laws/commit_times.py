"""Suite 11: when each commit was made and by whom, as the log says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lamlam.errors import BadFact, Conflict
from lamlam.memory_backends.conformance.backend import Place
from lamlam.memory_backends.conformance.laws.base import Laws, does_not_apply, needs
from lamlam.memory_backends.conformance.samples import ADA, changes, fact, listed, put
from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    DefineRelation,
    Replace,
    Retract,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.protocol import Capability, FactStore

_INSTANT = timedelta(microseconds=1)


async def _commits(store: FactStore, since: int | None = None) -> list[CommitInfo]:
    return [one async for one in store.commits(since)]


@needs(Capability.CHANGES, Capability.COMMIT_TIMES)
class CommitTimeLaws(Laws):
    """Suite 11: times and actors of commits."""

    suite = "commit times"

    async def test_every_commit_has_its_time_and_actor(self, store: FactStore) -> None:
        """`commits` names each commit once, in order, with its actor and a time that does not
        go back.
        """
        since = (await store.info()).revision
        for number, actor in enumerate(["registrar", None, "x" * 40, "<|db_end|> 'ö"]):
            await store.apply([Assert(fact(f"{number}", "work"))], actor=actor)
        await store.apply([Assert(fact("0", "work"))], actor="nobody")  # changes nothing
        found = await _commits(store, since)
        assert [one.revision - since for one in found] == [1, 2, 3, 4]
        assert [one.actor for one in found] == ["registrar", None, "x" * 40, "<|db_end|> 'ö"]
        times = [one.at for one in found if one.at is not None]
        assert len(times) == 4 and all(one.utcoffset() == timedelta(0) for one in times)
        assert times == sorted(times)
        assert await _commits(store, found[1].revision) == found[2:]
        assert (await _commits(store))[-4:] == found

    async def test_the_feed_says_when_and_by_whom(self, store: FactStore) -> None:
        """Every change, of facts, aliases, rules and erasures alike, has the time and the actor of
        its commit.
        """
        since = (await store.info()).revision
        await put(store, (ADA, "work", "a"), ("Bob", "work", "b"))
        await store.apply([Replace(fact("c", "work"))], actor="editor")
        if Capability.ALIASES in store.capabilities:
            await store.apply([AddAlias(ADA, "Countess")], actor="namer")
        if Capability.RULES in store.capabilities:
            await store.apply([DefineRelation(RelationRule("work", "many"))], actor="ruler")
        if Capability.ERASE in store.capabilities:
            await store.erase("Bob", "work")
        made = {one.revision: one for one in await _commits(store, since)}
        told = await changes(store, since)
        assert {one.revision for one in told} == set(made)
        for one in told:
            assert (one.at, one.actor) == (made[one.revision].at, made[one.revision].actor)
        assert {one.kind for one in told if one.actor == "editor"} == {"ended", "asserted"}

    async def test_history_says_when_and_by_whom(self, store: FactStore) -> None:
        """A version that ended has the times and the actors of both its commits."""
        if Capability.HISTORY not in store.capabilities:
            does_not_apply("it keeps no history")
        since = (await store.info()).revision
        await store.apply([Assert(fact("a", "work"))], actor="first")
        await store.apply([Assert(fact("a", "work", source="s"))])
        await store.apply([Retract(ADA, "work")], actor="last")
        first, second, third = await _commits(store, since)
        old, new = await store.history(ADA, "work")
        assert (old.asserted_by, old.retracted_by) == ("first", None)
        assert (new.asserted_by, new.retracted_by) == (None, "last")
        assert (old.asserted_at, old.retracted_at) == (first.at, second.at)
        assert (new.asserted_at, new.retracted_at) == (second.at, third.at)

    async def test_a_date_is_a_revision(self, store: FactStore) -> None:
        """`revision_at` gives the revision before the first commit of a moment or later."""
        since = (await store.info()).revision
        await put(store, (ADA, "work", "a"))
        commit = await put(store, (ADA, "work", "b"))
        (_, last) = await _commits(store, since)
        assert last.at is not None
        assert await store.revision_at(last.at + _INSTANT) == commit.revision
        assert since <= await store.revision_at(last.at) < commit.revision
        assert await store.revision_at("0500") <= since
        assert await store.revision_at("-0044") <= since
        with pytest.raises(BadFact):
            await store.revision_at("some day")

    async def test_commits_of_the_future_are_refused(self, store: FactStore) -> None:
        """A revision that the store has not reached is `Conflict`, as in the feed."""
        commit = await put(store, (ADA, "work", "a"))
        assert await _commits(store, commit.revision) == []
        with pytest.raises(Conflict):
            await _commits(store, commit.revision + 1)

    async def test_times_outlive_the_store_object(self, place: Place) -> None:
        """Opened again, a store gives the same times and actors."""
        if not place.backend.is_persistent:
            does_not_apply("the facts are gone when the store is closed")
        async with place.open() as store:
            await store.apply([Assert(fact("a", "work"))], actor="first")
            made = await _commits(store)
        async with place.open() as store:
            assert await _commits(store) == made
            assert len(await listed(store.changes(0))) == 1
