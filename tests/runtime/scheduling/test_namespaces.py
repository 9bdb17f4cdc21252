"""One engine, one memory, many users: each text has its own user's values, and none another's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import BadFact, NotSupported, OverlayCycle, UsageError
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.operations import AddAlias, Assert, Op, Replace
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import FactStore
from lamlam.memory_backends.read_views.overlay import Overlay
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.constraint import Constraint
from lamlam.runtime.decoding.events import Finished
from lamlam.runtime.decoding.lookup_answers import PendingLookup
from lamlam.runtime.decoding.settings import text_settings
from lamlam.runtime.engine import Engine
from lamlam.runtime.scheduling.scheduler import Scheduler
from lamlam.runtime.sync import SyncEngine
from lamlam.testing.neo4j_servers import Neo4jServer
from lamlam.testing.neo4j_stores import fresh_url
from tests.runtime.fake_store import FakeStore, as_store
from tests.runtime.scheduling.scripted import A, Continuations, E, R
from tests.runtime.support import Asked, byte_vocabulary
from tests.tiny_model import ScriptedModel

N_USERS = 200
ADA = "Ada Quill"
HOME, FIELD = f"The birth place of {ADA} is", f"The field of {ADA} is"
MINE = ("users", "7")


def of(space: Namespace, value: str, relation: str = "birth place", entity: str = ADA) -> Op:
    return Assert(Fact(entity=entity, relation=relation, value=value, namespace=space))


def user(n: int) -> Namespace:
    return "users", str(n)


async def fill(store: FactStore, n_users: int = N_USERS) -> None:
    """Every third user has no home, and sees what all share."""
    shared = [of((), "Lowmere"), of((), "milling", "field")]
    own = [of(user(n), f"Town {n:03}") for n in range(n_users) if n % 3]
    await store.apply([*shared, *own])


def home(n: int) -> str:
    return f"Town {n:03}" if n % 3 else "Lowmere"


def facts_of(done: Completion) -> list[tuple[str, Namespace]]:
    return [
        (done.text[one.start : one.end], one.namespace)
        for one in done.spans
        if one.origin == "fact"
    ]


@asynccontextmanager
async def opened(url: str, path: Path) -> AsyncIterator[FactStore]:
    async with open_store(url.format(path)) as store:
        yield store


async def written(engine: Engine, n: int, random: Random) -> list[tuple[str, Namespace]] | None:
    """What a user's text says, who begins some time, streams or not, and may leave early."""
    for _ in range(random.randrange(12)):
        await anyio.lowlevel.checkpoint()
    prompt, options = random.choice([HOME, FIELD]), {"namespace": user(n), "max_tokens": 2}
    done: Completion | None = None
    if random.random() < 0.5:
        done = await engine.generate(prompt, **options)  # type: ignore[arg-type]
    else:
        leaves = random.random() < 0.2
        async with engine.stream(prompt, **options) as events:  # type: ignore[arg-type]
            async for event in events:
                if leaves:
                    return None
                if isinstance(event, Finished):
                    done = event.completion
    assert done is not None
    assert (done.namespace, done.shared_namespace) == (user(n), ())
    wanted = (home(n), user(n) if n % 3 else ()) if prompt == HOME else ("milling", ())
    assert facts_of(done) == [wanted]
    assert [one.namespace for one in done.lookups] == [wanted[1]]
    return facts_of(done)


async def write_all(model: Path, store: FactStore, random: Random) -> None:
    """200 users at once, whose texts interleave at random."""
    told: dict[int, list[tuple[str, Namespace]] | None] = {}
    async with Engine(model, store, max_sequences=random.choice([3, 16, 40]), context=64) as engine:

        async def one(n: int) -> None:
            told[n] = await written(engine, n, random)

        async with anyio.create_task_group() as group:
            for n in random.sample(range(N_USERS), N_USERS):
                group.start_soon(one, n)
    assert len(told) == N_USERS


@pytest.mark.anyio
@pytest.mark.parametrize("url", ["memory:", "sqlite:///{}/facts.db"])
@settings(max_examples=2)
@given(seed=st.integers(0, 2**32))
async def test_two_hundred_users_at_once(
    tiny_model: Path, tmp_path: Path, url: str, seed: int
) -> None:
    """Each text has the values of its own user, or the shared one where the user has none."""
    async with opened(url, tmp_path) as store:
        if not (await store.info()).facts:
            await fill(store)
        await write_all(tiny_model, store, Random(seed))


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_two_hundred_users_of_a_server(tiny_model: Path, lamlam_neo4j: Neo4jServer) -> None:
    """The same with Neo4j."""
    with fresh_url(lamlam_neo4j) as url:
        async with open_store(url) as store:
            await fill(store)
            await write_all(tiny_model, store, Random(7))


