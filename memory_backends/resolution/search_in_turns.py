"""Search in a store that does not wait: a little at a time, so that other tasks get their turn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol, TypeVar

from lamlam.inline_calls import done_in_steps
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import Identify
from lamlam.memory_backends.model.search_rules import SearchQuery, SearchResult
from lamlam.memory_backends.model.search_terms import AskedTerms
from lamlam.memory_backends.resolution.meant_entity import found_facts
from lamlam.memory_backends.resolution.searching import (
    Answer,
    FindMeant,
    FindNamed,
    FindPlaces,
    GiveWay,
    NamePlan,
    ReadNext,
    ReadPlaces,
    SearchedEntity,
    SearchPlan,
    Steps,
)

T = TypeVar("T")


class SearchReader(Protocol):
    """Reads for a search in a store that does not wait, from one state of it."""

    def meant(self) -> list[SearchedEntity]:
        """Return the entity that the text names, if there is one."""
        ...

    def named(self, names: Sequence[str]) -> list[SearchedEntity]:
        """Return the entities with one of these names."""
        ...

    def find(self, asked: AskedTerms, most: int) -> list[Any]:
        """Return places that the index gives, at most so many; negative: all."""
        ...

    def read(self, places: Sequence[Any]) -> Iterable[SearchedEntity]:
        """Return the entities at places."""
        ...

    def read_next(self) -> list[SearchedEntity]:
        """Return the next entities; none: that was all."""
        ...


def in_turns_with(
    steps: Steps[T], reading: Callable[[], AbstractContextManager[SearchReader]]
) -> Generator[None, None, T]:
    """Read what a search asks for, a little at a time; return what it returns.

    Args:
        steps: of a plan.
        reading: yields a reader, under the lock of the store, for one turn.
    """
    answer: Answer | None = None
    while True:
        with reading() as reader:
            is_turn_over = False
            while not is_turn_over:
                try:
                    request = steps.send(answer) if answer is not None else next(steps)
                except StopIteration as done:
                    result: T = done.value
                    return result
                match request:
                    case FindMeant():
                        answer = reader.meant()
                    case FindNamed(names):
                        answer = reader.named(names)
                    case FindPlaces(asked, most):
                        answer = reader.find(asked, most)
                    case ReadPlaces(places):
                        answer, is_turn_over = list(reader.read(places)), True
                    case ReadNext():
                        answer, is_turn_over = reader.read_next(), True
                    case GiveWay():
                        answer, is_turn_over = [], True
        yield


class UsableIndex(NamedTuple):
    """What a search may ask of the index of a store."""

    has_sources: bool
    has_spaces: bool = True
    """There are entities in other namespaces than the usual one."""


class SearchInTurns(ABC):
    """One search, for which a backend reads."""

    at_once: int = 1
    """Places that are read in one turn."""

    def __init__(self, identify: Identify) -> None:
        self.identify = identify
        self.query: SearchQuery | None = None

    def search(self, query: SearchQuery) -> Generator[None, None, SearchResult]:
        """Return what is found, in steps between which others may have their turn."""
        self.query = query
        index = yield from self.index()
        plan = SearchPlan(
            query,
            has_index=index is not None,
            has_sources=index is not None and index.has_sources,
            has_spaces=index is None or index.has_spaces,
            at_once=self.at_once,
        )
        hits = yield from in_turns_with(plan.run(), self.turn)
        return found_facts(hits, self.identify)

    def names(
        self, prefix: str, namespace: Namespace | None, limit: int
    ) -> Generator[None, None, list[str]]:
        """Return names that begin with a text, in steps."""
        index = yield from self.index()
        plan = NamePlan(prefix, namespace, limit, has_index=index is not None, at_once=self.at_once)
        return (yield from in_turns_with(plan.run(), self.turn))

    @abstractmethod
    def turn(self) -> AbstractContextManager[SearchReader]:
        """Return what reads, under the lock of the store, for one turn."""

    @abstractmethod
    def index(self) -> Generator[None, None, UsableIndex | None]:
        """Return the index, in steps; ``None`` where there is none that can be asked."""


class SearchingInTurns:
    """The part of a store that searches so; stands before `LocalStore`."""

    @abstractmethod
    def _search_in_turns(self) -> SearchInTurns: ...

    async def search_one(self, query: SearchQuery) -> SearchResult:
        """Return what a search finds: by the index where there is one."""
        return await done_in_steps(self._search_in_turns().search(query))

    async def names_with(self, prefix: str, namespace: Namespace | None, limit: int) -> list[str]:
        """Return names of entities that begin with a text."""
        return await done_in_steps(self._search_in_turns().names(prefix, namespace, limit))
