"""Suite 13: entities made one and two again, namespaces, and relations that have an inverse."""

from __future__ import annotations

import pytest

from lamlam.errors import BadFact
from lamlam.memory_backends.conformance.laws.base import Laws, needs
from lamlam.memory_backends.conformance.samples import (
    ADA,
    HALF,
    fact,
    facts,
    listed,
    plain,
    put,
    triples,
    values,
)
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    MergeEntities,
    Retract,
    SplitEntities,
)
from lamlam.memory_backends.protocol import Capability, FactStore


@needs(Capability.ALIASES)
class MergeLaws(Laws):
    """Suite 13: entities that turn out to be one, and to be two after all."""

    suite = "merges"

    async def test_two_entities_become_one(self, store: FactStore) -> None:
        """The kept entity has the facts and aliases of both, each fact once, and both names find
        it.
        """
        await put(store, ("A B", "work", "x"), ("C D", "work", "y"), ("C D", "work", "x"))
        await store.apply([AddAlias("C D", "Other")])
        await store.apply([MergeEntities("A B", "C D")])
        for name in ("A B", "C D", "Other"):
            assert await values(store, "work", name) == ["x", "y"]
        assert await store.aliases("A B") == ["c d", "other"]
        assert await triples(store) == [("A B", "work", "x"), ("A B", "work", "y")]
        assert (await store.info()).entities == 1

    async def test_a_split_undoes_a_merge(self, store: FactStore) -> None:
        """Facts and aliases are as they were before the merge; what came later stays with the kept
        entity.
        """
        await put(
            store, ("A B", "work", "x"), ("C D", "work", "y"), ("C D", "work", "x"), source="s"
        )
        await store.apply([AddAlias("C D", "Other"), AddAlias("A B", "First")])
        before = await facts(store)
        ids = {(one.entity, one.surface): one.id async for one in store.scan()}
        await store.apply([MergeEntities("A B", "C D")])
        await store.apply([SplitEntities("A B", "C D")])
        assert await facts(store) == before
        assert {(one.entity, one.surface): one.id async for one in store.scan()} == ids
        assert await store.aliases("A B") == ["first"]
        assert await store.aliases("C D") == ["other"]
        await store.apply([MergeEntities("A B", "C D")])
        await put(store, ("C D", "work", "later"))
        await store.apply([Retract("A B", "work", "y")])
        await store.apply([SplitEntities("A B", "C D")])
        assert await values(store, "work", "A B") == ["x", "later"]
        assert await values(store, "work", "C D") == ["x"]

    async def test_a_merge_may_be_repeated_in_one_commit(self, store: FactStore) -> None:
        """Merged, split, changed and merged again in one commit, a split gives back what came with
        the last merge.
        """
        merge, split = MergeEntities("A B", "C D"), SplitEntities("A B", "C D")
        await put(store, ("A B", "work", "x"), ("C D", "work", "y"))
        await store.apply([merge])
        await store.apply([split, Assert(fact("z", "work", "C D")), merge])
        await store.apply([split])
        assert await values(store, "work", "A B") == ["x"]
        assert await values(store, "work", "C D") == ["y", "z"]

    async def test_a_chain_of_merges_is_undone_the_last_first(self, store: FactStore) -> None:
        """An entity that was merged away itself still gives back what was merged into it, once it
        is split off.
        """
        await put(store, *((name, "work", name[0].lower()) for name in ("A B", "C D", "E F")))
        await store.apply([MergeEntities("C D", "E F")])
        await store.apply([MergeEntities("A B", "C D")])
        assert await values(store, "work", "E F") == ["a", "c", "e"]
        await store.apply([SplitEntities("A B", "C D")])
        assert await values(store, "work", "E F") == ["c", "e"]
        await store.apply([SplitEntities("C D", "E F")])
        assert await triples(store) == [(n, "work", n[0].lower()) for n in ("A B", "C D", "E F")]

    async def test_what_came_and_was_merged_in_one_commit_is_split(self, store: FactStore) -> None:
        """Entities that came in the very commit that merged them, one after another, come back."""
        names = ("A B", "C D", "E F")
        await store.apply(
            [
                *(Assert(fact(name[0].lower(), "work", name)) for name in names),
                MergeEntities("C D", "E F"),
                MergeEntities("A B", "C D"),
            ]
        )
        assert await values(store, "work", "E F") == ["a", "c", "e"]
        await store.apply([SplitEntities("A B", "C D")])
        await store.apply([SplitEntities("C D", "E F")])
        assert await triples(store) == [(n, "work", n[0].lower()) for n in names]

    @needs(Capability.ERASE, Capability.HISTORY)
    async def test_erasing_reaches_what_was_merged_in(self, store: FactStore) -> None:
        """Erasing an entity erases the past of what was merged into it, also where it has no facts
        any more.
        """
        await put(store, ("A B", "work", "x"), ("C D", "work", "canary"), ("E F", "work", "y"))
        await store.apply([MergeEntities("C D", "E F")])
        await store.apply([MergeEntities("A B", "C D")])
        await store.apply([Retract("A B", "work")])
        await store.erase("A B")
        for name in ("A B", "C D", "E F"):
            assert await store.history(name) == []

    async def test_merges_of_merges_are_undone_in_turn(self, store: FactStore) -> None:
        """Several merges into one entity are split one by one, in any order."""
        await put(store, ("A B", "work", "a"), ("C D", "work", "c"), ("E F", "work", "e"))
        await store.apply([MergeEntities("A B", "C D"), MergeEntities("A B", "E F")])
        assert await values(store, "work", "E F") == ["a", "c", "e"]
        await store.apply([SplitEntities("A B", "C D")])
        assert await values(store, "work", "C D") == ["c"]
        assert await values(store, "work", "A B") == ["a", "e"]
        await store.apply([SplitEntities("A B", "E F")])
        assert await triples(store) == [(n, "work", n[0].lower()) for n in ("A B", "C D", "E F")]

    async def test_what_cannot_be_merged_is_refused(self, store: FactStore) -> None:
        """Unknown entities and splits of what was not merged are `BadFact`; merging an entity with
        itself changes nothing.
        """
        await put(store, ("A B", "work", "a"), ("C D", "work", "c"))
        for op in (
            MergeEntities("A B", "Nobody"),
            MergeEntities("Nobody", "A B"),
            SplitEntities("A B", "C D"),
        ):
            with pytest.raises(BadFact):
                await store.apply([Retract("A B", "work"), op])
        assert (await store.apply([MergeEntities("A B", "a b")])).facts == 0
        await store.apply([MergeEntities("A B", "C D"), SplitEntities("A B", "C D")])
        with pytest.raises(BadFact):
            await store.apply([SplitEntities("A B", "C D")])
        assert len(await facts(store)) == 2

    @needs(Capability.HISTORY)
    async def test_a_merge_is_in_the_history(self, store: FactStore) -> None:
        """Before the merge, each entity had its own facts."""
        await put(store, ("A B", "work", "a"))
        before = await put(store, ("C D", "work", "c"))
        await store.apply([MergeEntities("A B", "C D")])
        was = await listed(store.scan(as_of=before.revision))
        assert sorted((one.entity, one.surface) for one in was) == [("A B", "a"), ("C D", "c")]


