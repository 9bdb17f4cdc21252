"""Agents reach the memory of the server by MCP, with the same keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from lamlam.access_keys import AccessKeys
from tests.limits import HANG_S
from tests.mcp_server.servers import http_client
from tests.serving.conftest import Running, running


def test_a_fact_that_an_agent_keeps(tmp_path: Path, tiny_model: Path) -> None:
    """Is read by its tools, and over HTTP, in the namespace of the key alone."""
    keys = AccessKeys(tmp_path / "keys.json")
    key = keys.new("agent", namespace=("users", "7"))
    fact = {"entity": "Ada Quill", "relation": "birth place", "value": "Lowmere"}
    asked = {"entity": "Ada Quill", "relation": "birth place"}

    async def talk(url: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(headers=headers) as http:
            transport = streamable_http_client(f"{url}/mcp", http_client=http)
            async with Client(transport) as client:
                await client.call_tool("remember_fact", fact)
                found = await client.call_tool("look_up_fact", asked)
        assert found.structured_content is not None
        return dict(found.structured_content)

    url = f"sqlite:///{tmp_path}/facts.db"
    with running(tiny_model, url, keys=keys, name="tiny") as server:
        found = anyio.run(talk, server.url)
        assert [one["value"] for one in found["values"]] == ["Lowmere"]
        (held,) = server.client(key).get("/facts", params=asked).json()["facts"]
        assert held["namespace"] == "users/7"
        refused = server.client().post("/mcp", content=json.dumps({"jsonrpc": "2.0"}))
        assert refused.status_code == 401


def test_a_revoked_key_hears_no_more(tmp_path: Path, tiny_model: Path) -> None:
    """A stream that it began ends at the next change."""
    keys = AccessKeys(tmp_path / "keys.json")
    key, writer = keys.new("laptop"), keys.new("writer")
    fact = {"entity": "Ada Quill", "relation": "birth place", "value": "Lowmere"}

    async def listen(server: Running) -> list[Any]:
        with anyio.fail_after(HANG_S):
            async with http_client(f"{server.url}/mcp", key) as client:
                async with client.listen(resource_subscriptions=["lamlam://changes"]) as events:
                    keys.revoke("laptop")
                    server.client(writer).post("/facts", json=fact).raise_for_status()
                    return [one async for one in events]

    with running(tiny_model, f"sqlite:///{tmp_path}/facts.db", keys=keys, name="tiny") as server:
        assert anyio.run(listen, server) == []
