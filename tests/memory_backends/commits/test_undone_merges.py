"""Merges and splits that are taken back, with what their commits did beside them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from lamlam.errors import CannotUndo, FactStoreError
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    MergeEntities,
    Op,
    RemoveAlias,
    Replace,
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


def test_no_undo_of_a_merge_is_wrong_without_a_word() -> None:
    """Whatever a last commit did to facts, aliases and merges, each of which may take back what an
    earlier one of it did: all is as before, or the report says which name may not be.
    """
    n_undone = n_told = 0
    for seed in range(60):
        chance = random.Random(seed)
        with SyncFactStore("memory:") as store:
            for _ in range(40):
                before, revision = everything(store), store.info().revision
                try:
                    commit = store.apply([any_op(chance) for _ in range(chance.randint(1, 4))])
                except FactStoreError:
                    continue
                if commit.revision > revision and chance.random() < 0.7:
                    report = store.undo(commit.revision)
                    n_undone += 1
                    if report.left:
                        n_told += 1
                        break
                    assert everything(store) == before, seed
    assert n_undone > 800 and n_told < n_undone / 200


def any_op(chance: random.Random) -> Op:
    def name() -> str:
        return chance.choice(("Ada", "Bob Ferris", "Eve Lund", "Salt", "Countess"))

    relation = chance.choice(["work", "birth place", "born in"])
    one = Fact(entity=name(), relation=relation, value=chance.choice(["one", "two", "three"]))
    kinds: list[Op] = [Assert(one), Replace(one), Retract(name(), relation)]
    kinds += [AddAlias(name(), name()), MergeEntities(name(), name()), RemoveAlias(name(), name())]
    return chance.choices(kinds, (4, 1, 1, 1, 2, 1))[0]


def everything(
    store: SyncFactStore,
) -> tuple[dict[tuple[str, str], list[str]], dict[str, list[str]]]:
    """Return all facts, in order for each relation, and all aliases."""
    held: dict[tuple[str, str], list[str]] = {}
    for one in store.scan():
        held.setdefault((one.entity, one.relation), []).append(one.surface)
    return held, {name: store.aliases(name) for name in dict.fromkeys(name for name, _ in held)}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "besides", [[], [Retract("Ada", "job")], [job("Bob", "new"), job("Ada", "new")]]
)
def test_the_order_of_values_comes_back_with_an_undone_split(
    backend: str, besides: list[Op], tmp_path: Path
) -> None:
    """The first value is the answer of a lookup. A name of which no fact was left to merge is an
    alias again, too.
    """
    with SyncFactStore(url_of(backend, tmp_path)) as store:
        store.apply([job("Ada", "a"), job("Bob", "b"), job("Ada", "c")])
        store.apply([MergeEntities("Bob", "Ada")])
        store.apply([job("Bob", "d")])
        before = everything(store)
        split = store.apply([SplitEntities("Bob", "Ada"), *besides])
        undone = store.undo(split.revision)
        assert (undone.left, everything(store)) == ((), before)
        assert before[1]["Bob"] == ["ada"] and list(before[0].values()) == [["b", "a", "c", "d"]]
