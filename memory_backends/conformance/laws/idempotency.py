"""Suite 7: a change that is named is done once, however often it is sent."""

from __future__ import annotations

import anyio
import pytest

from lamlam.errors import BadFact, Conflict
from lamlam.memory_backends.conformance.backend import Place
from lamlam.memory_backends.conformance.interruption import cancelled_at
from lamlam.memory_backends.conformance.laws.atomicity import MOST_WAITS
from lamlam.memory_backends.conformance.laws.base import Laws, does_not_apply, needs
from lamlam.memory_backends.conformance.samples import (
    ADA,
    HOSTILE,
    fact,
    facts,
    put,
    triples,
    values,
)
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Op, Replace, Retract
from lamlam.memory_backends.model.values import PartialDate
from lamlam.memory_backends.protocol import Capability, FactStore


@needs(Capability.IDEMPOTENCY)
class IdempotencyLaws(Laws):
    """Suite 7: a change that is named is done once."""

    suite = "idempotency"

    async def test_a_change_is_done_once(self, store: FactStore) -> None:
        """The second `apply` with a key returns the first commit and does nothing."""
        first = await store.apply([Assert(fact("x", "work"))], idempotency_key="one")
        await store.apply([Retract(ADA, "work")])
        now = (await store.info()).revision
        again = await store.apply([Assert(fact("x", "work"))], idempotency_key="one")
        assert again == first
        assert await triples(store) == []
        assert (await store.info()).revision == now
        assert (await store.apply([Assert(fact("x", "work"))], idempotency_key="two")).facts == 1

    async def test_other_operations_are_refused(self, store: FactStore) -> None:
        """A key that was used for other operations is `Conflict`, and nothing is written; equal
        operations are the same ones, however they were made.
        """
        born = Fact(
            entity=ADA, relation="birth date", value=PartialDate(1815, 12), sources=["a", "b"],
            valid_from="1840", confidence=1,
        )  # fmt: skip
        change: list[Op] = [Assert(born), Retract(ADA, "work", 7), Replace(fact("x"))]
        first = await store.apply(change, idempotency_key="k", actor="one")
        held = await facts(store)
        others: list[list[Op]] = [
            [],
            change[:2],
            change[::-1],
            [*change, Assert(fact("x", "work"))],
            [Replace(born), *change[1:]],
            [Assert(born.model_copy(update={"confidence": 0.5})), *change[1:]],
            [Assert(born.model_copy(update={"sources": ("a",)})), *change[1:]],
            [change[0], Retract(ADA, "work", "7"), change[2]],
            [change[0], Retract(ADA, "work"), change[2]],
            [*change[:2], Replace(fact("x"), expected=("x",))],
            [*change[:2], Replace(fact("y"))],
        ]
        for other in others:
            with pytest.raises(Conflict, match="idempotency_key"):
                await store.apply(other, idempotency_key="k")
        assert await facts(store) == held
        (stored,) = [one async for one in store.scan(ADA, "birth date")]  # with its id
        same: list[Op] = [Assert(stored), Retract(ADA, "work", 7), Replace(fact("x"))]
        assert await store.apply(same, idempotency_key="k", actor="another") == first

    async def test_a_key_of_no_change_is_used_too(self, store: FactStore) -> None:
        """A key whose operations changed nothing is used up for these."""
        await put(store, (ADA, "work", "x"))
        nothing: list[Op] = [Assert(fact("x", "work"))]
        first = await store.apply(nothing, idempotency_key="k")
        assert first.facts == 0
        await put(store, (ADA, "work", "y"))
        assert await store.apply(nothing, idempotency_key="k") == first
        with pytest.raises(Conflict, match="idempotency_key"):
            await store.apply([Assert(fact("z", "work"))], idempotency_key="k")
        assert await values(store, "work") == ["x", "y"]

    @needs(Capability.ERASE)
    async def test_an_erasure_leaves_no_way_to_guess(self, store: FactStore) -> None:
        """After an erasure no guess of what was sent is told from any other: a repeat with a key of
        such a change returns its commit, whatever comes with it. Other keys are not concerned.
        """
        first = await store.apply([Assert(fact("x", "work"))], idempotency_key="k")
        await store.apply([Retract(ADA, "work", "nothing")], idempotency_key="l")
        await store.apply([Assert(fact("x", "work", "Bystander"))], idempotency_key="m")
        await store.erase(ADA)
        for guess in ("x", "y"):
            again = await store.apply([Assert(fact(guess, "work"))], idempotency_key="k")
            assert (again.revision, again.facts) == (first.revision, first.facts)
            await store.apply([Retract(ADA, "work", guess)], idempotency_key="l")
        with pytest.raises(Conflict, match="idempotency_key"):
            await store.apply([Assert(fact("y", "work", "Bystander"))], idempotency_key="m")
        assert await triples(store) == [("Bystander", "work", "x")]

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
        again = await store.apply([Assert(fact("w0", "work"))], idempotency_key=keys[0])
        assert again == commits[0]

    async def test_many_at_once_do_it_once(self, store: FactStore) -> None:
        """Of many tasks that send the same change at once one is done, and all get its commit."""
        await put(store, (ADA, "work", "0"))
        commits = []

        async def send() -> None:
            commits.append(await store.apply([Assert(fact("w", "work"))], idempotency_key="k"))

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(send)
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
