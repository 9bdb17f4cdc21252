"""Suite 7: a change that is named is done once, however often it is sent."""

from __future__ import annotations

import anyio
import pytest

from lamlam.errors import BadFact
from lamlam.memory_backends.conformance.backend import Place
from lamlam.memory_backends.conformance.interruption import cancelled_at
from lamlam.memory_backends.conformance.laws.atomicity import MOST_WAITS
from lamlam.memory_backends.conformance.laws.base import Laws, does_not_apply, needs
from lamlam.memory_backends.conformance.samples import ADA, HOSTILE, fact, put, triples, values
from lamlam.memory_backends.model.operations import Assert, Replace, Retract
from lamlam.memory_backends.protocol import Capability, FactStore


@needs(Capability.IDEMPOTENCY)
class IdempotencyLaws(Laws):
    """Suite 7: a change that is named is done once."""

    suite = "idempotency"

    async def test_a_change_is_done_once(self, store: FactStore) -> None:
        """The second `apply` with a key returns the first commit and does nothing, whatever its
        operations.
        """
        first = await store.apply([Assert(fact("x", "work"))], idempotency_key="one")
        await store.apply([Retract(ADA, "work")])
        now = (await store.info()).revision
        again = await store.apply([Assert(fact("x", "work"))], idempotency_key="one")
        other = await store.apply([Assert(fact("y", "work"))], idempotency_key="one")
        assert (again, other) == (first, first)
        assert await triples(store) == []
        assert (await store.info()).revision == now
        assert (await store.apply([Assert(fact("x", "work"))], idempotency_key="two")).facts == 1

    async def test_an_empty_key_is_refused(self, store: FactStore) -> None:
        """The empty key, as of a setting that is missing, is `BadFact`, and nothing is written."""
        with pytest.raises(BadFact, match="idempotency_key"):
            await store.apply([Assert(fact("x", "work"))], idempotency_key="")
        assert await triples(store) == []

    async def test_a_repeat_is_no_conflict(self, store: FactStore) -> None:
        """A repeat returns its commit though the revision and the values it expected are gone."""
        revision = (await put(store, (ADA, "work", "a"))).revision
        change = [Replace(fact("b", "work"), expected=("a",))]
        first = await store.apply(change, expected=revision, idempotency_key="k")
        assert await store.apply(change, expected=revision, idempotency_key="k") == first
        assert await values(store, "work") == ["b"]

    async def test_what_was_refused_may_be_sent_again(self, store: FactStore) -> None:
        """A key whose change was refused is not used up."""
        await put(store, (ADA, "work", "a"))
        change = [Replace(fact("b", "work"), expected=("c",))]
        for _ in range(2):
            try:
                await store.apply(change, idempotency_key="k")
            except Exception:
                await put(store, (ADA, "score", "1"))
        await store.apply([Replace(fact("c", "work"))])
        await store.apply(change, idempotency_key="k")
        assert await values(store, "work") == ["b"]

    async def test_any_text_is_a_key(self, store: FactStore) -> None:
        """Keys are compared letter by letter, whatever they contain."""
        keys = [*HOSTILE, "é", "e\u0301", "K", "k", " k", "k" * 5000]
        commits = [
            await store.apply([Assert(fact(f"w{n}", "work"))], idempotency_key=key)
            for n, key in enumerate(dict.fromkeys(keys))
        ]
        assert len({commit.revision for commit in commits}) == len(commits)
        assert await store.apply([Assert(fact("x"))], idempotency_key=keys[0]) == commits[0]

    async def test_many_at_once_do_it_once(self, store: FactStore) -> None:
        """Of many tasks that send the same change at once one is done, and all get its commit."""
        await put(store, (ADA, "work", "0"))
        commits = []

        async def send(n: int) -> None:
            commits.append(await store.apply([Assert(fact(f"w{n}", "work"))], idempotency_key="k"))

        async with anyio.create_task_group() as tasks:
            for n in range(10):
                tasks.start_soon(send, n)
        assert len(set(commits)) == 1
        assert len(await values(store, "work")) == 2

    async def test_an_unknown_end_is_made_known(self, place: Place) -> None:
        """A change cancelled at any of its waits and sent again with its key is
        done exactly once.
        """
        async with place.open() as store:
            for wait in range(1, MOST_WAITS):
                before = (await store.info()).revision
                change = [Assert(fact(f"w{wait}", "work")), Assert(fact(f"v{wait}", "score"))]
                key = f"key {wait}"
                ended = await cancelled_at(wait, store.apply(change, idempotency_key=key))
                commit = await store.apply(change, idempotency_key=key)
                assert (commit.revision, commit.facts) == (before + 1, 2), f"at wait {wait}"
                assert (await store.info()).revision == before + 1
                if not ended.was_reached:
                    assert len(await values(store, "work")) == wait
                    return

    async def test_a_key_outlives_its_store_object(self, place: Place) -> None:
        """A change that was sent before the store was closed is not done again after."""
        if not place.backend.is_persistent:
            does_not_apply("the facts are gone when the store is closed")
        async with place.open() as store:
            first = await store.apply([Assert(fact("x", "work"))], idempotency_key="k")
            await store.apply([Retract(ADA, "work")])
        async with place.open() as store:
            again = await store.apply([Assert(fact("x", "work"))], idempotency_key="k")
            assert (again, await triples(store)) == (first, [])
