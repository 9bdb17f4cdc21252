"""The oracle of the random laws agrees with stores of every kind that may declare `erase`."""

from __future__ import annotations

import pytest

from lamlam.memory_backends.conformance.model.oracle import Oracle
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, MergeEntities, Retract, SplitEntities
from lamlam.memory_backends.networkx_graph.store import GraphStore


def test_what_has_ended_is_erased_where_history_is_kept() -> None:
    """A store with history erases the ended version; one without has nothing to erase."""
    for keeps_history, erased, revision in ((True, 1, 3), (False, 0, 2)):
        oracle = Oracle()
        oracle.apply([Assert(Fact(entity="Ada", relation="born", value="London"))])
        oracle.apply([Retract("Ada", "born")])
        name = ((), "ada")
        assert oracle.erase(name, keeps_history=keeps_history) == erased
        assert oracle.revision == revision


def test_what_holds_is_erased_in_both() -> None:
    """Facts that hold are erased and counted, whether or not the store keeps history."""
    for keeps_history in (True, False):
        oracle = Oracle()
        oracle.apply([Assert(Fact(entity="Ada", relation="born", value="London"))])
        assert oracle.erase(((), "ada"), "born", keeps_history=keeps_history) == 1
        assert not oracle.now.rows(((), "ada"))


@pytest.mark.anyio
async def test_an_erased_relation_of_entities_merged_as_they_were_stated() -> None:
    """The merge can be undone for what is left, and brings back nothing that was erased: oracle
    and store agree, also where the erased fact was stated again.
    """
    names = ("Cara Moss", "Bob Ferris", "Ada Quill")
    stated = [
        Assert(Fact(entity=name, relation=relation, value=value))
        for name in names
        for relation, value in (("birth place", "London"), ("award", name))
    ]
    merges = [MergeEntities("Bob Ferris", "Cara Moss"), MergeEntities("Ada Quill", "Bob Ferris")]
    oracle = Oracle()
    async with GraphStore() as store:
        commit = await store.apply([*stated, *merges])
        assert oracle.apply([*stated, *merges]) == (commit.revision, commit.facts)
        receipt = await store.erase("Cara Moss", "birth place")
        assert oracle.erase(((), "cara moss"), "birth place") == receipt.facts == 1
        again = Assert(Fact(entity="Cara Moss", relation="birth place", value="London"))
        for op, n_facts in (
            (again, 1),
            (SplitEntities("Ada Quill", "Bob Ferris"), 5),
            (SplitEntities("Bob Ferris", "Cara Moss"), 3),
        ):
            commit = await store.apply([op])
            assert oracle.apply([op]) == (commit.revision, commit.facts), op
            assert commit.facts == n_facts
        assert [f.value async for f in store.scan("Cara Moss")] == ["Cara Moss"]
        assert [row.surface for row in oracle.now.rows(((), "cara moss"))] == ["Cara Moss"]
