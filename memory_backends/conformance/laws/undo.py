"""Suite 6: a commit that is taken back by a new one."""

from __future__ import annotations

import pytest

from lamlam.errors import BadFact, CannotUndo, Conflict
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
)
from lamlam.memory_backends.model.relation_rules import RelationRule
from lamlam.memory_backends.protocol import Capability, FactStore


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