@pytest.mark.anyio
@settings(max_examples=8)
@given(random=st.randoms(use_true_random=False))
async def test_users_of_a_slow_memory(random: Random) -> None:
    """The same where answers come late and out of order, and questions are asked ahead."""
    n_users = 30
    texts = [f"{n:02} born{E} {ADA}{R} birth place{A}" for n in range(n_users)]
    async with open_store("memory:") as store:
        await fill(store, n_users)
        scheduler = Scheduler(
            ScriptedModel(Continuations(*texts)), byte_vocabulary(), store, is_fast=False,
            constraint=None, n_sequences=random.choice([2, 7]),
        )  # fmt: skip
        users = random.sample(range(n_users), n_users)
        asked = {n: Asked(f"{n:02} born", _settings(namespace=user(n))) for n in users}
        waiting: list[tuple[int, PendingLookup]] = []
        for text in asked.values():
            scheduler.submit(text)
        for _ in range(5000):
            if all(text.completion for text in asked.values()):
                break
            if scheduler.has_work:
                scheduler.step()
            for n, text in asked.items():
                waiting += [(n, question) for question in text.questions]
                text.questions.clear()
            for _ in range(random.randrange(3) if scheduler.has_work else 1):
                if waiting:
                    n, question = waiting.pop(random.randrange(len(waiting)))
                    view = Overlay(store, user(n))
                    (found,) = await view.lookup_many([question.lookup])
                    scheduler.answer(question, found)
    for n, text in asked.items():
        assert facts_of(text.result) == [(home(n), user(n) if n % 3 else ())]


def _settings(**options: Any) -> Any:
    return text_settings({"max_tokens": 2, **options}, verbalise="copy", lookup_bias=0.0)


@pytest.mark.anyio
async def test_what_a_text_reads(tiny_model: Path) -> None:
    """The user's own first, then the shared one, or none; the unnamed one alone without a name."""
    async with open_store("memory:") as store:
        await fill(store, 9)
        await store.apply([of(("team",), "Teamburg"), AddAlias(ADA, "Adele", MINE)])
        async with Engine(tiny_model, store) as engine:

            async def told(prompt: str, **options: Any) -> list[tuple[str, Namespace]]:
                return facts_of(await engine.generate(prompt, max_tokens=2, **options))

            assert await told(HOME) == await told(HOME, namespace=()) == [("Lowmere", ())]
            assert await told(HOME, namespace=MINE) == [("Town 007", MINE)]
            assert await told(HOME, namespace=list(MINE)) == [("Town 007", MINE)]
            assert await told(FIELD, namespace=MINE) == [("milling", ())]
            assert await told(FIELD, namespace=MINE, shared_namespace=None) == []
            team = {"namespace": user(3), "shared_namespace": ("team",)}
            assert await told(HOME, **team) == [("Teamburg", ("team",))]
            assert await told(FIELD, **team) == []
            adele = "The field of Adele is"  # an alias of the user's; the value is shared
            assert await told(adele, namespace=MINE) == [("milling", ())]
            assert await told(adele, namespace=user(8)) == await told(adele) == []
            await store.apply([Replace(of(MINE, "Newtown").fact)])  # type: ignore[union-attr]
            assert await told(HOME, namespace=MINE) == [("Newtown", MINE)]
            before = (await store.info()).revision - 1
            assert await told(HOME, namespace=MINE, as_of=before) == [("Town 007", MINE)]
        with SyncEngine(tiny_model, store) as blocking:
            done = blocking.generate(HOME, max_tokens=2, namespace=MINE)
            assert facts_of(done) == [("Newtown", MINE)]


@pytest.mark.anyio
async def test_a_strict_constraint_allows_the_names_of_the_user(tiny_model: Path) -> None:
    """Every key that a user's text writes is one of the user's names or a shared one; the names
    of other users are not allowed, whoever has asked before."""
    async with open_store("memory:") as store:
        await store.apply([of((), "x", "work", "Shared One")])
        await store.apply([of(user(n), "x", "work", f"Only {n}") for n in range(4)])
        options: dict[str, Any] = {"lookup_bias": 1000.0, "constrain": Constraint(strict=True)}
        async with Engine(tiny_model, store, **options) as engine:
            for n in (0, 1, 2, 3, 0):
                seen = set()
                for seed in range(4):
                    done = await engine.generate(
                        "It is", namespace=user(n), seed=seed, temperature=5.0, max_tokens=12
                    )
                    seen |= {one.entity for one in done.lookups}
                assert seen and seen <= {"Shared One", f"Only {n}"}
            done = await engine.generate("It is", max_tokens=12)
            assert {one.entity for one in done.lookups} == {"Shared One"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"namespace": "users/7"}, BadFact),
        ({"namespace": ("users/7",)}, BadFact),
        ({"namespace": ("users", "")}, BadFact),
        ({"namespace": 7}, BadFact),
        ({"namespace": ("a\x1d",)}, BadFact),
        ({"shared_namespace": ("a b ",)}, BadFact),
        ({"namespace": ("a",), "shared_namespace": ("a",)}, OverlayCycle),
    ],
)
async def test_what_is_no_namespace_is_refused(
    tiny_model: Path, options: dict[str, Any], error: type[Exception]
) -> None:
    """By name, before anything is written."""
    async with open_store("memory:") as store, Engine(tiny_model, store) as engine:
        for method in (engine.generate, engine.stream):
            with pytest.raises(error, match="namespace"):
                if method is engine.generate:
                    await engine.generate("a", **options)
                else:
                    async with engine.stream("a", **options) as events:
                        await anext(aiter(events))
        with pytest.raises(error, match="namespace"):
            await engine.chat([{"role": "user", "content": "a"}], **options)


@pytest.mark.anyio
async def test_a_namespace_needs_a_memory_that_has_some(tiny_model: Path) -> None:
    """No memory, and a store without namespaces, refuse it; nothing is read in its place."""
    async with Engine(tiny_model, None) as engine:
        with pytest.raises(UsageError, match="memory"):
            await engine.generate("a", namespace=MINE)
    async with Engine(tiny_model, as_store(FakeStore({}))) as engine:
        with pytest.raises(NotSupported, match="namespaces"):
            await engine.generate("a", namespace=MINE)
