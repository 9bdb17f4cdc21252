"""The ways to a memory by the protocol: in process, over HTTP, over standard streams."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types as types
import uvicorn
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPDeprecationWarning

from lamlam.mcp_server.app import McpApp
from tests.paths import ROOT

ERAS = {"auto": "2026-07-28", "legacy": "2025-11-25"}
ADA = {
    "entity": "Ada Quill",
    "relation": "birth place",
    "value": "Lowmere",
    "source": "she says so",
}


@asynccontextmanager
async def over_http(app: McpApp) -> AsyncIterator[str]:
    """Serve an application for the length of the block; give its address."""
    config = uvicorn.Config(
        app, port=0, log_level="error", ws="none", timeout_graceful_shutdown=1, lifespan="on"
    )
    server = _Quiet(config)
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve)
        await server.has_started.wait()
        (port,) = {one.getsockname()[1] for each in server.servers for one in each.sockets}
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True


class _Quiet(uvicorn.Server):
    """Says when it listens, and leaves signals to the tests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.has_started = anyio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.has_started.set()

    def install_signal_handlers(self) -> None: ...

    def handle_exit(self, sig: int, frame: Any) -> None: ...


@asynccontextmanager
async def http_client(url: str, key: str | None = None, **options: Any) -> AsyncIterator[Client]:
    """Connect the official client, with an access key."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
        async with Client(streamable_http_client(url, http_client=http), **options) as client:
            yield client


def by_command(*arguments: str, **environment: str) -> StdioServerParameters:
    """Return how a client starts ``lamlam mcp``."""
    given = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], **environment}
    return StdioServerParameters(
        command=sys.executable, args=["-W", "error", "-m", "lamlam", "mcp", *arguments], env=given
    )


def of_home(folder: Path) -> Mapping[str, str]:
    """Return the environment in which a folder is the user's."""
    return {"LAMLAM_HOME": str(folder)}


async def subscribe(client: Client, uri: str) -> None:
    """Subscribe as clients of 2025-11-25 do; the SDK says that newer ones do otherwise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MCPDeprecationWarning)
        await client.subscribe_resource(uri)


async def unsubscribe(client: Client, uri: str) -> None:
    """End it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MCPDeprecationWarning)
        await client.unsubscribe_resource(uri)


async def call(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool that works; return what it answers."""
    result = await client.call_tool(name, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def failure(client: Client, name: str, **arguments: Any) -> tuple[str, str]:
    """Call a tool that fails; return the name of the error and what the model reads."""
    result = await client.call_tool(name, arguments)
    assert result.is_error and result.structured_content is None
    (content,) = result.content
    assert isinstance(content, types.TextContent) and result.meta is not None
    assert "\n" not in content.text
    return result.meta["lamlam/error"], content.text
