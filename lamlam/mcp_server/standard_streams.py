"""Serving one client over standard input and output."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any

import anyio
import mcp_types as types
from mcp.server.lowlevel import NotificationOptions
from mcp.server.stdio import stdio_server
from mcp.shared._context_streams import ContextReceiveStream, ContextSendStream
from mcp.shared.message import SessionMessage

from lamlam.mcp_server.input_lines import InputLines, input_lines
from lamlam.mcp_server.memory_server import MemoryServer

GRACE_S = 5.0
"""How long calls under way may go on after the process was asked to end."""


async def serve_standard_streams(server: MemoryServer, *, stopping: anyio.Event) -> None:
    """Serve until standard input ends, or ``stopping`` is set and all calls are answered."""
    # The group is around the streams: to leave them otherwise waits for the end of the input.
    async with input_lines() as lines, anyio.create_task_group() as group:
        group.start_soon(_end_when, server, stopping, group.cancel_scope)
        given: Any = lines  # the SDK iterates over it, and asks for no more
        async with stdio_server(stdin=given) as (read, write):
            options = server.sdk.create_initialization_options(NotificationOptions())
            await server.sdk.run(_Answered(read, write, lines), write, options)
        group.cancel_scope.cancel()


async def _end_when(server: MemoryServer, stopping: anyio.Event, scope: anyio.CancelScope) -> None:
    await stopping.wait()
    server.stop()
    with anyio.move_on_after(GRACE_S):
        await server.until_idle()
    scope.cancel()


class _Answered:
    """The messages that were read; a line that is none of them is answered here.

    The SDK drops it (2.3), and the client would wait for ever.
    """

    def __init__(
        self,
        read: ContextReceiveStream[SessionMessage | Exception],
        write: ContextSendStream[SessionMessage],
        lines: InputLines | None,
    ) -> None:
        self._read = read
        self._write = write
        self._lines = lines

    @property
    def last_context(self) -> Any:  # Any: passed through to the SDK, which set it
        """The context of whoever sent the last message."""
        return self._read.last_context

    async def receive(self) -> SessionMessage | Exception:
        """Return the next message."""
        while True:
            item = await self._read.receive()
            if not isinstance(item, Exception):
                return item
            last = None if self._lines is None else self._lines.last
            await self._write.send(SessionMessage(malformed(last)))

    async def aclose(self) -> None:
        """Close it."""
        await self._read.aclose()

    def __aiter__(self) -> _Answered:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> _Answered:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()


def malformed(line: str | None) -> types.JSONRPCError:
    """Return the answer to a line that is not a message, with its id where it has one."""
    try:
        whole = json.loads(line or "")
    except (ValueError, RecursionError):
        return _error(None, types.PARSE_ERROR, "the message is not JSON that can be read")
    id = whole.get("id") if isinstance(whole, dict) else None
    if isinstance(id, bool) or not isinstance(id, str | int) or (isinstance(id, str) and _bad(id)):
        id = None
    return _error(id, types.INVALID_REQUEST, "the message is not a request of JSON-RPC 2.0")


def _bad(text: str) -> bool:
    return any("\ud800" <= one <= "\udfff" for one in text)


def _error(id: str | int | None, code: int, message: str) -> types.JSONRPCError:
    return types.JSONRPCError(
        jsonrpc="2.0", id=id, error=types.ErrorData(code=code, message=message)
    )
