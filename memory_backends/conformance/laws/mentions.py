"""Suite 9, of names: an erased name is gone from the log, and what else mentions it is listed."""

from __future__ import annotations

import pytest

from lamlam.errors import BadFact
from lamlam.memory_backends.conformance.laws.base import Laws, needs
from lamlam.memory_backends.conformance.laws.erasure import CANARY, found_in
from lamlam.memory_backends.conformance.samples import changes, fact, put, triples, values
from lamlam.memory_backends.model.erasure_receipts import MOST_MENTIONS, receipt_seen_from
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    RemoveAlias,
    Replace,
    Retract,
)
from lamlam.memory_backends.model.values import EntityRef
from lamlam.memory_backends.protocol import Capability, FactStore


@needs(Capability.ERASE)
class MentionLaws(Laws):
    """Suite 9, of names: an erased name is gone from the log, and what else has it is listed."""

    suite = "erasure"

    async def test_an_actor_goes_with_its_name(self, store: FactStore) -> None:
        """Who made a commit is forgotten with the entity of that name, however it was written and
        also where nothing else is known of it; who has the name in a longer one is listed.
        """
        await store.apply([Assert(fact("x", "work", "Bystander"))], actor="zqxjkv_canary")
        await store.apply([Assert(fact("y", "work", "Bystander"))], actor=f"clerk of {CANARY}")
        for has_facts in (False, True):
            if has_facts:
                await store.apply([Assert(fact("z", "work", CANARY))], actor=CANARY)
            receipt = await store.erase(CANARY)
            actors = [one for one in receipt.mentions if one.where == "actor"]
            # A store without a log of actors has none of them.
            assert len(actors) == receipt.log_entries <= 1
            assert (await store.erase(CANARY)).log_entries == 0
        assert await values(store, "work", "Bystander") == ["x", "y"]

    @needs(Capability.NAMESPACES)
    async def test_a_tenant_erases_actors_of_its_own_commits_alone(self, store: FactStore) -> None:
        """An erasure in a namespace leaves the actors of commits that changed another one, also of
        the same name, and counts none of them; an erasure in the unnamed namespace reaches all.
        """
        space, other = ("users", "7"), ("users", "8")
        for where, entity in (((), CANARY), (other, CANARY), (space, CANARY)):
            said = fact("x", "work", entity, namespace=where)
            await store.apply([Assert(said)], actor=CANARY)
        both = [Assert(fact("y", "work", "Bystander", namespace=one)) for one in (space, other)]
        await store.apply(both, actor=CANARY)
        has_actors = Capability.COMMIT_TIMES in store.capabilities
        assert (await store.erase(CANARY, namespace=("users", "9"))).log_entries == 0
        assert (await store.erase(CANARY, namespace=space)).log_entries == has_actors
        if has_actors:
            assert [one.actor async for one in store.commits(0)].count(CANARY) == 3
        assert (await store.erase_namespace(other)).log_entries == has_actors
        assert (await store.erase(CANARY)).log_entries == 2 * has_actors
        if has_actors:
            assert CANARY not in [one.actor async for one in store.commits(0)]

    async def test_the_receipt_lists_what_mentions_the_name(self, store: FactStore) -> None:
        """What other entities say of an erased name stays, and the receipt lists it: where the name
        stands as whole words in a value, a source, a relation or another entity's name.
        """
        await put(store, (CANARY, "work", "x"), (CANARY, "friend", CANARY))
        await put(
            store,
            ("Bystander", "friend", CANARY),
            ("Bystander", "note", "met ZQXJKV_Canary's brother"),
            ("Bystander", "note", "the zqxjkv canarybird"),
            ("Bystander", f"year of {CANARY}", "1900"),
            (f"Songs of {CANARY}", "work", "y"),
        )
        await store.apply(
            [
                Assert(fact("z", "job", "Bystander", source=f"letter of {CANARY}")),
                Assert(fact(EntityRef(CANARY), "spouse", "Bystander", surface="her")),
            ]
        )
        expected = {
            ("value", "Bystander", "friend"),
            ("value", "Bystander", "note"),
            ("relation", "Bystander", f"year of {CANARY}"),
            ("entity", f"Songs of {CANARY}", None),
            ("source", "Bystander", "job"),
            ("value", "Bystander", "spouse"),
        }
        if Capability.NAMESPACES in store.capabilities:
            await put(store, (CANARY, "work", "theirs"), namespace=("users", "7"))
            expected.add(("entity", CANARY, None))
        if Capability.HISTORY in store.capabilities:
            await put(store, ("Bystander", "past", CANARY))
            await store.apply([Retract("Bystander", "past")])
            expected.add(("value", "Bystander", "past"))
        before = await triples(store)
        for erased in (2, 0):  # where nothing is left to erase they are listed too
            receipt = await store.erase(CANARY)
            assert receipt.facts == erased
            listed = {(one.where, one.entity, one.relation) for one in receipt.mentions}
            assert listed == expected
            assert receipt.n_mentions == len(receipt.mentions) == len(expected)
            ended = {one.relation for one in receipt.mentions if one.retracted is not None}
            assert ended == ({"past"} if Capability.HISTORY in store.capabilities else set())
            ids = {one.id: one.surface async for one in store.scan("Bystander")}
            for one in receipt.mentions:
                if one.fact_id is not None and one.retracted is None:
                    assert ids[one.fact_id] == one.value
            assert str(receipt.n_mentions) in str(receipt)
        assert [one for one in before if one[0] != CANARY] == [
            one for one in await triples(store) if one[0] != CANARY
        ]

    @needs(Capability.NAMESPACES)
    async def test_many_mentions_are_counted_by_namespace(self, store: FactStore) -> None:
        """Of more mentions than a receipt lists, those of the erasure's namespace come first, and
        the others are counted for each namespace: a tenant is told of its own and of no other.
        """
        mine, other = ("users", "7"), ("users", "8")
        await put(store, (CANARY, "work", "x"), namespace=mine)
        said = [(f"B {n}", "friend", CANARY) for n in range(MOST_MENTIONS + 3)]
        await put(store, *said, namespace=other)
        await put(store, *said[:5], namespace=mine)
        receipt = await store.erase(CANARY, namespace=mine)
        assert receipt.n_mentions == len(said) + 5
        assert len(receipt.mentions) == MOST_MENTIONS
        assert [one.namespace for one in receipt.mentions].count(mine) == 5
        assert receipt.unlisted == ((other, 8),)
        for seen, n_listed, n in ((mine, 5, 5), (other, MOST_MENTIONS - 5, len(said)), ((), 0, 0)):
            told = receipt_seen_from(receipt, (seen,))
            assert (len(told.mentions), told.n_mentions) == (n_listed, n)
            assert {space for space, _ in told.unlisted} <= {seen}

    async def test_one_relation_has_no_mentions(self, store: FactStore) -> None:
        """Where one relation of an entity is erased its name stays, so no mention is listed."""
        await put(store, (CANARY, "work", "x"), (CANARY, "score", "1"), ("B", "friend", CANARY))
        receipt = await store.erase(CANARY, "work")
        assert (receipt.facts, receipt.mentions, receipt.n_mentions) == (1, (), 0)

    @needs(Capability.ALIASES, Capability.CHANGES)
    async def test_a_former_name_is_erased(self, store: FactStore) -> None:
        """A name that was an alias and is nobody's any more can be erased from the log; copies that
        still have it learn to drop it.
        """
        await put(store, ("A B", "work", "x"))
        await store.apply([AddAlias("A B", CANARY)])
        since = (await store.info()).revision
        await store.apply([RemoveAlias("A B", CANARY)])
        receipt = await store.erase(CANARY)
        assert (receipt.facts, receipt.log_entries) == (0, 2)
        assert receipt.revision == (await store.info()).revision
        assert found_in(repr(await changes(store, 0))) == []
        assert [one.kind for one in await changes(store, since)] == ["erased"]
        assert await triples(store) == [("A B", "work", "x")]
        assert (await store.erase(CANARY)).log_entries == 0

    async def test_every_entity_is_listed(self, store: FactStore) -> None:
        """All entities are listed, those of one namespace alone if asked, and where there is a
        history those too that have nothing else.
        """
        can = store.capabilities
        await put(store, ("A B", "work", "x"), ("A B", "score", "1"), ("C D", "work", "y"))
        await store.apply([Replace(fact("z", "work", "A B")), Retract("C D", "work")])
        past = Capability.HISTORY in can
        expected: set[tuple[str, tuple[str, ...], int, int]]
        expected = {("A B", (), 2, int(past))} | ({("C D", (), 0, 1)} if past else set())
        if Capability.NAMESPACES in can:
            await put(store, ("A B", "work", "theirs"), namespace=("users", "7"))
            expected.add(("A B", ("users", "7"), 1, 0))
        found = [one async for one in store.entities()]
        assert {(one.name, one.namespace, one.facts, one.past) for one in found} == expected
        assert len(found) == len(expected)
        for space in {one.namespace for one in found}:
            some = [one async for one in store.entities(namespace=space)]
            assert some == [one for one in found if one.namespace == space]
        named = [one async for one in store.entities(name="a_b")]
        assert set(named) == {one for one in found if one.name == "A B"}
        assert [one async for one in store.entities(name="Nobody")] == []

    @needs(Capability.NAMESPACES)
    async def test_a_namespace_is_erased_whole(self, store: FactStore) -> None:
        """All that is known in a namespace goes, also what only the history has, and who it was
        about as an actor; other namespaces stay, and what mentions the names is listed.
        """
        can, space = store.capabilities, ("users", "7")
        await put(store, ("A B", "work", "x"), ("A B", "friend", CANARY))
        await put(store, (CANARY, "work", "wvutsr"), ("zqxjkv 2", "of", CANARY), namespace=space)
        await store.apply([Retract("zqxjkv 2", "of", namespace=space)], actor=CANARY)
        if Capability.ALIASES in can:
            await store.apply([AddAlias(CANARY, "Kanarienvogel", space)])
        key = "k" if Capability.IDEMPOTENCY in can else None
        named = [Assert(fact("wvutsr 3", "work", "Zqxjkv 3", namespace=space))]
        await store.apply(named, actor="kanarienvogel", idempotency_key=key)
        await put(store, ("A B", "work", "beside"), namespace=("users", "70"))
        receipt = await store.erase_namespace(space, reason="asked", authority="herself")
        assert receipt.facts == (3 if Capability.HISTORY in can else 2)
        assert (receipt.entity, receipt.namespace, receipt.reason) == (None, space, "asked")
        assert not receipt.unfinished
        assert receipt.verified == (Capability.ERASE_PHYSICAL in can)
        mentioned = [(one.where, one.entity, one.namespace) for one in receipt.mentions]
        assert mentioned == [("value", "A B", ())] and receipt.n_mentions == 1
        assert [one async for one in store.entities(namespace=space)] == []
        assert await triples(store, namespace=space) == []
        if Capability.HISTORY in can:
            assert await store.history("zqxjkv 2", namespace=space) == []
        if Capability.CHANGES in can:
            assert found_in(repr(await changes(store, 0, namespace=space))) == []
        if key:  # no guess of what was sent is told from another
            other = [Assert(fact("x", "work", "Zqxjkv 3", namespace=space))]
            assert (await store.apply(other, idempotency_key=key)).facts == 1
            assert await triples(store, namespace=space) == []
        assert await triples(store) == [
            ("A B", "friend", CANARY), ("A B", "work", "beside"), ("A B", "work", "x")
        ]  # fmt: skip
        again = await store.erase_namespace(space)
        assert again.is_empty and not again.verified
        with pytest.raises(BadFact, match="namespace"):
            await store.erase_namespace(())
