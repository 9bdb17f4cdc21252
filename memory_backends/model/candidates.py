"""`Candidate`: what a question may have meant, with what tells it apart from the others."""

from __future__ import annotations

from dataclasses import dataclass

from lamlam.memory_backends.model.early_moments import Instant


@dataclass(frozen=True, slots=True)
class Candidate:
    """A near name that was not good enough to be an answer, or one of several of one name."""

    entity: str
    relation: str
    score: float
    qualifier: str = ""
    """Of an ambiguous name: what stands in brackets behind it, or names a place ("planet")."""
    facts: tuple[tuple[str, str], ...] = ()
    """Of an ambiguous name: up to three relations with a value (cut if long), first those in which
    the candidates differ. Of ``not_valid_at``: the fact."""

    valid_from: Instant | None = None
    """Of ``not_valid_at``: the period of the fact that holds at another time only."""
    valid_to: Instant | None = None
    fact_id: str | None = None
    """Of ``not_valid_at``: that of the fact."""

    @property
    def told_apart(self) -> str:
        """The facts on one line, ``"relation: value; relation: value"``; empty without any."""
        return "; ".join(f"{relation}: {value}" for relation, value in self.facts)
