"""Suite 4: all or nothing, whatever ends an `apply`: an error, a cancellation, a killed process."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lamlam.errors import BadFact, Conflict, ReadOnly
from lamlam.memory_backends.conformance.backend import Place
from lamlam.memory_backends.conformance.child import BATCH, lines, working
from lamlam.memory_backends.conformance.interruption import cancelled_at
from lamlam.memory_backends.conformance.laws.base import Laws, does_not_apply, needs
from lamlam.memory_backends.conformance.samples import ADA, fact, put, triples, values
from lamlam.memory_backends.model.operations import Assert, Op, Replace, Retract
from lamlam.memory_backends.protocol import Capability, FactStore

MOST_WAITS = 400
"""No `apply` of these laws waits that often."""


@needs(Capability.TRANSACTIONS)
class AtomicityLaws(Laws):
    """Suite 4: all or nothing."""

    suite = "atomicity"

    async def test_a_refused_operation_takes_the_others_with_it(self, store: FactStore) -> None:
        """An operation that is refused leaves everything as it was: facts, history and revision."""
        await put(store, ("A B", "work", "x"))
        before = await store.info()
        refused: tuple[Op, ...] = (Retract("", "work"), Retract("A B", "work", namespace=("",)))
        for op in refused:
            with pytest.raises(BadFact):
                await store.apply([Assert(fact()), Retract("A B", "work"), op])
        with pytest.raises(BadFact):
            # Wrong on purpose:
            await store.apply([Assert(fact()), "no operation"])  # type: ignore[list-item]  # none
        assert await triples(store) == [("A B", "work", "x")]
        assert await store.info() == before
        if Capability.HISTORY in store.capabilities:
            assert await store.history("A B") == []

    @needs(Capability.CAS)
    async def test_an_unexpected_value_takes_the_others_with_it(self, store: FactStore) -> None:
        """A `Replace` whose relation has other values than expected undoes what stood before it."""
        await put(store, (ADA, "work", "x"))
        before = await store.info()
        with pytest.raises(Conflict):
            await store.apply([Assert(fact()), Replace(fact("y", "work"), expected=("z",))])
        assert await triples(store) == [(ADA, "work", "x")]
        assert await store.info() == before

    async def test_operations_see_what_those_before_them_did(self, store: FactStore) -> None:
        """The operations of one commit are done in their order."""
        await store.apply([
            Assert(fact("a", "work")), Assert(fact("b", "work")), Retract(ADA, "work", "a"),
            Replace(fact("c")), Assert(fact("d")), Retract(ADA, "birth place", "c"),
        ])  # fmt: skip
        assert await triples(store) == [(ADA, "birth place", "d"), (ADA, "work", "b")]
        if Capability.HISTORY in store.capabilities:
            assert await store.history(ADA) == []  # what began and ended in one commit never was

    async def test_a_cancelled_commit_is_whole_or_absent(self, place: Place) -> None:
        """Cancelled at any of its waits, an `apply` has done everything or nothing, and the store
        works on.
        """
        async with place.open() as store:
            await put(store, *((f"Name {n}", "work", "old") for n in range(5)))
            for wait in range(1, MOST_WAITS):
                ops: Sequence[Op] = [
                    Replace(fact(f"new {wait}", "work", f"Name {n}")) for n in range(5)
                ]
                before = await triples(store)
                ended = await cancelled_at(wait, store.apply(ops))
                after = await triples(store)
                whole = sorted((f"Name {n}", "work", f"new {wait}") for n in range(5))
                assert after in (before, whole), f"cancelled at wait {wait}"
                if not ended.was_reached:
                    assert after == whole
                    return
        pytest.fail(f"an apply waited more than {MOST_WAITS} times")

    async def test_a_cancelled_read_harms_nothing(self, place: Place) -> None:
        """After a lookup or a scan that was cancelled at any of its waits, the store answers."""
        async with place.open() as store:
            await put(store, *((ADA, "work", f"w{n}") for n in range(5)))
            for ask in (lambda: store.lookup(ADA, "work"), lambda: triples(store, batch=2)):
                for wait in range(1, MOST_WAITS):
                    ended = await cancelled_at(wait, ask())
                    assert await values(store, "work") == [f"w{n}" for n in range(5)]
                    if not ended.was_reached:
                        break
                else:
                    pytest.fail(f"a read waited more than {MOST_WAITS} times")

    @needs(Capability.MULTIPROCESS)
    async def test_a_killed_process_leaves_whole_commits(self, place: Place) -> None:
        """A process killed while it writes leaves every commit that was confirmed, and none in
        part.
        """
        if not place.backend.is_persistent:
            does_not_apply("the facts are gone with the process")
        for kill_after in (0, 5):
            told = -1
            async with working(place.backend, place.url, "write") as process:
                async for line in lines(process):
                    told = int(line)
                    if told >= kill_after:
                        process.kill()
            async with place.open() as store:
                held = await triples(store)
                batches = {value.partition(" ")[0] for _, _, value in held}
                assert len(held) == BATCH, "a commit was done in part"
                assert len(batches) == 1, "a commit was done in part"
                assert int(batches.pop()) >= told, "a commit that was confirmed is gone"
                await store.apply([Retract(f"Name {m}", "work") for m in range(BATCH)])

    async def test_a_store_for_reading_is_not_written(self, place: Place) -> None:
        """Opened for reading, a store declares no writing and refuses every write as `ReadOnly`."""
        async with place.open() as writing:
            await put(writing, (ADA, "birth place", "London"))
        async with place.open(read_only=True) as store:
            assert Capability.WRITE not in store.capabilities
            assert Capability.ERASE not in store.capabilities
            assert (await store.info()).read_only
            for write in (store.apply([Assert(fact("x"))]), store.erase(ADA)):
                with pytest.raises(ReadOnly):
                    await write
            expected = ["London"] if place.backend.is_persistent else []
            assert await values(store) == expected
