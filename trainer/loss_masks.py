"""Loss masks (loss_mask): which next tokens count in the loss, over a row of token ids.

A mask is a boolean array as long as the row; ``mask[i]`` speaks of token ``i``
*as a target* (the prediction made at ``i - 1``). Spans run from an opening
token to the first closing token after it, with no second opening token in
between; the end of the row, or of the document, closes a span that was left
open. Two faults of the published code are mended on purpose: a value that the
end of a row cuts off stays masked, and the end-of-text token counts.

Source: Zhao et al. 2025 (arXiv 2505.15962), masked pre-training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Tokens = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class LookupIds:
    """Token ids of the four lookup tokens and of the end of a text."""

    entity: int
    relationship: int
    return_: int
    end: int
    end_of_text: int


@dataclass(frozen=True, slots=True)
class LookupMasks:
    """The parts of a row; each array has the row's length."""

    entity: Mask
    """Tokens of entity names."""
    relationship: Mask
    """Tokens of relation names."""
    value: Mask
    """Tokens that memory returned."""
    lookup: Mask
    """Everything between ``<|db_entity|>`` and ``<|db_end|>``, and the four tokens."""
    text: Mask
    """Ordinary text: neither lookup nor padding. The tokens that perplexity counts."""
    loss: Mask
    """What the loss counts: all but returned values, ``<|db_end|>`` and padding."""


def spans(tokens: Tokens, opening: int, closing: int, end_of_text: int) -> Mask:
    """Return a mask, true strictly between an opening token and the first closing token after it.

    An opening token that comes before the closing one starts the span afresh.
    The end of a text closes an open span, and so does the end of the row.

    Args:
        tokens: (seq_len,) token ids.
    """
    # 1) Find the three kinds of marks.
    marks = np.flatnonzero((tokens == opening) | (tokens == closing) | (tokens == end_of_text))
    mask = np.zeros(len(tokens), dtype=np.bool_)
    if len(marks) == 0:
        return mask
    opens = tokens[marks] == opening
    # 2) A span is an opening mark and the mark that follows it, of whatever kind
    #    but another opening one.
    ends = np.append(marks[1:], len(tokens))
    follows_open = np.append(opens[1:], False)
    kept = opens & ~follows_open
    # 3) Paint with a difference array: +1 after the opening mark, -1 at the end.
    delta = np.zeros(len(tokens) + 1, dtype=np.int32)
    np.add.at(delta, marks[kept] + 1, 1)
    np.add.at(delta, ends[kept], -1)
    mask[:] = np.cumsum(delta[:-1]) > 0
    return mask


def lookup_masks(tokens: Tokens, ids: LookupIds, n_real: int | None = None) -> LookupMasks:
    """Return the masks of one row.

    Args:
        tokens: (seq_len,) token ids.
        n_real: tokens before padding begins; the whole row when ``None``.
    """
    real = np.arange(len(tokens)) < (len(tokens) if n_real is None else n_real)
    entity = spans(tokens, ids.entity, ids.relationship, ids.end_of_text)
    relationship = spans(tokens, ids.relationship, ids.return_, ids.end_of_text)
    value = spans(tokens, ids.return_, ids.end, ids.end_of_text)
    special = np.isin(tokens, (ids.entity, ids.relationship, ids.return_, ids.end))
    lookup = spans(tokens, ids.entity, ids.end, ids.end_of_text) | special
    return LookupMasks(
        entity=entity & real,
        relationship=relationship & real,
        value=value & real,
        lookup=lookup & real,
        text=~lookup & real,
        loss=~value & (tokens != ids.end) & real,
    )
