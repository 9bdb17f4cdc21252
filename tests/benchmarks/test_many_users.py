"""The texts of many users that are timed are those of one namespace, to the letter."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamlam.benchmarks.many_users import facts_of_all, prompt_of, user, users_of_one_engine
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.open import open_store
from lamlam.runtime.engine import Engine
from tests.tiny_model import write_tiny_model


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_same_texts_are_compared(tmp_path: Path) -> None:
    """Those that read two layers say what those say that read one."""
    model = write_tiny_model(tmp_path / "m.gguf")
    async with open_store("memory:") as store:
        await store.apply([Assert(one) for one in facts_of_all()])
        async with Engine(model, store, reproducible=True, max_sequences=1) as engine:
            for n in (0, 5, 8, 13):
                one = await engine.generate(prompt_of(n), max_tokens=12)
                many = await engine.generate(prompt_of(n), max_tokens=12, namespace=user(n))
                assert (one.text, one.n_tokens) == (many.text, many.n_tokens)
                assert many.lookups[0].value == one.lookups[0].value is not None
    async with users_of_one_engine(model, 3, 4, 1) as works:
        counts = [(await work()).n_tokens for work in works.values()]
    assert all(count > 0 for count in counts)
