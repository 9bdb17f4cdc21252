"""What has become of a text's facts, asked of real stores after each kind of change."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.memory_backends.model.operations import (
    Assert,
    DefineRelation,
    MergeEntities,
    Op,
    Replace,
    Retract,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.model.values import EntityRef
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import FactStore
from lamlam.memory_backends.sync import SyncFactStore
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.lookup_answers import GivenOut
from lamlam.runtime.decoding.output_text import OutputText
from lamlam.runtime.decoding.verification import Verification
from lamlam.runtime.engine import Engine
from tests.runtime.fake_store import FakeStore, as_store

ADA = "Ada Quill"
URLS = ["memory:", "sqlite:///{}/facts.db"]


def fact(relation: str, value: Any, entity: str = ADA, **more: Any) -> Fact:
    return Fact(entity=entity, relation=relation, value=value, **more)


WORLD: list[Op] = [
    Assert(fact("birth place", "Lowmere")),
    Assert(fact("field", "milling")),
    Assert(fact("field", "botany")),
]


@pytest.fixture(params=URLS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(request.param).format(tmp_path)


async def written(store: FactStore, *questions: tuple[str, str]) -> Completion:
    """A text that consists of answers, put together as the runtime does."""
    text, given, records = OutputText("It is said: "), GivenOut(), []
    for entity, relation in questions:
        text.add_bytes(b"and then")
        result = await store.lookup(entity, relation)
        record = given.next_record(Lookup(entity, relation), result, entity, 0.0)
        assert record.value is not None and record.status == "hit"
        records.append(replace(record, at=len(text.text)))
        text.add_value(" ", record.value, record)
    text.add_bytes(b".")
    n = len(questions)
    return Completion(text.text, text.spans(), tuple(records), "stop", n, n, n)


def statuses(verified: Verification) -> list[str]:
    return [one.status for one in verified.checks if one.status != "not_verifiable"]


@asynccontextmanager
async def opened(url: str, ops: Sequence[Op] = WORLD) -> AsyncIterator[FactStore]:
    async with open_store(url) as store:
        await store.apply(ops)
        yield store


@pytest.mark.anyio
async def test_nothing_has_changed(url: str) -> None:
    """Every fact is unchanged, also when others come; the weights' part cannot be verified."""
    async with opened(url) as store:
        done = await written(store, (ADA, "born in"), (ADA, "field"), (ADA, "field"))
        await store.apply([Assert(fact("job", "miller")), Assert(fact("field", "law"))])
        verified = await done.verify(store)
        info = await store.info()
    assert verified.holds and not verified.broken and verified.revision == info.revision
    assert statuses(verified) == ["unchanged"] * 3
    assert [(one.start, one.end) for one in verified.checks] == [
        (span.start, span.end) for span in done.spans if span.origin != "prompt"
    ]
    first = verified.checks[1]
    assert (first.entity, first.relation, first.text) == (ADA, "birth place", "Lowmere")
    assert first.text_matches is True and first.now == ("Lowmere",)
    assert first.now_fact_id == first.fact_id and first.revision == 1
    assert verified.checks[0].status == "not_verifiable"
    told = json.loads(json.dumps(verified.as_dict()))
    assert told["holds"] is True and told["checks"][1]["now"] == ["Lowmere"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("ops", "status", "now", "matches"),
    [
        ([Replace(fact("birth place", "Highmere"))], "changed", ("Highmere",), True),
        ([Retract(ADA, "birth place")], "retracted", (), True),
        # Written otherwise: the same fact, but not what stands in the text.
        (
            [Replace(fact("birth place", "Lowmere", surface="LOWMERE"))],
            "changed",
            ("LOWMERE",),
            False,
        ),
        # It ended and came back.
        (
            [Retract(ADA, "birth place"), Assert(fact("birth place", "Lowmere"))],
            "unchanged",
            ("Lowmere",),
            True,
        ),
        # Its sources changed, and a neighbour came: it still holds.
        ([Assert(fact("birth place", "Lowmere", source="x"))], "unchanged", ("Lowmere",), True),
    ],
)
async def test_what_became_of_a_fact(
    url: str, ops: list[Op], status: str, now: tuple[str, ...], matches: bool
) -> None:
    """Each change by its name, with what the store says now."""
    async with opened(url) as store:
        done = await written(store, (ADA, "birth place"), (ADA, "field"))
        for op in ops:
            await store.apply([op])
        verified = await done.verify(store)
    assert statuses(verified) == [status, "unchanged"]
    assert verified.holds == (status == "unchanged")
    check = verified.checks[1]
    assert (check.now, check.text_matches) == (now, matches)
    assert (check.ended is None) == (status == "unchanged" or not matches)


