"""Logit masks (logit_mask): the tokens that are forbidden in each state of the decoder.

`Sampler.pick` sets their logits to minus infinity.
"""

from __future__ import annotations

import numpy as np

from lamlam.runtime.decoding.sampling import TokenIds
from lamlam.runtime.decoding.vocabulary import Vocabulary

SEPARATORS = (b",", b".")
"""What may stand between the digits of one number."""


class TokenMasks:
    """The forbidden tokens of each state, built once for a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        lookup = vocabulary.lookup
        ids = {lookup.entity, lookup.relationship, lookup.return_, lookup.end} if lookup else set()
        special = vocabulary.not_text | vocabulary.eog_tokens | ids
        may_end = vocabulary.eog_tokens - vocabulary.suppressed
        self.key = token_ids(special)
        """In a key: only text."""
        self.text = token_ids(special - may_end - ({lookup.entity} if lookup else set()))
        self.text_no_lookup = token_ids(special - may_end)
        self.text_no_end = token_ids(special - ({lookup.entity} if lookup else set()))
        self.entity = token_ids(special - ({lookup.relationship} if lookup else set()))
        self.relation = token_ids(special - ({lookup.return_} if lookup else set()))
        pieces = map(vocabulary.piece, range(vocabulary.n_tokens)) if lookup else ()
        self.letters = token_ids({n for n, piece in enumerate(pieces) if _goes_on(piece)})
        """Tokens that would go on with a word or a number: a value must not grow into another."""


def _goes_on(piece: bytes) -> bool:
    return piece[:1].isalnum() or (piece[:1] in SEPARATORS and piece[1:2].isdigit())


def token_ids(tokens: set[int] | frozenset[int]) -> TokenIds:
    """Return the tokens as an array, in order."""
    return np.array(sorted(tokens), np.int64)
