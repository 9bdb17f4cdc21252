"""Where each part of a text came from, and how each lookup ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lamlam.memory_backends.model.lookup_status import LookupStatus

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import Match

Origin = Literal["prompt", "fact", "parametric"]
AnswerStatus = LookupStatus
"""The name that programs may have, from when a generation had a type of its own."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of `Completion.text`: ``text[start:end]``."""

    start: int
    end: int
    origin: Origin
    """``fact`` if the text is exactly a fetched value, ``parametric`` if the weights alone
    wrote it."""
    fact_id: str | None = None
    source: str | None = None
    revision: int | None = None
    match: Match | None = None
    namespace: tuple[str, ...] = ()
    """Whose fact it is: of the user's own namespace, or of the shared one."""


@dataclass(frozen=True, slots=True)
class LookupRecord:
    """One lookup and its answer."""

    entity: str
    """As the model wrote it."""
    relation: str
    status: LookupStatus
    """Of the same type as `LookupResult.status`; text is accepted, too."""
    value: str | None = None
    fact_id: str | None = None
    source: str | None = None
    elapsed_s: float = 0.0
    match: Match | None = None
    at: int = 0
    """Offset of the lookup in the text."""
    revision: int | None = None
    """The revision of the store that answered; of ``as_of`` where that was given."""
    namespace: tuple[str, ...] = ()
    """Of the fact, or of the entity that was found; where nothing was, as asked."""

    def __post_init__(self) -> None:
        """Take the text of a status for the status."""
        if type(self.status) is not LookupStatus:
            object.__setattr__(self, "status", LookupStatus(self.status))

    @property
    def knows_entity(self) -> bool:
        """True where memory knew the entity, whatever it knew of the relation."""
        return self.match is not None and self.match.entity.kind != "none"


def fact_span(start: int, end: int, record: LookupRecord) -> Span:
    """Return the span of a value that the text contains unchanged."""
    return Span(
        start,
        end,
        "fact",
        fact_id=record.fact_id,
        source=record.source,
        revision=record.revision,
        match=record.match,
        namespace=record.namespace,
    )
