"""How likely the model found each token of a text, and which others it found likely.

The distribution is the model's own: the softmax over its whole vocabulary, lookup tokens and
ends of text among them, before masks, biases, penalties and temperature. So a token that was
sampled, or chosen because likelier ones were masked, may be far from the top.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lamlam.lookup_tokens import LOOKUP_TOKENS
from lamlam.runtime.decoding.completion import Alternative, TokenLogprob
from lamlam.runtime.decoding.sampling import Logits
from lamlam.runtime.decoding.spans import Span
from lamlam.runtime.decoding.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Scored:
    """A token's log probability, and the likeliest tokens with theirs, in nats."""

    logprob: float
    top: tuple[tuple[int, float], ...]


def score(logits: Logits, token: int, n_top: int) -> Scored:
    """Return how likely the token is, and the likeliest; of equals, lower numbers come first.

    Args:
        logits: (vocabulary,); the sum is taken in double precision.
        n_top: how many of the likeliest; those of probability 0 are left out.
    """
    highest = float(logits.max())
    # Differences first: added to a huge number, the logarithm would be lost.
    total = float(np.log(np.exp(logits.astype(np.float64) - highest).sum()))
    top: list[int] = []
    if n_top:
        n_top = min(n_top, len(logits))
        border = np.partition(logits, -n_top)[-n_top]
        candidates = np.flatnonzero(logits >= border)  # in ascending order: the sort is stable
        candidates = candidates[np.argsort(-logits[candidates], kind="stable")][:n_top]
        top = [int(n) for n in candidates if logits[n] > -np.inf]
    return Scored(
        float(logits[token]) - highest - total,
        tuple((n, float(logits[n]) - highest - total) for n in top),
    )


class TokenList:
    """The tokens of the visible text in order, with where each begins in it."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._tokens: list[tuple[int, int, Scored | None]] = []
        """(where it begins, token, how likely it was; none if the model did not write it)."""

    def add_sampled(self, token: int, start: int, scored: Scored | None) -> None:
        """Add a token that the model wrote, at ``start`` in the text."""
        self._tokens.append((start, token, scored))

    def add_written(self, tokens: Sequence[int], start: int, end: int) -> None:
        """Add tokens that were written for the model, from ``start`` to ``end``."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        at = start
        for token in tokens:
            self._tokens.append((min(at, end), token, None))
            at += len(decoder.decode(self._vocabulary.piece(token)))

    def cut(self, start: int) -> None:
        """Take back the tokens that begin at a place of the text or behind it."""
        while self._tokens and self._tokens[-1][0] >= start:
            self._tokens.pop()

    def listed(
        self, text: str, spans: Sequence[Span], *, ends_amid: bool = False
    ) -> tuple[TokenLogprob, ...]:
        """Return the list for the finished text, whose end may have been cut off.

        A character that takes several tokens belongs to its last one; the others have no text.

        Args:
            ends_amid: the last tokens are of a character that was not completed, and stay.
        """
        tokens = [one for one in self._tokens if one[0] < len(text) + ends_amid]
        starts = [start for start, *_ in tokens]
        facts = [span for span in spans if span.origin == "fact"]
        listed: list[TokenLogprob] = []
        for (start, token, scored), end in zip(tokens, [*starts, len(text)][1:], strict=True):
            is_fact = any(f.start < max(end, start + 1) and start < f.end for f in facts)
            top = scored.top if scored else ()
            listed.append(
                TokenLogprob(
                    text=text[start:end],
                    token=token,
                    logprob=scored.logprob if scored else None,
                    origin="fact" if is_fact else "parametric",
                    top=tuple(Alternative(self._name(n), n, logprob) for n, logprob in top),
                )
            )
        return tuple(listed)

    def _name(self, token: int) -> str:
        """Return a token's text; a lookup token's is its name, other marks have none."""
        lookup = self._vocabulary.lookup
        if lookup is not None:
            ids = (lookup.entity, lookup.relationship, lookup.return_, lookup.end)
            if token in ids:
                return LOOKUP_TOKENS[ids.index(token)]
        return self._vocabulary.piece(token).decode("utf-8", "replace")
