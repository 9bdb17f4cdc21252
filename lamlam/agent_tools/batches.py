"""Write several facts in one commit, where each may be refused by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lamlam.agent_tools.results import RefusedFact, RememberManyResult
from lamlam.cut_text import cut_text
from lamlam.errors import BadFact, Conflict, FactStoreError, LamLamError, TooManyValues
from lamlam.memory_backends.model.capabilities import Capability
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.operations import (
    Assert,
    Commit,
    SplitEntities,
)
from lamlam.memory_backends.protocol import FactStore

_LEAST_MESSAGE, _FRAME = 80, 60
_NOBODY = "lamlam: no such entity"


@dataclass(slots=True)
class FactBatch:
    """The facts of one call, by their index, and what was refused of them."""

    n_given: int
    ops: dict[int, Assert] = field(default_factory=dict)
    refused: dict[int, LamLamError] = field(default_factory=dict)

    def add(self, index: int, fact: Fact) -> None:
        """Add a fact that may be written as far as is known."""
        self.ops[index] = Assert(fact)

    def refuse(self, index: int, error: LamLamError) -> None:
        """Leave a fact out."""
        self.ops.pop(index, None)
        self.refused[index] = error

    def answer(self, commit: Commit | None, most_characters: int) -> RememberManyResult:
        """Return what was written and what was not; every refusal is told, if need be shortly."""
        written = sorted(self.ops) if commit is not None else []
        longest = max(_LEAST_MESSAGE, most_characters // max(1, len(self.refused)) - _FRAME)
        messages = {index: message_of(error) for index, error in sorted(self.refused.items())}
        n_cut = sum(len(one) > longest for one in messages.values())
        return RememberManyResult(
            status="nothing remembered"
            if not written
            else "remembered"
            if len(written) == self.n_given
            else "partly remembered",
            revision=None if commit is None else int(commit.revision),
            changed=0 if commit is None else commit.facts,
            remembered=written,
            refused=[
                RefusedFact(
                    index=index,
                    error=type(self.refused[index]).__name__,
                    message=cut_text(message, longest),
                )
                for index, message in messages.items()
            ],
            left_out=f"{n_cut} messages are cut to {longest:,} characters" if n_cut else None,
        )


SECOND_VALUE = "correct_fact replaces the one that it has; or give both values a period"


def message_of(error: LamLamError) -> str:
    """Return what is wrong and what to do, in one text."""
    hint = SECOND_VALUE if isinstance(error, TooManyValues) else error.hint
    return f"{error}; {hint}" if hint else str(error)


async def write(
    batch: FactBatch,
    store: FactStore,
    *,
    all_or_nothing: bool,
    idempotency_key: str | None,
    actor: str | None,
    expected: int | None = None,
) -> Commit | None:
    """Write the facts in one commit, without those that the store refuses; these are noted.

    Args:
        expected: the revision that the store must be at.

    Returns:
        The commit; ``None`` where nothing was written.

    Raises:
        Conflict: the key was used for other facts, or the store is at another revision.
        FactStoreError: the store failed, or does not say which fact it refuses.
    """
    while batch.ops and not (all_or_nothing and batch.refused):
        try:
            return await store.apply(
                list(batch.ops.values()),
                expected=expected,
                idempotency_key=idempotency_key,
                actor=actor,
            )
        except Conflict:
            # The key's first commit may have been made without the facts that were refused then.
            if idempotency_key is None or not await _refuse_by_trial(batch, store):
                raise
        except (BadFact, TooManyValues) as error:
            if not _refuse(batch, error):
                raise
    return None


async def _refuse_by_trial(batch: FactBatch, store: FactStore) -> bool:
    """Refuse what the store would not write; nothing is written. Return whether there was any.

    A commit is all or nothing. So behind the facts comes an operation that no store can do: where
    it is what fails, all facts before it could be written.
    """
    if Capability.ALIASES not in store.capabilities:
        return False
    n_before = len(batch.refused)
    while batch.ops:
        last = SplitEntities(_NOBODY, _NOBODY, _namespace(list(batch.ops.values())))
        try:
            await store.apply([*batch.ops.values(), last])
        except (BadFact, TooManyValues) as error:
            if error.operation is last:
                break
            if not _refuse(batch, error):
                raise
    return len(batch.refused) > n_before


def _refuse(batch: FactBatch, error: FactStoreError) -> bool:
    """Leave out the fact that the error is about, if it says which."""
    for index, op in batch.ops.items():
        if op is error.operation:
            batch.refuse(index, error)
            return True
    return False


def _namespace(ops: Sequence[Assert]) -> Namespace:
    return ops[0].fact.namespace
