"""Memories with one fault each in what they say about time, and the law that is about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from typing import Any

from lamlam.errors import CannotUndo
from lamlam.memory_backends.commits.undo_plan import UndoReport
from lamlam.memory_backends.model.clock import clock_at
from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.lookups import Lookup, LookupResult
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    Change,
    Commit,
    Op,
    PastFact,
    Retract,
)
from lamlam.memory_backends.model.search_rules import SearchQuery, SearchResult
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.protocol import FactStore


class TellsNoActors(GraphStore):
    async def changes(self, *since: Any, **where: Any) -> AsyncIterator[Change]:
        async for one in super().changes(*since, **where):
            yield replace(one, actor=None)


class ForgetsWhoBegan(GraphStore):
    async def history(self, *names: Any, **where: Any) -> list[PastFact]:
        past = await super().history(*names, **where)
        return [replace(one, asserted_by=one.retracted_by) for one in past]


class StampsByReading(GraphStore):
    async def commits(self, since: int | None = None) -> AsyncIterator[CommitInfo]:
        async for one in super().commits(since):
            yield replace(one, at=one.at and one.at.replace(tzinfo=None))


class DatesOneTooLate(GraphStore):
    async def revision_at(self, moment: object) -> int:
        return await super().revision_at(moment) + 1


class ShowsWhatExpired(GraphStore):
    async def scan(self, *names: Any, **where: Any) -> AsyncIterator[Fact]:
        async for one in super().scan(*names, **{**where, "include_expired": True}):
            yield one


class FindsWhatExpired(GraphStore):
    async def search_one(self, query: SearchQuery) -> SearchResult:
        return await super().search_one(replace(query, hiding_from=None))


class HidesForGood(GraphStore):
    async def scan(self, *names: Any, **where: Any) -> AsyncIterator[Fact]:
        async for one in super().scan(*names, **{**where, "include_expired": False}):
            yield one


class LooksAtItsOwnClock(GraphStore):
    async def scan(self, *names: Any, **where: Any) -> AsyncIterator[Fact]:
        with clock_at("2020"):
            facts = [one async for one in super().scan(*names, **where)]
        for one in facts:
            yield one


class NamesNoOtherTimes(GraphStore):
    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        results = await super().lookup_many(queries)
        for one in results:
            one.candidates = one.candidates * (one.status != "not_valid_at")
        return results


class SweepsSiblings(GraphStore):
    async def apply(self, ops: Sequence[Op], **options: Any) -> Commit:
        swept = [replace(op, expired_at=None) if isinstance(op, Retract) else op for op in ops]
        return await super().apply(swept, **options)


class SweepsAgain(GraphStore):
    async def sweep(self, **options: Any) -> Commit:
        commit = await super().sweep(**options)
        return replace(commit, facts=max(commit.facts, 1))


class SweepsEverywhere(GraphStore):
    async def sweep(self, **options: Any) -> Commit:
        return await super().sweep(**{**options, "namespace": None})


class SweepsByThePresent(GraphStore):
    async def sweep(self, **options: Any) -> Commit:
        return await super().sweep(**{**options, "now": None})


class ForgetsTheExpired(GraphStore):
    async def known_names(self, names: Sequence[str], **where: Any) -> frozenset[str]:
        known = await super().known_names(names, **where)
        return frozenset([name for name in known if [1 async for _ in self.scan(name)]])


class _Undoes(GraphStore):
    """Changes what an undo does."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._is_undoing = False

    async def undo(self, revision: int, **options: Any) -> UndoReport:
        self._is_undoing = True
        try:
            return await super().undo(revision, **options)
        finally:
            self._is_undoing = False

    async def apply(self, ops: Sequence[Op], **options: Any) -> Commit:
        kept = [op for op in ops if self.does(op)] if self._is_undoing else ops
        return await super().apply(kept, **options)

    def does(self, op: Op) -> bool:
        return True


class RestoresNothing(_Undoes):
    def does(self, op: Op) -> bool:
        return isinstance(op, Retract)


class UndoesNoNames(_Undoes):
    def does(self, op: Op) -> bool:
        return not isinstance(op, AddAlias)


class UndoesInPart(_Undoes):
    def does(self, op: Op) -> bool:
        return not (isinstance(op, Assert) and self._revision > 2)


class UndoesRegardless(GraphStore):
    async def undo(self, revision: int, **options: Any) -> UndoReport:
        if options.get("later", "refuse") == "refuse":
            options["later"] = "restore"
        return await super().undo(revision, **options)


class UndoesForShow(GraphStore):
    async def undo(self, revision: int, **options: Any) -> UndoReport:
        report = await super().undo(revision, **{**options, "dry_run": False})
        return replace(report, commit=None) if options.get("dry_run") else report


class UndoesErasures(GraphStore):
    async def undo(self, revision: int, **options: Any) -> UndoReport:
        try:
            return await super().undo(revision, **options)
        except CannotUndo as error:
            if "erasure" not in str(error):
                raise
            return UndoReport(revision, (), None)


class TellsNoMerges(GraphStore):
    async def changes(self, *since: Any, **where: Any) -> AsyncIterator[Change]:
        async for one in super().changes(*since, **where):
            if one.kind != "merged":
                yield one


LIFETIME_MUTANTS: dict[Callable[..., FactStore], str] = {
    TellsNoMerges: "test_a_commit_of_many_kinds_is_undone",
    TellsNoActors: "test_the_feed_says_when_and_by_whom",
    ForgetsWhoBegan: "test_history_says_when_and_by_whom",
    StampsByReading: "test_every_commit_has_its_time_and_actor",
    DatesOneTooLate: "test_a_date_is_a_revision",
    ShowsWhatExpired: "test_what_has_expired_is_hidden",
    FindsWhatExpired: "test_a_search_leaves_out_what_has_expired",
    HidesForGood: "test_what_has_expired_is_hidden",
    LooksAtItsOwnClock: "test_a_fact_expires_at_its_end",
    NamesNoOtherTimes: "test_what_held_at_another_time_is_a_candidate",
    SweepsSiblings: "test_a_prolonged_fact_is_not_swept",
    SweepsAgain: "test_a_sweep_retracts_what_has_expired",
    SweepsEverywhere: "test_a_sweep_keeps_to_its_namespace",
    RestoresNothing: "test_an_undo_makes_all_as_it_was",
    UndoesInPart: "test_an_undo_can_be_undone",
    UndoesRegardless: "test_what_changed_again_is_not_undone_unasked",
    UndoesForShow: "test_a_dry_undo_changes_nothing",
    UndoesNoNames: "test_names_and_rules_are_undone",
    UndoesErasures: "test_an_erasure_cannot_be_undone",
    SweepsByThePresent: "test_a_sweep_is_of_a_moment",
    ForgetsTheExpired: "test_an_entity_may_expire_as_a_whole",
}
"""By fault: the law that is about it."""
