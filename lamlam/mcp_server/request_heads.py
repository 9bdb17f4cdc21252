"""`timed_heads`: connections on which a request must begin and its headers arrive in time.

Uvicorn waits for them without end, so that a few thousand connections that send nothing, or a byte
now and then, would use up the files that a process may open.
"""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_TIMEOUT_S = 30.0
"""From the opening of a connection, or from the first byte of a later request, to its last header."""


def timed_heads(longest_s: float = HEAD_TIMEOUT_S) -> type[asyncio.Protocol]:
    """Return what uvicorn takes as its option ``http``.

    Args:
        longest_s: seconds for the headers of a request; 0: any.
    """
    return cast("type[asyncio.Protocol]", partial(_TimedHeads, longest_s))


class _TimedHeads(H11Protocol):
    """Closes a connection whose request does not begin, or whose headers do not end, in time."""

    def __init__(self, longest_s: float, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._longest_s = longest_s
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's own
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Run one timer from the beginning of a head to its end: more bytes give no more time."""
        if self.conn.their_state is not h11.IDLE:
            self._stop_timer()
        elif self._timer is None and self._longest_s:
            self._timer = self.loop.call_later(self._longest_s, self._give_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        has_begun = bool(self.conn.trailing_data[0])
        if has_begun and not self.transport.is_closing():
            self.transport.write(_too_late(self._longest_s))
        self.transport.close()


def _too_late(longest_s: float) -> bytes:
    """Return an answer in the shape of all errors of a server; nothing has been answered yet."""
    message = f"the headers of the request did not arrive within {longest_s:g} seconds"
    kind = "invalid_request_error"
    error = {"message": message, "type": kind, "param": None, "code": "head_timeout"}
    body = json.dumps({"error": error}).encode()
    head = (
        "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body
