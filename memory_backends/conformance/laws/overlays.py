"""Suite 13: what a user sees who reads a namespace of their own, and a shared one behind it.

The overlay is the same code for every store; what is tried here are the store's namespaced reads,
all of which it needs.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from lamlam.errors import BadFact, OverlayCycle, ReadOnly
from lamlam.memory_backends.conformance.laws.base import Laws, needs
from lamlam.memory_backends.conformance.samples import ADA, RANDOM, fact, listed, put
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.lookups import EntityView, Lookup, LookupResult
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    DefineRelation,
    Op,
    Replace,
    Retract,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef
from lamlam.memory_backends.protocol import Capability, FactStore
from lamlam.memory_backends.read_views.overlay import Overlay

MINE, OTHER = ("users", "7"), ("users", "8")
SPACES: tuple[Namespace, ...] = ((), MINE, OTHER)
NAMES = (ADA, "Orb", "Sole")
RELATIONS = ("work", "birth place", "spouse")


class Person(BaseModel):
    """What is recalled."""

    birth_place: str | None = None
    field: str | None = None
    spouse: str | None = None


def of(space: Namespace, value: str, relation: str = "birth place", entity: str = ADA) -> Assert:
    """Return an assertion in a namespace."""
    return Assert(fact(value, relation, entity, namespace=space))


async def seen(store: FactStore, relation: str = "birth place", entity: str = ADA) -> list[str]:
    """Return what an overlay answers, however it is asked."""
    query = Lookup(entity, relation)
    (result,) = await store.lookup_many([query])
    if Capability.FAST_LOOKUP in store.capabilities:
        store.refresh_nowait()
        quick = store.lookup_nowait(query)
        assert told(quick) == told(result)
        store.refresh_nowait()
    return list(result.values)


def told(result: LookupResult) -> tuple[object, ...]:
    """Return what must be equal however a question is asked."""
    ids = result.fact_ids
    return result.status, result.values, ids, result.namespace, result.match, result.candidates


def said(view: EntityView | None) -> tuple[object, ...] | None:
    """Return what a description says."""
    if view is None:
        return None
    held = {relation: view.values(relation) for relation in view.relations}
    return view.name, view.key, view.match, view.namespace, held


def slowly(held: list[Fact], entity: str, relation: str) -> list[str]:
    """Return what the user sees of a relation: the obvious way."""
    for space in (MINE, ()):
        found = [
            one.surface
            for one in held
            if (one.namespace, one.entity, one.relation) == (space, entity, relation)
        ]
        if found:
            return found
    return []


@st.composite
def layered(draw: st.DrawFn) -> list[Fact]:
    """Draw facts of three namespaces, of the same few names, each content once."""
    parts = st.tuples(
        st.sampled_from(SPACES),
        st.sampled_from(NAMES),
        st.sampled_from(RELATIONS),
        st.integers(0, 2),
    )
    return [
        fact(f"{name} {relation} {n} of {'/'.join(space)}", relation, name, namespace=space)
        for space, name, relation, n in draw(st.lists(parts, max_size=12, unique=True))
    ]


@needs(Capability.NAMESPACES)
class OverlayLaws(Laws):
    """Suite 13: a user's namespace over a shared one."""

    suite = "overlays"

    async def test_a_user_hides_what_is_shared(self, store: FactStore) -> None:
        """A user's fact hides the shared ones of the same relation, also by a synonym; the user's
        other relations are the shared ones, and no other user's fact is seen.
        """
        await store.apply([of((), "London"), of((), "math", "field"), of(OTHER, "Rome")])
        await store.apply([of(OTHER, "blue", "eye color"), of(MINE, "Paris", "place of birth")])
        mine, other = Overlay(store, MINE), Overlay(store, OTHER)
        for relation in ("birth place", "place of birth", "born in"):
            assert await seen(mine, relation) == ["Paris"]
            assert await seen(other, relation) == ["Rome"]
        assert await seen(mine, "field") == await seen(other, "field") == ["math"]
        assert await seen(mine, "eye color") == []
        assert await seen(Overlay(store, MINE, None), "field") == []
        assert await seen(Overlay(store, ("users",)), "birth place") == ["London"]
        assert await seen(Overlay(store, MINE, OTHER), "eye color") == ["blue"]
        (result,) = await mine.lookup_many([Lookup(ADA, "birth place")])
        assert [one.namespace for one in result.facts] == [MINE]
        assert result.fact_ids == (await store.lookup(ADA, "born in", namespace=MINE)).fact_ids
        await store.apply([Retract(ADA, "place of birth", namespace=MINE)])
        assert await seen(mine) == ["London"]
        assert await seen(other) == ["Rome"]

    @RANDOM
    @given(held=layered())
    async def test_an_overlay_is_both_layers(self, store: FactStore, held: list[Fact]) -> None:
        """Whatever two users and all of them hold: each relation is the user's own where there is
        one, and the shared one elsewhere, for lookups, scans, descriptions and names alike.
        """
        if held:
            await store.apply([Assert(one) for one in held])
        view = Overlay(store, MINE)
        wanted = {(n, r): slowly(held, n, r) for n in NAMES for r in RELATIONS}
        for (name, relation), found in wanted.items():
            assert await seen(view, relation, name) == found
            assert [one.surface async for one in view.scan(name, relation)] == found
        known = {name for (name, _), found in wanted.items() if found}
        assert await view.known_names(NAMES) == known
        whole = sorted(value for found in wanted.values() for value in found)
        assert sorted([one.surface async for one in view.scan()]) == whole
        for name in NAMES:
            own = sorted(v for (one, _), found in wanted.items() if one == name for v in found)
            assert sorted([one.surface async for one in view.scan(name)]) == own
        if Capability.FAST_LOOKUP in store.capabilities:
            store.refresh_nowait()
            assert view.known_names_nowait(NAMES) == known
            for name in NAMES:
                described = view.describe_nowait(name)
                assert (described is not None) == (name in known)
                if described is not None:
                    told_of = {one: list(described.values(one)) for one in RELATIONS}
                    assert told_of == {one: wanted[name, one] for one in RELATIONS}
            store.refresh_nowait()
        for one in held:
            await store.apply([Retract(one.entity, one.relation, namespace=one.namespace)])

    @needs(Capability.FAST_LOOKUP)
    async def test_a_meaning_is_a_description_or_homonyms(self, store: FactStore) -> None:
        """`meanings_nowait` gives what `describe_nowait` gives, and where that is nothing
        `homonyms_nowait`, of each namespace alone and of both layers.
        """
        for space in (MINE, ()):
            await store.apply([of(space, f"s{space}", "star", "Orb (planet)")])
        await store.apply([of((), "Ob", "symbol", "Orb (element)"), of(OTHER, "x", "work", "Orb")])
        await store.apply([of(OTHER, "y", "work", "Orb (film)"), of(MINE, "z", "work", ADA)])
        store.refresh_nowait()
        seers: list[tuple[FactStore, Namespace]] = [(store, space) for space in SPACES]
        seers += [(Overlay(store, space), ()) for space in (MINE, OTHER)]
        for name in ("Orb", "Orb (planet)", ADA, "Ada Lovelase", "Nobody", ""):
            for fuzzy in (False, True):
                for seer, where in seers:
                    found = seer.meanings_nowait(name, fuzzy=fuzzy, namespace=where)
                    view = seer.describe_nowait(name, fuzzy=fuzzy, namespace=where)
                    others = seer.homonyms_nowait(name, fuzzy=fuzzy, namespace=where)
                    assert said(found.view) == said(view)
                    assert [said(one) for one in found.homonyms] == [said(one) for one in others]
                    assert view is None or not others
        store.refresh_nowait()

    @needs(Capability.FAST_LOOKUP)
    async def test_what_means_something_is_possible(self, store: FactStore) -> None:
        """`possible_names_nowait` has every name by which `meanings_nowait` finds anything without
        ``fuzzy``: in each namespace, and in both layers of an overlay, which knows the names of
        either.
        """
        stored = (
            "Grace Brewster Hopper", "The Café Noir", "Orb (planet)", "Orb (element)", "Rex, Ltd",
            "AT&T", "Dr. Iva Stone", ADA, "Łódź", "C++",
        )  # fmt: skip
        for space in SPACES:
            names = stored if space == MINE else stored[::2]
            await store.apply([of(space, "x", "work", name) for name in names])
        if Capability.ALIASES in store.capabilities:
            await store.apply([AddAlias(ADA, "Countess", MINE)])
        asked = [*stored, *(name.upper() for name in stored), "Grace Hopper", "Iva Stone", "Orb"]
        asked += ["Cafe Noir", "at and t", "Countess", "Dr Ada Lovelace", "lodz", "Nobody", "", "C"]
        store.refresh_nowait()
        for seer in (store, Overlay(store, MINE), Overlay(store, OTHER, None)):
            spaces = SPACES if seer is store else ((),)
            for space in spaces:
                possible = seer.possible_names_nowait(asked, namespace=space)
                for name in asked:
                    found = seer.meanings_nowait(name, fuzzy=False, namespace=space)
                    assert name in possible or not any(found), name
                assert possible <= set(asked)
        for loosely in (False, True):
            known = [store.known_names_nowait(asked, namespace=one, loosely=loosely)
                     for one in (MINE, ())]  # fmt: skip
            assert Overlay(store, MINE).known_names_nowait(asked, loosely=loosely) == (
                known[0] | known[1]
            )
        store.refresh_nowait()

    async def test_many_users_in_one_question(self, store: FactStore) -> None:
        """Users who ask at the same time, in any order, each get their own values, and none
        another's.
        """
        spaces = [("users", str(n)) for n in range(40)]
        await store.apply([of(space, f"town {space[1]}") for space in spaces])
        await store.apply([of((), "of all", "field"), of((), "nobody's")])
        views = [Overlay(store, space) for space in spaces]
        for n in random.Random(7).sample(range(40), 40):
            first, second = await views[n].lookup_many(
                [Lookup(ADA, "place of birth"), Lookup(ADA, "field")]
            )
            assert (first.values, second.values) == ((f"town {n}",), ("of all",))
            assert (first.namespace, second.namespace) == (spaces[n], ())
        assert await seen(Overlay(store, ("users", "40"))) == ["nobody's"]

    @needs(Capability.VALID_TIME)
    async def test_what_is_over_hides_nothing(self, store: FactStore) -> None:
        """A user's fact whose period is over hides nothing now, and does at a moment in it."""
        past = datetime(1990, 1, 1, tzinfo=UTC)
        await store.apply([of((), "Globex", "employer")])
        ended = fact("Acme", "employer", valid_from=past, valid_to=past.replace(year=2000))
        await store.apply([Assert(ended.model_copy(update={"namespace": MINE}))])
        view = Overlay(store, MINE)
        assert await seen(view, "employer") == ["Globex"]
        then = await view.lookup(ADA, "employer", valid_at=past.replace(year=1995))
        assert then.values == ("Acme",)
        await store.apply([Retract(ADA, "employer")])
        assert (await view.lookup(ADA, "employer")).status == "not_valid_at"

    @needs(Capability.FUZZY)
    async def test_a_near_name_is_behind_an_exact_one(self, store: FactStore) -> None:
        """A name that is near one of the user's and is a shared entity's own means the shared one,
        and the reverse; the same letters with other marks are one entity in both.
        """
        near = "Grace Brewster Hopper", "Grace Brewster Hoper"
        await store.apply([of(MINE, "mine", "work", near[0]), of((), "shared", "work", near[1])])
        await store.apply([of(MINE, "own", "rank", near[0]), of((), "any", "office", near[1])])
        view = Overlay(store, MINE)
        assert await seen(view, "work", near[0]) == ["mine"]
        assert await seen(view, "work", near[1]) == ["shared"]
        assert await seen(view, "rank", near[1]) == await seen(view, "office", near[0]) == []
        await store.apply(
            [of(MINE, "mine", "work", "Cafe Noir"), of((), "old", "work", "Café Noir")]
        )
        await store.apply([of((), "Lyon", "place", "Café Noir")])
        for name in ("Cafe Noir", "Café Noir", "CAFÉ NOIR"):
            assert await seen(view, "work", name) == ["mine"]
            assert await seen(view, "place", name) == ["Lyon"]

    @needs(Capability.FUZZY)
    async def test_a_qualifier_tells_layers_apart(self, store: FactStore) -> None:
        """A user's "Orb" is not the shared "Orb (planet)", and no relation of one is answered by the
        other; a name that is ambiguous behind the user's is the user's.
        """
        await store.apply([of(MINE, "mouse", "food", "Orb"), of((), "Sol", "star", "Orb (planet)")])
        view = Overlay(store, MINE)
        assert await seen(view, "food", "orb") == ["mouse"]
        assert await seen(view, "star", "orb") == []
        assert await seen(view, "star", "Orb (planet)") == ["Sol"]
        assert await seen(view, "food", "Orb (planet)") == []
        await store.apply([of((), "Ob", "symbol", "Orb (element)")])
        assert await seen(view, "food", "orb") == ["mouse"]
        (result,) = await Overlay(store, OTHER).lookup_many([Lookup("Orb", "star")])
        assert result.status == "ambiguous"
        await store.apply([of(OTHER, "blue", "colour", "Orb (planet)")])
        other = Overlay(store, OTHER)
        assert await seen(other, "colour", "Orb") == ["blue"]
        assert await seen(other, "star", "Orb") == ["Sol"]

    @needs(Capability.ALIASES)
    async def test_an_alias_of_a_layer_names_the_entity_of_both(self, store: FactStore) -> None:
        """An alias that the user gave, or all share, leads to what both layers hold of its entity."""
        await store.apply([of(MINE, "blue", "eye color"), of((), "London"), of(OTHER, "Rome")])
        await store.apply([AddAlias(ADA, "Countess", MINE), AddAlias(ADA, "Enchantress")])
        view = Overlay(store, MINE)
        for name in ("countess", "Enchantress"):
            assert await seen(view, "eye color", name) == ["blue"]
            assert await seen(view, "birth place", name) == ["London"]
        assert await seen(Overlay(store, OTHER), "birth place", "Enchantress") == ["Rome"]
        assert await seen(Overlay(store, OTHER), "birth place", "Countess") == []
        assert await view.aliases(ADA) == ["countess", "enchantress"]
        await store.apply([of((), "elsewhere", entity="Countess")])
        assert await seen(view, "birth place", "Countess") == ["London"]
        assert await seen(Overlay(store, OTHER), "birth place", "Countess") == ["elsewhere"]

    @needs(Capability.RULES)
    async def test_an_inverse_is_answered_in_its_layer(self, store: FactStore) -> None:
        """A user's fact that answers from the other side hides the shared one; another's does not."""
        await store.apply([DefineRelation(RelationRule("parent", inverse="child"))])
        await store.apply([of((), "math", "field", "Byron"), of((), "Medora", "child", "Byron")])
        for space, entity in ((MINE, ADA), (OTHER, "Allegra")):
            one = fact(EntityRef("Byron"), "parent", entity, namespace=space)
            await store.apply([Assert(one)])
        assert await seen(Overlay(store, MINE), "child", "Byron") == [ADA]
        assert await seen(Overlay(store, OTHER), "child", "Byron") == ["Allegra"]
        assert await seen(Overlay(store, ("users", "9")), "child", "Byron") == ["Medora"]
        assert await seen(Overlay(store, MINE), "field", "Byron") == ["math"]

    @needs(Capability.HISTORY)
    async def test_an_overlay_has_a_past(self, store: FactStore) -> None:
        """With ``as_of`` both layers are as they were, and the history is of both and no other."""
        first = (await put(store, (ADA, "birth place", "London"))).revision
        await store.apply([of(MINE, "Paris"), of(OTHER, "Rome")])
        view = Overlay(store, MINE)
        async with view.snapshot() as then:
            ops: list[Op] = [Replace(of(space, "Oslo").fact) for space in ((), MINE, OTHER)]
            await store.apply(ops)
            assert (await then.lookup(ADA, "birth place")).values == ("Paris",)
        assert (await view.lookup(ADA, "birth place", as_of=first)).values == ("London",)
        assert (await view.lookup(ADA, "birth place")).values == ("Oslo",)
        assert {one.fact.surface for one in await view.history(ADA)} == {"London", "Paris"}
        assert [one.surface async for one in view.scan(as_of=first)] == ["London"]

    @needs(Capability.FAST_LOOKUP, Capability.FUZZY)
    async def test_homonyms_of_an_overlay(self, store: FactStore) -> None:
        """What a name may mean that is ambiguous to a user, each with what the user added to it."""
        await store.apply([of((), "Sol", "star", "Orb (planet)")])
        await store.apply([of((), "Ob", "symbol", "Orb (element)")])
        await store.apply([of(OTHER, "x", "work", "Orb (film)"), of(MINE, "y", "work", "Sole")])
        view = Overlay(store, MINE)
        store.refresh_nowait()
        names = [one.name for one in view.homonyms_nowait("Orb")]
        assert names == ["Orb (element)", "Orb (planet)"]
        assert view.describe_nowait("Orb") is None
        assert view.known_names_nowait(["Orb", "Sole"], loosely=True) == {"Orb", "Sole"}
        store.refresh_nowait()
        await store.apply([of(MINE, "mouse", "food", "Orb")])
        store.refresh_nowait()
        assert view.homonyms_nowait("Orb") == ()
        described = view.describe_nowait("Orb")
        assert described is not None and described.relations == ("food",)
        store.refresh_nowait()

    async def test_a_model_is_filled_as_the_user_sees_it(self, store: FactStore) -> None:
        """`recall` fills each field from the user's namespace, or else from the shared one: from a
        store, and from an overlay; from no other user's, and without a shared one from the user's.
        """
        await store.apply([of((), "London"), of((), "math", "field"), of(OTHER, "Rome")])
        await store.apply([of(OTHER, "x", "spouse"), of(MINE, "Paris", "place of birth")])
        plain = await store.recall(Person, ADA)
        assert plain.model == Person(birth_place="London", field="math")
        mine = await store.recall(Person, ADA, namespace=MINE)
        assert mine.model == Person(birth_place="Paris", field="math")
        assert [one.namespace for one in mine.facts["birth_place"]] == [MINE]
        assert mine.missing == ("spouse",)
        alone = await store.recall(Person, ADA, namespace=MINE, shared_namespace=None)
        assert alone.model == Person(birth_place="Paris")
        other = await store.recall(Person, ADA, namespace=MINE, shared_namespace=OTHER)
        assert other.model == Person(birth_place="Paris", spouse="x")
        assert (await Overlay(store, MINE).recall(Person, ADA)).model == mine.model
        with pytest.raises(OverlayCycle):
            await store.recall(Person, ADA, namespace=MINE, shared_namespace=MINE)

    async def test_no_other_namespace_is_read(self, store: FactStore) -> None:
        """Through an overlay each of its layers is read alone by its name, another user's is
        refused, and nothing is written.
        """
        await store.apply([of((), "London"), of(MINE, "Paris"), of(OTHER, "Rome")])
        view = Overlay(store, MINE, ("team",))
        assert (await view.lookup(ADA, "birth place", namespace=MINE)).values == ("Paris",)
        for space in (OTHER, ("users",), ("users", "7", "x")):
            with pytest.raises(BadFact, match="overlay"):
                await view.lookup(ADA, "birth place", namespace=space)
            with pytest.raises(BadFact, match="overlay"):
                await listed(view.scan(namespace=space))
        with pytest.raises(ReadOnly, match="only read"):
            await view.apply([of(MINE, "Oslo")])
        with pytest.raises(ReadOnly, match="only read"):
            await view.erase(ADA)
        with pytest.raises(OverlayCycle):
            Overlay(store, MINE, MINE)
        with pytest.raises(BadFact):
            Overlay(store, ("users/7",))
        assert await seen(Overlay(store, (), MINE)) == ["London"]
