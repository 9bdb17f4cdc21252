"""Suite 15: single values, whole namespaces and facts that name an entity go; ids find facts."""

from __future__ import annotations

from typing import Any

import pytest

from lamlam.errors import BadFact, NotSupported, ReadOnly
from lamlam.memory_backends.conformance.backend import Place
from lamlam.memory_backends.conformance.laws.base import Laws, does_not_apply, needs
from lamlam.memory_backends.conformance.laws.erasure import CANARY, WORDS, found_in
from lamlam.memory_backends.conformance.samples import (
    ADA,
    changes,
    fact,
    facts,
    listed,
    past_values,
    put,
    triples,
    values,
)
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    ErasureReceipt,
    MergeEntities,
    Op,
    Replace,
    Retract,
)
from lamlam.memory_backends.model.values import EntityRef
from lamlam.memory_backends.protocol import Capability, FactStore

_SPACE, _BESIDE = ("users", "7"), ("users", "70")


async def erased(store: FactStore, *names: Any, **options: Any) -> ErasureReceipt:
    """Erase what needs a decision by value; the law is skipped for a store that cannot."""
    try:
        return await store.erase(*names, **options)
    except NotSupported as reason:
        does_not_apply(str(reason))
        raise


async def feed(store: FactStore) -> str:
    """Return all that the change log says, as one text."""
    if Capability.CHANGES not in store.capabilities:
        return ""
    return repr(await changes(store, 0)) + repr(await changes(store))


