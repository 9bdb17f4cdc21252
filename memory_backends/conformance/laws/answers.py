"""Suite 3: how a lookup understands names, and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from lamlam.errors import BadFact
from lamlam.memory_backends.conformance.laws.base import Laws, needs
from lamlam.memory_backends.conformance.samples import (
    ADA,
    HALF,
    answer,
    fact,
    facts,
    listed,
    put,
    triples,
    values,
)
from lamlam.memory_backends.model.lookups import Lookup, LookupStatus
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    DefineRelation,
    Op,
    RemoveAlias,
    Replace,
    Retract,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.protocol import Capability, FactStore

HALVES: tuple[Op, ...] = (
    Retract(HALF, "birth place"),
    Retract("A", HALF),
    Retract("A", "birth place", HALF),
    *[
        kind(fact("x").model_copy(update=update))
        for kind in (Assert, Replace)
        for update in (
            {"entity": HALF},
            {"relation": HALF},
            {"value": HALF, "surface": HALF},
            {"sources": (HALF,)},
        )
    ],
)


class AnswerLaws(Laws):
    """Suite 3: lookups by the very name, by synonyms, and by no name at all."""

    suite = "lookups"

    async def test_a_miss_is_an_answer(self, store: FactStore) -> None:
        """An unknown entity, an unknown relation and an empty store give the status miss and no
        values.
        """
        for _ in range(2):
            for entity, relation in (("Nobody", "work"), (ADA, "shoe size"), ("", ""), (" ", "\n")):
                result = await store.lookup(entity, relation)
                assert (result.status, result.values, result.facts) == (LookupStatus.MISS, (), ())
                assert (result.value, result.fact_ids) == (None, ())
            await put(store, (ADA, "birth place", "London"))

    async def test_case_and_spaces_do_not_matter(self, store: FactStore) -> None:
        """Names are found whatever their case, white space and underscores."""
        await put(store, (ADA, "birth place", "London"))
        for name in ("ada lovelace", "ADA_LOVELACE", "  Ada   Lovelace "):
            result = await store.lookup(name, " Birth_Place ")
            assert (result.status, result.values) == (LookupStatus.HIT, ("London",))
            assert (result.match.entity.kind, result.match.entity.matched) == ("exact", ADA)

    async def test_characters_that_say_more_are_kept_apart(self, store: FactStore) -> None:
        """Raised, lowered, circled and mathematical characters and fractions make other names of
        entities and relations; characters of another width, and ligatures, do not.
        """
        groups = (("10²", "102", "①02"), ("ℝ", "R", "Ⓡ"), ("½", "1⁄2", "12"))
        for group in groups:
            await put(store, *((name, "work", f"of {name}") for name in group))
            await put(store, *((ADA, f"area {name}", f"in {name}") for name in group))
        for name in (name for group in groups for name in group):
            assert await values(store, "work", name) == [f"of {name}"]
            assert await values(store, f"area {name}") == [f"in {name}"]
            assert await triples(store, entity=name) == [(name, "work", f"of {name}")]
        await store.apply([Retract("102", "work"), Retract(ADA, "area R")])
        assert await values(store, "work", "10²") == ["of 10²"]
        assert await values(store, "area ℝ") == ["in ℝ"]
        await put(store, ("ＡＢＣ ﬁ", "work", "wide"))
        assert await values(store, "work", "abc fi") == ["wide"]

    async def test_the_very_relation_comes_first(self, store: FactStore) -> None:
        """A relation is found by its exact name first, and else by a synonym, which the match
        names.
        """
        await put(store, (ADA, "born in", "London"), (ADA, "birth date", "1815"))
        result = await store.lookup(ADA, "place of birth")
        assert (result.values, result.match.relation.kind) == (("London",), "synonym")
        assert result.match.relation.matched == "born in"
        await put(store, (ADA, "place of birth", "Paris"))
        result = await store.lookup(ADA, "place of birth")
        assert (result.values, result.match.relation.kind) == (("Paris",), "exact")

    async def test_many_questions_one_state(self, store: FactStore) -> None:
        """`lookup_many` answers in the order of the questions, all at one revision."""
        await put(store, *((f"Name {n}", "work", f"v{n}") for n in range(20)))
        asked = [Lookup(f"Name {n}", "work") for n in (*range(19, -1, -1), 7, 99, 7)]
        results = await store.lookup_many(asked)
        assert [one.value for one in results[:20]] == [f"v{n}" for n in range(19, -1, -1)]
        assert [one.value for one in results[20:]] == ["v7", None, "v7"]
        assert {one.revision for one in results} == {(await store.info()).revision}
        assert await store.lookup_many([]) == []

    async def test_lookup_and_scan_agree(self, store: FactStore) -> None:
        """The facts of a lookup are the facts of a scan: ids, revisions, sources and order."""
        await put(store, *((ADA, "work", f"w{n}") for n in range(5)), source="s")
        result = await store.lookup(ADA, "work")
        assert list(result.facts) == await listed(store.scan(ADA, "work"))
        assert result.fact_ids == tuple(one.id for one in result.facts)
        assert result.sources == ("s",) * 5

    async def test_a_scan_takes_entity_relation_or_both(self, store: FactStore) -> None:
        """A scan gives every fact once, or those of one entity, of one relation with its synonyms,
        or of both.
        """
        many = {(f"Name {n}", r, "v") for n in range(30) for r in ("job", "birth date")}
        await put(store, *many)
        assert set(await triples(store, batch=7)) == many
        assert len(await facts(store, entity="name 3")) == 2
        assert {one.relation for one in await facts(store, relation="profession")} == {"job"}
        assert [one.entity for one in await listed(store.scan("Name 4", "occupation"))] == [
            "Name 4"
        ]
        for nothing in ({"entity": "Nobody"}, {"entity": "Name"}, {"relation": "shoe size"}):
            assert await facts(store, **nothing) == []

    async def test_the_facts_of_one_entity_come_together(self, store: FactStore) -> None:
        """A scan does not come back to an entity that it has left."""
        for n in range(3):
            await put(store, *((f"Name {m}", "work", f"v{n}") for m in range(4)))
        names = [one.entity async for one in store.scan(batch=2)]
        assert [name for n, name in enumerate(names) if n % 3 == 0] == sorted(
            set(names), key=names.index
        )
        assert [names[n : n + 3] for n in range(0, 12, 3)] == [[name] * 3 for name in names[::3]]

    async def test_half_a_character_is_the_name_of_nothing(self, store: FactStore) -> None:
        """A name with half a surrogate pair is a miss, and nothing breaks."""
        await put(store, ("A", "birth place", "x"))
        for entity, relation in ((HALF, "birth place"), ("A", HALF), (f"{HALF} {HALF}", HALF)):
            assert (await store.lookup(entity, relation)).status == "miss"
            assert await listed(store.scan(entity, relation)) == []
            if Capability.HISTORY in store.capabilities:
                assert await store.history(entity, relation) == []
        if Capability.FAST_LOOKUP in store.capabilities:
            assert store.describe_nowait(HALF) is None
            assert store.describe_nowait(HALF, fuzzy=False) is None
        assert await values(store, "born in", "A") == ["x"]

    @pytest.mark.parametrize("op", HALVES, ids=lambda op: type(op).__name__)
    async def test_half_a_character_is_not_written(self, store: FactStore, op: Op) -> None:
        """A field with half a surrogate pair is `BadFact`, and everything stays."""
        await put(store, ("A", "birth place", "x"))
        with pytest.raises(BadFact, match="surrogate"):
            await store.apply([Assert(fact()), op])
        assert await triples(store) == [("A", "birth place", "x")]


@needs(Capability.FUZZY)
class SpellingLaws(Laws):
    """Suite 3: names in other spellings."""

    suite = "lookups"

    async def test_a_person_by_another_form_of_the_name(self, store: FactStore) -> None:
        """Accents, order, titles, middle names and a slip of the pen find the one person that is
        meant.
        """
        await put(
            store, ("Grace Brewster Hopper", "birth date", "1906"), ("José Silva", "job", "poet")
        )
        for name in ("Grace Hopper", "Hopper, Grace Brewster", "Grace Brewster Hoper"):
            result = await store.lookup(name, "birth date")
            assert result.values == ("1906",), name
            assert result.match.entity.kind in ("alias", "fuzzy")
            assert result.match.entity.matched == "Grace Brewster Hopper"
        assert await values(store, "job", "Jose Silva") == ["poet"]

    async def test_several_that_fit_are_ambiguous(self, store: FactStore) -> None:
        """Where several entities fit equally well none is the answer, and the
        candidates name them, each with its qualifier and facts that the others do not have.
        """
        await put(
            store, ("Springfield, Ohio", "mayor", "A"), ("Springfield, Illinois", "mayor", "B")
        )
        for town in ("Ohio", "Illinois"):
            await put(store, (f"Springfield, {town}", "country", "United States"))
        result = await store.lookup("Springfield", "mayor")
        assert (result.status, result.values) == (LookupStatus.AMBIGUOUS, ())
        assert {(one.entity, one.qualifier, one.facts) for one in result.candidates} == {
            ("Springfield, Ohio", "Ohio", (("mayor", "A"),)),
            ("Springfield, Illinois", "Illinois", (("mayor", "B"),)),
        }
        assert sorted(one.entity for one in result.candidates) == [
            "Springfield, Illinois", "Springfield, Ohio",
        ]  # fmt: skip
        assert await values(store, "mayor", "Springfield, Ohio") == ["A"]
        await store.apply([Retract("Springfield, Ohio", "mayor")])
        await store.apply([Retract("Springfield, Ohio", "country")])
        assert await values(store, "mayor", "Springfield") == ["B"]

    async def test_signs_tell_names_apart(self, store: FactStore) -> None:
        """A name is never answered by one that has other signs, also where memory holds nothing
        else; such a one is a candidate. Punctuation alone makes no difference.
        """
        await put(
            store, ("C++", "author", "Bo"), ("-40 °C", "state", "ice"), ("O'Brien", "job", "poet")
        )
        for name, relation in (("C#", "author"), ("C", "author"), ("40 °C", "state")):
            result = await store.lookup(name, relation)
            assert (result.status, result.values) == (LookupStatus.MISS, ()), name
            assert result.candidates[0].entity in ("C++", "-40 °C")
        assert await values(store, "author", "C++") == ["Bo"]
        assert await values(store, "state", "−40 °C") == ["ice"]
        assert await values(store, "job", "OBrien") == ["poet"]
        await put(store, ("Mill", "price €", "5"))
        assert (await store.lookup("Mill", "price $")).status == LookupStatus.MISS

    async def test_nobody_is_written_to_by_a_similar_name(self, store: FactStore) -> None:
        """A write to a name that lookups would only understand makes or changes no other entity."""
        await put(store, ("Kevin Barron", "work", "x"))
        assert await values(store, "work", "Sir Kevin Barron") == ["x"]
        assert (await store.apply([Retract("Sir Kevin Barron", "work")])).facts == 0
        await put(store, ("Sir Kevin Barron", "work", "y"))
        assert await values(store, "work", "Kevin Barron") == ["x"]
        assert await values(store, "work", "Sir Kevin Barron") == ["y"]
        assert await facts(store, entity="Mr Kevin Barron") == []


@needs(Capability.FAST_LOOKUP)
class FastLookupLaws(Laws):
    """Suite 3: answers at once."""

    suite = "lookups"

    async def test_at_once_is_the_same(self, store: FactStore) -> None:
        """`lookup_nowait` gives what `lookup` gives, right after each commit."""
        for n in range(3):
            await put(store, (ADA, "work", f"w{n}"))
            store.refresh_nowait()
            for query in (Lookup(ADA, "work"), Lookup("Nobody", "work"), Lookup(ADA, "shoe size")):
                assert answer(store.lookup_nowait(query)) == answer(
                    (await store.lookup_many([query]))[0]
                )
            assert len(store.lookup_nowait(Lookup(ADA, "work")).values) == n + 1
        store.refresh_nowait()

    async def test_an_entity_is_described(self, store: FactStore) -> None:
        """`describe_nowait` gives the entity's relations in stored order and their values."""
        await put(store, (ADA, "work", "a"), (ADA, "born in", "London"), (ADA, "work", "b"))
        store.refresh_nowait()
        view = store.describe_nowait("ADA lovelace")
        assert view is not None
        assert (view.name, view.key, view.relations) == (ADA, "ada lovelace", ("work", "born in"))
        assert (view.values("work"), view.values("mayor")) == (("a", "b"), ())
        assert store.describe_nowait("Nobody") is None
        store.refresh_nowait()

    @needs(Capability.NAMESPACES)
    async def test_at_once_in_a_namespace(self, store: FactStore) -> None:
        """Both answer for the namespace that is asked about, and for no other."""
        await store.apply([Assert(fact(namespace=("a",)))])
        store.refresh_nowait()
        query = Lookup(ADA, "birth place", ("a",))
        assert store.lookup_nowait(query).values == ("London",)
        assert store.lookup_nowait(replace(query, namespace=())).status == "miss"
        view = store.describe_nowait(ADA, namespace=("a",))
        assert view is not None and (view.key, view.namespace) == ("ada lovelace", ("a",))
        assert store.describe_nowait(ADA) is None
        store.refresh_nowait()

    async def test_a_mark_tells_that_answers_may_have_changed(self, store: FactStore) -> None:
        """`state_nowait`, where it is not ``None``, is another mark after whatever changes an
        answer: a commit, an alias, a rule, an erasure; and the same while nothing does.
        """
        steps: list[Callable[[], Awaitable[object]]] = [
            lambda: put(store, (ADA, "work", "x")),
            lambda: store.apply([Retract(ADA, "work")]),
            lambda: put(store, (ADA, "work", "y")),
        ]
        if Capability.ALIASES in store.capabilities:
            steps += [
                lambda: store.apply([AddAlias(ADA, "Countess")]),
                lambda: store.apply([RemoveAlias(ADA, "Countess")]),
            ]
        if Capability.RULES in store.capabilities:
            rule = RelationRule(name="child", inverse="parent")
            steps.append(lambda: store.apply([DefineRelation(rule)]))
        if Capability.ERASE in store.capabilities:
            steps.append(lambda: store.erase(ADA))
        for step in steps:
            store.refresh_nowait()
            before = store.state_nowait()
            store.describe_nowait(ADA)
            assert store.state_nowait() == before
            store.refresh_nowait()
            await step()
            after = store.state_nowait()
            assert after != before or before is None
        store.refresh_nowait()


