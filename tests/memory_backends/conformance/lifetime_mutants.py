"""Memories with one fault each in what they say about time, and the law that is about it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from lamlam.memory_backends.model.commit_info import CommitInfo
from lamlam.memory_backends.model.operations import Change, PastFact
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


LIFETIME_MUTANTS: dict[Callable[..., FactStore], str] = {
    TellsNoActors: "test_the_feed_says_when_and_by_whom",
    ForgetsWhoBegan: "test_history_says_when_and_by_whom",
    StampsByReading: "test_every_commit_has_its_time_and_actor",
    DatesOneTooLate: "test_a_date_is_a_revision",
}
"""By fault: the law that is about it."""
