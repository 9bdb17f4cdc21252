"""Fresh memories of every backend, for tools."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import FactStore
from lamlam.testing.neo4j_stores import fresh_url
from tests.memory_backends.stores import BACKENDS, url_of


@pytest.fixture(params=[*BACKENDS, "lamlam_neo4j"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of an empty store of each backend."""
    with ExitStack() as stack:
        if request.param in BACKENDS:
            yield url_of(request.param, tmp_path)
        else:
            server = request.getfixturevalue(request.param)
            yield stack.enter_context(fresh_url(server))


@pytest.fixture
async def store() -> AsyncIterator[FactStore]:
    """An empty store in memory."""
    async with open_store("memory:") as opened:
        yield opened


@pytest.fixture
def anyio_backend() -> str:
    """One event loop: tools wait for nothing but their store; tests that name two run on both."""
    return "asyncio"
