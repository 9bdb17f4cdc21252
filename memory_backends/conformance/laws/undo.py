"""Suite 6: a commit that is taken back by a new one."""

from __future__ import annotations

import random

import pytest

from lamlam.errors import BadFact, CannotUndo, Conflict, FactStoreError
from lamlam.memory_backends.conformance.laws.base import Laws, does_not_apply, needs
from lamlam.memory_backends.conformance.samples import ADA, fact, past_values, put, values
from lamlam.memory_backends.model.expiry import with_expired
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    DefineRelation,
    MergeEntities,
    Op,
    RemoveAlias,
    Replace,
    Retract,
    SplitEntities,
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.protocol import Capability, FactStore

_NAMES = ("Ada", "Bob Ferris", "Eve Lund", "Salt", "Countess")
_MIXED: tuple[list[Op], ...] = (
    [Assert(fact("new", "work", "Bob")), MergeEntities(ADA, "Bob")],
    [Assert(fact("new", "score", "Eve")), MergeEntities(ADA, "Eve")],
    [Assert(fact("both", "work", "Eve")), MergeEntities(ADA, "Eve")],
    [MergeEntities(ADA, "Bob"), Assert(fact("new", "work", "Bob"))],
    [Retract(ADA, "work", "both"), MergeEntities(ADA, "Bob")],
    [Replace(fact("b", "work")), MergeEntities(ADA, "Bob")],
    [Assert(fact("x", "work", "Eve")), AddAlias("Eve", "E"), RemoveAlias("Eve", "E")],
    [Assert(fact("x", "work", "Eve")), Retract("Eve", "work")],
    [Retract("Bob", "work"), AddAlias(ADA, "Bob")],
    [MergeEntities(ADA, "Bob"), RemoveAlias(ADA, "Bob")],
)
"""Commits that change facts or names beside what they do first."""


def _random_op(chance: random.Random) -> Op:
    def name() -> str:
        return chance.choice(_NAMES)

    relation = chance.choice(["work", "birth place", "born in"])
    one = fact(chance.choice(["one", "two", "three"]), relation, name())
    kinds: list[Op] = [Assert(one), Replace(one), Retract(name(), relation)]
    kinds += [AddAlias(name(), name()), MergeEntities(name(), name())]
    kinds += [RemoveAlias(name(), name()), SplitEntities(name(), name())]
    return chance.choices(kinds, (4, 1, 1, 1, 2, 1, 1))[0]


async def _all_of(store: FactStore) -> tuple[object, dict[str, list[str]]]:
    """Return what a store says, in order for each relation, and the aliases of everybody."""
    held = await said(store)
    names = dict.fromkeys(entity for entity, _ in held)
    return held, {name: await store.aliases(name) for name in names}


async def said(store: FactStore) -> dict[tuple[str, str], list[tuple[object, ...]]]:
    """Return what a store says, by entity and relation, whenever that came to be."""
    held: dict[tuple[str, str], list[tuple[object, ...]]] = {}
    async for one in store.scan(**with_expired(store)):
        about = (one.entity, one.relation)
        held.setdefault(about, []).append((one.value, one.sources, one.confidence, one.valid_to))
    return held