@needs(Capability.ALIASES)
class AliasLaws(Laws):
    """Suite 3: other names."""

    suite = "lookups"

    async def test_an_entity_is_found_by_its_alias(self, store: FactStore) -> None:
        """An alias answers in any case, for reads and writes, and `aliases` lists it."""
        await put(store, (ADA, "work", "x"))
        assert (await store.apply([AddAlias(ADA, "The Countess")])).facts == 1
        result = await store.lookup("the COUNTESS", "work")
        assert (result.values, result.match.entity.kind) == (("x",), "alias")
        assert result.match.entity.matched == ADA
        await put(store, ("The Countess", "work", "y"))
        assert await triples(store, entity="the countess") == [
            (ADA, "work", "x"),
            (ADA, "work", "y"),
        ]
        assert await store.aliases(ADA) == await store.aliases("The Countess") == ["the countess"]
        await store.apply([Retract("The Countess", "work", "x")])
        assert await values(store, "work") == ["y"]

    async def test_an_alias_belongs_to_one_entity(self, store: FactStore) -> None:
        """Adding the same alias again changes nothing; for another entity it is `BadFact`."""
        await put(store, ("A B", "work", "x"), ("C D", "work", "y"))
        assert (await store.apply([AddAlias("A B", "Other")])).facts == 1
        assert (await store.apply([AddAlias("A B", "OTHER")])).facts == 0
        assert (await store.apply([AddAlias("A B", "a b")])).facts == 0
        for entity, alias in (("C D", "other"), ("C D", "A B"), ("Nobody", "No One")):
            with pytest.raises(BadFact):
                await store.apply([AddAlias(entity, alias)])
        assert await values(store, "work", "Other") == ["x"]
        assert await store.aliases("C D") == await store.aliases("Nobody") == []

    async def test_the_alias_of_an_alias(self, store: FactStore) -> None:
        """Chains end at the entity, and a circle of names changes nothing."""
        await put(store, (ADA, "work", "x"))
        await store.apply([AddAlias(ADA, "One"), AddAlias("One", "Two"), AddAlias("Two", "Three")])
        for name in ("One", "Two", "Three"):
            assert await values(store, "work", name) == ["x"]
            assert (await store.apply([AddAlias("Three", name)])).facts == 0
        assert (await store.apply([AddAlias("Three", ADA)])).facts == 0
        assert await store.aliases("Two") == ["one", "three", "two"]

    async def test_a_removed_alias_is_the_name_of_nothing(self, store: FactStore) -> None:
        """Only that alias is removed, never one of another entity; removing it again changes
        nothing.
        """
        await put(store, ("A B", "work", "x"), ("C D", "work", "y"))
        await store.apply(
            [AddAlias("A B", "One"), AddAlias("A B", "Two"), AddAlias("C D", "Three")]
        )
        assert (await store.apply([RemoveAlias("A B", "ONE")])).facts == 1
        for entity, alias in (("A B", "One"), ("A B", "Three"), ("Nobody", "Two")):
            assert (await store.apply([RemoveAlias(entity, alias)])).facts == 0
        assert (await store.lookup("One", "work")).status == "miss"
        assert await values(store, "work", "Two") == ["x"]
        assert await values(store, "work", "Three") == ["y"]

    async def test_aliases_go_with_their_entity(self, store: FactStore) -> None:
        """An entity without facts has no aliases, and its name may be one of another's."""
        await put(store, ("A B", "work", "x"), ("C D", "work", "y"))
        await store.apply([AddAlias("A B", "Other")])
        await store.apply([Retract("A B", "work")])
        assert await store.aliases("A B") == []
        await put(store, ("A B", "work", "z"))
        assert (await store.lookup("Other", "work")).status == "miss"
        await store.apply([AddAlias("C D", "Other")])
        assert await values(store, "work", "other") == ["y"]

    async def test_hostile_halves_are_no_aliases(self, store: FactStore) -> None:
        """An alias or an entity that is not valid text is `BadFact`."""
        await put(store, ("A", "work", "x"))
        for op in (
            AddAlias("A", HALF),
            AddAlias(HALF, "B"),
            AddAlias("A", ""),
            AddAlias("A", "\0"),
        ):
            with pytest.raises(BadFact):
                await store.apply([Assert(fact()), op])
        assert await triples(store) == [("A", "work", "x")]
