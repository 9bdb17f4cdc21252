"""Suite 10: what was written to a file of any format and read into another store is equal."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from lamlam.errors import BadFact
from lamlam.memory_backends.conformance.backend import Place
from lamlam.memory_backends.conformance.laws.base import Laws, does_not_apply, needs
from lamlam.memory_backends.conformance.laws.round_trips import EVERY_VALUE
from lamlam.memory_backends.conformance.samples import (
    ADA,
    changes,
    fact,
    facts,
    plain,
    put,
    triples,
)
from lamlam.memory_backends.fact_formats.fact_files import FactFile, write_facts
from lamlam.memory_backends.model.expiry import with_expired
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation, Op
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef, Quantity
from lamlam.memory_backends.open import connect
from lamlam.memory_backends.protocol import Capability, FactStore

WHOLE = ("jsonl", "nt", "cypher")
"""Formats that lose nothing of facts, aliases and rules."""
TABLES = ("csv", "tsv")
"""Formats that lose nothing of facts."""
OTHERS = ("memory:", "sqlite:///{folder}/other.db")
"""Backends that facts are carried to and back."""


def rich_facts(can: frozenset[Capability]) -> list[Fact]:
    """Return facts with everything that a store can keep."""
    made = [fact(v, f"relation {n}", sources=("s", "t")) for n, v in enumerate(EVERY_VALUE)]
    made += [
        fact("a,b;\"c\"\t'd'\\", "text", "x\ny", confidence=0.25),
        fact("<http://example.org/>", "text", "_:b0", source='"quoted"@en'),
        fact(Quantity(Decimal("1.50"), "km²"), "length", "日本", surface="one and a half"),
        fact(EntityRef("Łódź"), "birth place", "José"),
    ]
    if Capability.VALID_TIME in can:
        made += [
            fact("A", "mayor", valid_from="1900", valid_to="1910"),
            fact("A", "mayor", valid_from="1920"),
        ]
    if Capability.NAMESPACES in can:
        made += [
            fact("n", "work", namespace=("a", "b c")),
            fact("é", "work", "José", namespace=("ü",)),
        ]
    return made


async def items(store: FactStore) -> list[Op]:
    """Return everything that a store holds, as a file takes it."""
    can = store.capabilities
    held: list[Op] = []
    if Capability.RULES in can:
        held += [DefineRelation(rule) for rule in await store.rules()]
    held += [Assert(one) async for one in store.scan(**with_expired(store))]
    if Capability.CHANGES in can and Capability.ALIASES in can:
        held += [
            AddAlias(change.entity, change.alias, change.namespace)
            for change in await changes(store)
            if change.kind == "alias" and change.entity and change.alias
        ]
    return held


class FileLaws(Laws):
    """Suite 10: files carry what stores hold."""

    suite = "files"

    @pytest.mark.parametrize("format", [*WHOLE, *TABLES])
    async def test_facts_survive_a_file(
        self, store: FactStore, place: Place, tmp_path: Path, format: str
    ) -> None:
        """Facts exported to a file of a lossless format and imported into a second
        store are equal.
        """
        await store.apply([Assert(one) for one in rich_facts(store.capabilities)])
        path = str(tmp_path / f"facts.{format}")
        written = write_facts([one async for one in store.scan(**with_expired(store))], path)
        assert (written.facts, written.lost) == (len(await facts(store)), "")
        async with place.another() as other:
            await other.apply(list(FactFile(path)))
            assert await facts(other) == await facts(store)

    @needs(Capability.ALIASES, Capability.RULES, Capability.CHANGES)
    @pytest.mark.parametrize("format", WHOLE)
    async def test_names_and_rules_survive_a_file(
        self, store: FactStore, place: Place, tmp_path: Path, format: str
    ) -> None:
        """Aliases and rules travel with the facts."""
        await put(store, (ADA, "parent", EntityRef("Lord Byron")), ("Lord Byron", "work", "x"))
        await store.apply([AddAlias(ADA, 'Countess, of "L"'), AddAlias("Lord Byron", "Ἀδωναΐς")])
        await store.apply([DefineRelation(RelationRule("parent", "many", inverse="child"))])
        path = str(tmp_path / f"facts.{format}")
        write_facts(await items(store), path)  # type: ignore[arg-type]  # what a file takes
        async with place.another() as other:
            await other.apply(list(FactFile(path)))
            assert await facts(other) == await facts(store)
            assert await other.rules() == await store.rules()
            for name in (ADA, "Lord Byron"):
                assert await other.aliases(name) == await store.aliases(name) != []

    async def test_texts_survive_a_file_of_training_data(
        self, store: FactStore, place: Place, tmp_path: Path
    ) -> None:
        """The format of published LMLM databases keeps entity, relation and text."""
        rows = [
            (ADA, "birth place", "London"),
            (ADA, "work", "Note G"),
            ("José", "work", "日本\n<|db_end|>"),
        ]
        await put(store, *rows)
        path = str(tmp_path / "facts.lmlm")
        write_facts([one async for one in store.scan(**with_expired(store))], path)
        async with place.another() as other:
            await other.apply(list(FactFile(path)))
            assert await triples(other) == sorted(rows)

    @pytest.mark.parametrize("url", OTHERS)
    async def test_facts_survive_another_backend(
        self, store: FactStore, tmp_path: Path, url: str
    ) -> None:
        """Carried to a store of another kind and back, facts, their order and their fields are
        equal.
        """
        given = rich_facts(store.capabilities)
        async with connect(url.replace("{folder}", str(tmp_path))) as other:
            await store.apply([Assert(one) for one in given])
            await other.apply([Assert(one) async for one in store.scan(**with_expired(store))])
            assert await facts(other) == await facts(store) == plain(given)
            for name in (ADA, "José", "x\ny"):
                assert [one.surface async for one in other.scan(name)] == [
                    one.surface async for one in store.scan(name)
                ]
                for relation in ("relation 1", "birth place", "text"):
                    mine, theirs = [await one.lookup(name, relation) for one in (store, other)]
                    assert (mine.status, mine.values) == (theirs.status, theirs.values)

    async def test_an_import_is_all_or_nothing(self, store: FactStore, tmp_path: Path) -> None:
        """A file with a line that is not a fact is `BadFact` and leaves the store as it was."""
        if Capability.TRANSACTIONS not in store.capabilities:
            does_not_apply("transactions are not declared")
        path = tmp_path / "facts.jsonl"
        path.write_text('{"entity": "A", "relation": "r", "value": "v"}\n{"entity": "B"}\n')
        with pytest.raises(BadFact, match="line 2"):
            await store.apply(list(FactFile(str(path))))
        assert await facts(store) == []
