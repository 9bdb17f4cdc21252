"""Suite 9: nothing is left of what was erased, and the receipt says no more than was done."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from lamlam.errors import BadFact
from lamlam.memory_backends.conformance.backend import Place
from lamlam.memory_backends.conformance.laws.base import Laws, does_not_apply, needs
from lamlam.memory_backends.conformance.samples import (
    ADA,
    HALF,
    changes,
    fact,
    facts,
    put,
    triples,
    values,
)
from lamlam.memory_backends.fact_formats.fact_files import write_facts
from lamlam.memory_backends.model.operations import (
    OUT_OF_REACH,
    AddAlias,
    Assert,
    DefineRelation,
    MergeEntities,
    RemoveAlias,
    Replace,
    Retract,
    SplitEntities,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import Quantity
from lamlam.memory_backends.protocol import Capability, FactStore

CANARY = "Zqxjkv Canary"
WORDS = ("zqxjkv", "wvutsr", "kanarienvogel")
"""No file or feed of a store that never held the canary holds one of these."""


async def plant(store: FactStore) -> None:
    """Write the canary to every place where a store keeps facts, now and in its past."""
    can = store.capabilities
    await put(store, ("Bystander", "work", "untouched"), (CANARY, "work", "wvutsr one"))
    for _ in range(2):
        await store.apply([Assert(fact("wvutsr two", "born in", CANARY, source="wvutsr source"))])
        await store.apply([Replace(fact("wvutsr three", "birth place", CANARY))])
        await store.apply([Retract(CANARY, "birth place")])
    await store.apply(
        [Assert(fact(Quantity(Decimal(7), "wvutsr"), "height", CANARY, surface="wvutsr m"))]
    )
    if Capability.ALIASES in can:
        await store.apply(
            [AddAlias(CANARY, "Kanarienvogel"), Assert(fact("wvutsr", "job", "Kanarienvogel 2"))]
        )
        await store.apply([MergeEntities(CANARY, "Kanarienvogel 2")])
        await store.apply([AddAlias(CANARY, "Kanarienvogel Three")])
    last = [(CANARY, "wvutsr four"), ("Bystander", "more")]
    await store.apply([Assert(fact(value, "work", name)) for name, value in last], actor=CANARY)


def found_in(text: str) -> list[str]:
    """Return the words of the canary that a text contains, in any case."""
    return [word for word in WORDS if word in text.casefold()]


@needs(Capability.ERASE)
class ErasureLaws(Laws):
    """Suite 9: nothing is left of what was erased."""

    suite = "erasure"

    async def test_no_read_finds_what_was_erased(self, store: FactStore, tmp_path: Path) -> None:
        """Lookups by any name, scans, candidates, history, feed, aliases and an export hold nothing
        of it.
        """
        await plant(store)
        can = store.capabilities
        revision = (await store.info()).revision
        receipt = await store.erase(CANARY)
        assert receipt.facts >= 3
        names = (CANARY, "Kanarienvogel", "Kanarienvogel 2", "Kanarienvogel Three", "Zqxjkv Canari")
        for name in names:
            for relation in ("work", "birth place", "height", "job"):
                result = await store.lookup(name, relation)
                assert (result.status, result.candidates) == ("miss", ())
            assert await facts(store, entity=name) == []
            if Capability.HISTORY in can:
                assert await store.history(name) == []
                assert (await store.lookup(name, "work", as_of=revision)).status == "miss"
            if Capability.ALIASES in can:
                assert await store.aliases(name) == []
            if Capability.FAST_LOOKUP in can:
                store.refresh_nowait()
                assert store.describe_nowait(name) is None
        left = repr(await facts(store))
        if Capability.HISTORY in can:
            left += "".join([repr(await facts(store, as_of=r)) for r in range(revision + 1)])
        if Capability.CHANGES in can:
            left += repr(await changes(store)) + repr(await changes(store, 0))
        export = tmp_path / "export.jsonl"
        write_facts([one async for one in store.scan()], str(export))
        assert found_in(left + export.read_text(encoding="utf-8")) == []
        assert await values(store, "work", "Bystander") == ["untouched", "more"]
        info = await store.info()
        assert (info.facts, info.entities) == (2, 1)

    async def test_the_receipt_counts(self, store: FactStore) -> None:
        """A receipt counts facts and past versions, and gives its revision, reason, authority and
        what is out of reach.
        """
        await put(store, (ADA, "work", "x"), (ADA, "born in", "y"))
        await store.apply([Replace(fact("z"))])
        before = (await store.info()).revision
        receipt = await store.erase(ADA, reason="asked", authority="Ada herself")
        versions = 3 if Capability.HISTORY in store.capabilities else 2
        assert (receipt.facts, receipt.entity, receipt.relation) == (versions, ADA, None)
        assert (receipt.reason, receipt.authority) == ("asked", "Ada herself")
        assert receipt.revision == (await store.info()).revision == before + 1
        assert set(OUT_OF_REACH) <= set(receipt.uncovered)
        assert receipt.covered
        assert not set(receipt.covered) & set(receipt.pending)

    async def test_nothing_erased_is_nothing_confirmed(self, store: FactStore) -> None:
        """Erasing what is not there erases nothing, makes no revision, and confirms nothing."""
        await put(store, ("Kevin Barron", "work", "x"))
        before = await store.info()
        for name in ("Sir Kevin Barron", "Kevin", "Nobody", "%"):
            receipt = await store.erase(name)
            assert (receipt.facts, receipt.verified) == (0, False)
        assert (await store.erase("Kevin Barron", "birth place")).facts == 0
        assert await store.info() == before
        await store.erase("kevin_barron")
        assert (await store.erase("Kevin Barron")).facts == 0

    async def test_one_relation_takes_its_synonyms(self, store: FactStore) -> None:
        """What answers to the relation is erased, its past too, and nothing else of the entity."""
        await put(
            store, ("A B", "birth place", "wvutsr"), ("A B", "born in", "y"), ("A B", "work", "z")
        )
        await store.apply(
            [Replace(fact("zqxjkv", "birth place", "A B")), Replace(fact("w", "work", "A B"))]
        )
        await store.erase("A B", "place of birth")
        assert await triples(store) == [("A B", "work", "w")]
        if Capability.HISTORY in store.capabilities:
            assert [past.fact.surface for past in await store.history("A B")] == ["z"]
            for revision in range((await store.info()).revision + 1):
                assert found_in(repr(await facts(store, as_of=revision))) == []
        if Capability.CHANGES in store.capabilities:
            assert found_in(repr(await changes(store, 0))) == []

    @needs(Capability.ALIASES)
    async def test_an_alias_erases_its_entity(self, store: FactStore) -> None:
        """An entity can be erased by any other name it has, merged or added."""
        for name in ("The Other", "C D"):
            await put(store, ("A B", "work", "x"), ("C D", "work", "y"))
            await store.apply([AddAlias("A B", "The Other"), MergeEntities("A B", "C D")])
            assert (await store.erase(name)).facts >= 2
            assert await facts(store) == []
            assert (await store.lookup("The Other", "work")).status == "miss"

    @needs(Capability.ALIASES, Capability.HISTORY)
    async def test_a_chain_of_merges_is_erased_whole(self, store: FactStore) -> None:
        """What was merged into what was merged into an entity goes with it, its past too."""
        names = ("A B", "C D", "E F")
        await put(store, *((name, "work", f"wvutsr {name}") for name in names))
        await store.apply([MergeEntities("C D", "E F")])
        await store.apply([MergeEntities("A B", "C D")])
        await store.erase("A B")
        for name in names:
            assert await store.history(name) == []
        for revision in range((await store.info()).revision + 1):
            assert await facts(store, as_of=revision) == []

    @needs(Capability.ALIASES, Capability.HISTORY)
    async def test_what_a_merge_brought_goes_after_the_split(self, store: FactStore) -> None:
        """Once an entity is erased, what it stated while it was merged is not in the past of the
        entities it was merged into; what those stated themselves stays.
        """
        own = ("Own One", "Own Two")
        await put(store, *((name, "work", name) for name in own), (CANARY, "work", "wvutsr"))
        await store.apply([MergeEntities(own[0], CANARY)])
        await store.apply([Assert(fact("wvutsr", "work", own[0], source="another"))])
        await store.apply([MergeEntities(own[1], own[0])])
        await store.apply([SplitEntities(own[1], own[0])])
        await store.apply([SplitEntities(own[0], CANARY)])
        await put(store, (own[1], "work", "Wvutsr"))
        await store.apply([Retract(own[1], "work", "Wvutsr")])
        receipt = await store.erase(CANARY)
        # Two of the canary's, before the merge and after the split; three of the first, with one source,
        # with two, and once it came back; one of the second.
        assert receipt.facts == 6
        for name, said in zip(own, (["Own One"], ["Own One", "Wvutsr"]), strict=True):
            assert [one.fact.value for one in await store.history(name)] == said
        for revision in range(int((await store.info()).revision) + 1):
            told = {one.value for one in await facts(store, as_of=revision)}
            assert "wvutsr" not in told
        assert [one.value for one in await facts(store)] == list(own)

    @needs(Capability.ALIASES, Capability.HISTORY)
    async def test_a_merge_that_was_not_undone_is_erased_in_part(self, store: FactStore) -> None:
        """Where the name was taken away but the merge stands, the kept entity keeps what it states,
        as its own, and loses what it stated.
        """
        await put(store, ("Own", "work", "x"), (CANARY, "work", "y"), (CANARY, "award", "wvutsr"))
        await store.apply([MergeEntities("Own", CANARY), RemoveAlias("Own", CANARY)])
        await store.apply([Retract("Own", "award")])
        await store.erase(CANARY)
        assert await store.history("Own") == []
        assert [one.value for one in await facts(store)] == ["x", "y"]
        with pytest.raises(BadFact):
            await store.apply([SplitEntities("Own", CANARY)])

    @needs(Capability.ALIASES, Capability.CHANGES)
    async def test_a_name_that_came_back_is_erased(self, store: FactStore) -> None:
        """An alias that went to another entity with a merge, came back with the split and was
        removed is in no feed after the erasure; a copy that still has it learns to drop it.
        """
        await put(store, ("A B", "work", "x"), (CANARY, "work", "y"), ("E F", "work", "z"))
        await store.apply([AddAlias(CANARY, "Kanarienvogel"), AddAlias(CANARY, "The Bird")])
        await store.apply([MergeEntities("A B", CANARY)])
        merged = (await store.info()).revision
        await store.apply([SplitEntities("A B", CANARY)])
        await store.apply([RemoveAlias(CANARY, "Kanarienvogel"), RemoveAlias(CANARY, "The Bird")])
        await store.apply([AddAlias("E F", "The Bird")])
        await store.erase(CANARY)
        feed = repr(await changes(store, 0)) + repr(await changes(store))
        assert found_in(feed) == []
        assert "the bird" in feed
        assert await store.aliases("E F") == ["the bird"]
        if store.capabilities >= {Capability.HISTORY}:
            assert await store.history("Kanarienvogel") == []
        told = [one for one in await changes(store, merged) if one.kind == "erased"]
        whole = {one.entity_id for one in told if not one.fact_ids}
        assert len(whole) == 2  # the entity, and the name that is nobody's now

    @needs(Capability.ALIASES, Capability.CHANGES)
    async def test_a_name_that_stands_stays_in_the_feed(self, store: FactStore) -> None:
        """Where all that a merged entity ever stated is erased by its relation, its name goes on
        naming the other, for those who follow the feed too.
        """
        await put(store, ("A B", "work", "x"), (CANARY, "score", "y"))
        await store.apply([MergeEntities("A B", CANARY)])
        since = (await store.info()).revision
        await store.erase(CANARY, "score")
        assert await values(store, "work", CANARY) == ["x"]
        told = await changes(store, 0)
        assert ("merged", CANARY.casefold()) in [(one.kind, one.alias) for one in told]
        gone = [one for one in await changes(store, since) if one.kind == "erased"]
        assert gone and all(one.fact_ids for one in gone)

    @needs(Capability.ALIASES, Capability.CHANGES)
    async def test_a_name_of_a_merged_one_that_is_free_is_erased(self, store: FactStore) -> None:
        """Once nothing is left of an entity that was merged and lost its names, the feed does not
        contain them, though the entity it was merged into stays.
        """
        await put(store, ("A B", "work", "x"), (CANARY, "score", "y"))
        await store.apply([AddAlias(CANARY, "Kanarienvogel"), MergeEntities("A B", CANARY)])
        await store.apply([RemoveAlias("A B", CANARY), RemoveAlias("A B", "Kanarienvogel")])
        since = (await store.info()).revision
        await store.erase("A B", "score")
        assert found_in(repr(await changes(store, 0))) == []
        told = [one for one in await changes(store, since) if one.kind == "erased"]
        assert len({one.entity_id for one in told if not one.fact_ids}) == 2
        assert await triples(store) == [("A B", "work", "x")]

    @needs(Capability.RULES, Capability.CHANGES)
    async def test_a_rule_outlives_an_entity_of_its_name(self, store: FactStore) -> None:
        """Erasing an entity that is called like a relation leaves the rule in the feed."""
        rule = RelationRule("work", "one")
        await store.apply([DefineRelation(rule), Assert(fact("x", "work", "Work"))])
        await store.erase("Work")
        assert [one.rule for one in await changes(store, 0) if one.kind == "rule"] == [rule]

    @needs(Capability.ALIASES)
    async def test_a_merge_tells_no_name_of_it(self, store: FactStore) -> None:
        """A name that an entity had when it was merged, and that was erased since, does not come
        back with the split.
        """
        await put(store, ("Bb", "work", "x"), ("Ff", "work", "y"), (CANARY, "work", "z"))
        await store.apply([MergeEntities("Bb", CANARY)])
        await store.apply([MergeEntities("Ff", "Bb")])
        await store.apply([RemoveAlias("Ff", CANARY)])
        await store.erase(CANARY)
        await put(store, ("Ff", "work", "again"))
        await store.apply([AddAlias("Ff", CANARY), SplitEntities("Ff", "Bb")])
        assert await store.aliases("Ff") == [CANARY.casefold()]
        assert await store.aliases("Bb") == []

    @needs(Capability.ALIASES)
    async def test_who_has_a_merged_name_now_stays(self, store: FactStore) -> None:
        """An entity that took the name of a merged one since is another, and is not erased."""
        await put(store, ("A B", "work", "x"), ("C D", "work", "y"))
        await store.apply([MergeEntities("A B", "C D")])
        await store.apply([RemoveAlias("A B", "C D")])
        await put(store, ("C D", "work", "z"))
        await store.erase("A B")
        assert await triples(store) == [("C D", "work", "z")]

    @needs(Capability.HISTORY)
    async def test_an_entity_of_the_past_can_be_erased(self, store: FactStore) -> None:
        """An entity whose facts have all ended is erased from the history."""
        await put(store, (ADA, "work", "x"))
        await store.apply([Retract(ADA, "work")])
        assert (await store.erase(ADA)).facts == 1
        assert await store.history(ADA) == []

    @needs(Capability.IDEMPOTENCY)
    async def test_a_repeat_brings_nothing_back(self, store: FactStore) -> None:
        """A change that was sent before an erasure and comes again after it is not done again."""
        await store.apply([Assert(fact("x", "work"))], idempotency_key="k")
        await store.erase(ADA)
        await store.apply([Assert(fact("x", "work"))], idempotency_key="k")
        assert await facts(store) == []

    async def test_what_was_erased_can_be_written_again(self, store: FactStore) -> None:
        """An erased entity may come back, without its past."""
        await put(store, (ADA, "work", "x"))
        await store.erase(ADA)
        await put(store, ("ADA LOVELACE", "work", "y"))
        assert await triples(store) == [("ADA LOVELACE", "work", "y")]
        if Capability.HISTORY in store.capabilities:
            assert await store.history(ADA) == []

    async def test_half_a_character_is_not_erased(self, store: FactStore) -> None:
        """A name that is not valid text is `BadFact`, and everything stays."""
        await put(store, ("A", "birth place", "x"))
        for entity, relation in ((HALF, None), ("A", HALF)):
            with pytest.raises(BadFact, match="surrogate"):
                await store.erase(entity, relation)
        assert await triples(store) == [("A", "birth place", "x")]

    async def test_the_bytes_hold_nothing_of_it(self, place: Place) -> None:
        """Where the store is kept in files, their bytes hold no word of what was erased, when open
        and when closed.
        """
        async with place.open() as store:
            await plant(store)
            files = place.backend.files(place.url)
            if not files:
                does_not_apply("the backend names no files")
            receipt = await store.erase(CANARY)
            if Capability.ERASE_PHYSICAL in store.capabilities:
                assert receipt.verified and not receipt.pending, receipt
            assert _in_bytes(place) == []
            await put(store, ("Bystander", "work", "even more"))
        assert _in_bytes(place) == []

    @needs(Capability.ERASE_PHYSICAL)
    async def test_a_confirmed_erasure_was_searched_for(self, store: FactStore) -> None:
        """A store that searches its bytes says so in the receipt, and only where something was
        erased.
        """
        await put(store, (ADA, "work", "wvutsr and more"), (ADA, "score", "1"))
        receipt = await store.erase(ADA, "work")
        assert receipt.verified
        assert not (await store.erase(ADA, "work")).verified

    @needs(Capability.CHANGES)
    async def test_the_feed_tells_of_the_erasure(self, store: FactStore) -> None:
        """The feed says that an entity or some of its facts are gone, by ids
        that reveal nothing.
        """
        await put(store, (CANARY, "work", "x"), (CANARY, "score", "y"))
        ids = {one.relation: one.id async for one in store.scan()}
        since = (await store.info()).revision
        await store.erase(CANARY, "score")
        await store.erase(CANARY, "work")  # of which nothing else is left
        part, whole = [one for one in await changes(store, since) if one.kind == "erased"]
        assert part.fact_ids == (ids["score"],)
        assert whole.fact_ids == ()
        assert part.entity_id == whole.entity_id is not None
        assert found_in(repr((part, whole))) == []


def _in_bytes(place: Place) -> list[str]:
    found = []
    for path in place.backend.files(place.url):
        if path.exists():
            held = path.read_bytes().lower()
            found += [f"{path.name}: {word}" for word in WORDS if word.encode() in held]
    return found
