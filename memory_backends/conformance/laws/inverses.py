"""Suite 3, inverses: relations that answer from the other side, for values without facts too."""

from __future__ import annotations

from datetime import UTC, datetime

from lamlam.memory_backends.conformance.laws.base import Laws, needs
from lamlam.memory_backends.conformance.samples import ADA, fact, put, triples, values
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import (
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
from lamlam.memory_backends.model.values import EntityRef
from lamlam.memory_backends.protocol import Capability, FactStore

PARENT = DefineRelation(RelationRule("parent", inverse="child"))
SPOUSE = DefineRelation(RelationRule("spouse", inverse="spouse"))
BYRON = EntityRef("Lord Byron")


@needs(Capability.RULES)
class InverseLaws(Laws):
    """Suite 3: relations that answer from the other side."""

    suite = "lookups"

    async def test_an_inverse_relation_answers(self, store: FactStore) -> None:
        """An entity that names another as its parent is a child of that one, after the children
        that it names itself.
        """
        await store.apply([DefineRelation(RelationRule("parent", inverse="child"))])
        await put(
            store, ("Lord Byron", "poem", "Don Juan"), (ADA, "parent", EntityRef("Lord Byron"))
        )
        result = await store.lookup("Lord Byron", "child")
        assert (result.values, result.match.relation.kind) == ((ADA,), "inverse")
        (read,) = result.facts
        assert (read.entity, read.relation, read.value) == (ADA, "parent", EntityRef("Lord Byron"))
        assert result.fact_ids == (read.id,)
        await put(store, ("Allegra", "parent", EntityRef("lord byron")))
        await put(
            store, ("Lord Byron", "child", EntityRef(ADA)), ("Lord Byron", "child", EntityRef("X"))
        )
        assert await values(store, "child", "Lord Byron") == [ADA, "X", "Allegra"]
        assert await values(store, "parent", "Allegra") == ["lord byron"]
        await store.apply([Retract("Allegra", "parent")])
        assert await values(store, "child", "Lord Byron") == [ADA, "X"]

    async def test_an_inverse_answers_for_a_value(self, store: FactStore) -> None:
        """An entity that has no facts itself, and occurs as a value only, is named as it is written
        there; another relation of it is a miss.
        """
        await store.apply([DefineRelation(RelationRule("parent", inverse="child"))])
        await put(
            store,
            (ADA, "parent", EntityRef("Lord Byron")),
            ("Allegra", "parent", EntityRef("lord byron")),
            ("Medora", "parent", "Lord Byron the text"),
            ("Lord Bryon", "poem", "Lara"),
        )
        result = await store.lookup("LORD BYRON", "children")
        assert (result.values, result.match.relation.kind) == ((ADA, "Allegra"), "inverse")
        assert result.match.entity.kind == "exact"
        assert await values(store, "child", "Lord Byron the text") == ["Medora"]
        for name, relation in (("Lord Byron", "work"), ("Lord Byron", "parent"), ("X", "child")):
            assert (await store.lookup(name, relation)).values == (), (name, relation)
        await store.apply([Retract(ADA, "parent"), Retract("Allegra", "parent")])
        assert (await store.lookup("Lord Byron", "child")).values == ()

    @needs(Capability.ALIASES)
    async def test_an_inverse_answers_by_every_name(self, store: FactStore) -> None:
        """A fact that names an entity by an alias, or by the name of a merged entity, counts for it
        too, until the name belongs to another.
        """
        await store.apply([DefineRelation(RelationRule("parent", inverse="child"))])
        await put(
            store, ("Lord Byron", "poem", "Don Juan"), ("Gordon", "poem", "Lara"),
            (ADA, "parent", EntityRef("Gordon")), ("Allegra", "parent", EntityRef("Lord Byron")),
            ("Medora", "parent", EntityRef("The Poet")),
        )  # fmt: skip
        before = (await store.info()).revision
        assert await values(store, "child", "Lord Byron") == ["Allegra"]
        await store.apply([AddAlias("Lord Byron", "The Poet")])
        assert await values(store, "child", "Lord Byron") == ["Allegra", "Medora"]
        await store.apply([MergeEntities("Lord Byron", "Gordon")])
        for name in ("Lord Byron", "Gordon", "The Poet"):
            assert await values(store, "child", name) == [ADA, "Allegra", "Medora"]
        if Capability.HISTORY in store.capabilities:
            then = await store.lookup("Lord Byron", "child", as_of=before)
            assert then.values == ("Allegra", "Medora")
            assert (await store.lookup("Gordon", "child", as_of=before)).values == (ADA,)
        await store.apply([SplitEntities("Lord Byron", "Gordon")])
        await store.apply([RemoveAlias("Lord Byron", "The Poet")])
        assert await values(store, "child", "Lord Byron") == ["Allegra"]
        assert await values(store, "child", "Gordon") == [ADA]

    async def test_a_symmetric_relation_answers_both_ways(self, store: FactStore) -> None:
        """A spouse's spouse is named from either side, and each once."""
        await store.apply([DefineRelation(RelationRule("spouse", inverse="spouse"))])
        await put(
            store, (ADA, "spouse", EntityRef("William King")), ("William King", "title", "earl")
        )
        assert await values(store, "spouse", "William King") == [ADA]
        await put(store, ("William King", "spouse", EntityRef(ADA)))
        assert await values(store, "spouse", "William King") == [ADA]
        assert await values(store, "spouse") == ["William King"]

    @needs(Capability.VALID_TIME)
    async def test_an_inverse_answers_while_it_holds(self, store: FactStore) -> None:
        """What holds now answers from the other side, whatever was said for another time."""
        await store.apply([DefineRelation(RelationRule("spouse", inverse="spouse"))])
        await put(store, ("William King", "title", "earl"))
        king = EntityRef("William King")
        await store.apply(
            [
                Assert(fact(king, "spouse", valid_to="1900")),
                Assert(fact(king, "spouse", valid_from="1950")),
                Assert(fact(EntityRef(ADA), "spouse", "William King", valid_to="1920")),
            ]
        )
        assert await values(store, "spouse", "William King") == [ADA]
        early = await store.lookup(
            "William King", "spouse", valid_at=datetime(1850, 1, 1, tzinfo=UTC)
        )
        assert early.values == (ADA,)
        between = await store.lookup(
            "William King", "spouse", valid_at=datetime(1930, 1, 1, tzinfo=UTC)
        )
        assert (between.status, between.values) == ("not_valid_at", ())

    @needs(Capability.NAMESPACES)
    async def test_inverses_stay_in_their_namespace(self, store: FactStore) -> None:
        """A fact of one namespace is not an inverse answer in another."""
        await store.apply([DefineRelation(RelationRule("parent", inverse="child"))])
        await store.apply(
            [
                Assert(fact("x", "poem", "Byron")),
                Assert(fact("x", "poem", "Byron", namespace=("a",))),
            ]
        )
        await store.apply([Assert(fact(EntityRef("Byron"), "parent", namespace=("a",)))])
        assert (await store.lookup("Byron", "child", namespace=("a",))).values == (ADA,)
        assert (await store.lookup("Byron", "child")).status == "miss"


@needs(Capability.RULES)
class ValueLaws(Laws):
    """Suite 3: entities that occur as values alone."""

    suite = "lookups"

    async def test_an_inverse_answers_for_facts_before_its_rule(self, store: FactStore) -> None:
        """A rule with an inverse turns references round that were written before it; texts stay
        texts.
        """
        await put(store, (ADA, "parent", BYRON), ("Medora", "parent", "Lord Byron"))
        assert await values(store, "child", "Lord Byron") == []
        await store.apply([PARENT])
        assert await values(store, "child", "Lord Byron") == [ADA]

    async def test_a_text_names_the_entity_on_either_side(self, store: FactStore) -> None:
        """A text as the value of a relation that has an inverse, or of the inverse, is the entity
        of that name; a number stays one.
        """
        await store.apply([PARENT])
        await put(
            store,
            (ADA, "parent", "Lord Byron"),
            ("Anne", "children", "Ralph"),
            ("Anne", "child", 3),
        )
        assert await values(store, "child", "Lord Byron") == [ADA]
        assert await values(store, "parent", "Ralph") == ["Anne"]
        assert await values(store, "child", "Anne") == ["3"]
        assert await values(store, "children", "Anne") == ["Ralph"]
        await store.apply([Replace(fact("Byron", "children", "Anne"))])
        assert await values(store, "parent", "Ralph") == []
        assert await values(store, "parent", "Byron") == ["Anne"]
        await store.apply([Retract("Anne", "children", "Byron")])
        assert await values(store, "parent", "Byron") == []

    async def test_a_symmetric_relation_answers_for_a_value(self, store: FactStore) -> None:
        """Of two spouses the one whom no fact is about has the other as the spouse, by a lookup
        alone or among many; a scan still gives facts of the other.
        """
        await store.apply([SPOUSE])
        await put(store, (ADA, "spouse", "William King"))
        asked = [Lookup("William King", "spouse"), Lookup("william_king", "spouses")]
        assert [one.values for one in await store.lookup_many(asked)] == [(ADA,), (ADA,)]
        assert await triples(store, entity="William King") == []
        assert await triples(store) == [(ADA, "spouse", "William King")]
        await store.apply([Retract(ADA, "spouse")])
        assert [one.status for one in await store.lookup_many(asked)] == ["miss", "miss"]

    async def test_a_value_is_a_known_name(self, store: FactStore) -> None:
        """A name of which an inverse relation tells is known as long as it does; a value of another
        relation is not.
        """
        await put(store, (ADA, "parent", BYRON), (ADA, "tutor", EntityRef("Mary Somerville")))
        asked = ["LORD BYRON", "Lord Byron", "Mary Somerville", ADA, "Nobody"]
        assert await store.known_names(asked) == {ADA}
        await store.apply([PARENT])
        for loosely in (False, True):
            assert await store.known_names(asked, loosely=loosely) == {*asked[:2], ADA}
        await store.apply([Retract(ADA, "parent")])
        for loosely in (False, True):
            assert await store.known_names(asked, loosely=loosely) == {ADA}

    @needs(Capability.FAST_LOOKUP)
    async def test_a_value_is_described(self, store: FactStore) -> None:
        """`describe_nowait` gives what inverse relations tell of an entity, after what it has
        itself, each value once; and of one that occurs as a value alone.
        """
        await store.apply([PARENT, SPOUSE])
        await put(
            store, (ADA, "parent", BYRON), ("Allegra", "parent", EntityRef("lord byron")),
            (ADA, "spouse", "William King"), (ADA, "tutor", EntityRef("Mary Somerville")),
        )  # fmt: skip
        store.refresh_nowait()
        view = store.describe_nowait("lord byron")
        assert view is not None
        assert (view.name, view.key, view.match.kind) == ("Lord Byron", "lord byron", "exact")
        assert {one: view.values(one) for one in view.relations} == {"child": (ADA, "Allegra")}
        assert store.known_names_nowait(["LORD BYRON", "Mary Somerville"]) == {"LORD BYRON"}
        assert store.describe_nowait("Mary Somerville") is None
        store.refresh_nowait()
        await put(store, ("Lord Byron", "poem", "Lara"), ("Lord Byron", "children", EntityRef(ADA)))
        store.refresh_nowait()
        view = store.describe_nowait("Lord Byron")
        assert view is not None
        held = {one: view.values(one) for one in view.relations}
        assert held == {"poem": ("Lara",), "children": (ADA, "Allegra")}
        store.refresh_nowait()

    @needs(Capability.NAMESPACES)
    async def test_a_value_stays_in_its_namespace(self, store: FactStore) -> None:
        """What occurs as a value in one namespace is neither known nor answered for in another."""
        await store.apply([PARENT, Assert(fact(BYRON, "parent", namespace=("a",)))])
        for space, names, found in ((("a",), {"Lord Byron"}, (ADA,)), ((), set(), ())):
            assert await store.known_names(["Lord Byron"], namespace=space) == names
            result = await store.lookup("Lord Byron", "child", namespace=space)
            assert result.values == found

    @needs(Capability.VALID_TIME)
    async def test_a_value_is_answered_for_while_it_holds(self, store: FactStore) -> None:
        """A marriage answers from the side that has no facts while it lasts, and is not valid
        after.
        """
        king = EntityRef("William King")
        await store.apply(
            [SPOUSE, Assert(fact(king, "spouse", valid_from="1835", valid_to="1852"))]
        )
        for year, status, found in ((1840, "hit", (ADA,)), (1900, "not_valid_at", ())):
            then = datetime(year, 1, 1, tzinfo=UTC)
            result = await store.lookup("William King", "spouse", valid_at=then)
            assert (result.status, result.values) == (status, found)
        if Capability.FAST_LOOKUP in store.capabilities:
            store.refresh_nowait()
            view = store.describe_nowait("William King")
            assert view is None or view.relations == ()
            store.refresh_nowait()

    @needs(Capability.HISTORY)
    async def test_a_value_is_answered_for_as_of_a_revision(self, store: FactStore) -> None:
        """With ``as_of`` those answer that named it then, also when they do no longer."""
        await store.apply([PARENT])
        before = (await store.info()).revision
        then = (await put(store, (ADA, "parent", BYRON))).revision
        await store.apply([Retract(ADA, "parent")])
        for at, found in ((before, ()), (then, (ADA,)), (None, ())):
            result = await store.lookup("Lord Byron", "child", as_of=at)
            assert result.values == found
            names = await store.known_names(["Lord Byron"], as_of=at)
            assert names == ({"Lord Byron"} if found else set())

    @needs(Capability.ERASE)
    async def test_erasing_either_side_of_an_inverse(self, store: FactStore) -> None:
        """An erased entity is no answer from the other side. Facts of others that name an erased
        one stay, as the receipt says, and answer as before.
        """
        await store.apply([PARENT])
        await put(
            store, (ADA, "parent", BYRON), ("Allegra", "parent", BYRON),
            ("Lord Byron", "poem", "Lara"),
        )  # fmt: skip
        await store.erase(ADA)
        assert await values(store, "child", "Lord Byron") == ["Allegra"]
        await store.erase("Lord Byron")
        assert await values(store, "poem", "Lord Byron") == []
        assert await values(store, "child", "Lord Byron") == ["Allegra"]
        assert await store.known_names([ADA, "Lord Byron"]) == {"Lord Byron"}
        await store.erase("Allegra")
        assert await values(store, "child", "Lord Byron") == []
        assert await store.known_names(["Lord Byron"]) == set()

    @needs(Capability.ALIASES)
    async def test_a_value_is_answered_for_through_merges(self, store: FactStore) -> None:
        """Where the entity that names it is merged into another, that one is the answer; and the
        name that a merge took from an entity answers again after the split.
        """
        await store.apply([PARENT])
        await put(
            store, (ADA, "parent", BYRON), ("Countess", "title", "countess"),
            ("Gordon", "poem", "Lara"), ("Medora", "parent", EntityRef("Gordon")),
        )  # fmt: skip
        await store.apply([MergeEntities("Countess", ADA)])
        assert await values(store, "child", "Lord Byron") == ["Countess"]
        await store.apply([SplitEntities("Countess", ADA), AddAlias("Gordon", "Lord Byron")])
        assert await values(store, "child", "Lord Byron") == [ADA, "Medora"]
        await store.apply([RemoveAlias("Gordon", "Lord Byron"), Retract("Gordon", "poem")])
        assert await values(store, "child", "Lord Byron") == [ADA]
        assert await values(store, "child", "Gordon") == ["Medora"]

    @needs(Capability.FUZZY)
    async def test_an_inverse_is_asked_for_in_other_words(self, store: FactStore) -> None:
        """A relation with an inverse is understood in other spellings, as one of its own is; and
        an entity whose name is the very one comes before those that are spelt nearly so.
        """
        await store.apply([DefineRelation(RelationRule("hasParent", inverse="hasChild"))])
        await put(store, (ADA, "hasParent", "Noel"), ("Noël", "kind", "feast"))
        for relation in ("hasChild", "has child", "has_child", "has-child"):
            assert await values(store, relation, "Noel") == [ADA], relation
        assert await values(store, "kind", "Noel") == ["feast"]
        assert await values(store, "has child", "Noël") == []
        assert await values(store, "child of", "Noel") == []
        assert await store.known_names(["the Noel"], loosely=True) == {"the Noel"}
