"""Where each part of a text came from, and how each lookup ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import Match

Origin = Literal["prompt", "fact", "parametric"]
AnswerStatus = Literal["hit", "miss", "ambiguous", "nearest", "exhausted"]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of `Completion.text`: ``text[start:end]``."""

    start: int
    end: int
    origin: Origin
    """``fact`` where the text is a fetched value to the letter, ``parametric`` where the
    weights alone wrote it."""
    fact_id: str | None = None
    source: str | None = None
    revision: int | None = None
    match: Match | None = None


@dataclass(frozen=True, slots=True)
class LookupRecord:
    """One question to memory and its answer."""

    entity: str
    """As the model wrote it."""
    relation: str
    status: AnswerStatus
    """``nearest``: a value below the threshold, taken by policy; ``exhausted``: every value
    of this key was given out before in this text."""
    value: str | None
    fact_id: str | None
    source: str | None
    elapsed_s: float
    match: Match | None
    at: int
    """Where in the text the lookup stands."""
    revision: int | None = None
    """The revision of the store that answered; of ``as_of`` where that was given."""
