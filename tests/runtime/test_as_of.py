"""Texts as memory stood at an earlier revision, by each way of asking it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from lamlam.errors import Conflict, NotSupported, UsageError
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.memory_backends.model.operations import Assert, Replace, Retract
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import Capability, FactStore
from lamlam.memory_backends.sqlite.store import SqliteStore
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.engine import Engine
from tests.runtime.chat.chat_support import TINY
from tests.runtime.fake_store import FakeStore, as_store
from tests.tiny_model import write_tiny_model

ALWAYS: dict[str, Any] = {
    "lookup_bias": 1000.0,  # the model looks up wherever it may
    "constrain": Constraint(entity_floor=0.0, relation_floor=0.0),  # by keys that memory holds
}
ASKING: dict[str, Any] = {"max_tokens": 12, "max_lookups": 1}
HELLO = [{"role": "user", "content": "Where was Marie Curie born?"}]


async def fill(store: FactStore) -> list[int]:
    """Warsaw, then Paris, then nothing of her is left; return the three revisions."""
    fact = Fact(entity="Marie Curie", relation="birth place", value="Warsaw")
    other = Fact(entity="Marie Curie", relation="birth place", value="Paris")
    ops = Assert(fact), Replace(other), Retract("Marie Curie", "birth place")
    return [(await store.apply([op])).revision for op in ops]


def values(done: Completion) -> list[str | None]:
    return [record.value for record in done.lookups]


class Noting(SqliteStore):
    """Notes which revision each question asks about, and how it came."""

    def __init__(self, path: Path, capabilities: Callable[[Any], Any]) -> None:
        super().__init__(path, create=True)
        self.capabilities = frozenset(capabilities(self.capabilities))
        self.slow: list[int | None] = []
        self.quick: list[int | None] = []

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        self.quick.append(query.as_of)
        return super().lookup_nowait(query)

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        # A check that a revision can be asked names no entity.
        self.slow += [query.as_of for query in queries if query.entity]
        return await super().lookup_many(queries)


@asynccontextmanager
async def noting(path: Path, capabilities: Callable[[Any], Any]) -> AsyncIterator[Noting]:
    store = Noting(path / "facts.db", capabilities)
    async with store:
        yield store


@pytest.mark.anyio
@pytest.mark.parametrize("url", ["memory:", "sqlite:///{}/facts.db"])
async def test_a_text_is_written_as_of_then(tiny_model: Path, tmp_path: Path, url: str) -> None:
    """Its facts are those of the revision, although the entity has none any more."""
    async with open_store(url.format(tmp_path)) as store:
        first, second, last = await fill(store)
        async with Engine(tiny_model, store, **ALWAYS) as engine:
            for revision, value in ((first, "Warsaw"), (second, "Paris")):
                done = await engine.generate("Marie Curie", as_of=revision, **ASKING)
                (span,) = [span for span in done.spans if span.origin == "fact"]
                assert done.text[span.start : span.end] == value
                assert (span.revision, done.lookups[0].revision) == (revision, revision)
                async with engine.stream("Marie Curie", as_of=revision, **ASKING) as events:
                    told = [event async for event in events]
                assert told[-1].completion.text == done.text  # type: ignore[union-attr]
            assert values(await engine.generate("Marie Curie", **ASKING)) == [None]
            assert values(await engine.generate("Marie Curie", as_of=last, **ASKING)) == [None]


@pytest.mark.anyio
async def test_texts_of_several_times_run_side_by_side(tiny_model: Path) -> None:
    """Each has its own state of the memory, whatever its neighbours ask."""
    async with open_store("memory:") as store:
        first, second, _ = await fill(store)
        now = Fact(entity="Marie Curie", relation="birth place", value="Rome")
        await store.apply([Assert(now)])
        wanted: list[tuple[int | None, str]] = [
            (first, "Warsaw"),
            (second, "Paris"),
            (None, "Rome"),
        ]
        found: list[tuple[int | None, str | None]] = []
        async with Engine(tiny_model, store, max_sequences=3, **ALWAYS) as engine:

            async def write(revision: int | None) -> None:
                done = await engine.generate("Marie Curie", as_of=revision, **ASKING)
                found.append((revision, done.lookups[0].value))

            async with anyio.create_task_group() as tasks:
                for revision, _ in wanted * 3:
                    tasks.start_soon(write, revision)
    assert sorted(found, key=str) == sorted(wanted * 3, key=str)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "capabilities",
    [
        lambda own: own - {Capability.FAST_LOOKUP},
        lambda own: own | {Capability.SERVER},  # quick about the present, not about the past
    ],
)
async def test_a_slow_past_is_asked_on_the_event_loop(
    tiny_model: Path, tmp_path: Path, capabilities: Callable[[Any], Any]
) -> None:
    """Every question carries the revision, and none of the past holds up the model's thread."""
    options = {**ASKING, "max_lookups": 3}
    async with noting(tmp_path, capabilities) as store:
        first, *_ = await fill(store)
        async with Engine(tiny_model, store, **ALWAYS) as engine:
            done = await engine.generate("Marie Curie", as_of=first, **options)
    assert done.lookups
    assert store.slow and set(store.slow) == {first}
    assert not store.quick


