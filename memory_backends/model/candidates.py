"""`Candidate`: what a question may have meant, with what tells it apart from the others."""

from __future__ import annotations

from dataclasses import dataclass


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
    the candidates differ."""

    @property
    def told_apart(self) -> str:
        """The facts on one line, ``"relation: value; relation: value"``; empty without any."""
        return "; ".join(f"{relation}: {value}" for relation, value in self.facts)
