"""Merges and splits that are taken back, with what their commits did beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.errors import CannotUndo
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    MergeEntities,
    RemoveAlias,
    Retract,
    SplitEntities,
)
from lamlam.memory_backends.sync import SyncFactStore
from tests.memory_backends.stores import BACKENDS, url_of

State = tuple[list[tuple[str, str]], list[str]]


def job(entity: str, value: str) -> Assert:
    return Assert(Fact(entity=entity, relation="job", value=value))


def state_of(store: SyncFactStore) -> State:
    """Return all facts, and the aliases of Ada."""
    return sorted((one.entity, one.surface) for one in store.scan()), store.aliases("Ada")


@pytest.mark.parametrize("backend", BACKENDS)
def test_aliases_beside_a_merge_come_and_go_with_it(backend: str, tmp_path: Path) -> None:
    """Those that were given and those that were taken, there and back."""
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        store.apply([job("Ada", "a"), job("Bob", "b")])
        store.apply([AddAlias("Ada", "Old"), AddAlias("Bob", "Bobby")])
        before = state_of(store)
        merge = store.apply(
            [MergeEntities("Ada", "Bob"), RemoveAlias("Ada", "Old"), AddAlias("Ada", "New")]
        )
        after = state_of(store)
        undone = store.undo(merge.revision)
        assert (undone.left, state_of(store)) == ((), before)
        assert store.aliases("Bob") == ["bobby"] and undone.commit is not None
        again = store.undo(undone.commit.revision)
        assert (again.left, state_of(store)) == ((), after)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("moves", [True, False])
def test_a_split_is_not_undone_over_facts_that_it_did_not_part(
    backend: str, moves: bool, tmp_path: Path
) -> None:
    """A merge would move the facts that the entity had before to the other one."""
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        store.apply([job("Ada", "a"), job("Bob", "b")])
        store.apply([MergeEntities("Ada", "Bob")])
        store.apply([RemoveAlias("Ada", "Bob")])
        if not moves:
            store.apply([Retract("Ada", "job", "b")])
        store.apply([job("Bob", "of another")])
        split = store.apply([SplitEntities("Ada", "Bob")])
        before = state_of(store)
        assert ("Bob", "of another") in before[0]
        with pytest.raises(CannotUndo, match="had facts of its own"):
            store.undo(split.revision)
        assert state_of(store) == before


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_split_with_a_new_fact_is_undone(backend: str, tmp_path: Path) -> None:
    """The two are one again, and the fact is gone."""
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        store.apply([job("Ada", "a"), job("Bob", "b")])
        store.apply([MergeEntities("Ada", "Bob")])
        before = state_of(store)
        split = store.apply([SplitEntities("Ada", "Bob"), job("Bob", "new")])
        undone = store.undo(split.revision)
        assert (undone.left, state_of(store)) == ((), before)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_merge_beside_the_end_of_a_fact_that_both_have_is_undone(
    backend: str, tmp_path: Path
) -> None:
    """A split alone would give it to the other one, and this one would lose it."""
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        store.apply([job("Ada", "a"), job("Ada", "k"), job("Bob", "a"), job("Bob", "c")])
        before = state_of(store)
        merge = store.apply([Retract("Ada", "job", "a"), MergeEntities("Ada", "Bob")])
        undone = store.undo(merge.revision)
        assert (undone.left, state_of(store)) == ((), before)