@pytest.mark.anyio
async def test_one_of_several_values_ends(url: str) -> None:
    """What stood there before is nothing in its place; what came with its end is."""
    async with opened(url) as store:
        done = await written(store, (ADA, "field"))
        await store.apply([Retract(ADA, "field", "milling")])
        (gone,) = (await done.verify(store)).broken
        assert (gone.status, gone.now) == ("retracted", ("botany",))
        await store.apply([Assert(fact("field", "law"))])
        (gone,) = (await done.verify(store)).broken
        assert (gone.status, gone.now) == ("changed", ("botany", "law"))


@pytest.mark.anyio
async def test_the_erased_cannot_be_told_from_the_unknown(url: str, tmp_path: Path) -> None:
    """An erased fact, whatever is said since, and a fact of a store that never had it."""
    async with opened(url) as store:
        done = await written(store, (ADA, "birth place"))
        await store.erase(ADA, "birth place")
        assert statuses(await done.verify(store)) == ["unknown"]
        await store.apply([Assert(fact("birth place", "Highmere"))])
        verified = await done.verify(store)
        assert statuses(verified) == ["unknown"] and verified.broken[0].now == ("Highmere",)
        await store.erase(ADA)
        assert statuses(await done.verify(store)) == ["unknown"]
    async with open_store("memory:") as other:
        verified = await done.verify(other)
        assert statuses(verified) == ["unknown"] and not verified.holds
        # A store that says the same by another fact: the text holds there.
        await other.apply(WORLD)
        verified = await done.verify(other)
        assert verified.holds and verified.checks[1].now_fact_id != verified.checks[1].fact_id


@pytest.mark.anyio
async def test_a_merge_changes_the_id_alone(url: str) -> None:
    """The fact has another id under the entity that keeps it, and still holds."""
    async with opened(url) as store:
        done = await written(store, (ADA, "birth place"))
        await store.apply([Assert(fact("job", "miller", entity="A. Quill the miller"))])
        await store.apply([MergeEntities("A. Quill the miller", ADA)])
        verified = await done.verify(store)
    assert verified.holds
    assert verified.checks[1].now_fact_id not in (None, verified.checks[1].fact_id)


SPACE = ("users", "7")
IN_SPACE: list[Op] = [
    Assert(fact("birth place", "Lowmere", namespace=SPACE)),
    Assert(fact("field", "milling", namespace=("users", "70"))),
]


class InOneSpace:
    """A store whose questions are about one namespace, as a program may make it."""

    def __init__(self, store: FactStore) -> None:
        self._store = store

    async def lookup(self, entity: str, relation: str) -> LookupResult:
        return await self._store.lookup(entity, relation, namespace=SPACE)


@pytest.mark.anyio
@pytest.mark.parametrize("ops", [[], [Assert(fact("birth place", "Highmere"))]])
async def test_a_fact_of_another_namespace(url: str, ops: list[Op]) -> None:
    """It is not "erased": the check says that it stands, and where; then what becomes of it there."""
    async with opened(url, IN_SPACE + ops) as store:
        completion = await written(InOneSpace(store), (ADA, "birth place"))  # type: ignore[arg-type]
        verified = await completion.verify(store)
        (check,) = [one for one in verified.checks if one.status != "not_verifiable"]
        assert (check.status, check.namespace, check.now) == ("unchanged", SPACE, ("Lowmere",))
        assert verified.holds and check.fact_id is not None
        assert list(SPACE) == json.loads(json.dumps(verified.as_dict()))["checks"][1]["namespace"]
        with SyncFactStore(store) as blocking:
            assert completion.verify_sync(blocking) == verified
        await store.apply([Replace(fact("birth place", "Farmere", namespace=SPACE))])
        (check,) = (await completion.verify(store)).broken
        assert (check.status, check.namespace, check.now) == ("changed", SPACE, ("Farmere",))
        await store.apply([Retract(ADA, "birth place", namespace=SPACE)])
        (check,) = (await completion.verify(store)).broken
        assert (check.status, check.namespace, check.ended) == ("retracted", SPACE, check.ended)
        await store.erase(ADA, namespace=SPACE)
        (check,) = (await completion.verify(store)).broken
        assert (check.status, check.namespace) == ("unknown", ())


