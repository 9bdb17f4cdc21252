"""A long prompt beside steady short ones: how many steps it takes, counted."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.runtime.decoding.settings import text_settings
from lamlam.runtime.scheduling.scheduler import Scheduler
from lamlam.runtime.scheduling.token_budget import MAX_PREFILL_BESIDE_DECODE, split_token_budget
from tests.runtime.scheduling.scripted import scheduler_of
from tests.runtime.support import Asked
from tests.tiny_model import ScriptedModel


def _slow_split(pending: list[int], room: int, first: int | None) -> list[int]:
    """The same rule, one token at a time."""
    shares = [0] * len(pending)
    for n in range(min(room, len(pending))):
        shares[n] += 1
    left = max(0, room - len(pending))
    if n_written := pending.count(1):
        n_read = len(pending) - n_written
        left = min(left, MAX_PREFILL_BESIDE_DECODE * max(1, n_read // n_written))
    for_first = math.ceil(left / 2)
    while left and sum(shares) < sum(pending):
        if first is not None and for_first and shares[first] < pending[first]:
            taker = first
            for_first -= 1
        else:
            open_ones = [n for n, share in enumerate(shares) if share < pending[n]]
            taker = min(open_ones, key=lambda n: pending[n])
        shares[taker] += 1
        left -= 1
    return shares


@given(st.data(), st.lists(st.integers(1, 150), min_size=1, max_size=8), st.integers(1, 200))
def test_the_split_is_that_of_the_slow_rule(
    data: st.DataObject, pending: list[int], room: int
) -> None:
    """With a first prompt and without; the sum is the same for both."""
    prompts = [n for n, tokens in enumerate(pending) if tokens > 1]
    first = data.draw(st.sampled_from([None, *prompts]))
    shares = split_token_budget(pending, room, first)
    assert shares == _slow_split(pending, room, first)
    assert sum(shares) == sum(split_token_budget(pending, room))


def _ask(scheduler: Scheduler, n_prompt: int, max_tokens: int) -> Asked:
    settings = text_settings({"max_tokens": max_tokens}, verbalise="copy", lookup_bias=0.0)
    asked = Asked("a" * (n_prompt - 1), settings)  # and one token for the beginning
    scheduler.submit(asked)
    return asked


@pytest.mark.parametrize("is_unified", [False, True])
@pytest.mark.parametrize(("n_batch", "n_sequences"), [(64, 8), (512, 16), (40, 8)])
def test_short_prompts_that_keep_coming_do_not_hold_up_a_long_one(
    n_batch: int, n_sequences: int, is_unified: bool
) -> None:
    """It is read within the bound of the rule; a text that is being written misses no step."""
    n_long, n_short, n_context = 900, 60, 1100
    model = ScriptedModel(
        lambda _: 1 + ord("x"),
        n_batch=n_batch,
        n_context=n_context,
        n_cells=n_sequences * n_context if is_unified else None,
    )
    scheduler = scheduler_of(model, None, n_sequences=n_sequences)
    writer = _ask(scheduler, 3, 900)
    scheduler.step()
    older = [_ask(scheduler, n_short, 2) for _ in range(n_sequences - 2)]
    long = _ask(scheduler, n_long, 1)
    younger: list[Asked] = []
    n_steps = 0
    while long.completion is None:
        while scheduler.stats().n_waiting < 2:
            younger.append(_ask(scheduler, n_short, 2))
        written = len(model.cells[0])
        scheduler.step()
        n_steps += 1
        assert len(model.cells[0]) == written + 1
        assert n_steps < 2000
    n_each = 1 + math.ceil(min(n_batch - n_sequences, MAX_PREFILL_BESIDE_DECODE) / 2)
    n_before = n_short * len(older)
    assert n_steps <= math.ceil((n_before + n_long) / n_each) + 2
    assert sum(one.completion is not None for one in younger) > 0, "they go on, too"
    assert writer.completion is None and all(one.completion for one in older)
