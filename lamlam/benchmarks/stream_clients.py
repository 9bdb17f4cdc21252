"""Clients that read streams of a server: as light as can be, so that they leave it the machine."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple

from lamlam.benchmarks.worker_process import Task

_SUBJECTS = (
    "Ada Lovelace", "The Danube", "Marie Curie", "The town of Bath", "Alan Turing", "Lake Como",
    "Emmy Noether", "The Rhine", "Kurt Gödel", "The city of Lyon", "Lise Meitner", "Mont Blanc",
    "Max Planck", "The river Po", "Sofia Kovalevskaya", "The isle of Skye",
)  # fmt: skip


class StreamedTurn(NamedTuple):
    """What clients or tasks read in one turn."""

    n_tokens: int
    seconds: float
    first_s: list[float]
    """From each request to its first text."""


@asynccontextmanager
async def stream_clients(clients: int, tokens: int) -> AsyncIterator[dict[str, Task]]:
    """Open clients of a server that is named later."""
    yield {"read": partial(_by_clients, clients, tokens)}


async def _by_clients(clients: int, tokens: int, url: str) -> StreamedTurn:
    """Read as many streams at a time, each on a connection that is open already."""
    host, port = url.removeprefix("http://").split(":")
    connections = [await asyncio.open_connection(host, int(port)) for _ in range(clients)]
    began = time.perf_counter()
    read = await asyncio.gather(
        *(
            _read(reader, writer, f"{host}:{port}", prompt, tokens, began)
            for (reader, writer), prompt in zip(connections, stream_prompts(clients), strict=True)
        )
    )
    seconds = time.perf_counter() - began
    for _, writer in connections:
        writer.close()
    return StreamedTurn(sum(n for n, _ in read), seconds, [first for _, first in read])


async def _read(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    host: str,
    prompt: str,
    tokens: int,
    began: float,
) -> tuple[int, float]:
    body = {
        "model": "model", "prompt": prompt, "max_tokens": tokens, "ignore_eos": True,
        "stream": True, "stream_options": {"include_usage": True},
    }  # fmt: skip
    data = json.dumps(body).encode()
    head = (
        f"POST /v1/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(data)}\r\n\r\n"
    )
    writer.write(head.encode() + data)
    first, usage = 0.0, 0
    while line := await reader.readline():
        if line.startswith(b"data: {"):
            first = first or time.perf_counter() - began
            if b'"choices":[]' in line:
                usage = int(json.loads(line[6:])["usage"]["completion_tokens"])
        elif line.startswith(b"data: [DONE]"):
            break
    return usage, first


def stream_prompts(clients: int) -> list[str]:
    """Return a prompt for each client."""
    return [
        f"{_SUBJECTS[n % len(_SUBJECTS)]} was{' once' * (n // len(_SUBJECTS))}"
        for n in range(clients)
    ]
