"""A snapshot answers as the store did when it was taken, whatever is committed meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamlam.errors import NotSupported, ReadOnly, StoreClosed
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import LookupResult
from lamlam.memory_backends.model.operations import Assert, Op, Replace, Retract
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.protocol import Capability
from lamlam.memory_backends.sync import SyncFactStore

NAMES = ("Ada", "Bob")
RELATIONS = ("work", "hobby")


def operations() -> st.SearchStrategy[Op]:
    names, relations = st.sampled_from(NAMES), st.sampled_from(RELATIONS)
    facts = st.builds(
        lambda entity, relation, value: Fact(entity=entity, relation=relation, value=value),
        names,
        relations,
        st.sampled_from("xyz"),
    )
    return st.one_of(
        st.builds(Assert, facts), st.builds(Replace, facts), st.builds(Retract, names, relations)
    )


def _read(store: SyncFactStore) -> list[object]:
    found: list[LookupResult] = [store.lookup(n, r) for n in NAMES for r in RELATIONS]
    past = [past for name in NAMES for past in store.history(name)]
    facts = sorted(store.scan(), key=lambda fact: str(fact.id))
    return [[(one.status, one.values, one.facts, one.revision) for one in found], facts, past]


@settings(max_examples=50)
@given(st.lists(operations(), max_size=6), st.lists(operations(), min_size=1, max_size=6))
def test_a_snapshot_stays_as_it_was(first: list[Op], then: list[Op]) -> None:
    with SyncFactStore("memory:") as store:
        for op in first:
            store.apply([op])
        before = _read(store)
        with store.snapshot() as snapshot:
            assert _read(snapshot) == before
            for op in then:
                store.apply([op])
            assert _read(snapshot) == before
            assert snapshot.info().revision == before_revision(first, snapshot)


def before_revision(ops: list[Op], snapshot: SyncFactStore) -> int:
    """The revision that the same operations give to another store."""
    with SyncFactStore("memory:") as other:
        return max([0, *(other.apply([op]).revision for op in ops)])


class Watched(GraphStore):
    """Tells which scans are at their end."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = 0

    async def scan(self, *args: Any, **options: Any) -> AsyncIterator[Fact]:
        try:
            for fact in self.scan_nowait(*args, **options):
                yield fact
        finally:
            self.ended += 1


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_scan_that_is_closed_early_leaves_none_of_the_store_open() -> None:
    async with Watched() as store:
        await store.apply([Assert(Fact(entity=f"e{n}", relation="r", value="v")) for n in range(9)])
        async with store.snapshot() as snapshot:
            async with aclosing(snapshot.scan()) as facts:  # type: ignore[type-var]  # a generator
                async for _ in facts:
                    break
            assert store.ended == 1
            assert len([fact async for fact in snapshot.scan()]) == 9
            assert store.ended == 2


def test_an_erasure_is_seen_by_a_snapshot_too() -> None:
    with SyncFactStore("memory:") as store:
        store.apply([Assert(Fact(entity="Ada", relation="work", value="x"))])
        with store.snapshot() as snapshot:
            store.erase("Ada")
            assert snapshot.lookup("Ada", "work").values == ()
            assert list(snapshot.scan()) == []


def test_a_snapshot_is_for_reading() -> None:
    with SyncFactStore("memory:") as store, store.snapshot() as snapshot:
        assert not {Capability.WRITE, Capability.ERASE} & snapshot.capabilities
        with pytest.raises(ReadOnly):
            snapshot.apply([])
        with pytest.raises(ReadOnly):
            snapshot.erase("Ada")
        with pytest.raises(ReadOnly):
            snapshot.migrate()
        with pytest.raises(NotSupported):
            list(snapshot.changes())
        assert snapshot.info().read_only
    with pytest.raises(StoreClosed):
        snapshot.info()


@pytest.mark.parametrize("url", ["memory:", "sqlite:///{folder}/facts.db"])
def test_a_blocking_snapshot_is_read_where_a_loop_runs(tmp_path: Path, url: str) -> None:
    """As in a notebook: nothing of it waits."""

    async def notebook() -> None:
        with SyncFactStore(url.format(folder=tmp_path)) as store:
            store.load(Fact(entity=f"N {n}", relation="work", value="x") for n in range(1200))
            with store.snapshot() as snapshot:
                assert len(list(snapshot.scan())) == 1200

    for backend in ("asyncio", "trio"):
        anyio.run(notebook, backend=backend)
