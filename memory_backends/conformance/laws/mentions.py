"""Suite 9, of names: an erased name is gone from the log, and what else mentions it is listed."""

from __future__ import annotations

from lamlam.memory_backends.conformance.laws.base import Laws, needs
from lamlam.memory_backends.conformance.laws.erasure import CANARY, found_in
from lamlam.memory_backends.conformance.samples import changes, fact, put, triples, values
from lamlam.memory_backends.model.operations import AddAlias, Assert, RemoveAlias, Retract
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