@pytest.mark.anyio
async def test_a_chat_asks_the_past(tmp_path: Path) -> None:
    """Tool calls of a plain model carry the revision, too."""
    model = write_tiny_model(
        tmp_path / "chat.gguf",
        with_lookup_tokens=False,
        context=2048,
        metadata={"tokenizer.chat_template": TINY},
    )
    options: dict[str, Any] = {"tool_choice": "required", "max_tokens": 8, "max_lookups": 1}
    async with noting(tmp_path, lambda own: own) as store:
        first, *_ = await fill(store)
        async with Engine(model, store) as engine:
            answer = await engine.chat(HELLO, as_of=first, **options)
            assert store.slow == [first] * len(answer.lookups) and answer.lookups
            with pytest.raises(Conflict):
                await engine.chat(HELLO, as_of=first + 99, **options)


@pytest.mark.anyio
async def test_the_future_ends_its_own_text_alone(tiny_model: Path) -> None:
    """A revision that is still to come is the store's `Conflict`, also where nothing is asked."""
    async with open_store("memory:") as store:
        first, _, last = await fill(store)
        async with Engine(tiny_model, store, **ALWAYS) as engine:
            with pytest.raises(Conflict):
                await engine.generate("Marie Curie", as_of=last + 1, max_lookups=0)
            with pytest.raises(Conflict):
                async with engine.stream("Marie Curie", as_of=last + 1) as events:
                    await anext(events)
            assert values(await engine.generate("Marie Curie", as_of=first, **ASKING)) == ["Warsaw"]


@pytest.mark.anyio
async def test_what_is_refused(tiny_model: Path) -> None:
    """Stores without a past, no memory at all, and what is not a revision."""
    async with Engine(tiny_model, as_store(FakeStore({}))) as engine:
        with pytest.raises(NotSupported, match="history"):
            await engine.generate("a", as_of=1)
        for wrong in (-1, True, 1.5, "1", 2**63):
            with pytest.raises(UsageError, match="as_of"):
                await engine.generate("a", as_of=wrong)  # type: ignore[arg-type]
    async with Engine(tiny_model, None) as engine:
        with pytest.raises(UsageError, match="needs a memory"):
            await engine.generate("a", as_of=1)


@pytest.mark.parametrize("url", ["memory:", "sqlite:///{}/facts.db"])
@pytest.mark.anyio
async def test_what_a_store_held_is_described(tmp_path: Path, url: str) -> None:
    """`describe_nowait` tells relations and values of a revision, in a namespace, too."""
    async with open_store(url.format(tmp_path)) as store:
        first, second, last = await fill(store)
        spaced = Fact(entity="Marie Curie", relation="field", value="x", namespace=("a",))
        await store.apply([Assert(spaced)])
        for revision, wanted in ((first, ("Warsaw",)), (second, ("Paris",))):
            view = store.describe_nowait("marie CURIE", as_of=revision)
            assert view is not None and view.relations == ("birth place",)
            assert view.values("birth place") == wanted
            assert store.describe_nowait("Marie Curie", namespace=("a",), as_of=revision) is None
        assert store.describe_nowait("Marie Curie", as_of=last) is None
        assert store.describe_nowait("Marie Curie") is None
        with pytest.raises(Conflict):
            store.describe_nowait("Marie Curie", as_of=last + 2)
