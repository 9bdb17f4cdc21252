"""Suite 2: several values of one relation, and relations that have one at a time."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lamlam.errors import BadFact, TooManyValues
from lamlam.memory_backends.conformance.laws.base import Laws, needs
from lamlam.memory_backends.conformance.samples import ADA, fact, facts, put, triples, values
from lamlam.memory_backends.model.operations import Assert, DefineRelation, Replace, Retract
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef, PartialDate, Quantity, ValueType
from lamlam.memory_backends.protocol import Capability, FactStore


class SeveralValuesLaws(Laws):
    """Suite 2: several values of one relation."""

    suite = "several values"

    async def test_values_keep_their_order(self, store: FactStore) -> None:
        """Several values of a relation stay in the order in which they were written."""
        await put(store, *((ADA, "work", f"work {n}") for n in (3, 1, 2)))
        await put(store, ("ada lovelace", "work", "work 0"))
        result = await store.lookup(ADA, "work")
        assert result.values == ("work 3", "work 1", "work 2", "work 0")
        assert result.value == "work 3"
        assert len(set(result.fact_ids)) == 4
        assert {one.entity async for one in store.scan()} == {ADA}

    async def test_the_same_statement_again_is_no_second_fact(self, store: FactStore) -> None:
        """A repeat joins the sources, takes the new confidence, and keeps its place."""
        await store.apply([Assert(fact(source="a")), Assert(fact("Paris"))])
        await store.apply([Assert(fact(source="b", confidence=0.5))])
        result = await store.lookup(ADA, "birth place")
        assert result.values == ("London", "Paris")
        assert [one.sources for one in result.facts] == [("a", "b"), ()]
        assert result.facts[0].confidence == 0.5
        assert (await store.info()).facts == 2

    async def test_another_surface_makes_no_second_fact(self, store: FactStore) -> None:
        """The same text or value, written another way, is the same fact under the same id."""
        for value in ("London", 1815):
            await store.apply([Assert(fact(value))])
            before = await store.lookup(ADA, "birth place")
            await store.apply([Assert(fact(value, surface="another way"))])
            after = await store.lookup(ADA, "birth place")
            assert (after.values[-1], after.facts[-1].value) == ("another way", value)
            assert after.fact_ids == before.fact_ids

    async def test_what_changes_nothing_is_no_commit(self, store: FactStore) -> None:
        """A statement that holds already and a retraction of what does not leave the revision as it
        is.
        """
        await store.apply([Assert(fact(source="a"))])
        revision = (await store.info()).revision
        for op in (
            Assert(fact(source="a")),
            Assert(fact()),
            Retract(ADA, "work"),
            Retract("X", "y"),
        ):
            commit = await store.apply([op])
            assert (commit.facts, commit.revision) == (0, revision)
        assert (await store.apply([])).revision == revision
        assert (await store.info()).revision == revision

    async def test_each_commit_has_the_next_revision(self, store: FactStore) -> None:
        """A commit that changes anything makes one revision, however many facts it changes."""
        before = (await store.info()).revision
        commits = [await put(store, *((ADA, "work", f"{n} {m}") for m in range(3))) for n in (1, 2)]
        assert [(c.revision, c.facts) for c in commits] == [(before + 1, 3), (before + 2, 3)]
        assert (await store.lookup(ADA, "work")).revision == before + 2
        assert {f.revision async for f in store.scan()} == {before + 1, before + 2}

    async def test_last_write_wins(self, store: FactStore) -> None:
        """A fact replaced reads back as the second value, also by a synonym of its relation."""
        await store.apply([Assert(fact("Paris")), Assert(fact("Rome")), Replace(fact("London"))])
        assert await values(store) == ["London"]
        await store.apply([Replace(fact("Oxford", "born in"))])
        assert await values(store) == ["Oxford"]
        assert (await store.info()).facts == 1

    async def test_replacing_covers_every_synonym(self, store: FactStore) -> None:
        """No old value answers under another name of the relation, and the same value keeps its
        name and source.
        """
        await store.apply([Assert(fact("London", "born in", source="a letter"))])
        await store.apply([Replace(fact("London"))])
        assert await triples(store) == [(ADA, "born in", "London")]
        assert (await store.lookup(ADA, "birth place")).sources == ("a letter",)
        await put(store, (ADA, "birth place", "Rome"), (ADA, "birth date", "1815"))
        await store.apply([Replace(fact("Paris"))])
        for name in ("born in", "birth place", "place of birth"):
            assert await values(store, name) == ["Paris"]
        assert await values(store, "birth date") == ["1815"]

    async def test_retracting_covers_every_synonym(self, store: FactStore) -> None:
        """A value ends under every name of its relation at once, and a whole relation likewise."""
        await put(
            store,
            (ADA, "born in", "Paris"),
            (ADA, "birth place", "Paris"),
            (ADA, "born in", "York"),
            (ADA, "birth date", "1815"),
        )
        assert (await store.apply([Retract(ADA, "place of birth", "Paris")])).facts == 2
        assert await values(store) == ["York"]
        assert (await store.apply([Retract(ADA, "place of birth")])).facts == 1
        assert await triples(store) == [(ADA, "birth date", "1815")]

    async def test_what_ended_is_named(self, store: FactStore) -> None:
        """A commit names each fact that a replacement or a retraction ended, as it was, whatever
        name of the relation it had; of one that changed nothing there is none.
        """
        await put(store, (ADA, "born in", "Paris"), (ADA, "work", "x"))
        (before,) = [one async for one in store.scan(relation="born in")]
        commit = await store.apply([Replace(fact("Rome"))])
        (gone,) = commit.ended
        assert (gone.entity, gone.relation, gone.value) == (ADA, "born in", "Paris")
        assert gone.id == before.id
        assert (await store.apply([Replace(fact("Rome"))])).ended == ()
        assert (await store.apply([Assert(fact("York"))])).ended == ()
        commit = await store.apply([Retract(ADA, "place of birth")])
        assert sorted(one.surface for one in commit.ended) == ["Rome", "York"]

    async def test_a_relation_turned_round_is_another_one(self, store: FactStore) -> None:
        """What somebody owns is not the owner, and neither a former nor a narrower relation is the
        same: they do not answer, or by name only, and a replacement leaves them.
        """
        others = [(ADA, "owner of", "Mill"), (ADA, "former spouse", "X"), (ADA, "wife of", "Y")]
        await put(store, *others, (ADA, "former team", "Z"), (ADA, "land area", "7"))
        for name in ("owner", "is owner", "has owner", "husband", "team", "area"):
            found = await store.lookup(ADA, name)
            assert (found.status, found.values) == ("miss", ()), name
        near = [one.relation for one in (await store.lookup(ADA, "owner")).candidates]
        assert "owner of" in near
        assert await values(store, "spouse") == ["Y"]
        for name in ("owner", "spouse", "team", "area"):
            assert (await store.apply([Replace(fact("new", name))])).ended == ()
            assert await values(store, name) == ["new"]
        assert await values(store, "wife of") == ["Y"]
        assert await values(store, "is the owner of") == ["Mill"]
        assert (await store.info()).facts == 9

    async def test_an_exact_retraction_leaves_synonyms(self, store: FactStore) -> None:
        """With ``exact`` the fact of that very name ends, and no other."""
        await put(store, (ADA, "born in", "Paris"), (ADA, "birth place", "Paris"))
        assert (await store.apply([Retract(ADA, "Birth Place", "Paris", exact=True)])).facts == 1
        assert await triples(store) == [(ADA, "born in", "Paris")]

    async def test_one_sibling_goes_the_others_stay(self, store: FactStore) -> None:
        """Ending one value leaves the entity's others, their order, and other entities alone."""
        await put(store, *(("A B", "work", v) for v in "xyz"), ("C D", "work", "y"))
        await store.apply([Retract("A B", "work", "y")])
        assert await values(store, "work", "A B") == ["x", "z"]
        assert await values(store, "work", "C D") == ["y"]
        assert (await store.apply([Retract("A B", "work", "nothing")])).facts == 0

    async def test_what_a_fact_named_outlives_it(self, store: FactStore) -> None:
        """An entity that was the value of an ended fact keeps its own facts."""
        await put(
            store, (ADA, "spouse", EntityRef("William King")), ("William King", "title", "earl")
        )
        await store.apply([Retract(ADA, "spouse")])
        assert await triples(store) == [("William King", "title", "earl")]
        await put(store, (ADA, "spouse", EntityRef("William King")))
        await store.apply([Retract("William King", "title")])
        assert await values(store, "spouse") == ["William King"]

    async def test_a_fact_that_holds_again_comes_last(self, store: FactStore) -> None:
        """A value that ended and was asserted again stands after its siblings."""
        await put(store, *((ADA, "work", v) for v in "xyz"))
        await store.apply([Retract(ADA, "work", "x")])
        await put(store, (ADA, "work", "x"))
        assert await values(store, "work") == ["y", "z", "x"]

    async def test_a_scan_keeps_the_order_of_values(self, store: FactStore) -> None:
        """A scan of an entity gives its facts in the order in which they were written."""
        await put(store, (ADA, "work", "c"), (ADA, "score", "b"), (ADA, "work", "a"))
        assert [one.surface async for one in store.scan(ADA)] == ["c", "b", "a"]

    async def test_a_thousand_facts_at_once(self, store: FactStore) -> None:
        """A commit of a thousand facts is one revision, and a scan in small batches gives each
        once.
        """
        many = [(f"Name {n}", "work", f"v{m}") for n in range(100) for m in range(10)]
        before = (await store.info()).revision
        commit = await put(store, *many)
        assert (commit.revision, commit.facts) == (before + 1, 1000)
        assert await triples(store, batch=7) == sorted(many)
        assert await values(store, "work", "Name 7") == [f"v{m}" for m in range(10)]
        info = await store.info()
        assert (info.facts, info.entities) == (1000, 100)


