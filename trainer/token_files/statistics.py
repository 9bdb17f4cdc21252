"""Figures of encoded documents: how many, how long, how much of them is learnt."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamlam.trainer.packing import EncodedDocument


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Counts over documents; add two of them up with ``+``."""

    documents: int = 0
    later_parts: int = 0
    """Parts of documents longer than a row, the first part of each left out."""
    tokens: int = 0
    """Tokens, the end-of-text token of each document included."""
    learnt: int = 0
    """Tokens that count in the loss."""
    lookups: int = 0
    longest: int = 0
    """Tokens of the longest document, or part of one."""

    def __add__(self, other: TokenCounts) -> TokenCounts:
        return TokenCounts(
            self.documents + other.documents,
            self.later_parts + other.later_parts,
            self.tokens + other.tokens,
            self.learnt + other.learnt,
            self.lookups + other.lookups,
            max(self.longest, other.longest),
        )

    def figures(self) -> dict[str, Any]:
        """Return them by name, with the share of the tokens that no loss counts."""
        masked = 1 - self.learnt / self.tokens if self.tokens else 0.0
        return dataclasses.asdict(self) | {"masked_share": round(masked, 4)}


def n_learnt(document: EncodedDocument) -> int:
    """Return how many labels of a row the document is behind: its own, and the end after it."""
    return int(np.count_nonzero(document.loss_mask[1:])) + document.end_in_loss


def count_by_source(
    documents: Iterable[EncodedDocument], entity_token: int
) -> dict[str, TokenCounts]:
    """Return the counts of each source that documents name.

    Args:
        entity_token: id of the token that opens a lookup.
    """
    found: dict[str, TokenCounts] = {}
    for document in documents:
        one = TokenCounts(
            int(not document.is_later_part),
            int(document.is_later_part),
            len(document.tokens),
            n_learnt(document),
            int(np.count_nonzero(document.tokens == entity_token)),
            len(document.tokens),
        )
        found[document.source] = found.get(document.source, TokenCounts()) + one
    return found


def sum_of(counts: Iterable[TokenCounts]) -> TokenCounts:
    """Return the counts of all together."""
    return sum(counts, TokenCounts())


def sum_by_source(many: Iterable[Mapping[str, TokenCounts]]) -> dict[str, TokenCounts]:
    """Return the counts of each source over many shards."""
    found: dict[str, TokenCounts] = {}
    for counts in many:
        for source, one in counts.items():
            found[source] = found.get(source, TokenCounts()) + one
    return found
