"""Suite 5: several writers at once, in one process and in two."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from lamlam.errors import Conflict
from lamlam.memory_backends.conformance.backend import Place
from lamlam.memory_backends.conformance.child import output
from lamlam.memory_backends.conformance.laws.base import Laws, does_not_apply, needs
from lamlam.memory_backends.conformance.samples import ADA, fact, facts, put, triples, values
from lamlam.memory_backends.model.lookups import Lookup
from lamlam.memory_backends.model.operations import Assert, Replace
from lamlam.memory_backends.protocol import Capability, FactStore

WRITERS = 50


class ConcurrencyLaws(Laws):
    """Suite 5: several writers at once."""

    suite = "concurrency"

    async def test_fifty_writers_of_one_fact(self, store: FactStore) -> None:
        """Fifty tasks that assert the same statement make one fact, in one commit."""
        before = (await store.info()).revision
        async with anyio.create_task_group() as tasks:
            for _ in range(WRITERS):
                tasks.start_soon(store.apply, [Assert(fact())])
        assert len(await facts(store)) == 1
        assert (await store.info()).revision == before + 1

    async def test_fifty_writers_of_fifty_facts(self, store: FactStore) -> None:
        """No statement of fifty tasks that write to one entity is lost, and each has its own
        revision.
        """
        before = (await store.info()).revision
        revisions = []

        async def write(n: int) -> None:
            revisions.append((await store.apply([Assert(fact(f"w{n}", "work"))])).revision)

        async with anyio.create_task_group() as tasks:
            for n in range(WRITERS):
                tasks.start_soon(write, n)
        assert sorted(await values(store, "work")) == sorted(f"w{n}" for n in range(WRITERS))
        assert sorted(revisions) == [before + 1 + n for n in range(WRITERS)]

    async def test_readers_see_whole_commits(self, store: FactStore) -> None:
        """A reader sees each commit of others as a whole or not at all."""
        await put(store, *((f"Name {n}", "work", "0") for n in range(5)))
        is_done = anyio.Event()

        async def write() -> None:
            for n in range(1, 10):
                await store.apply([Replace(fact(str(n), "work", f"Name {m}")) for m in range(5)])
            is_done.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(write)
            while not is_done.is_set():
                asked = [Lookup(f"Name {m}", "work") for m in range(5)]
                seen = await store.lookup_many(asked)
                assert len({(one.value, one.revision) for one in seen}) == 1
                await anyio.lowlevel.checkpoint()
        assert {value for _, _, value in await triples(store)} == {"9"}

    @needs(Capability.CAS)
    async def test_the_expected_revision_has_one_winner(self, store: FactStore) -> None:
        """Of many writers who expect the same revision one is done, and the
        others are `Conflict`.
        """
        revision = (await put(store, (ADA, "work", "x"))).revision
        won, lost = [], []

        async def write(n: int) -> None:
            try:
                won.append(await store.apply([Assert(fact(f"w{n}", "work"))], expected=revision))
            except Conflict:
                lost.append(n)

        async with anyio.create_task_group() as tasks:
            for n in range(10):
                tasks.start_soon(write, n)
        assert (len(won), len(lost)) == (1, 9)
        assert (await store.info()).revision == revision + 1
        assert len(await values(store, "work")) == 2

    @needs(Capability.CAS)
    async def test_the_expected_values_have_one_winner(self, store: FactStore) -> None:
        """Of many writers who replace the same values one is done, and the
        others are `Conflict`.
        """
        await put(store, (ADA, "work", "x"), (ADA, "work", "y"))
        won: list[int] = []

        async def write(n: int) -> None:
            try:
                await store.apply([Replace(fact(f"w{n}", "work"), expected=("y", "x"))])
                won.append(n)
            except Conflict:
                pass

        async with anyio.create_task_group() as tasks:
            for n in range(10):
                tasks.start_soon(write, n)
        assert await values(store, "work") == [f"w{won[0]}"]
        assert len(won) == 1

    @needs(Capability.CAS)
    async def test_expectations(self, store: FactStore) -> None:
        """The right revision and the right values, in any order and under any synonym, are done;
        others change nothing.
        """
        revision = (await put(store, (ADA, "born in", "x"), (ADA, "birth place", "y"))).revision
        for wrong in (revision - 1, revision + 1):
            with pytest.raises(Conflict):
                await store.apply([Assert(fact("z"))], expected=wrong)
        for values_ in ((), ("x",), ("x", "y", "y"), ("x", "z")):
            with pytest.raises(Conflict):
                await store.apply([Replace(fact("z"), expected=values_)])
        assert (await store.info()).revision == revision
        await store.apply([Replace(fact("z"), expected=("y", "x"))], expected=revision)
        assert await values(store) == ["z"]
        await store.apply([Replace(fact("n", "work"), expected=())])
        assert await values(store, "work") == ["n"]

    async def test_two_openings_see_each_other(self, place: Place) -> None:
        """What one opening of a store commits the other reads next, and writes of both are kept."""
        async with place.open() as first:
            if Capability.MULTIPROCESS not in first.capabilities:
                does_not_apply("the store may be open once only: multiprocess is not declared")
            async with place.open() as second:
                for n in range(5):
                    await put(first, (ADA, "work", f"a{n}"))
                    await put(second, (ADA, "work", f"b{n}"))
                    assert len(await values(first, "work")) == 2 * n + 2
                    assert await values(second, "work") == await values(first, "work")
                async with anyio.create_task_group() as tasks:
                    for n in range(10):
                        tasks.start_soon(put, (first, second)[n % 2], (ADA, "score", f"{n}"))
                assert len(await values(first, "score")) == 10
                assert await triples(first) == await triples(second)

    @needs(Capability.MULTIPROCESS)
    async def test_two_processes_write(self, place: Place) -> None:
        """No statement of two processes that write to one entity at once is lost."""
        if not place.backend.is_persistent:
            does_not_apply("the facts are gone with the process")
        async with anyio.create_task_group() as tasks:
            for name in ("a", "b"):
                tasks.start_soon(output, place.backend, place.url, "assert_each", name, 15)
        async with place.open() as store:
            expected = sorted(f"{name} {n}" for name in "ab" for n in range(15))
            assert sorted(await values(store, "work")) == expected
            assert (await store.info()).revision >= 30
        assert len(await output(place.backend, place.url, "read")) == 30

    @needs(Capability.MULTIPROCESS, Capability.CAS)
    async def test_two_processes_count(self, place: Place) -> None:
        """Two processes that raise one number by expected values lose no count."""
        if not place.backend.is_persistent:
            does_not_apply("the facts are gone with the process")
        async with place.open() as store:
            await put(store, ("Counter", "score", "0"))
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(output, place.backend, place.url, "count_up", 10)
        async with place.open() as store:
            assert await values(store, "score", "Counter") == ["20"]
