"""Sampling: how a token is chosen from logits, under logit masks and biases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from lamlam.errors import BadLogits
from lamlam.runtime.decoding.sampler_settings import SamplerSettings

Logits = NDArray[np.float32]
"""(vocabulary,) unnormalised log probabilities."""
TokenIds = NDArray[np.int64]
_COLDEST = 1e-6
"""Below this temperature single floats have no room between the likeliest token and the rest."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How the next token is constrained: a hard logit mask, a bias, and a soft preference."""

    forbidden: TokenIds
    """Hard: these tokens are masked out."""
    bias: tuple[tuple[int, float], ...] = ()
    """(token, what is added to its logit)."""
    preferred: TokenIds | None = None
    """Soft: the best of these is taken if together they reach `floor`; else any token may come."""
    floor: float = 0.0
    """Least probability of the preferred tokens together."""
    is_key: bool = False
    """The token belongs to a lookup: chosen greedily, whatever the temperature."""
    allowed: TokenIds | None = None
    """Hard: where given, all other tokens are masked out."""
    forbidden_set: frozenset[int] = field(init=False, repr=False, compare=False)
    """``forbidden`` as a set, to test single tokens."""

    def __post_init__(self) -> None:
        """Prepare the set of forbidden tokens, since most choices serve many tokens."""
        object.__setattr__(self, "forbidden_set", frozenset(self.forbidden.tolist()))


class Sampler:
    """Chooses the tokens of one sequence; equal seeds give equal texts."""

    def __init__(self, settings: SamplerSettings, n_tokens: int) -> None:
        self.settings = settings
        # A scratch row: the model's own logits stay as they are, for a rewind needs them.
        self._scores: Logits = np.empty(n_tokens, np.float32)
        self._random = np.random.default_rng(settings.seed) if settings.temperature else None

    def pick(self, logits: Logits, choice: Choice, history: Sequence[int]) -> int:
        """Return the next token.

        Args:
            logits: (vocabulary,); not changed.
            history: the tokens so far, for the repeat penalty.

        Raises:
            BadLogits: they are not finite numbers: the weights are damaged.
        """
        is_greedy = self._random is None or choice.is_key
        is_short = choice.preferred is None and choice.allowed is None
        if is_greedy and is_short and self.settings.repeat_penalty == 1.0:
            token = _likeliest(logits, choice)
            if token is not None:
                return token
        scores = self._scores
        np.copyto(scores, logits)
        if self.settings.repeat_penalty != 1.0:
            seen = np.fromiter(set(history), np.int64)
            old = scores[seen]
            penalty = np.float32(self.settings.repeat_penalty)
            scores[seen] = np.where(old < 0, old * penalty, old / penalty)
        for token, bias in choice.bias:
            scores[token] += bias
        scores[choice.forbidden] = -np.inf
        if choice.allowed is not None:
            kept = scores[choice.allowed]
            scores.fill(-np.inf)
            scores[choice.allowed] = kept
        top = int(scores.argmax())  # if some are NaN, the first of them
        _check(logits.item(top))
        preferred = choice.preferred
        if preferred is not None:
            likelihood = np.exp(scores - scores.max())
            mass = likelihood[preferred].sum()
            if mass > 0 and mass >= choice.floor * likelihood.sum():
                return int(preferred[scores[preferred].argmax()])
        if self._random is None or choice.is_key:
            return top
        return self._draw(scores, self._random)

    def _draw(self, scores: Logits, random: np.random.Generator) -> int:
        """Return a token drawn by its weight; the scores are used up."""
        settings = self.settings
        scores -= scores.max()
        scores /= max(settings.temperature, _COLDEST)
        weights = np.exp(scores, out=scores)  # the likeliest token weighs 1
        tokens: TokenIds | None = None
        if settings.min_p > 0.0:
            tokens = np.flatnonzero(weights >= settings.min_p)
            weights = weights[tokens]
        if settings.top_p < 1.0:
            total = float(weights.sum(dtype=np.float64))
            # Tokens so light that together they are within the rest are never needed; sort few.
            heavy = np.flatnonzero(weights >= (1.0 - settings.top_p) * total / len(weights))
            heavy = heavy[np.argsort(-weights[heavy], kind="stable")]
            mass = np.cumsum(weights[heavy], dtype=np.float64)
            heavy = heavy[: int(np.searchsorted(mass, settings.top_p * total)) + 1]
            heavy.sort()
            tokens, weights = heavy if tokens is None else tokens[heavy], weights[heavy]
        mass = np.cumsum(weights, dtype=np.float64)
        # side="right" never lands on a token of weight 0.
        drawn = int(np.searchsorted(mass, random.random() * mass[-1], side="right"))
        if drawn == len(mass):  # the product was rounded up to the sum
            drawn = int(np.flatnonzero(weights)[-1])
        return drawn if tokens is None else int(tokens[drawn])


def _check(highest: float) -> None:
    if not isfinite(highest):
        raise BadLogits(f"the logits of the model must be finite numbers, the highest is {highest}")


def _likeliest(logits: Logits, choice: Choice) -> int | None:
    """Return the allowed token with the highest score, where no row has to be copied for it."""
    top = int(logits.argmax())
    _check(logits.item(top))
    if len(choice.bias) > 1 or top in choice.forbidden_set:
        return None
    for token, bias in choice.bias:
        if token == top:
            return top if bias >= 0 else None
        score, best = logits[token] + np.float32(bias), logits[top]
        is_first = score > best or (score == best and token < top)
        if is_first and token not in choice.forbidden_set:
            return token
    return top
