"""A seed decides a text, whatever is written beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.runtime.decoding.sampler_settings import SamplerSettings
from lamlam.runtime.decoding.sampling import Choice, Sampler
from lamlam.runtime.engine import Engine

ANY = Choice(np.array([], np.int64))
DRAWN: dict[str, Any] = {"max_tokens": 24, "temperature": 1.0, "ignore_eos": True}


@given(
    seeds=st.lists(st.integers(0, 2**32), min_size=2, max_size=6),
    turns=st.lists(st.integers(0, 5), min_size=1, max_size=60),
    top_p=st.sampled_from([1.0, 0.9]),
)
def test_draws_of_one_text_do_not_depend_on_anothers(
    seeds: list[int], turns: list[int], top_p: float
) -> None:
    """From the same logits, in any order of turns: what each would have drawn alone."""
    rows = np.random.default_rng(0).standard_normal((60, 50)).astype(np.float32)

    def sampler(seed: int) -> Sampler:
        return Sampler(SamplerSettings(temperature=1.0, top_p=top_p, seed=seed), 50)

    together = [sampler(seed) for seed in seeds]
    drawn: list[list[int]] = [[] for _ in seeds]
    for turn in turns:
        n = turn % len(seeds)
        drawn[n].append(together[n].pick(rows[len(drawn[n])], ANY, []))
    for seed, found in zip(seeds, drawn, strict=True):
        alone = sampler(seed)
        assert found == [alone.pick(row, ANY, []) for row in rows[: len(found)]]


def test_keys_take_nothing_from_the_seed() -> None:
    """They are the model's first choice: a lookup does not change what is drawn behind it."""
    rows = np.random.default_rng(1).standard_normal((20, 50)).astype(np.float32)
    key = Choice(np.array([], np.int64), is_key=True)
    plain, with_keys = (Sampler(SamplerSettings(temperature=1.0, seed=3), 50) for _ in range(2))
    expected = [plain.pick(row, ANY, []) for row in rows]
    found: list[int] = []
    for row in rows:
        assert with_keys.pick(row, key, []) == int(row.argmax())
        found.append(with_keys.pick(row, ANY, []))
    assert found == expected


def test_without_a_seed_every_text_is_another() -> None:
    """Two samplers that were given none do not draw alike."""
    row = np.zeros(1000, np.float32)
    one, other = (Sampler(SamplerSettings(temperature=1.0), 1000) for _ in range(2))
    assert [one.pick(row, ANY, []) for _ in range(20)] != [
        other.pick(row, ANY, []) for _ in range(20)
    ]


@pytest.mark.anyio
async def test_a_text_beside_eight_others_is_the_text_alone(tiny_model: Path) -> None:
    """At temperature 1, under ``reproducible``; the others are of all lengths."""
    async with Engine(tiny_model, None, reproducible=True, max_sequences=9, threads=1) as engine:
        alone = await engine.generate("Ada", seed=7, logprobs=2, **DRAWN)
        found: list[Any] = []

        async def write(prompt: str, seed: int) -> None:
            done = await engine.generate(prompt, seed=seed, logprobs=2, **DRAWN)
            if seed == 7:
                found.append(done)

        async with anyio.create_task_group() as group:
            for n in range(4):
                group.start_soon(write, "other " * (n + 1), 100 + n)
            group.start_soon(write, "Ada", 7)
            for n in range(4):
                group.start_soon(write, "Ada" + "x" * n, 200 + n)
        (beside,) = found
    assert beside == alone, "text and numbers, to the last bit"


@pytest.mark.anyio
@pytest.mark.parametrize("reproducible", [False, True])
async def test_threads_stay_as_many_where_texts_are_to_be_the_same(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, reproducible: bool
) -> None:
    """llama.cpp's results depend on their number, which else follows how long steps take."""
    now, used = 0.0, set[int]()

    def clock() -> float:
        """Steps together seem to take ever longer."""
        nonlocal now
        now += now + 1.0
        return now

    def note(handle: object, n_threads: int, n_threads_batch: int) -> None:
        used.add(n_threads)

    monkeypatch.setattr("lamlam.runtime.llama.context.perf_counter", clock)
    monkeypatch.setattr("llama_cpp.llama_cpp.llama_set_n_threads", note)
    async with Engine(tiny_model, None, reproducible=reproducible, threads=2) as engine:
        await engine.generate("Ada", seed=7, **DRAWN)
    assert (1 in used) is not reproducible
