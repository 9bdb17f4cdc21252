"""What llama.cpp keeps of a text's independence from others, on a real, tiny model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from lamlam.errors import EngineBusy, UsageError
from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.engine import Engine
from lamlam.runtime.llama.context import open_context, open_model
from lamlam.runtime.llama.model_file import check_file
from lamlam.runtime.sync import SyncEngine
from tests.runtime.fake_store import FakeStore, as_store

PROMPTS = [f"{start} number {n}" for n, start in enumerate(("Ada", "The sea", "A" * 70) * 3)]
DRAWN: dict[str, Any] = {"max_tokens": 24, "temperature": 1.0, "ignore_eos": True}


async def _all(engine: Engine, prompts: list[str], **options: Any) -> list[Completion]:
    found: dict[int, Completion] = {}

    async def write(n: int) -> None:
        found[n] = await engine.generate(prompts[n], seed=n, **options)

    async with anyio.create_task_group() as group:
        for n in range(len(prompts)):
            group.start_soon(write, n)
    return [found[n] for n in range(len(prompts))]


@pytest.mark.anyio
async def test_reproducible_texts_are_those_that_are_written_alone(tiny_model: Path) -> None:
    """To the last bit, whatever runs beside them and however many threads compute."""
    async with Engine(tiny_model, None, max_sequences=5, reproducible=True, threads=2) as engine:
        together = await _all(engine, PROMPTS, **DRAWN)
    with SyncEngine(tiny_model, None, max_sequences=1, reproducible=True, threads=1) as engine:
        alone = [engine.generate(p, seed=n, **DRAWN) for n, p in enumerate(PROMPTS)]
    assert [done.text for done in together] == [done.text for done in alone]


@pytest.mark.anyio
@pytest.mark.parametrize("cells", [{}, {"cache_tokens": 600}])
async def test_lookups_and_shared_beginnings_together(
    tiny_model: Path, cells: dict[str, Any]
) -> None:
    """Nine texts with facts in five places, separate or shared cells: all are whole."""
    facts = FakeStore({"ada": {"birth place": ["London", "Paris"]}})
    prompts = ["x" * 100 + prompt for prompt in PROMPTS]
    async with Engine(
        tiny_model, as_store(facts), max_sequences=5, lookup_bias=1000.0, **cells
    ) as engine:
        for _ in range(2):
            done = await _all(engine, prompts, max_tokens=12, max_lookups=2, policy="unknown")
            assert all(one.lookups for one in done)
            assert [one.text[: len(p)] for one, p in zip(done, prompts, strict=True)] == prompts


def test_a_copied_beginning_is_as_good_as_an_evaluated_one(tiny_model: Path) -> None:
    """In both ways to keep cells: the same logits but for what another batch size changes."""
    tokens = [0, *range(70, 110)]
    for unified_cells in (None, 256):
        with (
            open_model(check_file(tiny_model)) as model,
            open_context(
                model,
                context=128,
                n_sequences=3,
                n_batch=64,
                threads=1,
                unified_cells=unified_cells,
            ) as context,
        ):
            row = context.add(0, tokens, 0, is_last=True)
            assert row is not None
            context.decode()
            expected = context.logits(row).copy()
            context.copy(0, 2, 30)
            context.add(0, [5, 6, 7], len(tokens), is_last=True)  # the source goes on
            context.add(2, tokens[30:], 30, is_last=True)
            context.decode()
            np.testing.assert_allclose(context.logits(1), expected, atol=2e-2)
            context.free(0)
            row = context.add(2, [9], len(tokens), is_last=True)
            context.decode()
            after = context.logits(0).copy()
            row = context.add(1, [*tokens, 9], 0, is_last=True)
            context.decode()
            np.testing.assert_allclose(after, context.logits(0), atol=2e-2)


@pytest.mark.anyio
async def test_an_engine_refuses_what_it_has_no_place_for(endless_model: Path) -> None:
    """More than may wait, by name; and settings that contradict each other."""
    async with Engine(
        endless_model, None, context=100_000, max_sequences=1, max_waiting=0
    ) as engine:
        async with engine.stream("a", max_tokens=10**6, ignore_eos=True) as events:
            await anext(events)
            with pytest.raises(EngineBusy):
                await engine.generate("b", max_tokens=2)
        assert (await engine.generate("b", max_tokens=2, ignore_eos=True)).n_text_tokens == 2
    with pytest.raises(UsageError, match="cells"):
        Engine(endless_model, None, reproducible=True, cache_tokens=600)
