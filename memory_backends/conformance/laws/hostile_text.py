"""Suite 8: texts that mean something to a query language, a file format or a model."""

from __future__ import annotations

import pytest

from lamlam.errors import BadFact
from lamlam.memory_backends.conformance.laws.base import Laws, needs
from lamlam.memory_backends.conformance.samples import (
    HOSTILE,
    changes,
    fact,
    facts,
    past_values,
    plain,
    put,
    triples,
    values,
)
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    DefineRelation,
    MergeEntities,
    RemoveAlias,
    Replace,
    Retract,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef
from lamlam.memory_backends.protocol import Capability, FactStore

UNIQUE = tuple({canonical_key(text): text for text in HOSTILE}.values())
"""One of each key: these are different entities."""
LONG_KEY = "\ufdfa" * 100
"""A name whose canonical key is eighteen times as long."""


class HostileTextLaws(Laws):
    """Suite 8: a text of a user is never read as anything but text."""

    suite = "hostile text"

    async def test_hostile_text_in_every_field_of_a_fact(self, store: FactStore) -> None:
        """Query languages, formats and special tokens in entity, relation, value, surface and
        source are kept as text.
        """
        await put(store, ("Bystander", "work", "untouched"))
        written = [Fact(entity=text, relation=text, value=text, source=text) for text in UNIQUE] + [
            Fact(entity=text, relation=f"{text} 2", value=EntityRef(text), surface=text)
            for text in UNIQUE
        ]
        await store.apply([Assert(one) for one in written])
        bystander = Fact(entity="Bystander", relation="work", value="untouched")
        assert await facts(store) == plain([*written, bystander])
        for text in UNIQUE:
            assert await values(store, text, text) == [text]
            assert len(await facts(store, entity=text)) == 2

    async def test_hostile_text_is_replaced_and_retracted(self, store: FactStore) -> None:
        """Changes reach what they name and nothing else."""
        await put(store, ("Bystander", "work", "untouched"), *((t, t, t) for t in UNIQUE))
        for text in UNIQUE:
            await store.apply([Replace(Fact(entity=text, relation=text, value=f"{text}!"))])
        assert len(await facts(store)) == len(UNIQUE) + 1
        for text in UNIQUE:
            assert (await store.apply([Retract(text, text, f"{text}!")])).facts == 1
        assert await triples(store) == [("Bystander", "work", "untouched")]

    async def test_nothing_is_a_pattern(self, store: FactStore) -> None:
        """Signs that stand for any text elsewhere stand for themselves."""
        await put(store, ("Ada", "work", "x"))
        for pattern in ("%", "_da", "A*", "A?a", ".*", "Ada~", "A[d]a", "Ada' OR '1'='1", "Ada`"):
            assert await facts(store, entity=pattern) == []
            assert (await store.apply([Retract(pattern, "work")])).facts == 0
            assert (await store.apply([Retract("Ada", "work", pattern)])).facts == 0
        assert await values(store, "work", "Ada") == ["x"]

    async def test_no_text_no_fact(self, store: FactStore) -> None:
        """Empty texts and NUL are `BadFact` in every operation, and nothing is written."""
        for text in ("", " ", "a\0b"):
            for op in (Retract(text, "work"), Retract("Ada", text), Retract("Ada", "work", text)):
                with pytest.raises(BadFact):
                    await store.apply([Assert(fact()), op])
        assert await triples(store) == []

    async def test_a_name_is_as_long_as_its_key(self, store: FactStore) -> None:
        """A name whose canonical key has more than 1,000 characters is `BadFact`, as one that is
        written so long; one of fewer comes back.
        """
        await put(store, ("A B", "work", "x"))
        for name in (LONG_KEY, "x" * 1001):
            with pytest.raises(BadFact):
                await put(store, (name, "work", "x"))
            with pytest.raises(BadFact):
                await store.apply([Assert(fact(EntityRef(name), surface="x"))])
            with pytest.raises(BadFact):
                await store.apply([Assert(fact()), Retract(name, "work")])
        assert await triples(store) == [("A B", "work", "x")]
        longest = LONG_KEY[:55]
        written = fact(EntityRef(canonical_key(longest)), "friend", longest, surface="x")
        await store.apply([Assert(written)])
        assert await facts(store, entity=longest) == [written]
        assert (await store.lookup(longest, "friend")).facts[0].value == written.value

    @needs(Capability.ALIASES)
    async def test_an_alias_is_as_long_as_its_key(self, store: FactStore) -> None:
        """An alias whose canonical key has more than 1,000 characters is `BadFact`: what a store
        returns of its aliases can be written again.
        """
        await put(store, ("A B", "work", "x"))
        for op in (AddAlias("A B", LONG_KEY), MergeEntities("A B", LONG_KEY)):
            with pytest.raises(BadFact):
                await store.apply([Assert(fact()), op])
        await store.apply([AddAlias("A B", LONG_KEY[:55])])
        (alias,) = await store.aliases("A B")
        assert await values(store, "work", alias) == ["x"]
        await store.apply([RemoveAlias("A B", alias), AddAlias("A B", alias)])
        assert await store.aliases("A B") == [alias]

    @needs(Capability.ALIASES)
    async def test_hostile_aliases(self, store: FactStore) -> None:
        """An alias is found, listed and removed whatever it holds."""
        await put(store, ("Ada", "work", "x"), ("Bystander", "work", "y"))
        await store.apply([AddAlias("Ada", text) for text in UNIQUE])
        assert await store.aliases("Ada") == sorted(map(canonical_key, UNIQUE))
        for text in UNIQUE:
            assert await values(store, "work", text) == ["x"]
        await store.apply([RemoveAlias("Ada", text) for text in UNIQUE])
        assert await store.aliases("Ada") == []
        assert len(await facts(store)) == 2

    @needs(Capability.RULES)
    async def test_hostile_rules(self, store: FactStore) -> None:
        """A rule is kept and holds whatever its names hold."""
        rules = [RelationRule(f"{text} r", inverse=f"{text} i") for text in UNIQUE]
        await store.apply([DefineRelation(rule) for rule in rules])
        assert sorted(await store.rules(), key=repr) == sorted(rules, key=repr)
        for text in UNIQUE:
            await put(store, ("Ada", f"{text} r", EntityRef("Bob")))
        await put(store, ("Bob", "work", "y"))
        for text in UNIQUE:
            assert await values(store, f"{text} i", "Bob") == ["Ada"]

    @needs(Capability.NAMESPACES)
    async def test_hostile_namespaces(self, store: FactStore) -> None:
        """A namespace is kept apart whatever its parts hold."""
        spaces = [
            (text,) for text in UNIQUE
            if text == text.strip() and "/" not in text and text.isprintable() and len(text) <= 100
        ]  # fmt: skip
        await store.apply([Assert(fact(f"in {n}", namespace=s)) for n, s in enumerate(spaces)])
        assert {one.namespace: one.surface for one in await facts(store)} == {
            space: f"in {n}" for n, space in enumerate(spaces)
        }
        for n, space in enumerate(spaces):
            assert [one.surface async for one in store.scan(namespace=space)] == [f"in {n}"]

    @needs(Capability.HISTORY)
    async def test_hostile_history(self, store: FactStore) -> None:
        """The past of hostile names is read back."""
        await put(store, *((t, t, t) for t in UNIQUE))
        revision = (await store.info()).revision
        await store.apply([Retract(text, text) for text in UNIQUE])
        for text in UNIQUE:
            assert past_values(await store.history(text)) == [text]
        assert len(await facts(store, as_of=revision)) == len(UNIQUE)

    @needs(Capability.CHANGES)
    async def test_hostile_feed(self, store: FactStore) -> None:
        """The change log gives hostile facts and actors back as text."""
        since = (await store.info()).revision
        for text in UNIQUE:
            await store.apply([Assert(Fact(entity=text, relation=text, value=text))], actor=text)
        found = [one.fact for one in await changes(store, since) if one.fact is not None]
        assert [(one.entity, one.relation, one.surface) for one in found] == [
            (t, t, t) for t in UNIQUE
        ]

    @needs(Capability.ERASE)
    async def test_hostile_erasure(self, store: FactStore) -> None:
        """Erasing a hostile name erases that entity and no other."""
        await put(store, ("Bystander", "work", "y"), *((t, t, t) for t in UNIQUE))
        for n, text in enumerate(UNIQUE, 1):
            assert (await store.erase(text, reason=text, authority=text)).facts == 1
            assert len(await facts(store)) == len(UNIQUE) - n + 1
        assert await triples(store) == [("Bystander", "work", "y")]
