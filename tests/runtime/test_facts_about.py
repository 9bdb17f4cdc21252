"""An engine tells what its memory holds about the names in a text."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from lamlam.errors import BadFact, EngineClosed, UnknownOption, UsageError
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.facts_about import AboutOptions
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.protocol import FactStore
from lamlam.runtime.engine import Engine
from lamlam.runtime.sync import SyncEngine


def store() -> GraphStore:
    """Return a memory with facts of two namespaces."""
    made = GraphStore()
    made.load_nowait(
        [
            Fact(entity="Ada Quill", relation="birth place", value="Lowmere"),
            Fact(
                entity="Ada Quill", relation="birth place", value="Bath", namespace=("users", "7")
            ),
        ]
    )
    return made


@pytest.mark.anyio
async def test_an_engine_asks_its_memory(tiny_model: Path) -> None:
    async with Engine(str(tiny_model), memory=store()) as engine:
        about = await engine.facts_about("where was ada quill's house?")
        assert about.lines() == ("Ada Quill: birth place: Lowmere",)
        own = await engine.facts_about("my house", me="Ada Quill", namespace=("users", "7"))
        assert own.lines() == ("Ada Quill: birth place: Bath",)
        with pytest.raises(UnknownOption, match="max_fact"):
            await engine.facts_about("x", max_fact=3)  # type: ignore[call-arg]
        with pytest.raises(BadFact, match="text must be"):
            await engine.facts_about(7)  # type: ignore[arg-type]
    with pytest.raises(EngineClosed):
        await engine.facts_about("x")


def test_a_blocking_engine_asks_its_memory(tiny_model: Path) -> None:
    with SyncEngine(str(tiny_model), memory=store()) as engine:
        assert engine.facts_about("Ada Quill").lines() == ("Ada Quill: birth place: Lowmere",)
    with SyncEngine(str(tiny_model), memory=None) as engine:
        with pytest.raises(UsageError, match="needs a memory"):
            engine.facts_about("Ada Quill")


def test_the_options_are_those_of_a_store() -> None:
    """What `AboutOptions` lists is what `FactStore.facts_about` takes."""
    taken = inspect.signature(FactStore.facts_about).parameters
    assert [*AboutOptions.__annotations__] == [
        name for name in taken if name not in ("self", "text")
    ]
