"""Under a strict constraint every key that is written stands in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import NotSupported, TooManyEntities, UsageError
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import LookupStatus
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import FactStore
from lamlam.runtime.decoding.actions import Done, Force, Look, Rewind, Sample
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.entity_names import EntityNames
from lamlam.runtime.decoding.key_constraint import KeyConstraint
from lamlam.runtime.decoding.lookup_answers import GivenOut
from lamlam.runtime.decoding.packed_trie import PackedTrie
from lamlam.runtime.decoding.trie import KeyTrie, Paths, either
from lamlam.runtime.engine import Engine
from tests.runtime.decoding.test_decoder_properties import Wild
from tests.runtime.fake_store import SLOW, FakeStore, as_store
from tests.runtime.support import allowed, byte_vocabulary, make_decoder

STRICT = Constraint(strict=True)
NAMED = Constraint(strict=True, only_named=True)
NAMES = ("Ada", "Ada Lovelace", "Adam", "Ève", "London (Ontario)", "x" * 31, "y" * 40)
RELATIONS = ("birth place", "spouse", "type", "date of birth", "very " * 6 + "odd")
PATHS = st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=5).map(tuple), max_size=12)


def walk(paths: Paths | None, closing: int) -> set[tuple[int, ...]]:
    """Every name that paths lead to."""
    found: set[tuple[int, ...]] = set()

    def down(node: Paths, so_far: tuple[int, ...]) -> None:
        assert node.after(99) is None
        for token in map(int, node.choices):
            if token == closing:
                found.add(so_far)
                continue
            after = node.after(token)
            assert after is not None
            down(after, (*so_far, token))

    if paths is not None:
        down(paths, ())
    return found


@given(PATHS, PATHS)
def test_a_table_holds_the_names_of_a_trie(some: list[Any], others: list[Any]) -> None:
    """The packed way and the obvious one lead to the same names, alone and together."""
    table, trie = PackedTrie(some, 5).root, KeyTrie.of(some, 5)
    assert walk(table, 5) == walk(trie, 5) == set(some)
    assert walk(either(table, KeyTrie.of(others, 5)), 5) == {*some, *others}
    if table is not None:
        assert list(table.choices) == sorted({name[0] for name in some})


@asynccontextmanager
async def filled(
    facts: Sequence[tuple[str, str]], url: str = "memory:"
) -> AsyncIterator[FactStore]:
    """An open memory with a value for each (entity, relation)."""
    async with open_store(url, create=True) as store:
        if facts:
            await store.apply(
                [
                    Assert(Fact(entity=entity, relation=relation, value=f"value {n}"))
                    for n, (entity, relation) in enumerate(facts)
                ]
            )
        yield store


@settings(max_examples=60)
@given(
    facts=st.lists(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(RELATIONS)), max_size=8, unique=True
    ),
    draws=st.lists(st.integers(0, 3000), min_size=1, max_size=40),
    only_named=st.booleans(),
    policy=st.sampled_from(["continue", "ask_again", "unknown"]),
)
def test_every_key_stands_in_memory(
    facts: list[tuple[str, str]], draws: list[int], only_named: bool, policy: str
) -> None:
    """Whatever the model wants: memory answers every question, or held the value before."""

    async def check() -> None:
        async with filled(facts) as store:
            entity_names = EntityNames()
            await entity_names.refresh(store)
            write(store, None if only_named else entity_names)

    def write(store: FactStore, entity_names: EntityNames | None) -> None:
        constraint = NAMED if only_named else STRICT
        key_constraint = KeyConstraint(store, byte_vocabulary(), constraint, entity_names)
        decoder = make_decoder("Ada and Ève in", policy=policy, max_tokens=12, max_lookups=6)
        given_out, wild = GivenOut(), Wild(draws)
        for _ in range(3000):
            match decoder.action:
                case Sample(choice):
                    token = wild(decoder, choice)
                    assert token in allowed(choice)
                    decoder.sampled(token)
                case Force():
                    decoder.forced()
                case Rewind():
                    decoder.rewound()
                case Look(lookup):
                    result = store.lookup_nowait(lookup)
                    assert result.status is LookupStatus.HIT, lookup
                    holder = key_constraint.holder
                    decoder.answered(given_out.next_record(lookup, result, holder, 0.0))
                case Done():
                    break
            if decoder.key_to_guide == "entity":
                named = key_constraint.entities(decoder.output.text)
                decoder.guide(named, only=key_constraint.all_entities(named), is_strict=True)
            elif decoder.key_to_guide == "relation":
                entity = decoder.open_entity
                trie, _ = key_constraint.relations(entity, decoder.output.text, given_out)
                decoder.guide(trie, only=key_constraint.all_relations(entity), is_strict=True)
        assert isinstance(decoder.action, Done)
        assert all(record.status in ("hit", "exhausted") for record in decoder.records)
        if not facts:
            assert not decoder.records

    anyio.run(check)


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_random_model_asks_what_there_is(
    tiny_model: Path, tmp_path: Path, kind: str
) -> None:
    """With a real model and real memories; what was erased or added between texts counts."""
    url = "memory:" if kind == "memory" else f"sqlite:///{tmp_path / 'facts.db'}"
    held = [("Marie Curie", "birth place"), ("Bob", "spouse"), ("Bob", "birth place")]
    options: dict[str, Any] = {"max_tokens": 30, "max_lookups": 5, "ignore_eos": True}
    async with (
        filled(held, url) as memory,
        Engine(tiny_model, memory, lookup_bias=1000.0, constrain=STRICT) as engine,
    ):
        first = await engine.generate("zz", **options)
        await memory.erase("Marie Curie")
        await memory.erase("Bob")
        await memory.apply([Assert(Fact(entity="Zoe", relation="child", value="Max"))])
        second = await engine.generate("zz", **options)
        await memory.erase("Zoe")
        third = await engine.generate("zz", **options)
    assert first.lookups and second.lookups and not third.lookups
    assert {r.entity for r in first.lookups} <= {entity for entity, _ in held}
    assert {r.entity for r in second.lookups} == {"Zoe"}
    done = (*first.lookups, *second.lookups)
    assert {r.status for r in done} <= {"hit", "exhausted"}


@pytest.mark.anyio
async def test_a_memory_may_be_too_large(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> None:
    """Refused by name when the engine opens, or later by the text that meets it."""
    async with filled([(f"name {n}", "type") for n in range(4)]) as memory:
        with pytest.raises(TooManyEntities, match="more than 3") as caught:
            await EntityNames(3).refresh(memory)
        assert caught.value.most == 3 and "only_named" in (caught.value.hint or "")
        monkeypatch.setattr(EntityNames.__init__, "__defaults__", (3,))
        with pytest.raises(TooManyEntities):
            async with Engine(tiny_model, memory, constrain=STRICT):
                pass
        async with Engine(tiny_model, memory, constrain=NAMED) as engine:
            assert not (await engine.generate("zz", max_tokens=4)).lookups
        monkeypatch.setattr(EntityNames.__init__, "__defaults__", (4,))
        async with Engine(tiny_model, memory, constrain=STRICT) as engine:
            await engine.generate("zz", max_tokens=4)
            await memory.apply([Assert(Fact(entity="one more", relation="type", value="x"))])
            with pytest.raises(TooManyEntities):
                await engine.generate("zz", max_tokens=4)
            await memory.erase("one more")
            await engine.generate("zz", max_tokens=4)


@pytest.mark.anyio
async def test_a_slow_memory_cannot_be_kept_to(tiny_model: Path) -> None:
    """A strict constraint is refused where it could not be kept, and not dropped in silence."""
    slow = as_store(FakeStore({"ada": {"x": ["y"]}}, capabilities=SLOW))
    for constraint in (STRICT, NAMED):
        with pytest.raises(NotSupported, match="strict"):
            async with Engine(tiny_model, slow, constrain=constraint):
                pass
    async with Engine(tiny_model, None, constrain=STRICT) as engine:
        assert (await engine.generate("a", max_tokens=2, ignore_eos=True)).n_text_tokens == 2


def test_contradictions_are_refused() -> None:
    """Each by its name."""
    mistakes: list[dict[str, Any]] = [{"strict": 1}, {"only_named": "x"}, {"only_named": True}]
    for wrong in mistakes:
        with pytest.raises(UsageError, match=next(iter(wrong))):
            Constraint(**wrong)