@needs(Capability.RULES)
class CardinalityLaws(Laws):
    """Suite 2: relations that a rule binds to one value, or to a type."""

    suite = "several values"

    async def test_a_single_value_is_kept_single(self, store: FactStore) -> None:
        """Where the relation has one value, another is `TooManyValues`, under a synonym too."""
        await store.apply([DefineRelation(RelationRule("birth place", "one")), Assert(fact())])
        for relation in ("birth place", "born in"):
            with pytest.raises(TooManyValues):
                await store.apply([Assert(fact("Paris", relation))])
        assert (await store.apply([Assert(fact(source="again"))])).facts == 1
        await store.apply([Replace(fact("Paris"))])
        assert await values(store) == ["Paris"]
        await store.apply([Retract(ADA, "born in"), Assert(fact("Rome"))])
        assert await values(store) == ["Rome"]

    @needs(Capability.VALID_TIME)
    async def test_a_single_value_per_moment(self, store: FactStore) -> None:
        """One value at a time: periods that touch are fine, periods that overlap are not."""
        await store.apply([DefineRelation(RelationRule("mayor", "one"))])
        await store.apply([Assert(fact("A", "mayor", valid_from="1900", valid_to="1910"))])
        await store.apply([Assert(fact("B", "mayor", valid_from="1910", valid_to="1920"))])
        with pytest.raises(TooManyValues):
            await store.apply([Assert(fact("C", "mayor", valid_from="1919"))])
        with pytest.raises(TooManyValues):
            await store.apply([Assert(fact("C", "mayor"))])
        assert (await store.info()).facts == 2

    async def test_a_typed_relation_takes_its_type(self, store: FactStore) -> None:
        """A text that reads as the relation's type is taken as it; anything else is refused."""
        types = {
            "birth date": (ValueType.DATE, "7 November 1867", PartialDate(1867, 11, 7)),
            "height": (ValueType.QUANTITY, "8,849 m", Quantity(Decimal(8849), "m")),
            "population": (ValueType.INTEGER, "12", 12),
            "capital": (ValueType.ENTITY, "Paris", EntityRef("Paris")),
        }
        for relation, (kind, text, value) in types.items():
            rule = RelationRule(relation, value_type=kind)
            await store.apply([DefineRelation(rule), Assert(fact(text, relation))])
            (read,) = (await store.lookup(ADA, relation)).facts
            assert (read.value, read.surface) == (value, text)
            with pytest.raises(BadFact):
                await store.apply([Assert(fact(True, relation))])
        for value, surface in (("long ago", "long ago"), ("long ago", "1867")):
            with pytest.raises(BadFact):
                await store.apply([Assert(fact(value, "birth date", surface=surface))])
        assert (await store.info()).facts == len(types)
        # The value is read, however it is written.
        await store.apply([Replace(fact("1867", "birth date", surface="that year"))])
        (read,) = (await store.lookup(ADA, "birth date")).facts
        assert (read.value, read.surface) == (PartialDate(1867), "that year")

    async def test_rules_are_read_back(self, store: FactStore) -> None:
        """`rules` gives what was defined; the definition of a synonym replaces it; defining it
        again changes nothing.
        """
        first = RelationRule("birth place", "one", ValueType.ENTITY)
        parent = RelationRule("parent", inverse="child")
        await store.apply([DefineRelation(first), DefineRelation(parent)])
        assert sorted(await store.rules(), key=repr) == sorted([first, parent], key=repr)
        assert (await store.apply([DefineRelation(first)])).facts == 0
        second = RelationRule("place of birth", "many")
        await store.apply([DefineRelation(second)])
        assert sorted(await store.rules(), key=repr) == sorted([second, parent], key=repr)

    async def test_a_rule_holds_from_then_on(self, store: FactStore) -> None:
        """What was written before a rule stays as it is."""
        await store.apply([Assert(fact("London")), Assert(fact("Paris"))])
        await store.apply([DefineRelation(RelationRule("birth place", "one", ValueType.DATE))])
        assert await values(store) == ["London", "Paris"]
        assert (await store.apply([DefineRelation(RelationRule("birth place", "one"))])).facts == 1
        assert (await store.apply([Assert(fact("London"))])).facts == 0, "it says what holds"
        with pytest.raises(TooManyValues):
            await store.apply([Assert(fact("Rome"))])
        assert {one.type for one in await facts(store)} == {ValueType.TEXT}
