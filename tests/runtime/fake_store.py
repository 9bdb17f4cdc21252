"""A memory made of a dictionary, as far as the runtime needs one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from lamlam.memory_backends.model.candidates import Candidate
from lamlam.memory_backends.model.facts import Namespace
from lamlam.memory_backends.model.lookups import (
    NO_MATCH,
    EntityView,
    Lookup,
    LookupResult,
    LookupStatus,
    Match,
    MatchPart,
    StoredFact,
)
from lamlam.memory_backends.model.synonyms import may_answer, same_relation
from lamlam.memory_backends.protocol import Capability, FactStore
from lamlam.runtime.decoding.lookup_answers import PendingLookup

FAST = frozenset({Capability.FAST_LOOKUP})
SLOW: frozenset[Capability] = frozenset()


@dataclass
class FakeStore:
    """Facts by entity and relation, matched without case."""

    facts: dict[str, dict[str, list[str]]]
    capabilities: frozenset[Capability] = FAST
    candidates: tuple[Candidate, ...] = ()
    ambiguous: frozenset[str] = frozenset()
    asked: list[tuple[str, str]] = field(default_factory=list)
    n_refreshed: int = 0
    error: Exception | None = None

    def refresh_nowait(self) -> None:
        self.n_refreshed += 1

    def describe_nowait(
        self,
        entity: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> EntityView | None:
        key = entity.casefold()
        if key not in self.facts:
            return None
        stored = [fact for relation in self.facts[key] for fact in self._stored(key, relation)]
        return EntityView(entity, key, MatchPart("exact", 1.0, key), stored)

    def known_names_nowait(
        self,
        names: Sequence[str],
        *,
        namespace: Namespace = (),
        as_of: int | None = None,
        loosely: bool = False,
    ) -> frozenset[str]:
        return frozenset(name for name in names if name.casefold() in self.facts)

    def homonyms_nowait(
        self,
        name: str,
        *,
        fuzzy: bool = True,
        namespace: Namespace = (),
        as_of: int | None = None,
    ) -> tuple[EntityView, ...]:
        return ()

    def lookup_nowait(self, query: Lookup) -> LookupResult:
        self.asked.append((query.entity, query.relation))
        if self.error:
            raise self.error
        key, relation = query.entity.casefold(), query.relation.casefold()
        stored = self._stored(key, relation)
        match = Match(
            MatchPart("exact", 1.0, key) if key in self.facts else NO_MATCH,
            MatchPart("exact", 1.0, relation) if stored else NO_MATCH,
        )
        if query.entity in self.ambiguous:
            return LookupResult(LookupStatus.AMBIGUOUS, match, 7, candidates=self.candidates)
        if not stored:
            return LookupResult(LookupStatus.MISS, match, 7, candidates=self.candidates)
        return LookupResult(
            LookupStatus.HIT,
            match,
            7,
            entity=key,
            key=key,
            stored=stored,
            identify=lambda key, fact: f"{key}/{fact.key}/{fact.value}",
        )

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        return [self.lookup_nowait(query) for query in queries]

    def _stored(self, key: str, relation: str) -> list[StoredFact]:
        return [
            StoredFact(held, held, value, (f"source of {value}",), 3, 1.0)
            for held, values in self.facts.get(key, {}).items()
            if held == relation or same_relation(held, relation) or may_answer(held, relation)
            for value in values
        ]


def answer_of(store: FakeStore, question: PendingLookup) -> LookupResult:
    """What the store says to a question that a text has put."""
    return store.lookup_nowait(Lookup(question.lookup.entity, question.lookup.relation))


def as_store(fake: FakeStore) -> FactStore:
    """The fake, typed as what it stands for."""
    return cast("FactStore", fake)
