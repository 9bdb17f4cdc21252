"""A store of LangGraph over each kind of memory that needs no server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lamlam
from lamlam.adapters.langgraph import LamlamStore


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that LangGraph runs on."""
    return "asyncio"


@pytest.fixture(params=["memory", "sqlite"])
def facts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[lamlam.SyncFactStore]:
    """An empty memory."""
    url = "memory:" if request.param == "memory" else f"sqlite:///{tmp_path}/facts.db"
    with lamlam.SyncFactStore(url) as facts:
        yield facts


@pytest.fixture
def store(facts: lamlam.SyncFactStore) -> LamlamStore:
    """The store over it."""
    return LamlamStore(facts)
