"""Suite 1: whatever is written comes back as itself."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from lamlam.errors import BadFact, StoreClosed
from lamlam.memory_backends.conformance.backend import Place
from lamlam.memory_backends.conformance.laws.base import Laws, does_not_apply, needs
from lamlam.memory_backends.conformance.samples import (
    ADA,
    RANDOM,
    fact,
    facts,
    listed,
    plain,
    put,
    texts,
    triples,
    values,
)
from lamlam.memory_backends.model.expiry import with_expired
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import Assert, Replace, Retract
from lamlam.memory_backends.model.recall import Relation
from lamlam.memory_backends.model.values import EntityRef, PartialDate, Quantity, Value, code_of
from lamlam.memory_backends.protocol import Capability, FactStore

EVERY_VALUE: tuple[Value, ...] = (
    "London", "1815", "yes", "44 BC", "8849 m", 0, 1, -1, 10**12, 2**63 - 1, -(2**63), True, False,
    Decimal("1"), Decimal("1.50"), Decimal("-0.1"), Decimal("0.1") ** 30, Decimal(10) ** 40,
    Decimal("3." + "1415926535" * 20), PartialDate(1867), PartialDate(1867, 11),
    PartialDate(1867, 11, 7), PartialDate(2000, 2, 29), PartialDate(0), PartialDate(-43, 3, 15),
    PartialDate(-9999), PartialDate(9999, 12, 31), Quantity(Decimal("8849"), "m"),
    Quantity(Decimal("-0.50"), "°C"), Quantity(Decimal("1"), "kg m"), EntityRef("Paris"),
    EntityRef("Łódź"), EntityRef("The Salt (novel)"),
)  # fmt: skip

NO_SPELLINGS = (
    "sNaN",
    "NaN",
    "-NaN7",
    "Infinity",
    "-inf",
    "1." + "0" * 2000,
    "1e99999999999999999999",
)
"""Of a number that a value may be."""


class RoundTripLaws(Laws):
    """Suite 1: whatever is written comes back as itself."""

    suite = "round trips"

    async def test_every_type_of_value_comes_back(self, store: FactStore) -> None:
        """Texts, 64-bit integers, decimals, booleans, dates, quantities and entities keep their
        type and form.
        """
        written = [fact(v, f"relation {n}") for n, v in enumerate(EVERY_VALUE)]
        await store.apply([Assert(one) for one in written])
        assert await facts(store) == plain(written)
        for one in written:
            result = await store.lookup(ADA, one.relation)
            (read,) = result.facts
            assert (type(read.value), read.value) == (type(one.value), one.value)
            assert result.values == (one.surface,)

    async def test_values_of_different_types_are_different(self, store: FactStore) -> None:
        """The integer 1, the decimal 1, the text "1" and "yes" and true are five facts of one
        relation.
        """
        five: list[Value] = [1, Decimal(1), "1", "yes", True]
        await store.apply([Assert(fact(one, "score")) for one in five])
        read = (await store.lookup(ADA, "score")).facts
        assert [code_of(one.value) for one in read] == [code_of(one) for one in five]
        await store.apply([Retract(ADA, "score", 1)])
        assert await values(store, "score") == ["1", "1", "yes", "yes"]
        await store.apply([Retract(ADA, "score", True)])
        assert [one.type async for one in store.scan(**with_expired(store))] == [
            "decimal",
            "text",
            "text",
        ]

    async def test_a_text_names_a_typed_value_by_its_surface(self, store: FactStore) -> None:
        """What a model would write is enough to retract a typed value."""
        await store.apply([Assert(fact(PartialDate(1815, 12, 10), "birth date"))])
        await store.apply([Retract(ADA, "birth date", "10 December 1815")])
        assert await triples(store) == []

    async def test_equal_numbers_are_one_fact(self, store: FactStore) -> None:
        """A decimal with more zeros is the same statement again."""
        await store.apply([Assert(fact(Decimal("1.5"), "score"))])
        await store.apply([Assert(fact(Decimal("1.500"), "score"))])
        assert len(await facts(store)) == 1

    async def test_what_is_no_value_is_refused(self, store: FactStore) -> None:
        """NaN, an infinite number and an integer of more than 64 bits are `BadFact`, and nothing is
        written.
        """
        for no_value in (float("nan"), float("inf"), Decimal("sNaN"), 2**63, b"x", None):
            with pytest.raises(BadFact):
                await store.apply([Assert(fact(no_value, "score"))])
            if no_value is not None:
                # Wrong on purpose:
                retract = Retract(ADA, "birth place", no_value)  # type: ignore[arg-type]
                with pytest.raises(BadFact):
                    await store.apply([Assert(fact()), retract])
        assert await triples(store) == []

    @pytest.mark.parametrize("number", NO_SPELLINGS, ids=lambda text: text[:9])
    async def test_a_surface_that_is_no_spelling_harms_no_value(
        self, store: FactStore, number: str
    ) -> None:
        """A decimal or a quantity written as "NaN", as an infinite number or with too many digits
        comes back, and goes into a store again.
        """
        written = [
            fact(Decimal("1.0"), "score", surface=number),
            fact(Quantity(Decimal("1.0"), "m"), "height", surface=f"{number} m"),
        ]
        await store.apply([Assert(one) for one in written])
        read = await facts(store)
        assert read == plain(written)
        assert (await store.lookup(ADA, "score")).facts[0].value == 1
        again = [one.model_validate_json(one.model_dump_json()) for one in read]
        assert again == read
        assert (await store.apply([Assert(one) for one in again])).facts == 0

    async def test_a_million_characters_come_back(self, store: FactStore) -> None:
        """The longest text that a fact may hold comes back whole."""
        long = "0123456789abcdé " * 62_500
        await store.apply([Assert(fact(long, "text"))])
        assert await values(store, "text") == [long]
        with pytest.raises(BadFact):
            await store.apply([Assert(fact(long + "x", "text"))])

    async def test_composed_and_decomposed_letters_stay_apart(self, store: FactStore) -> None:
        """Values keep their normal form, while names in either form are one entity."""
        composed, decomposed = "Jos\u00e9", "Jose\u0301"
        await put(store, (composed, "work", composed), (decomposed, "work", decomposed))
        for name in (composed, decomposed, composed.upper()):
            assert await values(store, "work", name) == [composed, decomposed]
        assert (await store.info()).entities == 1

    async def test_every_script_comes_back(self, store: FactStore) -> None:
        """Right-to-left text, Indic vowels, ideographs and joined emoji come back
        in every field.
        """
        scripts = (
            "שלום עולם",
            "السلام عليكم",
            "हिन्दी",
            "日本語",
            "👩‍👩‍👧 🏳️‍🌈",
            "e\u0301\u0327",
            "\u202eabc\u202c",
        )
        written = [fact(text, f"{text} 1", f"{text} 2", source=f"{text} 3") for text in scripts]
        await store.apply([Assert(one) for one in written])
        assert await facts(store) == plain(written)
        for one in written:
            assert await values(store, one.relation, one.entity) == [one.surface]

    @RANDOM
    @given(
        st.lists(
            st.tuples(texts(), texts(), texts(), st.lists(texts(), max_size=3), st.floats(0, 1)),
            min_size=1, max_size=8, unique_by=lambda row: row[0].casefold(),
        )
    )  # fmt: skip
    async def test_any_text_comes_back(
        self, store: FactStore, rows: list[tuple[str, str, str, list[str], float]]
    ) -> None:
        """Entity, relation, value, sources and confidence read back as written,
        whatever they hold.
        """
        written = [
            Fact(entity=e, relation=r, value=v, sources=s, confidence=c) for e, r, v, s, c in rows
        ]
        for one in written:  # invented names may be one entity: each is alone in the store
            await store.apply([Assert(one)])
            result = await store.lookup(one.entity, one.relation)
            (read,) = result.facts
            assert plain([read]) == plain([one])
            assert (read.id, read.revision) == (result.fact_ids[0], result.revision)
            assert await listed(store.scan(one.entity, one.relation, **with_expired(store))) == [
                read
            ]
            await store.apply([Retract(one.entity, one.relation)])
        assert await triples(store) == []

    async def test_sources_confidence_and_surface_come_back(self, store: FactStore) -> None:
        """Several sources keep their order, a confidence its bits, a typed value a surface of its
        own.
        """
        one = fact(
            PartialDate(1815), "birth date", surface="about 1815",
            sources=("a letter", "z", "b"), confidence=0.1 + 0.2,
        )  # fmt: skip
        await store.apply([Assert(one)])
        assert await facts(store) == [one]
        assert (await store.lookup(ADA, "birth date")).sources == ("a letter",)

    async def test_ids_are_stable_and_keyed(self, store: FactStore, place: Place) -> None:
        """A fact keeps its id when it ends and holds again; another store gives it another."""

        async def fact_id(of: FactStore) -> str:
            await of.apply([Assert(fact())])
            return (await of.lookup(ADA, "birth place")).fact_ids[0]

        first = await fact_id(store)
        await store.apply([Retract(ADA, "birth place")])
        assert await fact_id(store) == first
        async with place.another() as other:
            assert await fact_id(other) != first

    async def test_a_model_is_filled(self, store: FactStore) -> None:
        """`recall` gives each field the value of its relation, and the facts that it came from."""

        class Person(BaseModel):
            birth_place: str
            works: Annotated[list[str], Relation("work")] = []
            spouse: str | None = None

        await put(store, (ADA, "born in", "London"), (ADA, "work", "Note G"), (ADA, "work", "x"))
        recalled = await store.recall(Person, "ada lovelace")
        assert recalled.model == Person(birth_place="London", works=["Note G", "x"])
        assert recalled.missing == ("spouse",)
        assert [one.value for one in recalled.facts["works"]] == ["Note G", "x"]

    async def test_what_was_committed_is_there_when_opened_again(self, place: Place) -> None:
        """Closing and opening a store changes nothing: facts, order, ids and revision."""
        if not place.backend.is_persistent:
            does_not_apply("the facts are gone when the store is closed")
        async with place.open() as store:
            await store.apply([Assert(fact(v, "score")) for v in EVERY_VALUE])
            await store.apply([Replace(fact("Paris")), Assert(fact("é\u2028\n"))])
            before = await listed(store.scan(**with_expired(store)))
            info = replace(await store.info(), bytes=None)
        async with place.open(create=False) as store:
            assert await listed(store.scan(**with_expired(store))) == before
            assert replace(await store.info(), bytes=None) == info

    async def test_a_closed_store_says_so(self, place: Place) -> None:
        """Every use after close is `StoreClosed`; closing twice is allowed."""
        async with place.open() as store:
            await put(store, ("A B", "work", "x"))
        await store.aclose()
        await store.aclose()
        with pytest.raises(StoreClosed):
            await store.lookup("A B", "work")
        with pytest.raises(StoreClosed):
            await put(store, ("A B", "work", "y"))
        with pytest.raises(StoreClosed):
            await listed(store.scan(**with_expired(store)))
        with pytest.raises(StoreClosed):
            await store.info()
        if Capability.FAST_LOOKUP in store.capabilities:
            with pytest.raises(StoreClosed):
                store.describe_nowait("A B")
            with pytest.raises(StoreClosed):
                store.lookup_nowait(Lookup("A B", "work"))


@needs(Capability.VALID_TIME)
class PeriodRoundTripLaws(Laws):
    """Suite 1, of stores that keep periods."""

    suite = "round trips"

    async def test_periods_come_back(self, store: FactStore) -> None:
        """Begin and end of a period keep their microsecond, from 10000 BC to AD 9999."""
        written = [
            fact("a", "r", valid_from="0001-01-01", valid_to="0001-01-02"),
            fact("e", "r", valid_from="-9999-01-01", valid_to="0000-02-29T12:00:00.000001+00:00"),
            fact("f", "r", valid_from="-0044", valid_to="0001-01-01"),
            fact("g", "r", valid_to="0000-12-31T23:59:59.999999+00:00"),
            fact("b", "r", valid_from="1969-12-31T23:59:59.999999+00:00"),
            fact("c", "r", valid_to="9999-12-31T23:59:59.999999+00:00"),
            fact("d", "r", valid_from="2024-02-29T12:00:00.000001+05:30", valid_to="2025"),
        ]
        await store.apply([Assert(one) for one in written])
        assert await facts(store) == plain(written)