@pytest.mark.anyio
async def test_a_period_that_is_over(url: str) -> None:
    """The fact stands in the store, but not for now."""
    async with opened(url, [Assert(fact("office", "mayor"))]) as store:
        done = await written(store, (ADA, "office"))
        await store.apply([Assert(fact("office", "mayor", valid_to="1850"))])
        assert statuses(await done.verify(store)) == ["not_valid"]


@pytest.mark.anyio
async def test_an_inverse_relation(url: str) -> None:
    """The fact is the other entity's: asked again the same way round, and found when it ended."""
    parent = fact("parent", EntityRef(ADA), entity="Bob Quill")
    rule = DefineRelation(RelationRule("parent", inverse="child"))
    async with opened(url, [rule, *WORLD, Assert(parent)]) as store:
        done = await written(store, (ADA, "child"))
        assert done.text.endswith("Bob Quill.")
        assert statuses(await done.verify(store)) == ["unchanged"]
        await store.apply([Retract("Bob Quill", "parent")])
        assert statuses(await done.verify(store)) == ["retracted"]


@pytest.mark.anyio
async def test_a_text_that_was_altered(url: str) -> None:
    """A completion that came back from elsewhere with other words is not what the store says."""
    async with opened(url) as store:
        done = await written(store, (ADA, "birth place"))
        altered = dataclasses.replace(done, text=done.text.replace("Lowmere", "Lowmore"))
        (check,) = (await altered.verify(store)).broken
        assert (check.status, check.text, check.text_matches) == ("changed", "Lowmore", False)
        await store.apply([Retract(ADA, "birth place")])
        (check,) = (await altered.verify(store)).broken
        assert (check.status, check.text_matches) == ("retracted", False)


@pytest.mark.anyio
async def test_a_store_without_a_past(tiny_model: Path) -> None:
    """What it says now is all that can be told: other values, or nothing."""
    memory = FakeStore({"marie curie": {"birth place": ["Warsaw"]}})
    certain = Constraint(entity_floor=0.0, relation_floor=0.0)
    async with Engine(
        tiny_model, as_store(memory), lookup_bias=1000.0, constrain=certain
    ) as engine:
        done = await engine.generate("Marie Curie", max_tokens=4, max_lookups=1)
    assert statuses(await done.verify(as_store(Scannable(memory.facts)))) == ["unchanged"]
    other = Scannable({"marie curie": {"birth place": ["Paris"]}})
    assert statuses(await done.verify(as_store(other))) == ["changed"]
    assert statuses(await done.verify(as_store(Scannable({})))) == ["unknown"]


class Scannable(FakeStore):
    async def scan(self, entity: str, *, namespace: tuple[str, ...] = ()) -> AsyncIterator[Fact]:
        for fact in self.lookup_nowait(Lookup(entity, "birth place")).facts:
            yield fact


@pytest.mark.anyio
async def test_both_ways_to_ask_say_the_same(url: str) -> None:
    """`verify_sync` is `verify` without waiting, on an open store and after each change."""
    async with opened(url) as store:
        done = await written(store, (ADA, "birth place"), (ADA, "field"))
        with SyncFactStore(store) as twin:
            for op in (
                None,
                Replace(fact("birth place", "Highmere")),
                Retract(ADA, "field"),
            ):
                if op is not None:
                    await store.apply([op])
                assert done.verify_sync(twin) == await done.verify(store)
            twin.erase(ADA)
            assert statuses(done.verify_sync(twin)) == ["unknown", "unknown"]


@pytest.mark.anyio
async def test_a_text_without_facts() -> None:
    """Nothing is asked, and nothing has changed."""
    done = Completion("a", (), (), "stop", 1, 1, 1)
    async with open_store("memory:") as store:
        assert await done.verify(store) == Verification((), None)
        with SyncFactStore(store) as twin:
            assert done.verify_sync(twin).holds
