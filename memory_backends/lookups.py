"""What is asked of a memory and what it answers: slotted, because it runs per written fact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

from lamlam.memory_backends.facts import Fact

MatchKind = Literal["exact", "alias", "synonym", "fuzzy", "vector", "none"]


@dataclass(frozen=True, slots=True)
class Lookup:
    """One question: the value of a relation of an entity, both as text wrote them."""

    entity: str
    relation: str


class LookupStatus(StrEnum):
    """How a lookup ended; a miss is an ordinary answer, not an error."""

    HIT = "hit"
    MISS = "miss"
    AMBIGUOUS = "ambiguous"
    """Several entities fit equally well; `LookupResult.candidates` names them."""


@dataclass(frozen=True, slots=True)
class MatchPart:
    """How one half of the question was understood."""

    kind: MatchKind
    score: float
    """From 0 to 1; 1 unless the kind is ``fuzzy`` or ``vector``."""
    matched: str | None
    """The stored name that was taken."""


@dataclass(frozen=True, slots=True)
class Match:
    """How the question was understood: the entity first, then the relation among its own."""

    entity: MatchPart
    relation: MatchPart


@dataclass(frozen=True, slots=True)
class Candidate:
    """A near name that was not good enough to be an answer."""

    entity: str
    relation: str
    score: float


NO_MATCH = MatchPart("none", 0.0, None)


class StoredFact(NamedTuple):
    """One fact inside a store: without its entity, which is the same for all of a row."""

    relation: str
    """As its author wrote it."""
    key: str
    """The relation's canonical key."""
    value: str
    source: str | None
    revision: int
    confidence: float


class LookupResult:
    """What memory knows; `Fact` objects are built when first asked for."""

    __slots__ = (
        "_entity",
        "_fact_ids",
        "_facts",
        "_identify",
        "_match",
        "_stored",
        "candidates",
        "elapsed_ns",
        "revision",
        "status",
        "values",
    )

    def __init__(
        self,
        status: LookupStatus,
        match: Match | None,
        revision: int,
        elapsed_ns: int = 0,
        *,
        entity: str = "",
        stored: Sequence[StoredFact] = (),
        identify: Callable[[str, str, str], str] | None = None,
        candidates: tuple[Candidate, ...] = (),
    ) -> None:
        """Hold an answer.

        Args:
            match: how the question was understood; ``None``: both halves exactly.
            entity: the entity as stored.
            stored: the facts found, in stored order.
            identify: gives a fact's id from entity, relation key and value.
        """
        self.status = status
        self._match = match
        self.revision = revision
        self.elapsed_ns = elapsed_ns
        self.candidates = candidates
        self.values: tuple[str, ...] = tuple([fact[2] for fact in stored])
        self._entity = entity
        self._stored = stored
        self._identify = identify
        self._facts: tuple[Fact, ...] | None = None
        self._fact_ids: tuple[str, ...] | None = None

    @property
    def value(self) -> str | None:
        """The first value, or ``None``."""
        return self.values[0] if self.values else None

    @property
    def match(self) -> Match:
        """How the question was understood."""
        if self._match is None:
            relation = self._stored[0].relation if self._stored else None
            self._match = Match(
                MatchPart("exact", 1.0, self._entity), MatchPart("exact", 1.0, relation)
            )
        return self._match

    @property
    def sources(self) -> tuple[str | None, ...]:
        """Where each value came from."""
        return tuple([fact.source for fact in self._stored])

    @property
    def fact_ids(self) -> tuple[str, ...]:
        """The id of the fact behind each value."""
        if self._fact_ids is None:
            identify = self._identify
            self._fact_ids = (
                tuple([identify(self._entity, f.key, f.value) for f in self._stored])
                if identify
                else ()
            )
        return self._fact_ids

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts behind the values."""
        if self._facts is None:
            self._facts = tuple(
                [
                    as_fact(self._entity, stored, fact_id)
                    for stored, fact_id in zip(self._stored, self.fact_ids, strict=True)
                ]
            )
        return self._facts

    def __repr__(self) -> str:
        return f"LookupResult({self.status.value}, values={self.values!r}, match={self.match!r})"


class EntityView:
    """What a store holds of one entity."""

    __slots__ = ("_values", "key", "match", "name", "relations")

    def __init__(self, name: str, key: str, match: MatchPart, stored: Sequence[StoredFact]) -> None:
        """Hold the facts of an entity.

        Args:
            name: as stored.
            key: its canonical key.
            match: how the asked name was understood.
        """
        values: dict[str, list[str]] = {}
        for fact in stored:
            values.setdefault(fact.key, []).append(fact.value)
        self.name = name
        self.key = key
        self.match = match
        self._values = values
        self.relations: tuple[str, ...] = tuple(values)
        """Canonical keys of the relations that the entity holds, in stored order."""

    def values(self, relation_key: str) -> tuple[str, ...]:
        """The values of one of its relations, in stored order; empty for any other."""
        return tuple(self._values.get(relation_key, ()))

    def __repr__(self) -> str:
        return f"EntityView({self.name!r}, relations={self.relations!r})"


def as_fact(entity: str, stored: StoredFact, fact_id: str) -> Fact:
    """Return a fact of a store as users read it; it was checked when it was written."""
    return Fact.model_construct(
        entity=entity,
        relation=stored.relation,
        value=stored.value,
        source=stored.source,
        confidence=stored.confidence,
        id=fact_id,
        revision=stored.revision,
    )
