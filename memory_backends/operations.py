"""What can be done to a store, and what a store says when it has done it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from lamlam.memory_backends.facts import Fact


@dataclass(frozen=True, slots=True)
class Assert:
    """The fact holds, beside what the relation held before.

    The same value again is no second fact: its source and confidence are updated.
    """

    fact: Fact


@dataclass(frozen=True, slots=True)
class Replace:
    """The fact is the only value of its relation; the values before it end, synonyms included."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class Retract:
    """The facts end; they stay readable in the history."""

    entity: str
    relation: str
    value: str | None = None
    """One value, or every value of the relation; under its synonyms too."""


@dataclass(frozen=True, slots=True)
class AddAlias:
    """The entity is found by another name too. An alias of an unknown entity is refused."""

    entity: str
    alias: str


Op: TypeAlias = Assert | Replace | Retract | AddAlias


@dataclass(frozen=True, slots=True)
class Commit:
    """What one `apply` did."""

    revision: int
    """The store's revision afterwards; unchanged where nothing changed."""
    facts: int
    """Facts that were added, updated or ended."""


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """What `erase` removed, from where, and whether a search of the bytes confirmed it."""

    facts: int
    entity: str
    relation: str | None
    covered: tuple[str, ...]
    """Places that hold nothing of it any more."""
    pending: tuple[str, ...]
    """Places that may still hold it, with the reason."""
    verified: bool
    """The bytes of the covered places were searched for all that was erased and held none of it.

    False where nothing was erased, so nothing searched for.
    """
    revision: int
    reason: str | None = None

    def __str__(self) -> str:
        facts = "1 fact" if self.facts == 1 else f"{self.facts} facts"
        parts = [f"{facts} erased from {', '.join(self.covered) or 'nowhere'}"]
        parts.append("bytes searched, none left" if self.verified else "bytes not confirmed")
        if self.pending:
            parts.append(f"pending: {'; '.join(self.pending)}")
        if self.reason:
            parts.append(f"reason: {self.reason}")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class PastFact:
    """A fact that once held, with the revisions at which it began and ended."""

    fact: Fact
    asserted: int
    retracted: int


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What a store is and how much it holds."""

    backend: str
    location: str
    schema: int
    revision: int
    facts: int
    entities: int
    read_only: bool
    bytes: int | None = None
    """Size on disk, where there is one."""
