"""A memory, and keys to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lamlam.access_keys import AccessKeys
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import FactStore


@pytest.fixture
def anyio_backend() -> str:
    """One event loop: uvicorn has no other."""
    return "asyncio"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FactStore]:
    """An empty file of facts."""
    async with open_store(f"sqlite:///{tmp_path}/facts.db") as opened:
        yield opened


@pytest.fixture
def keys(tmp_path: Path) -> AccessKeys:
    """Keys of a file that is not there yet."""
    return AccessKeys(tmp_path / "keys.json")
