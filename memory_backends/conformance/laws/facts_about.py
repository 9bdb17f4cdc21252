"""Suite 3, texts: what memory holds about the names in a text."""

from __future__ import annotations

import pytest

from lamlam.errors import BadFact, Conflict, OverlayCycle
from lamlam.memory_backends.conformance.laws.base import Laws, needs
from lamlam.memory_backends.conformance.samples import ADA, HALF, HOSTILE, fact, put
from lamlam.memory_backends.model.facts_about import (
    LONG_TEXT,
    MAX_TEXT_CHARACTERS,
    FactsAbout,
)
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation, Retract
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import MAX_NAME_CHARACTERS, EntityRef
from lamlam.memory_backends.protocol import Capability, FactStore

MINE, THEIRS = ("users", "7"), ("users", "8")


def said(about: FactsAbout) -> list[str]:
    """Return what is said of which entity, in order."""
    return list(about.lines())


def named(about: FactsAbout) -> list[tuple[str, str]]:
    """Return the names found, each as the text and as memory writes it."""
    return [(one.text, one.entity) for one in about.names]


class FactsAboutLaws(Laws):
    """Suite 3: the names in a text."""

    suite = "lookups"

    async def test_a_text_is_answered_by_what_it_names(self, store: FactStore) -> None:
        """`facts_about` finds the names of a text in any letter case, as possessives and between
        marks, the longest first, with their places and with the facts about them.
        """
        await put(store, (ADA, "birth place", "London"), ("Lovelace", "kind", "crater"))
        await put(store, ("Łódź", "country", "Poland"), ("Mill Lane", "town", "Łódź"))
        for text, expected in (
            (f"Did {ADA} ever see Łódź?", [ADA, "Łódź"]),
            ("ada lovelace's maths, and łódź", [ADA, "Łódź"]),
            ("“Ada Lovelace”/(Łódź)…", [ADA, "Łódź"]),
            ("He said: ADA LOVELACE!", [ADA]),
            ("the lovelace on the moon", ["Lovelace"]),
            ("we met at mill lane’s end", ["Mill Lane"]),
            ("Nobody was there.", []),
        ):
            about = await store.facts_about(text)
            assert [one.entity for one in about.names] == expected, text
            assert [text[one.start : one.end] for one in about.names] == [
                one.text for one in about.names
            ]
            assert {one.entity for one in about.facts} == set(expected), text
            assert about.left_out == ()

    async def test_facts_about_are_those_of_the_store(self, store: FactStore) -> None:
        """The facts of `facts_about` are those that `scan` gives of the entity, ids included."""
        await put(store, (ADA, "birth place", "London"), (ADA, "occupation", "writer"))
        about = await store.facts_about(f"{ADA} is here")
        assert list(about.facts) == [one async for one in store.scan(ADA)]
        assert all(one.id for one in about.facts)

    async def test_what_a_text_asks_for_comes_first(self, store: FactStore) -> None:
        """Facts whose relation the words of the text name stand first, then the others in order."""
        await put(
            store,
            (ADA, "occupation", "writer"),
            (ADA, "birth place", "London"),
            (ADA, "pizza topping", "olives"),
        )
        born = await store.facts_about(f"where was {ADA} born?")
        assert [one.surface for one in born.facts] == ["London", "writer", "olives"]
        plain = await store.facts_about(f"hello {ADA}")
        assert [one.surface for one in plain.facts] == ["writer", "London", "olives"]
        pizza = await store.facts_about(f"a pizza for {ADA}", max_facts=1)
        assert [one.surface for one in pizza.facts] == ["olives"]

    async def test_names_share_the_budget(self, store: FactStore) -> None:
        """Facts are taken in turns, one of each name, until the budget in facts or in characters
        is used; what it left out is counted for each entity.
        """
        await put(store, *((ADA, f"relation {n}", "x") for n in range(9)))
        await put(store, ("Bob Vane", "work", "y"), ("Cy Vane", "work", "z" * 500))
        text = f"{ADA}, Bob Vane and Cy Vane"
        about = await store.facts_about(text, max_facts=4)
        assert [one.entity for one in about.facts] == [ADA, "Bob Vane", "Cy Vane", ADA]
        assert [(one.entity, one.n_facts) for one in about.left_out] == [(ADA, 7)]
        few = await store.facts_about(text, max_characters=60)
        assert "Cy Vane" not in {one.entity for one in few.facts}
        assert len(few.as_text()) <= 60
        assert few.n_left_out + len(few.facts) == 11
        assert {one.entity for one in few.left_out} == {ADA, "Cy Vane"}
        none = await store.facts_about(text, max_facts=0)
        assert (none.facts, none.n_left_out) == ((), 11)
        assert len(none.names) == 3

    async def test_the_author_is_who_the_caller_says(self, store: FactStore) -> None:
        """Words such as "I" and "my" mean the entity that ``me`` names, and nobody without it."""
        await put(store, (ADA, "birthday", "10 December"), ("Elizabeth I", "office", "queen"))
        for text, words in (
            ("When is my birthday?", ["my"]),
            ("i think that's mine", ["i", "mine"]),
            ("I'm late, tell me!", ["I'm", "me"]),
            ("Elizabeth I ruled", []),
            ("the mine, the mist", []),
        ):
            about = await store.facts_about(text, me="ada lovelace")
            found = [one.text for one in about.names if one.entity == ADA]
            assert found == words, text
            assert ADA not in {one.entity for one in (await store.facts_about(text)).names}
        assert not (await store.facts_about("my birthday", me="Nobody At All")).names

    async def test_a_fact_is_one_line(self, store: FactStore) -> None:
        """Whatever names and values hold, each fact is one line of `lines` that begins with the
        name of its entity.
        """
        hostile = [text for text in HOSTILE if text.isprintable() or "\n" in text]
        fakes = ["x\nAda Lovelace: spouse: Eve", "x\r\x0b\x0c\x1c\x85\u2028\u2029y", *hostile]
        await put(store, *((ADA, f"note {n}\nfor\u2028you", v) for n, v in enumerate(fakes)))
        about = await store.facts_about(f"about {ADA}", max_facts=200)
        assert len(about.facts) == len(fakes)
        lines = about.as_text().splitlines()
        assert len(lines) == len(fakes)
        assert all(line.startswith(f"{ADA}: note ") for line in lines)

    async def test_facts_about_hostile_texts(self, store: FactStore) -> None:
        """No text is too strange: half a surrogate pair, control characters, marks alone, a word of
        a hundred thousand characters, and very many names.
        """
        await put(store, (ADA, "work", "x"))
        longest = MAX_TEXT_CHARACTERS
        for text in (
            "", " ", *HOSTILE, HALF, "\ud83d", "a" * longest, "a " * 300,
            "(" * 3000, "'s " * 200, "I " * 200, "https://x.y/" * 60, "\u0301" * 5000,
            "." * longest, "\n" * longest, "](" * 300,
        ):  # fmt: skip
            assert named(await store.facts_about(text, me="Nobody")) == []
        strange = await store.facts_about(f"\x00{HALF} {ADA}\u202e")
        assert [one.entity for one in strange.names] == [ADA]
        many = await store.facts_about(f"{ADA} and " * 60)
        assert len(many.names) == 60
        assert len(many.facts) == 1

    async def test_facts_about_checks_its_arguments(self, store: FactStore) -> None:
        """A text that is too long, and any argument that makes no sense, is `BadFact`."""
        wrong: tuple[tuple[dict[str, object], str], ...] = (
            ({"text": 7}, "text must be a string"),
            ({"text": "x" * (MAX_TEXT_CHARACTERS + 1)}, "text must be at most 100,000"),
            ({"me": 7}, "me must be"),
            ({"me": " "}, "me must be"),
            ({"me": "x" * (MAX_NAME_CHARACTERS + 1)}, "me must be"),
            ({"max_facts": -1}, "max_facts must be"),
            ({"max_facts": True}, "max_facts must be"),
            ({"max_characters": 1.5}, "max_characters must be"),
            ({"max_characters": 10**5000}, "max_characters must be"),
            ({"as_of": "x"}, "as_of must be"),
            ({"namespace": ("a/b",)}, "namespace"),
            ({"shared_namespace": "users"}, "namespace"),
        )
        for options, message in wrong:
            given = {"text": "x", **options}
            with pytest.raises(BadFact, match=message):
                await store.facts_about(**given)  # type: ignore[arg-type]
            if Capability.FAST_LOOKUP in store.capabilities:
                with pytest.raises(BadFact, match=message):
                    store.facts_about_nowait(**given)  # type: ignore[arg-type]

    @needs(Capability.ALIASES)
    async def test_an_alias_names_its_entity(self, store: FactStore) -> None:
        """An alias in a text stands for its entity; both names together bring its facts once."""
        await put(store, (ADA, "work", "x"))
        await store.apply([AddAlias(ADA, "the Countess")])
        about = await store.facts_about(f"is the countess {ADA}?")
        assert named(about) == [("the countess", ADA), (ADA, ADA)]
        assert len(about.facts) == 1

    @needs(Capability.FUZZY)
    async def test_names_in_a_text_may_lack_accents(self, store: FactStore) -> None:
        """Names are found without their accents, qualifier and article; of several that are meant
        each is there, unless the text has the qualifier of one. Misspellings are not found.
        """
        await put(store, ("Café Noir", "town", "Łódź"), ("The Salt (novel)", "year", "1902"))
        await put(store, ("Orb (planet)", "star", "Sol"), ("Orb (element)", "symbol", "Ob"))
        assert named(await store.facts_about("the cafe noir")) == [("the cafe noir", "Café Noir")]
        both = await store.facts_about("I read The Salt under the Orb")
        assert {one.entity for one in both.names} == {
            "The Salt (novel)", "Orb (element)", "Orb (planet)",
        }  # fmt: skip
        one = await store.facts_about("Is the planet Orb cold?")
        assert named(one) == [("Orb", "Orb (planet)")]
        assert not (await store.facts_about("the Cafe Noire")).names

    @needs(Capability.NAMESPACES)
    async def test_a_users_facts_hide_the_shared_ones(self, store: FactStore) -> None:
        """`facts_about` reads the namespace first and then the shared one, where a fact of the
        first hides those of the same relation; nobody else's facts are read.
        """
        await put(store, (ADA, "birth place", "London"), (ADA, "work", "poet"))
        await put(store, ("Bob Vane", "work", "clerk"))
        await store.apply(
            [
                Assert(fact("Bath", "place of birth", namespace=MINE)),
                Assert(fact("Rome", namespace=THEIRS)),
                Assert(fact("cook", "work", "Cy Vane", namespace=THEIRS)),
            ]
        )
        text = f"{ADA}, Bob Vane, Cy Vane"

        async def seen(**options: object) -> list[str]:
            return sorted(said(await store.facts_about(text, **options)))  # type: ignore[arg-type]

        mine = [f"{ADA}: place of birth: Bath"]
        assert await seen(namespace=MINE) == [
            f"{ADA}: place of birth: Bath", f"{ADA}: work: poet", "Bob Vane: work: clerk",
        ]  # fmt: skip
        assert await seen(namespace=MINE, shared_namespace=None) == mine
        assert await seen() == [
            f"{ADA}: birth place: London", f"{ADA}: work: poet", "Bob Vane: work: clerk",
        ]  # fmt: skip
        assert await seen(namespace=MINE, shared_namespace=THEIRS) == [
            f"{ADA}: place of birth: Bath", "Cy Vane: work: cook",
        ]  # fmt: skip
        about = await store.facts_about(text, namespace=MINE)
        assert [one.namespace for one in about.names] == [MINE, ()]
        assert {one.namespace for one in about.facts} == {MINE, ()}
        with pytest.raises(OverlayCycle):
            await store.facts_about(text, namespace=MINE, shared_namespace=MINE)

    @needs(Capability.HISTORY)
    async def test_facts_about_as_of_a_revision(self, store: FactStore) -> None:
        """With ``as_of``, and in a snapshot, a text is answered by what memory held then."""
        first = (await put(store, (ADA, "work", "x"))).revision
        await store.apply([Retract(ADA, "work")])
        text = f"{ADA}?"
        assert said(await store.facts_about(text, as_of=first)) == [f"{ADA}: work: x"]
        last = (await put(store, (ADA, "work", "y"))).revision
        async with store.snapshot() as then:
            await store.apply([Retract(ADA, "work")])
            assert said(await then.facts_about(text)) == [f"{ADA}: work: y"]
        assert said(await store.facts_about(text)) == []
        with pytest.raises(Conflict):
            await store.facts_about(text, as_of=int(last) + 9)

    @needs(Capability.VALID_TIME)
    async def test_facts_about_hold_now(self, store: FactStore) -> None:
        """A fact whose period has ended is not among those of `facts_about`; one that holds tells
        its period.
        """
        await store.apply(
            [
                Assert(fact("mayor", "office", valid_from="1840", valid_to="1850")),
                Assert(fact("London", valid_from="1815-12-10")),
            ]
        )
        about = await store.facts_about(f"{ADA}, mayor")
        assert said(about) == [f"{ADA}: birth place: London (from 1815-12-10)"]

    @needs(Capability.RULES)
    async def test_a_text_names_what_is_a_value_alone(self, store: FactStore) -> None:
        """A name that others have as the value of a relation with an inverse is found in a text, and
        their facts are told.
        """
        await store.apply(
            [
                DefineRelation(RelationRule("spouse", inverse="spouse")),
                Assert(fact(EntityRef("Bob Vane"), "spouse")),
                Assert(fact("clerk", "work")),
            ]
        )
        about = await store.facts_about("Who is Bob Vane's wife?")
        assert named(about) == [("Bob Vane", "Bob Vane")]
        assert said(about) == [f"{ADA}: spouse: Bob Vane"]

    @needs(Capability.FAST_LOOKUP)
    async def test_facts_about_at_once(self, store: FactStore) -> None:
        """`facts_about_nowait` gives what `facts_about` gives, also of a long text."""
        await put(store, (ADA, "birth place", "London"), ("Bob Vane", "work", "clerk"))
        for text in (f"my {ADA}'s home", f"bob vane, {ADA} " * (LONG_TEXT // 20), "nothing"):
            store.refresh_nowait()
            now = store.facts_about_nowait(text, me="Bob Vane", max_facts=3)
            assert now == await store.facts_about(text, me="Bob Vane", max_facts=3)
        store.refresh_nowait()