@needs(Capability.ERASE)
class ValueErasureLaws(Laws):
    """Suite 15: one value, or the facts that name an entity, are erased, and nothing beside them."""

    suite = "lifetimes"

    async def test_one_value_is_erased_alone(self, store: FactStore) -> None:
        """Of several values the one named goes, with its past, under synonyms of the relation too;
        the others stay as they were, with their history.
        """
        await put(store, (ADA, "work", "one"), (ADA, "born in", "wvutsr"), (ADA, "born in", "y"))
        await put(store, (ADA, "birth place", "wvutsr"), ("Bystander", "born in", "wvutsr"))
        await store.apply([Retract(ADA, "birth place", "y"), Retract(ADA, "work")])
        for value in ("wvutsr", "y"):
            await store.apply([Assert(fact(value, "born in", source=f"source of {value}"))])
        kept = [one for one in await facts(store, entity=ADA) if one.surface != "wvutsr"]
        has_past = Capability.HISTORY in store.capabilities
        past = past_values(await store.history(ADA)) if has_past else []
        receipt = await erased(store, ADA, "place of birth", "wvutsr", reason="asked")
        # Under "born in" a version with a source and one without, and one as "birth place".
        assert receipt.facts == (3 if has_past else 2)
        assert (receipt.relation, receipt.mentions) == ("place of birth", ())
        assert await facts(store, entity=ADA) == kept
        assert await values(store, "born in", "Bystander") == ["wvutsr"]
        if has_past:
            assert past_values(await store.history(ADA)) == [v for v in past if v != "wvutsr"]
            for revision in range(int(receipt.revision) + 1):
                held = await facts(store, entity=ADA, as_of=revision)
                assert all(one.surface != "wvutsr" for one in held)
        assert (await erased(store, ADA, "born in", "wvutsr")).is_empty
        assert (await erased(store, ADA, "work", "wvut")).is_empty

    async def test_a_typed_value_is_erased(self, store: FactStore) -> None:
        """A typed value is named by itself or by its surface, and goes however it was written."""
        for named in (EntityRef(CANARY), "her"):
            await store.apply(
                [
                    Assert(fact(EntityRef(CANARY), "spouse", surface="Kanarienvogel")),
                    Assert(fact("her", "note")),
                    Assert(fact(7, "spouse")),
                ]
            )
            await store.apply([Assert(fact(EntityRef(CANARY), "spouse", surface="her"))])
            await erased(store, ADA, "spouse", named)
            assert await triples(store) == [(ADA, "note", "her"), (ADA, "spouse", "7")]
            assert found_in(await feed(store)) == []

    @needs(Capability.CHANGES)
    async def test_the_feed_tells_of_an_erased_value(self, store: FactStore) -> None:
        """The feed names the fact that is gone by its id; where it was the last one, the entity."""
        await put(store, (CANARY, "work", "x"), (CANARY, "work", "y"))
        ids = {one.surface: one.id async for one in store.scan()}
        since = (await store.info()).revision
        await erased(store, CANARY, "work", "x")
        await erased(store, CANARY, "work", "y")
        part, whole = [one for one in await changes(store, since) if one.kind == "erased"]
        assert (part.fact_ids, whole.fact_ids) == ((ids["x"],), ())
        assert found_in(await feed(store)) == []

    @needs(Capability.ALIASES, Capability.HISTORY)
    async def test_a_value_goes_from_what_a_merge_brought(self, store: FactStore) -> None:
        """A value that a merged entity had is not in the past of the other, once it is erased."""
        await put(store, ("Own", "work", "x"), (CANARY, "work", "wvutsr"), (CANARY, "work", "y"))
        await store.apply([MergeEntities("Own", CANARY)])
        await store.apply([Retract("Own", "work", "wvutsr"), Retract("Own", "work", "y")])
        await erased(store, "Own", "work", "wvutsr")
        assert past_values(await store.history("Own")) == ["y"]
        for revision in range(int((await store.info()).revision) + 1):
            assert "wvutsr" not in repr(await facts(store, as_of=revision))

    async def test_facts_that_name_it_stay_unless_asked(self, store: FactStore) -> None:
        """By default what others state of an erased entity stays; asked to, the erasure takes the
        facts whose value it is, by any of its names, with their past; what else mentions it, and
        what other namespaces state, stays and is listed.
        """
        can = store.capabilities
        known: list[Op] = [Assert(fact("x", "work", CANARY))]
        known += [AddAlias(CANARY, "Kanarienvogel")] if Capability.ALIASES in can else []
        await store.apply(known)
        name = "kanarienvogel" if Capability.ALIASES in can else "zqxjkv_CANARY"
        await put(store, ("B", "friend", CANARY), ("B", "friend", "C"), ("D", "boss", name))
        await put(store, ("B", "spouse", EntityRef(CANARY)), ("B", "note", f"met {CANARY}"))
        if Capability.NAMESPACES in can:
            await put(store, ("B", "friend", CANARY), namespace=_SPACE)
        has_past = Capability.HISTORY in can
        if has_past:
            await put(store, ("E", "foe", CANARY))
            await store.apply([Retract("E", "foe")])
        before = await triples(store)
        listed_at_first = (await store.erase(CANARY)).n_mentions
        assert [one for one in before if one[0] != CANARY] == await triples(store)
        await store.apply(known)
        receipt = await erased(store, CANARY, mentions="retract")
        assert (receipt.facts, receipt.as_value) == (4 + has_past, 3 + has_past)
        assert await triples(store, namespace=()) == [
            ("B", "friend", "C"), ("B", "note", f"met {CANARY}")
        ]  # fmt: skip
        if has_past:
            assert await store.history("E") == await store.history("D") == []
        listed_then = {(one.relation, one.namespace) for one in receipt.mentions}
        expected = {("note", ())} | (
            {("friend", _SPACE)} if Capability.NAMESPACES in can else set()
        )
        assert listed_then == expected and receipt.n_mentions == len(expected) < listed_at_first
        assert len(await triples(store)) == 2 + (Capability.NAMESPACES in can)

    async def test_a_placeholder_stands_for_it(self, store: FactStore) -> None:
        """Where a placeholder is asked for it replaces the value, by one of the same type, with
        source and confidence; it is in the feed, and found by a lookup.
        """
        for first in ("one", CANARY, "three"):
            await put(store, ("B", "friend", first), source="s", confidence=0.5)
        await put(store, ("B", "spouse", EntityRef(CANARY)), (CANARY, "work", "x"))
        since = (await store.info()).revision
        receipt = await erased(store, CANARY, mentions="replace", placeholder="someone")
        assert receipt.as_value == 2
        assert await values(store, "friend", "B") == ["one", "three", "someone"]
        friend = [one for one in await facts(store, entity="B") if one.surface == "someone"]
        assert [one.value for one in friend if one.relation == "spouse"] == [EntityRef("someone")]
        assert [(one.sources, one.confidence) for one in friend if one.relation == "friend"] == [
            (("s",), 0.5)
        ]
        if Capability.HISTORY in store.capabilities:
            assert await store.history("B") == []
        assert found_in(await feed(store)) == []
        if Capability.CHANGES in store.capabilities:
            told = [one for one in await changes(store, since) if one.kind == "asserted"]
            assert sorted(one.fact.relation for one in told if one.fact) == ["friend", "spouse"]
        assert (await erased(store, CANARY, mentions="replace")).as_value == 0
        await put(store, ("B", "friend", CANARY))
        await erased(store, CANARY, mentions="replace")
        assert await values(store, "friend", "B") == ["one", "three", "someone", "[erased]"]
        if Capability.FAST_LOOKUP in store.capabilities:
            store.refresh_nowait()
            result = store.lookup_nowait(Lookup("B", "friend"))
            assert list(result.values) == await values(store, "friend", "B")

    @needs(Capability.ALIASES, Capability.CHANGES)
    async def test_who_loses_all_facts_loses_the_names(self, store: FactStore) -> None:
        """Another entity that has no fact left has no alias either, as after a retraction, and
        the feed says so."""
        await put(store, ("B", "friend", CANARY))
        await store.apply([AddAlias("B", "Beta")])
        since = (await store.info()).revision
        await erased(store, CANARY, mentions="retract")
        assert await store.aliases("B") == [] and await triples(store) == []
        told = await changes(store, since)
        assert [(one.kind, one.alias) for one in told if one.kind != "erased"] == [
            ("no_alias", "beta")
        ]

    async def test_arguments_of_an_erasure_go_together(self, store: FactStore) -> None:
        """What contradicts itself is refused by name, and changes nothing."""
        await put(store, (ADA, "work", "x"), ("B", "friend", ADA))
        before = await store.info()
        for why, options in (
            ("value needs a relation", {"value": "x"}),
            ("mentions must be", {"mentions": "drop"}),
            ("whole entity", {"relation": "work", "mentions": "retract"}),
            ("placeholder needs", {"placeholder": "x"}),
            ("placeholder is a name", {"mentions": "replace", "placeholder": ADA.upper()}),
            ("placeholder", {"mentions": "replace", "placeholder": " "}),
        ):
            with pytest.raises((BadFact, NotSupported), match=f"{why}|no single values"):
                await store.erase(ADA, **options)  # type: ignore[arg-type]  # some are wrong
        assert await store.info() == before

    async def test_reading_erases_no_value_and_no_namespace(self, place: Place) -> None:
        """A store that is opened for reading refuses every erasure, and keeps everything."""
        if not place.backend.is_persistent:
            does_not_apply("nothing is there to be read later")
        async with place.open() as store:
            await put(store, (ADA, "work", "x"))
        async with place.open(read_only=True) as store:
            with pytest.raises((ReadOnly, NotSupported)):
                await store.erase(ADA, "work", "x")
            with pytest.raises((ReadOnly, NotSupported)):
                await store.erase(ADA, mentions="retract")
            with pytest.raises((ReadOnly, NotSupported)):
                await store.erase_namespace(_SPACE)
            assert await triples(store) == [(ADA, "work", "x")]

    @needs(Capability.NAMESPACES)
    async def test_the_bytes_hold_nothing_of_a_namespace(self, place: Place) -> None:
        """Where the store is kept in files, no byte of them has a word of an erased namespace, of
        an erased value, or of a value that was an erased entity."""
        async with place.open() as store:
            files = place.backend.files(place.url)
            if not files:
                does_not_apply("the backend names no files")
            await put(store, ("Bystander", "work", "untouched"))
            await put(store, (CANARY, "work", "wvutsr one"), namespace=_SPACE)
            await store.apply([Replace(fact("wvutsr two", "work", CANARY, namespace=_SPACE))])
            await put(store, ("Bystander", "work", "wvutsr three"), ("Bystander", "friend", CANARY))
            if Capability.ALIASES in store.capabilities:
                await store.apply([AddAlias(CANARY, "Kanarienvogel", _SPACE)])
            receipts = [
                await store.erase_namespace(_SPACE),
                await erased(store, "Bystander", "work", "wvutsr three"),
                await erased(store, CANARY, mentions="replace"),
            ]
            if Capability.ERASE_PHYSICAL in store.capabilities:
                assert all(one.verified and not one.pending for one in receipts), receipts
        for path in files:
            held = path.read_bytes().lower() if path.exists() else b""
            assert not [word for word in WORDS if word.encode() in held], path.name


