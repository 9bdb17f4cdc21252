"""Which token is chosen from which logits."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.errors import UsageError
from lamlam.runtime.decoding.sampler_settings import SamplerSettings
from lamlam.runtime.decoding.sampling import Choice, Logits, Sampler, TokenIds

LOGITS: Logits = np.array([1.0, 3.0, 2.0, -1.0], np.float32)


def ids(*tokens: int) -> TokenIds:
    return np.array(tokens, np.int64)


def pick(choice: Choice | None = None, history: list[int] | None = None, **settings: Any) -> int:
    sampler = Sampler(SamplerSettings(**settings), len(LOGITS))
    return sampler.pick(LOGITS, choice or Choice(ids()), history or [])


def test_greedy_takes_the_likeliest_that_is_allowed() -> None:
    """Forbidden tokens lose, biased ones win, and the model's logits stay as they are."""
    before = LOGITS.copy()
    assert pick() == 1
    assert pick(Choice(ids(1))) == 2
    assert pick(Choice(ids(1), bias=((3, 5.0), (1, 100.0)))) == 3
    assert np.array_equal(LOGITS, before)


def test_repeats_are_penalised_as_the_paper_does() -> None:
    """Positive logits are divided, negative ones multiplied."""
    assert pick(history=[1], repeat_penalty=2.0) == 2
    assert pick(history=[1, 2, 0], repeat_penalty=1.2) == 1


def test_preferred_tokens_win_from_their_floor_on() -> None:
    """The probability of all preferred ones together decides."""
    share = float(np.exp(2.0) / np.exp(LOGITS).sum())
    for floor, chosen in ((share - 0.01, 2), (share + 0.01, 1)):
        assert pick(Choice(ids(), preferred=ids(2), floor=floor)) == chosen
    together = float((np.exp(2.0) + np.exp(1.0)) / np.exp(LOGITS).sum())
    assert pick(Choice(ids(), preferred=ids(2, 0), floor=together - 0.01)) == 2
    assert pick(Choice(ids(2), preferred=ids(2), floor=0.0)) == 1, "forbidden is forbidden"


@given(seed=st.integers(0, 2**32 - 1), temperature=st.floats(0.1, 3.0))
def test_sampling_keeps_to_what_is_left(seed: int, temperature: float) -> None:
    """Forbidden, cut off by top_p or below min_p: never drawn."""
    options: dict[str, Any] = {"temperature": temperature, "seed": seed}
    assert pick(Choice(ids(1)), **options) != 1
    assert pick(top_p=1e-6, **options) == 1
    assert pick(min_p=1.0, **options) == 1
    assert pick(Choice(ids(), is_key=True), **options) == 1, "keys are never drawn"


def test_draws_follow_the_probabilities() -> None:
    """Frequencies approach the softmax."""
    sampler = Sampler(SamplerSettings(temperature=1.0, seed=0), len(LOGITS))
    drawn = [sampler.pick(LOGITS, Choice(ids()), []) for _ in range(4000)]
    shares = np.bincount(drawn, minlength=4) / len(drawn)
    np.testing.assert_allclose(shares, np.exp(LOGITS) / np.exp(LOGITS).sum(), atol=0.03)


def test_senseless_settings_are_refused() -> None:
    """Each by its name."""
    wrongs: list[dict[str, Any]] = [
        {"temperature": -0.1},
        {"top_p": 1.1},
        {"min_p": -1.0},
        {"repeat_penalty": 0.0},
        {"repeat_penalty": 1e-40},
        {"repeat_penalty": 1e40},
    ]
    for wrong in wrongs:
        with pytest.raises(UsageError, match=next(iter(wrong))):
            pick(**wrong)


SCORES = st.lists(
    st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]), min_size=6, max_size=6
)  # fmt: skip


@given(
    SCORES, st.sets(st.integers(0, 5), max_size=5), st.integers(0, 5), st.floats(-4, 4, width=32)
)
def test_the_short_way_is_the_long_way(
    scores: list[float], forbidden: set[int], biased: int, bias: float
) -> None:
    """Greedy, ties and all: what a copied, changed row would give."""
    logits = np.array(scores, np.float32)
    choice = Choice(ids(*sorted(forbidden)), bias=((biased, bias),))
    changed = logits.copy()
    changed[biased] += bias
    changed[choice.forbidden] = -np.inf
    picked = Sampler(SamplerSettings(), len(logits)).pick(logits, choice, [])
    assert picked == int(changed.argmax())
    assert np.array_equal(logits, np.array(scores, np.float32))


@given(
    st.lists(st.floats(-8, 8, width=32), min_size=2, max_size=40),
    st.floats(0.05, 1.0),
    st.floats(0.3, 2.0),
    st.integers(0, 2**32 - 1),
)
def test_draws_stay_in_the_smallest_set_that_holds_top_p(
    scores: list[float], top_p: float, temperature: float, seed: int
) -> None:
    """No token is drawn before which the likelier ones already have enough together."""
    logits = np.array(scores, np.float32)
    sampler = Sampler(SamplerSettings(temperature=temperature, top_p=top_p, seed=seed), len(logits))
    token = sampler.pick(logits, Choice(ids()), [])
    weights = np.exp(logits.astype(np.float64) / temperature)
    # By more than the sampler's own numbers, of half as many digits, can tell apart.
    likelier = weights[weights > weights[token] * (1 + 1e-5)].sum() / weights.sum()
    assert likelier < top_p + 1e-5


def test_numbers_of_numpy_become_plain_ones() -> None:
    """So that a trace can write them."""
    given: dict[str, Any] = {"temperature": np.float32(0.5), "repeat_penalty": np.float32(1.5)}
    settings = SamplerSettings(**given)
    assert json.loads(json.dumps(asdict(settings)))["temperature"] == 0.5
    assert type(settings.repeat_penalty) is float
