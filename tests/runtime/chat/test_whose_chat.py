"""Chats of many users with one engine: tool calls ask the namespaces of their own user."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from lamlam.errors import BadFact, OverlayCycle
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.lookups import Lookup, LookupResult, LookupStatus
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.runtime.chat.cited_text import CitedText
from lamlam.runtime.engine import Engine
from lamlam.runtime.sync import SyncEngine
from tests.runtime.chat.chat_support import TINY
from tests.tiny_model import write_tiny_model

HELLO = [{"role": "user", "content": "Where was Ada Quill born?"}]
CALLS: dict[str, Any] = {"tool_choice": "required", "max_tokens": 8, "max_lookups": 1}


class AnswersAnything(GraphStore):
    """Answers every question with the namespace that it was asked in, but for the unnamed one."""

    def __init__(self) -> None:
        super().__init__()
        self.spaces: list[Namespace] = []

    async def lookup_many(self, queries: Sequence[Lookup]) -> list[LookupResult]:
        self.spaces += [query.namespace for query in queries]
        asked = [Lookup("Ada Quill", "home", query.namespace) for query in queries]
        return await super().lookup_many(asked)


@pytest.fixture
def plain_model(tmp_path: Path) -> Path:
    return write_tiny_model(
        tmp_path / "chat.gguf",
        with_lookup_tokens=False,
        context=2048,
        metadata={"tokenizer.chat_template": TINY},
    )


@pytest.mark.anyio
async def test_tool_calls_ask_the_namespaces_of_the_chat(plain_model: Path) -> None:
    """The user's own and the shared one, however many chats run at the same time."""
    async with AnswersAnything() as store:
        spaces = [("users", str(n)) for n in range(12)]
        facts = [Fact(entity="Ada Quill", relation="home", value=f"Town {s[1]}", namespace=s)
                 for s in spaces]  # fmt: skip
        await store.apply([Assert(one) for one in facts])
        told: dict[Namespace, tuple[str | None, Namespace]] = {}
        async with Engine(plain_model, store) as engine:

            async def chat(space: Namespace) -> None:
                answer = await engine.chat(HELLO, namespace=space, **CALLS)
                assert answer.namespace == space
                (record,) = answer.lookups
                told[space] = record.value, record.namespace

            async with anyio.create_task_group() as group:
                for space in spaces:
                    group.start_soon(chat, space)
            assert told == {space: (f"Town {space[1]}", space) for space in spaces}
            assert set(store.spaces) == {(), *spaces}
            store.spaces.clear()
            await engine.chat(HELLO, namespace=spaces[0], shared_namespace=None, **CALLS)
            assert set(store.spaces) == {spaces[0]}
            with pytest.raises(BadFact, match="namespace"):
                await engine.chat(HELLO, namespace=("a/b",))
            with pytest.raises(OverlayCycle):
                await engine.chat(HELLO, namespace=("a",), shared_namespace=("a",))
        store.spaces.clear()
        with SyncEngine(plain_model, store) as blocking:
            answer = blocking.chat(HELLO, namespace=spaces[3], **CALLS)
        assert [one.value for one in answer.lookups] == ["Town 3"]


@pytest.mark.anyio
async def test_a_cited_value_says_whose_it_is() -> None:
    """The span of a value that a model repeats has the namespace of its fact."""
    async with GraphStore() as store:
        space = ("users", "7")
        fact = Fact(entity="Ada Quill", relation="home", value="Lowmere", namespace=space)
        await store.apply([Assert(fact)])
        result = await store.lookup("Ada Quill", "home", namespace=space)
    assert result.status is LookupStatus.HIT
    cited = CitedText()
    cited.learn(result)
    cited.add("She was born in Lowmere, they say.")
    cited.settle()
    assert [one.namespace for one in cited.spans if one.origin == "fact"] == [space]
