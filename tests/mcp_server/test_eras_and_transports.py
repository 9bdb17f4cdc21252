"""One visit of the official client: the same in both eras, over standard streams and over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
import pytest
from mcp import Client

from lamlam.agent_tools.tool import TOOLS
from lamlam.mcp_server.app import mcp_app
from lamlam.memory_backends.open import open_store
from tests.limits import HANG_S
from tests.mcp_server.servers import (
    ADA,
    ERAS,
    by_command,
    call,
    failure,
    of_home,
    over_http,
    subscribe,
    unsubscribe,
)

ENTITY, CHANGES = "lamlam://entity/ada%20quill", "lamlam://changes"


class Visitor:
    """A user who agrees to what is asked, and hears what is told."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.told: list[str] = []
        self.hears = anyio.Event()

    async def agree(self, context: Any, params: Any) -> types.ElicitResult:
        """Read a question, and accept."""
        self.asked.append(params.message)
        return types.ElicitResult(action="accept", content={"confirm": True})

    async def hear(self, message: Any) -> None:
        """Note which resource changed."""
        if isinstance(message, types.ResourceUpdatedNotification):
            self.told.append(str(message.params.uri))
            self.hears.set()


@asynccontextmanager
async def _connected(
    transport: str, era: str, visitor: Visitor, folder: Path
) -> AsyncIterator[Client]:
    options: dict[str, Any] = {
        "mode": era, "elicitation_callback": visitor.agree, "message_handler": visitor.hear,
    }  # fmt: skip
    url = f"sqlite:///{folder}/facts.db"
    if transport == "stdio":
        async with Client(by_command("--memory", url, **of_home(folder)), **options) as client:
            yield client
    else:
        async with open_store(url) as store, over_http(mcp_app(store, path="/mcp")) as address:
            async with Client(f"{address}/mcp", **options) as client:
                yield client


@pytest.mark.anyio
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_visit(transport: str, era: str, tmp_path: Path) -> None:
    """Tools with titles, schemas and hints; calls; resources; a subscription; a question back."""
    visitor = Visitor()
    with anyio.fail_after(HANG_S):
        async with _connected(transport, era, visitor, tmp_path) as client:
            assert client.session.protocol_version == ERAS[era]
            await _tools_are_described(client)
            await _facts_come_and_go(client)
            await _resources_are_read(client)
            await _changes_are_told(client, visitor, era)
            await _forgetting_asks_back(client, visitor)


async def _tools_are_described(client: Client) -> None:
    listed = (await client.list_tools()).tools
    assert [one.name for one in listed] == [tool.name for tool in TOOLS]
    for one, tool in zip(listed, TOOLS, strict=True):
        assert one.title == tool.title and one.annotations is not None
        assert one.annotations.read_only_hint is tool.reads_only
        assert one.annotations.destructive_hint is (tool.name == "forget_fact")
        assert one.annotations.open_world_hint is False
        assert one.output_schema == tool.output_schema()
        assert "namespace" not in one.input_schema["properties"]


async def _facts_come_and_go(client: Client) -> None:
    assert (await call(client, "remember_fact", **ADA))["status"] == "remembered"
    found = await call(client, "look_up_fact", entity="ada quill", relation="place of birth")
    assert found["values"][0]["value"] == "Lowmere"
    said = await failure(client, "remember_fact", entity="a\x00", relation="r", value="v")
    assert said == ("BadToolCall", "remember_fact: entity: must not contain the character NUL")


async def _resources_are_read(client: Client) -> None:
    (template,) = (await client.list_resource_templates()).resource_templates
    assert template.uri_template == "lamlam://entity/{entity}"
    (content,) = (await client.read_resource(ENTITY)).contents
    assert isinstance(content, types.TextResourceContents)
    assert content.mime_type == "application/json"
    (fact,) = json.loads(content.text)["facts"]
    assert {name: fact[name] for name in ADA} == ADA
    completed = await client.complete(
        types.ResourceTemplateReference(uri=template.uri_template),
        {"name": "entity", "value": "ad"},
    )
    assert completed.completion.values == ["Ada Quill"]


async def _changes_are_told(client: Client, visitor: Visitor, era: str) -> None:
    """A change of the entity is told, also by its own spelling; one of another is not."""

    async def change() -> None:
        await call(client, "remember_fact", entity="Bob", relation="birth place", value="Bath")
        await call(client, "correct_fact", **{**ADA, "value": "Highmere"})

    if era == "legacy":
        await subscribe(client, ENTITY)
        await change()
        await visitor.hears.wait()
        assert visitor.told == [ENTITY]
        await unsubscribe(client, ENTITY)
    else:
        async with client.listen(resource_subscriptions=[ENTITY, CHANGES]) as events:
            await change()
            heard: set[str] = set()
            while ENTITY not in heard:
                heard.add((await anext(events)).uri)  # type: ignore[union-attr]
            assert heard == {ENTITY, CHANGES}


async def _forgetting_asks_back(client: Client, visitor: Visitor) -> None:
    receipt = await call(client, "forget_fact", entity="Ada Quill")
    assert (receipt["status"], receipt["facts"]) == ("forgotten", 2)
    (question,) = visitor.asked
    assert question.startswith('Erase "Ada Quill" from memory for good')
    assert '- "birth place": "Highmere"' in question
    found = await call(client, "look_up_fact", entity="Ada Quill", relation="birth place")
    assert found["status"] == "miss"
