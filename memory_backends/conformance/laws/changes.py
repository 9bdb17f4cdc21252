"""Suite 11: the change log has no gap and no duplicate, and a copy that follows is equal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import anyio

from lamlam.errors import ChangesGone
from lamlam.memory_backends.conformance.backend import Place
from lamlam.memory_backends.conformance.laws.base import Laws, does_not_apply, needs
from lamlam.memory_backends.conformance.samples import ADA, changes, fact, listed, put
from lamlam.memory_backends.model.expiry import with_expired
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    Change,
    DefineRelation,
    MergeEntities,
    Op,
    RemoveAlias,
    Replace,
    Retract,
    SplitEntities,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.protocol import Capability, FactStore


class FollowingCopy:
    """The facts of a store, built from its changes alone."""

    def __init__(self) -> None:
        self.facts: dict[str, Fact] = {}
        """By id."""
        self.since: int | None = None

    def follow(self, changed: Iterable[Change]) -> None:
        """Apply these changes to the copy."""
        for change in changed:
            if change.kind == "asserted" and change.fact is not None:
                self.facts[str(change.fact.id)] = change.fact
            elif change.kind == "ended" and change.fact is not None:
                del self.facts[str(change.fact.id)]
            elif change.kind == "erased":
                for fact_id in change.fact_ids:
                    self.facts.pop(fact_id, None)
            self.since = change.revision

    def held(self) -> list[str]:
        """Return every fact with id and revision, in a fixed order."""
        return sorted(map(repr, self.facts.values()))


async def held(store: FactStore) -> list[str]:
    """Return what `FollowingCopy.held` must return."""
    return sorted([repr(one) async for one in store.scan(**with_expired(store))])


def commits_of(can: frozenset[Capability]) -> Sequence[Sequence[Op]]:
    """Return commits that together use everything that a store can do."""
    commits: list[Sequence[Op]] = [
        [Assert(fact("a", "work")), Assert(fact("b", "work")), Assert(fact("x", "work", "Bob"))],
        [Assert(fact("a", "work", source="s"))],
        [Retract(ADA, "work", "a")],
        [Replace(fact("c", "occupation")), Assert(fact("y", "work", "Bob", confidence=0.5))],
        [Retract("Bob", "work"), Assert(fact("z", "work", "Carl"))],
        [Assert(fact("x", "work", "Bob"))],
    ]
    if Capability.VALID_TIME in can:
        commits += [
            [Assert(fact("A", "mayor", valid_from="1900"))],
            [Replace(fact("B", "mayor", valid_from="1910", valid_to="1920"))],
        ]
    if Capability.NAMESPACES in can:
        commits += [[Assert(fact("n", "work", namespace=("a",))), Assert(fact("m", "work"))]]
    if Capability.ALIASES in can:
        commits += [
            [AddAlias(ADA, "Countess"), AddAlias("Bob", "Robert")],
            [MergeEntities(ADA, "Bob")],
            [Assert(fact("later", "work", "Robert"))],
            [SplitEntities(ADA, "Bob"), RemoveAlias(ADA, "Countess")],
        ]
    if Capability.RULES in can:
        commits += [[DefineRelation(RelationRule("parent", inverse="child"))]]
    return commits


@needs(Capability.CHANGES)
class FeedLaws(Laws):
    """Suite 11: the change log."""

    suite = "changes"

    async def test_the_feed_tells_what_was_committed(self, store: FactStore) -> None:
        """Each commit that changed anything is in the feed once, in order, with its facts as they
        were then.
        """
        since = (await store.info()).revision
        first = await put(store, (ADA, "work", "a"), (ADA, "work", "b"))
        second = await store.apply([Retract(ADA, "work", "a"), Assert(fact("c", "work"))])
        told = [
            (c.revision, c.kind, c.entity, c.fact and c.fact.surface)
            for c in await changes(store, since)
        ]
        assert told == [
            (first.revision, "asserted", ADA, "a"), (first.revision, "asserted", ADA, "b"),
            (second.revision, "ended", ADA, "a"), (second.revision, "asserted", ADA, "c"),
        ]  # fmt: skip
        (ended,) = [c.fact for c in await changes(store, since) if c.kind == "ended"]
        assert ended is not None
        assert (ended.retracted, ended.revision) == (second.revision, first.revision)
        assert await changes(store, second.revision) == []

    async def test_a_new_version_is_asserted_and_nothing_ended(self, store: FactStore) -> None:
        """The feed gives an update of a fact as the new version, with the same id."""
        await store.apply([Assert(fact(source="a"))])
        (before,) = await listed(store.scan(**with_expired(store)))
        commit = await store.apply([Assert(fact(source="b"))])
        (told,) = await changes(store, commit.revision - 1)
        assert told.fact is not None
        assert (told.kind, told.fact.id, told.fact.sources) == ("asserted", before.id, ("a", "b"))

    async def test_what_came_again_has_moved(self, store: FactStore) -> None:
        """A fact that ended and was asserted again in one commit is in the feed as both: it now
        comes after the others.
        """
        await put(store, (ADA, "work", "a"), (ADA, "work", "b"))
        commit = await store.apply([Retract(ADA, "work", "a"), Assert(fact("a", "work"))])
        told = await changes(store, commit.revision - 1)
        assert [(c.kind, c.fact and c.fact.surface) for c in told] == [
            ("ended", "a"), ("asserted", "a"),
        ]  # fmt: skip
        assert [one.surface for one in await listed(store.scan(ADA))] == ["b", "a"]

    async def test_the_feed_resumes_anywhere(self, store: FactStore) -> None:
        """From any revision on the feed is the rest of the whole feed: no gap, no duplicate."""
        start = (await store.info()).revision
        for ops in commits_of(store.capabilities):
            await store.apply(ops)
        whole = await changes(store, start)
        assert [one.revision for one in whole] == sorted(one.revision for one in whole)
        assert {one.revision for one in whole} == set(
            range(start + 1, (await store.info()).revision + 1)
        )
        for since in range(start, (await store.info()).revision + 1):
            assert await changes(store, since) == [c for c in whole if c.revision > since]

    async def test_a_copy_converges(self, store: FactStore) -> None:
        """A copy that begins with the present and follows the feed equals the store after every
        commit.
        """
        late: list[FollowingCopy] = []
        for ops in commits_of(store.capabilities):
            await store.apply(ops)
            for copy in late:
                copy.follow(await changes(store, copy.since))
                assert copy.held() == await held(store)
            copy = FollowingCopy()
            copy.follow(await changes(store))
            copy.since = (await store.info()).revision
            assert copy.held() == await held(store)
            late.append(copy)

    async def test_a_copy_converges_while_others_write(self, store: FactStore) -> None:
        """A follower that reads while others write misses nothing and sees nothing twice."""
        copy = FollowingCopy()
        copy.since = (await store.info()).revision
        revisions: list[int] = []
        is_done = anyio.Event()

        async def write() -> None:
            for n in range(15):
                await put(store, (ADA, "work", f"w{n}"), (f"Name {n}", "work", "x"))
            is_done.set()

        async def follow() -> None:
            changed = await changes(store, copy.since)
            revisions.extend(dict.fromkeys(one.revision for one in changed))
            copy.follow(changed)
            await anyio.sleep(0.001)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            while not is_done.is_set():
                await follow()
        await follow()
        assert len(revisions) == len(set(revisions)) == 15
        assert copy.held() == await held(store)

    async def test_the_present_as_changes(self, store: FactStore) -> None:
        """`changes` without a revision gives rules, facts and aliases as they are now, up to this
        revision.
        """
        for ops in commits_of(store.capabilities):
            await store.apply(ops)
        now = await changes(store)
        assert {one.kind for one in now} <= {"rule", "asserted", "alias"}
        assert sorted(repr(one.fact) for one in now if one.fact is not None) == await held(store)
        # A reader that goes on from any of them misses nothing and gets nothing twice.
        assert {one.revision for one in now} == {(await store.info()).revision}
        if Capability.ALIASES in store.capabilities:
            told = {(one.entity, one.alias) for one in now if one.kind == "alias"}
            assert told == {("Bob", "robert")}
        if Capability.RULES in store.capabilities:
            assert [one.rule for one in now if one.kind == "rule"] == await store.rules()

    @needs(Capability.ALIASES)
    async def test_names_are_told(self, store: FactStore) -> None:
        """The feed gives aliases, merges and splits with the entity and the other name, before the
        facts that move.
        """
        await put(store, ("A B", "work", "x"), ("C D", "work", "y"))
        since = (await store.info()).revision
        await store.apply([AddAlias("A B", "Other")])
        await store.apply([RemoveAlias("A B", "Other")])
        await store.apply([MergeEntities("A B", "C D")])
        await store.apply([SplitEntities("A B", "C D")])
        told = [(one.kind, one.entity, one.alias) for one in await changes(store, since)]
        assert told[:3] == [
            ("alias", "A B", "other"), ("no_alias", "A B", "other"), ("merged", "A B", "c d"),
        ]  # fmt: skip
        assert sorted(told[3:5]) == [("asserted", "A B", None), ("ended", "C D", None)]
        assert told[5] == ("split", "A B", "c d")
        assert sorted(told[6:]) == [("asserted", "C D", None), ("ended", "A B", None)]

    @needs(Capability.RULES)
    async def test_rules_are_told(self, store: FactStore) -> None:
        """The feed gives a definition with its rule, in the commit that made it."""
        rule = RelationRule("parent", inverse="child")
        commit = await store.apply([DefineRelation(rule)])
        (told,) = await changes(store, commit.revision - 1)
        assert (told.kind, told.rule, told.revision) == ("rule", rule, commit.revision)

    @needs(Capability.NAMESPACES)
    async def test_the_feed_of_one_namespace(self, store: FactStore) -> None:
        """Asked for one namespace the feed gives its changes and no other's, erasures too."""
        spaces: tuple[Namespace, ...] = ((), ("a",), ("a", "b"))
        since = (await store.info()).revision
        for space in spaces:
            await store.apply(
                [Assert(fact(namespace=space)), Assert(fact("x", "work", namespace=space))]
            )
        for space in spaces:
            for told in (
                await changes(store, since, namespace=space),
                await changes(store, namespace=space),
            ):
                assert [one.namespace for one in told] == [space] * 2
        if Capability.ERASE in store.capabilities:
            since = (await store.info()).revision
            await store.erase(ADA, namespace=("a",))
            for space in spaces:
                told = await changes(store, since, namespace=space)
                assert [one.namespace for one in told] == [("a",)] * (space == ("a",))

    @needs(Capability.ERASE)
    async def test_a_copy_follows_an_erasure(self, store: FactStore) -> None:
        """By the ids that the feed gives of erased facts, a copy lets go of them."""
        await put(store, (ADA, "work", "x"), (ADA, "score", "y"), ("Bob", "work", "z"))
        copy = FollowingCopy()
        copy.follow(await changes(store))
        copy.since = (await store.info()).revision
        await store.erase(ADA, "score")
        copy.follow(await changes(store, copy.since))
        assert copy.held() == await held(store)

    @needs(Capability.ERASE, Capability.ALIASES, Capability.HISTORY)
    async def test_a_copy_follows_the_names_of_what_is_emptied(self, store: FactStore) -> None:
        """An erasure that takes an entity's last fact takes its aliases, and the feed says so; one
        that leaves a fact leaves them.
        """
        await put(store, (ADA, "work", "x"), (ADA, "score", "y"), (ADA, "child", "z"))
        await store.apply([AddAlias(ADA, "Countess"), Retract(ADA, "work")])
        for relation, expected in (("score", []), ("child", [("no_alias", "countess")])):
            receipt = await store.erase(ADA, relation)
            told = await changes(store, receipt.revision - 1)
            assert [(one.kind, one.alias) for one in told if one.alias] == expected

    async def test_the_feed_ends_where_it_says(self, store: FactStore) -> None:
        """From the revision on that `info` names the feed is whole; from before it is
        `ChangesGone`.
        """
        await put(store, (ADA, "work", "x"))
        info = await store.info()
        await changes(store, info.changes_since)
        if info.changes_since > 0:
            try:
                await changes(store, info.changes_since - 1)
            except ChangesGone:
                return
            raise AssertionError("a feed that is gone was given all the same")

    async def test_the_feed_outlives_the_store_object(self, place: Place) -> None:
        """Opened again, a store gives the same changes."""
        if not place.backend.is_persistent:
            does_not_apply("the facts are gone when the store is closed")
        async with place.open() as store:
            since = (await store.info()).revision
            for ops in commits_of(store.capabilities):
                await store.apply(ops)
            whole: list[Any] = await changes(store, since)
        async with place.open() as store:
            assert await changes(store, since) == whole
