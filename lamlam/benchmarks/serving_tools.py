"""How long a call of a memory tool takes: in process, and over MCP beside a tool that only echoes.

Both servers are processes of their own, and are asked by turns through the SDK's client in the
stateless era: the difference is what the memory adds.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from lamlam.benchmarks.lookup import filled_store, percentiles, questions_about

_FACTS = 10_000
_N_ROUNDS = 11
_TOOL = "look_up_fact"
ECHO = """
import logging, sys
from mcp.server import MCPServer

server = MCPServer("echo", log_level="ERROR")

@server.tool(name="look_up_fact")
def echo(entity: str, relation: str) -> str:
    return entity

if sys.argv[1:] == ["http"]:
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets=None):
            await super().startup(sockets)
            port = self.servers[0].sockets[0].getsockname()[1]
            sys.stderr.write(f"serving http://127.0.0.1:{port}/mcp\\n")
            sys.stderr.flush()

    config = uvicorn.Config(
        server.streamable_http_app(), port=0, log_level="error", access_log=False
    )
    Server(config).run()
else:
    server.run("stdio")
"""
_Call = Callable[[dict[str, str]], Awaitable[Any]]


def bench_tools(calls: int = 400, seed: int = 0) -> dict[str, Any]:
    """Return how long calls of ``look_up_fact`` take by each way to a file of 10,000 facts.

    Args:
        calls: so many of each kind, in 11 rounds by turns.
        seed: of the facts and of the choice of questions.

    Returns:
        ``tool_in_process_us``; ``tool_stdio_ms``, ``tool_http_ms`` over MCP, and ``echo_stdio_ms``,
        ``echo_http_ms`` of the SDK's own tool; each with ``p50`` and ``p99``.

    Raises:
        MissingExtra: the extra ``mcp`` is not installed.
    """
    import anyio

    from lamlam.installed import need

    need("mcp")
    with tempfile.TemporaryDirectory(prefix="lamlam-bench-") as folder:
        url = f"sqlite:///{Path(folder, 'facts.db')}"
        with filled_store(_FACTS, url, seed):
            pass
        asked = [
            {"entity": one.entity, "relation": one.relation}
            for one in questions_about(_FACTS, seed, random.Random(seed))
        ][:calls]
        return anyio.run(_measured, url, asked, folder)


async def _measured(url: str, asked: list[dict[str, str]], folder: str) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        ways: dict[str, _Call] = {"tool_in_process_us": await stack.enter_async_context(_here(url))}
        ours = [sys.executable, "-m", "lamlam", "mcp", "--memory", url]
        echo = [sys.executable, "-c", ECHO]
        for name, command, over_http in (
            ("tool", ours, [*ours, "--http", "--port", "0"]),
            ("echo", echo, [*echo, "http"]),
        ):
            ways[f"{name}_stdio_ms"] = await stack.enter_async_context(_stdio(command, folder))
            address = stack.enter_context(_listening(over_http, folder))
            ways[f"{name}_http_ms"] = await stack.enter_async_context(_client(address))
        times: dict[str, list[float]] = {name: [] for name in ways}
        n_each = max(1, len(asked) // _N_ROUNDS)
        for call in ways.values():  # what is loaded or compiled once
            for arguments in asked[:20]:
                await call(arguments)
        for number in range(_N_ROUNDS):
            part = asked[number * n_each : (number + 1) * n_each]
            for name in list(ways)[:: 1 if number % 2 == 0 else -1]:
                for arguments in part:
                    began = time.perf_counter_ns()
                    await ways[name](arguments)
                    times[name].append((time.perf_counter_ns() - began) / 1000)
    return {name: _shown(name, one) for name, one in times.items()}


@asynccontextmanager
async def _here(url: str) -> AsyncIterator[_Call]:
    """Give the tool in this process."""
    from lamlam.agent_tools.memory_tools import MemoryTools
    from lamlam.memory_backends.open import open_store

    async with open_store(url) as store:
        tools = MemoryTools(store)

        async def call(arguments: dict[str, str]) -> None:
            await tools.call(_TOOL, arguments)

        yield call


@asynccontextmanager
async def _stdio(command: list[str], folder: str) -> AsyncIterator[_Call]:
    """Give the tool of a process that the client starts."""
    from mcp import StdioServerParameters

    given = {**os.environ, "LAMLAM_HOME": folder}
    server = StdioServerParameters(command=command[0], args=command[1:], env=given)
    async with _client(server) as call:
        yield call


@asynccontextmanager
async def _client(server: Any) -> AsyncIterator[_Call]:  # Any: whatever the SDK connects to
    from mcp import Client

    async with Client(server) as client:

        async def call(arguments: dict[str, str]) -> None:
            result = await client.call_tool(_TOOL, arguments)
            assert not result.is_error, result.content

        yield call


@contextmanager
def _listening(command: list[str], folder: str) -> Iterator[str]:
    """Start a server, and give the address that it says it listens on."""
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "LAMLAM_HOME": folder}
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        address = re.search(r"http://\S+?/mcp", line)
        assert address is not None, line
        yield address[0]
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def _shown(name: str, times_us: list[float]) -> dict[str, float]:
    """Return percentiles in the unit that the name ends with."""
    scale = 1000 if name.endswith("_ms") else 1
    return {key: round(one / scale, 3) for key, one in percentiles(times_us).items()}