@needs(Capability.NAMESPACES)
class NamespaceLaws(Laws):
    """Suite 13: namespaces are separate."""

    suite = "namespaces"

    async def test_namespaces_are_apart(self, store: FactStore) -> None:
        """The same name in two namespaces, or in none, is different entities for every read and
        write.
        """
        spaces = ((), ("a",), ("a", "b"), ("b",))
        written = [fact(f"in {n}", namespace=space) for n, space in enumerate(spaces)]
        await store.apply([Assert(one) for one in written])
        assert (await store.info()).entities == len(spaces)
        for n, space in enumerate(spaces):
            result = await store.lookup(ADA, "born in", namespace=space)
            assert result.values == (f"in {n}",)
            assert [one.namespace for one in result.facts] == [space]
            assert [one.surface async for one in store.scan(namespace=space)] == [f"in {n}"]
            assert [one.surface async for one in store.scan(ADA, namespace=space)] == [f"in {n}"]
        assert await facts(store) == plain(written)
        assert [one.surface async for one in store.scan(ADA)] == ["in 0"]
        await store.apply([Retract(ADA, "birth place", namespace=("a",))])
        assert (await store.lookup(ADA, "birth place", namespace=("a",))).status == "miss"
        assert len(await facts(store)) == 3
        assert len({one.id async for one in store.scan()}) == 3

    @pytest.mark.parametrize("space", [("a/b",), ("a", ""), ("a\x1db",), (HALF,), "ab"])
    async def test_what_is_no_namespace_is_not_read(
        self, store: FactStore, space: Namespace
    ) -> None:
        """A part with a slash is not read as two parts: every read from an invalid namespace is
        `BadFact`.
        """
        can = store.capabilities
        await store.apply([Assert(fact("x", "work", namespace=("a", "b")))])
        with pytest.raises(BadFact, match="namespace"):
            await store.lookup(ADA, "work", namespace=space)
        with pytest.raises(BadFact, match="namespace"):
            await listed(store.scan(ADA, namespace=space))
        with pytest.raises(BadFact, match="namespace"):
            await listed(store.scan(namespace=space))
        if Capability.HISTORY in can:
            with pytest.raises(BadFact, match="namespace"):
                await store.history(ADA, namespace=space)
        if Capability.ALIASES in can:
            with pytest.raises(BadFact, match="namespace"):
                await store.aliases(ADA, namespace=space)
        if Capability.CHANGES in can:
            with pytest.raises(BadFact, match="namespace"):
                await listed(store.changes(None, namespace=space))
        if Capability.FAST_LOOKUP in can:
            with pytest.raises(BadFact, match="namespace"):
                store.lookup_nowait(Lookup(ADA, "work", space))
            with pytest.raises(BadFact, match="namespace"):
                store.describe_nowait(ADA, namespace=space)

    async def test_spellings_stay_in_their_namespace(self, store: FactStore) -> None:
        """A near name of another namespace is neither an answer nor a candidate."""
        await store.apply([Assert(fact(entity="Grace Brewster Hopper", namespace=("a",)))])
        for name in ("Grace Hopper", "Grace Brewster Hoper", "a/Grace Brewster Hopper"):
            for space in ((), ("b",)):
                result = await store.lookup(name, "birth place", namespace=space)
                assert (result.status, result.candidates) == ("miss", ())
        if Capability.FUZZY in store.capabilities:
            found = await store.lookup("Grace Hopper", "birth place", namespace=("a",))
            assert found.values == ("London",)

    @needs(Capability.ALIASES)
    async def test_aliases_stay_in_their_namespace(self, store: FactStore) -> None:
        """An alias names one entity per namespace, and merges work within one."""
        for space in (("a",), ("b",)):
            await store.apply([Assert(fact(space[0], namespace=space))])
            await store.apply([AddAlias(ADA, "Countess", space)])
        for space in (("a",), ("b",)):
            found = await store.lookup("Countess", "birth place", namespace=space)
            assert found.values == space
            assert await store.aliases(ADA, namespace=space) == ["countess"]
        assert (await store.lookup("Countess", "birth place")).status == "miss"
        with pytest.raises(BadFact):
            await store.apply([MergeEntities(ADA, "Countess")])

    @needs(Capability.ERASE)
    async def test_erasing_stays_in_its_namespace(self, store: FactStore) -> None:
        """An entity of the same name elsewhere is left alone."""
        await store.apply([Assert(fact(namespace=space)) for space in ((), ("a",), ("b",))])
        assert (await store.erase(ADA, namespace=("a",))).facts == 1
        assert {one.namespace for one in await facts(store)} == {(), ("b",)}
        assert (await store.erase(ADA)).facts == 1
        assert [one.namespace for one in await facts(store)] == [("b",)]

    @pytest.mark.parametrize(
        "space", [("",), (" a",), ("a/b",), ("a\n",), ("x" * 101,), ("a",) * 9]
    )
    async def test_what_is_no_namespace_is_refused(
        self, store: FactStore, space: tuple[str, ...]
    ) -> None:
        """Parts that are empty, too long or too many, or hold a slash or control character are
        `BadFact`.
        """
        await store.apply([Assert(fact())])
        with pytest.raises(BadFact):
            await store.apply([Retract(ADA, "birth place"), Retract(ADA, "work", namespace=space)])
        assert await values(store) == ["London"]
