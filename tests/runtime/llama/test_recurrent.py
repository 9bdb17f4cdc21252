"""Models that can forget a text only as a whole: a real Mamba with random weights."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from lamlam.runtime.engine import Engine
from tests.tiny_model import write_tiny_recurrent_model

ALIKE = ("The town lies by a river", "The town lies by a road", "The town lies by a hill")
UNLIKE = ("Ada", "the town of Bath", "9 rivers")


@pytest.fixture(scope="module")
def mamba(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_recurrent_model(tmp_path_factory.mktemp("mamba") / "mamba.gguf")


@pytest.mark.anyio
@pytest.mark.parametrize("prompts", [ALIKE, UNLIKE])
async def test_texts_beside_each_other_are_the_texts_alone(
    mamba: Path, prompts: tuple[str, ...]
) -> None:
    """Also where they begin alike, and where the one in the middle ends first."""
    found: dict[str, str] = {}
    lengths = dict(zip(prompts, (40, 10, 30), strict=True))
    async with Engine(mamba, max_sequences=3, threads=1) as engine:

        async def write(prompt: str, n_tokens: int) -> str:
            done = await engine.generate(prompt, max_tokens=n_tokens, ignore_eos=True)
            return done.text

        async def note(prompt: str) -> None:
            found[prompt] = await write(prompt, lengths[prompt])

        for _ in range(2):
            async with anyio.create_task_group() as group:
                for prompt in prompts:
                    group.start_soon(note, prompt)
            assert found == {prompt: await write(prompt, lengths[prompt]) for prompt in prompts}
