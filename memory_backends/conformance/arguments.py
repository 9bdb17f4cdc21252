"""What is given to a store by mistake: refused by name, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest

from lamlam.errors import BadFact
from lamlam.memory_backends.conformance.laws import Laws, needs
from lamlam.memory_backends.conformance.samples import ADA, fact, listed, put, triples
from lamlam.memory_backends.operations import Assert
from lamlam.memory_backends.protocol import Capability, FactStore

# Any: all of these are wrong on purpose, and types would not let them pass.
NO_OPERATIONS: tuple[Any, ...] = (
    None, 7, "ops", Assert(fact()), fact(), [None], ["op"], [fact()], [Assert(None)],  # type: ignore[arg-type]
)  # fmt: skip
NO_NAMES: tuple[Any, ...] = (None, 7, b"Ada", [ADA])
NO_BATCHES: tuple[Any, ...] = (0, -1, 1.5, "2", None, True)


class ArgumentLaws(Laws):
    """Suite 4: mistakes are refused before anything is done."""

    suite = "atomicity"

    @pytest.mark.parametrize("ops", NO_OPERATIONS)
    async def test_what_is_no_list_of_operations_is_refused(
        self, store: FactStore, ops: Any
    ) -> None:
        """Nothing, a text, a number, one operation or one fact where a list of operations belongs
        is `BadFact`.
        """
        await put(store, ("A B", "work", "x"))
        before = await store.info()
        with pytest.raises(BadFact):
            await store.apply(ops)
        assert await triples(store) == [("A B", "work", "x")]
        assert await store.info() == before

    @needs(Capability.ERASE)
    @pytest.mark.parametrize("name", NO_NAMES, ids=repr)
    async def test_what_names_nothing_erases_nothing(self, store: FactStore, name: Any) -> None:
        """An erasure whose entity is no text is `BadFact`, and so is one whose relation is none."""
        await put(store, ("A B", "work", "x"))
        with pytest.raises(BadFact):
            await store.erase(name)
        if name is not None:  # stands for every relation
            with pytest.raises(BadFact):
                await store.erase("A B", name)
        assert await triples(store) == [("A B", "work", "x")]

    @pytest.mark.parametrize("batch", NO_BATCHES, ids=repr)
    async def test_a_scan_needs_a_batch(self, store: FactStore, batch: Any) -> None:
        """A batch that is no number from 1 on is `BadFact`, never an empty scan."""
        await put(store, ("A B", "work", "x"))
        with pytest.raises(BadFact, match="batch"):
            await listed(store.scan(batch=batch))
        assert len(await listed(store.scan(batch=1))) == 1

    @pytest.mark.parametrize("name", NO_NAMES[1:], ids=repr)
    async def test_a_read_needs_names(self, store: FactStore, name: Any) -> None:
        """Reads of what is no text are `BadFact`."""
        with pytest.raises(BadFact):
            await listed(store.scan(name))
        with pytest.raises(BadFact):
            await listed(store.scan(ADA, name))
        with pytest.raises(BadFact):
            await store.lookup(name, "work")
        if Capability.HISTORY in store.capabilities:
            with pytest.raises(BadFact):
                await store.history(name)
        if Capability.ALIASES in store.capabilities:
            with pytest.raises(BadFact):
                await store.aliases(name)