class LifetimeLaws(Laws):
    """Suite 16: what a store tells of all that it ever held."""

    suite = "lifetimes"

    async def test_a_fact_is_read_by_its_id(self, store: FactStore) -> None:
        """An id leads to its fact as it is now; where the fact has ended, to its last version,
        which says when. No other id leads anywhere.
        """
        can = store.capabilities
        await put(store, (ADA, "work", "x"), (ADA, "work", "y"), ("B", "friend", EntityRef(ADA)))
        if Capability.NAMESPACES in can:
            await put(store, (ADA, "work", "theirs"), namespace=_SPACE)
        for one in await listed(store.scan()):
            assert one.id is not None
            assert await store.fact(one.id) == one
            if Capability.FAST_LOOKUP in can:
                assert store.fact_nowait(one.id) == one
        ended = next(one for one in await listed(store.scan(ADA)) if one.surface == "x")
        assert ended.id is not None
        for _ in range(2):  # the last version counts
            await store.apply([Retract(ADA, "work", "x")])
            end = (await store.info()).revision
            found = await store.fact(ended.id)
            if Capability.HISTORY not in can:
                assert found is None
            else:
                assert found is not None and (found.surface, found.retracted) == ("x", end)
                if Capability.FAST_LOOKUP in can:
                    assert store.fact_nowait(ended.id) == found
            await put(store, (ADA, "work", "x"))
            again = await store.fact(ended.id)
            assert again is not None and again.retracted is None
        for other in ("", "0" * 20, ended.id.upper() + "x", "%"):
            assert await store.fact(other) is None
        with pytest.raises(BadFact, match="fact_id"):
            await store.fact(7)  # type: ignore[arg-type]  # a mistake
        if Capability.ERASE in can:
            await store.erase(ADA)
            assert await store.fact(ended.id) is None

    @needs(Capability.NAMESPACES)
    async def test_namespaces_are_listed(self, store: FactStore) -> None:
        """All namespaces in which anything is or was known come in order, with what they hold;
        with a prefix those that begin with its parts.
        """
        has_past = Capability.HISTORY in store.capabilities
        await put(store, (ADA, "work", "x"))
        for space in (_BESIDE, _SPACE, ("teams", "7"), ("users",)):
            await put(store, (ADA, "work", "x"), (ADA, "work", "y"), namespace=space)
        await put(store, ("B", "work", "x"), namespace=_SPACE)
        await store.apply([Retract("B", "work", namespace=_SPACE)])
        await store.apply([Retract(ADA, "work", namespace=_BESIDE)])
        await store.apply([Retract(ADA, "work", "y", namespace=("users",))])
        await put(store, ("ADA LOVELACE", "work", "y"), namespace=_BESIDE)
        found = await listed(store.namespaces())
        counts = [(one.namespace, one.entities, one.facts, one.past) for one in found]
        assert counts == [
            ((), 1, 1, 0),
            (("teams", "7"), 1, 2, 0),
            (("users",), 1, 1, int(has_past)),
            (_SPACE, 1 + has_past, 2, int(has_past)),
            (_BESIDE, 1, 1, 2 * has_past),
        ]
        entities = await listed(store.entities())
        assert sum(one.entities for one in found) == len(entities)
        below = await listed(store.namespaces(("users",)))
        assert below == [one for one in found if one.namespace[:1] == ("users",)]
        assert await listed(store.namespaces(("user",))) == []
        assert await listed(store.namespaces(_SPACE)) == [found[3]]
        with pytest.raises(BadFact):
            await listed(store.namespaces(("a/b",)))

    @needs(Capability.NAMESPACES, Capability.ERASE)
    async def test_an_erased_namespace_is_not_listed(self, store: FactStore) -> None:
        """Erasing a namespace leaves those beside it, below it and above it, and its names in them;
        the feed tells copies what is gone, of that namespace alone, by ids.
        """
        can, spaces = store.capabilities, [("users",), (*_SPACE, "notes"), _BESIDE]
        for space in (*spaces, _SPACE):
            await put(store, (CANARY, "work", "x"), ("B", "friend", CANARY), namespace=space)
        if Capability.ALIASES in can:
            for space in (_SPACE, _BESIDE):
                await put(store, ("Bird", "work", "y"), namespace=space)
                await store.apply([MergeEntities("B", "Bird", space), AddAlias("B", "Bb", space)])
        before = [one for one in await listed(store.namespaces()) if one.namespace != _SPACE]
        since = (await store.info()).revision
        receipt = await store.erase_namespace(_SPACE, reason="closed")
        assert not receipt.is_empty and receipt.namespace == _SPACE
        assert await listed(store.namespaces()) == before
        for space in spaces:
            assert (await store.lookup("B", "friend", namespace=space)).value == CANARY
        if Capability.ALIASES in can:
            assert await store.aliases("B", namespace=_BESIDE) == ["bb", "bird"]
        if Capability.CHANGES in can:
            told = await changes(store, since)
            assert {(one.kind, one.namespace, one.fact_ids) for one in told} == {
                ("erased", _SPACE, ())
            }
            assert len(told) == len({one.entity_id for one in told}) >= 2
            assert [one for one in await changes(store, 0, namespace=_SPACE) if one.fact] == []
        assert (await store.erase_namespace(_SPACE)).is_empty
        # What comes again is new: nothing of before is in its past.
        await put(store, ("B", "friend", "C"), namespace=_SPACE)
        if Capability.HISTORY in can:
            assert await store.history("B", namespace=_SPACE) == []