@needs(Capability.CHANGES, Capability.HISTORY)
class UndoLaws(Laws):
    """Suite 6: undo."""

    suite = "undo"

    async def test_an_undo_makes_all_as_it_was(self, store: FactStore) -> None:
        """What a commit asserted goes, what it ended, replaced or changed comes back, with sources,
        confidence and in its order; the undo is a commit of its own, and the history keeps both.
        """
        await put(store, (ADA, "work", "a"), (ADA, "work", "b"), (ADA, "work", "c"))
        await put(store, (ADA, "home", "x"), ("Bob", "score", 7), source="s", confidence=0.5)
        before = await said(store)
        commit = await store.apply([
            Retract(ADA, "work", "b"), Replace(fact("y", "home")), Assert(fact("new", "score", "Eve")),
            Assert(fact(7, "score", "Bob", source="t")), Assert(fact("7", "score", "Bob")),
        ])  # fmt: skip
        report = await store.undo(commit.revision, actor="editor")
        assert await said(store) == before
        assert (report.undone, report.left) == (commit.revision, ())
        assert report.commit is not None and report.commit.revision == commit.revision + 1
        assert "y" in past_values(await store.history(ADA, "home"))
        assert await values(store, "home") == ["x"]
        if Capability.COMMIT_TIMES in store.capabilities:
            assert [one.actor async for one in store.commits(commit.revision)] == ["editor"]

    async def test_an_undo_can_be_undone(self, store: FactStore) -> None:
        """Taking back what took back a commit does what the commit did."""
        await put(store, (ADA, "work", "a"))
        commit = await store.apply([Replace(fact("b", "work")), Assert(fact("x", "score", "Eve"))])
        after = await said(store)
        first = await store.undo(commit.revision)
        assert first.commit is not None
        await store.undo(first.commit.revision)
        assert await said(store) == after

    async def test_what_changed_again_is_not_undone_unasked(self, store: FactStore) -> None:
        """Where later commits changed the same relation, an undo is refused and nothing changes;
        on request it leaves such relations, or makes them too as they were.
        """
        await put(store, (ADA, "work", "a"), (ADA, "home", "x"))
        commit = await store.apply([Replace(fact("b", "work")), Replace(fact("y", "home"))])
        await store.apply([Replace(fact("c", "work")), Assert(fact("later", "score"))])
        before, revision = await said(store), (await store.info()).revision
        with pytest.raises(CannotUndo, match="'work'"):
            await store.undo(commit.revision)
        assert (await said(store), (await store.info()).revision) == (before, revision)
        report = await store.undo(commit.revision, later="skip")
        assert (await values(store, "work"), await values(store, "home")) == (["c"], ["x"])
        assert len(report.left) == 1
        await store.undo(commit.revision, later="restore")
        assert (await values(store, "work"), await values(store, "home")) == (["a"], ["x"])
        assert await values(store, "score") == ["later"]
        with pytest.raises(BadFact):
            await store.undo(commit.revision, later="force")  # type: ignore[arg-type]

    async def test_a_dry_undo_changes_nothing(self, store: FactStore) -> None:
        """With ``dry_run`` the report has the operations that an undo then does, and no more."""
        await put(store, (ADA, "work", "a"))
        commit = await store.apply([Replace(fact("b", "work"))])
        before = await said(store)
        told = await store.undo(commit.revision, dry_run=True)
        assert told.commit is None and told.ops
        assert (await said(store), (await store.info()).revision) == (before, commit.revision)
        assert (await store.undo(commit.revision)).ops == told.ops

    async def test_names_and_rules_are_undone(self, store: FactStore) -> None:
        """Aliases are removed and given back, merges split, first rules made to ask for nothing."""
        if not store.capabilities.issuperset({Capability.ALIASES, Capability.RULES}):
            does_not_apply("it has no aliases, or no rules")
        await put(store, (ADA, "work", "a"), ("Bob", "work", "b"))
        await store.apply([AddAlias(ADA, "Old")])
        before, names = await said(store), await store.aliases(ADA)
        rule = RelationRule("work", "one")
        renaming: list[Op] = [AddAlias(ADA, "New"), RemoveAlias(ADA, "Old"), DefineRelation(rule)]
        commit = await store.apply(renaming)
        assert (await store.undo(commit.revision)).left == ()
        assert await store.aliases(ADA) == names
        await store.apply([Assert(fact("second", "work"))])
        await store.apply([Retract(ADA, "work", "second")])
        merge = await store.apply([MergeEntities(ADA, "Bob")])
        assert await values(store, "work", "Bob") == ["a", "b"]
        await store.undo(merge.revision)
        assert await said(store) == before

    @needs(Capability.ALIASES)
    async def test_a_commit_of_many_kinds_is_undone(self, store: FactStore) -> None:
        """A commit that merges entities and changes their facts or names besides is undone whole;
        one that changed back what it did leaves nothing to do.
        """
        await put(store, (ADA, "work", "a"), (ADA, "work", "both"), ("Bob", "work", "both"))
        await put(store, ("Bob", "work", "b"))
        await store.apply([AddAlias("Bob", "Bobby")])
        before = await _all_of(store)
        for ops in _MIXED:
            commit = await store.apply(ops)
            report = await store.undo(commit.revision)
            assert (report.left, await _all_of(store)) == ((), before), ops
        commit = await store.apply([Assert(fact("x", "score", "Eve")), Retract("Eve", "score")])
        assert (await store.undo(commit.revision)).ops == ()

    @needs(Capability.ALIASES)
    async def test_the_last_of_random_commits_is_undone(self, store: FactStore) -> None:
        """Whatever the history, an undo of the last commit makes all as it was before it."""
        chance = random.Random(3)
        n_undone = 0
        for _ in range(60):
            before, revision = await _all_of(store), (await store.info()).revision
            try:
                ops = [_random_op(chance) for _ in range(chance.randint(1, 4))]
                commit = await store.apply(ops)
            except FactStoreError:
                continue
            if commit.revision > revision and chance.random() < 0.7:
                report = await store.undo(commit.revision)
                assert (report.left, await _all_of(store)) == ((), before), ops
                n_undone += 1
        assert n_undone > 10

    async def test_an_erasure_cannot_be_undone(self, store: FactStore) -> None:
        """An erasure is refused by name, nothing erased comes back by another undo, and a commit
        that is not there yet is `Conflict`.
        """
        if Capability.ERASE not in store.capabilities:
            does_not_apply("it does not erase")
        first = await put(store, (ADA, "work", "secret"))
        gone = await store.apply([Replace(fact("open", "work")), Assert(fact("x", "work", "Bob"))])
        receipt = await store.erase(ADA)
        with pytest.raises(CannotUndo, match="erasure"):
            await store.undo(receipt.revision)
        with pytest.raises(CannotUndo):
            await store.undo(first.revision)
        await store.undo(gone.revision)
        assert await said(store) == {}
        with pytest.raises(Conflict):
            await store.undo((await store.info()).revision + 1)
        with pytest.raises(BadFact):
            await store.undo(0)
