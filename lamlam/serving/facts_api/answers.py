"""Answers about facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from lamlam.memory_backends.model.erasure_receipts import receipt_seen_from
from lamlam.memory_backends.model.namespaces import written
from lamlam.memory_backends.model.timestamps import written_moment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from lamlam.memory_backends.model.early_moments import Instant
    from lamlam.memory_backends.model.facts import Fact, Namespace
    from lamlam.memory_backends.model.operations import ErasureReceipt, Mention, PastFact


class FactAnswer(BaseModel):
    """One fact of memory."""

    id: str | None
    entity: str
    relation: str
    value: str
    type: str
    sources: list[str]
    confidence: float
    valid_from: str | None
    valid_to: str | None
    namespace: str
    revision: int | None
    retracted: int | None
    """The revision at which it ended."""

    @classmethod
    def of(cls, fact: Fact) -> FactAnswer:
        """Return a fact as JSON has it."""
        return cls(
            id=fact.id,
            entity=fact.entity,
            relation=fact.relation,
            value=fact.surface,
            type=fact.type.value,
            sources=list(fact.sources),
            confidence=fact.confidence,
            valid_from=_moment(fact.valid_from),
            valid_to=_moment(fact.valid_to),
            namespace=written(fact.namespace),
            revision=_number(fact.revision),
            retracted=_number(fact.retracted),
        )


class FactsAnswer(BaseModel):
    """Some facts."""

    facts: list[FactAnswer]
    complete: bool
    """There are no others."""


class PastFactAnswer(BaseModel):
    """A fact, or a version of one, that once held."""

    fact: FactAnswer
    asserted: int
    retracted: int
    asserted_at: str | None
    asserted_by: str | None
    retracted_at: str | None
    retracted_by: str | None

    @classmethod
    def of(cls, past: PastFact) -> PastFactAnswer:
        """Return a fact of the past as JSON has it."""
        return cls(
            fact=FactAnswer.of(past.fact),
            asserted=int(past.asserted),
            retracted=int(past.retracted),
            asserted_at=_moment(past.asserted_at),
            asserted_by=past.asserted_by,
            retracted_at=_moment(past.retracted_at),
            retracted_by=past.retracted_by,
        )


class HistoryAnswer(BaseModel):
    """What memory held once, oldest first."""

    past: list[PastFactAnswer]


class ChangeAnswer(BaseModel):
    """What a change did. It is kept: no end of the server loses it."""

    revision: int
    changed: int
    """0 where memory held it so already."""
    fact: FactAnswer | None
    ended: list[FactAnswer]


class MentionAnswer(BaseModel):
    """A place where an erased name still stands."""

    where: str
    entity: str | None
    relation: str | None
    value: str | None
    fact_id: str | None
    namespace: str
    revision: int | None
    retracted: int | None


class ReceiptAnswer(BaseModel):
    """What an erasure removed, from where, and what it could not reach."""

    facts: int
    entity: str | None
    relation: str | None
    revision: int
    verified: bool
    covered: list[str]
    pending: list[str]
    uncovered: list[str]
    mentions: list[MentionAnswer]
    n_mentions: int
    as_value: int
    log_entries: int
    finished: list[int]
    unfinished: list[int]
    reason: str | None
    authority: str | None
    namespace: str
    summary: str
    """All of it in one sentence."""

    @classmethod
    def of(cls, receipt: ErasureReceipt, seen: Sequence[Namespace]) -> ReceiptAnswer:
        """Return a receipt as JSON has it.

        Args:
            seen: namespaces that the client reads, that of the erasure first; what others say of
                a name is not told.
        """
        receipt = receipt_seen_from(receipt, seen)
        fields: dict[str, Any] = {
            name: getattr(receipt, name)
            for name in (
                "facts", "entity", "relation", "verified", "n_mentions", "as_value", "log_entries",
                "reason", "authority",
            )
        }  # fmt: skip
        return cls(
            **fields,
            revision=int(receipt.revision),
            covered=list(receipt.covered),
            pending=list(receipt.pending),
            uncovered=list(receipt.uncovered),
            mentions=list(map(_mention, receipt.mentions)),
            finished=list(map(int, receipt.finished)),
            unfinished=list(map(int, receipt.unfinished)),
            namespace=written(receipt.namespace),
            summary=str(receipt),
        )


def _mention(one: Mention) -> MentionAnswer:
    return MentionAnswer(
        where=one.where,
        entity=one.entity,
        relation=one.relation,
        value=one.value,
        fact_id=one.fact_id,
        namespace=written(one.namespace),
        revision=_number(one.revision),
        retracted=_number(one.retracted),
    )


def _moment(moment: Instant | datetime | None) -> str | None:
    return None if moment is None else written_moment(moment)


def _number(number: int | None) -> int | None:
    return None if number is None else int(number)
