"""Operations that make the facts of one relation of an entity what they were, in their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert, Op, Retract
from lamlam.memory_backends.model.values import code_of


def restoring(before: Sequence[Fact], now: Sequence[Fact]) -> list[Op]:
    """Return the operations; none where nothing differs.

    What stands in its place stays. What comes behind a fact that is restored ends and is asserted
    again: facts are in the order in which they were put.

    Args:
        before: what the facts are to be.
        now: what they are.
    """
    wanted = {_said(fact) for fact in before}
    staying = [fact for fact in now if _said(fact) in wanted]
    n_kept = 0
    while n_kept < min(len(before), len(staying)):
        if _said(before[n_kept]) != _said(staying[n_kept]):
            break
        n_kept += 1
    while True:
        kept = {_said(fact) for fact in before[:n_kept]}
        gone = [retract_of(fact) for fact in now if _said(fact) not in kept]
        # A text also names a typed value that is written so: it would go, too.
        hit = [n for n, fact in enumerate(before[:n_kept]) if _is_hit(fact, gone)]
        if not hit:
            return [*gone, *map(Assert, before[n_kept:])]
        n_kept = min(hit)


def retract_of(fact: Fact, entity: str | None = None) -> Retract:
    """Return the operation that ends one fact, or the same fact of another entity."""
    return Retract(
        entity or fact.entity,
        fact.relation,
        fact.value,
        fact.namespace,
        exact=True,
        valid_from=fact.valid_from,
    )


def _is_hit(fact: Fact, gone: Iterable[Retract]) -> bool:
    """Return whether an operation that is about another fact would end this one, too."""
    return any(
        op.valid_from == fact.valid_from
        and (
            op.value in (fact.surface, fact.value)
            if isinstance(op.value, str)
            else op.value is not None and code_of(fact.value) == code_of(op.value)
        )
        for op in gone
    )


def _said(fact: Fact) -> tuple[object, ...]:
    return (
        fact.relation, code_of(fact.value), fact.surface, fact.sources, fact.confidence,
        fact.valid_from, fact.valid_to,
    )  # fmt: skip
