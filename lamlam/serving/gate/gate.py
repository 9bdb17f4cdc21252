"""`Gate`: around the application, what a request must pass before anything reads it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from lamlam.access_keys import Access
from lamlam.serving.answers.refusals import Refusal, refusal_of
from lamlam.serving.gate.bodies import (
    ClientGone,
    Message,
    Receive,
    Scope,
    Send,
    read_body,
    replayed,
)
from lamlam.serving.gate.origins import AllowedOrigins

if TYPE_CHECKING:
    from lamlam.serving.state.served import Served

Application = Callable[[Scope, Receive, Send], Awaitable[None]]
OPEN = frozenset({"/healthz", "/openapi.json"})
"""Paths that ask for no key: they show nothing of anybody's."""
WHILE_STOPPING = frozenset({"/healthz", "/metrics"})
MCP = "/mcp"


class Gate:
    """Refuses what may not pass, and hands on the rest with the access of its key."""

    def __init__(
        self, served: Served, application: Application, mcp: Application | None = None
    ) -> None:
        """Store the application, and what answers below ``/mcp``."""
        self._served = served
        self._mcp = mcp
        self._application = application
        self._origins = AllowedOrigins(served.settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        served = self._served
        answer = _Answer(send)
        is_counted = not _is_mcp(scope["path"])  # a subscription there never ends by itself
        served.traffic.begin(is_counted)
        began = time.perf_counter()
        try:
            try:
                self._admit(scope)
                length = _header(scope, b"content-length")
                body = await read_body(receive, length, served.settings)
            except ClientGone:
                return
            except Exception as error:
                await send_refusal(refusal_of(error), answer.send)
                return
            application = self._application if is_counted else self._mcp or self._application
            await application(scope, replayed(body, receive), answer.send)
        finally:
            served.traffic.end(is_counted)
            served.metrics.answered(scope, answer.status, time.perf_counter() - began)

    def _admit(self, scope: Scope) -> None:
        """Note in the scope what the client may do, and how to ask again in a stream that lasts.

        Raises:
            Refusal, KeyRefused, BadKeyFile: it may not even ask.
        """
        state = scope.setdefault("state", {})
        state["access"] = self._access(scope)
        if self._served.keys is not None:
            key = _key(_header(scope, b"authorization"))
            state["still_allowed"] = partial(self._served.keys.allows, key)

    def _access(self, scope: Scope) -> Access:
        """Return what the client may do.

        Raises:
            Refusal, KeyRefused, BadKeyFile: it may not even ask.
        """
        path = scope["path"]
        self._origins.check(_header(scope, b"host"), _header(scope, b"origin"))
        if self._served.traffic.is_stopping and path not in WHILE_STOPPING:
            raise stopping()
        if self._served.keys is None or path in OPEN or scope["method"] == "OPTIONS":
            return self._served.open_access
        return self._served.keys.access(_key(_header(scope, b"authorization")))


class _Answer:
    """What becomes of one request."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 499  # of a client that left

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


async def send_refusal(refusal: Refusal, send: Send) -> None:
    """Send the answer of a refusal."""
    body = refusal.body
    headers = {
        "content-type": "application/json", "content-length": str(len(body)), **refusal.headers,
    }  # fmt: skip
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def stopping() -> Refusal:
    """Return the refusal of a server that is about to end."""
    return Refusal(
        503,
        "the server is stopping and takes no more requests",
        "server_stopping",
        headers={"Retry-After": "5", "Connection": "close"},
    )


def _is_mcp(path: str) -> bool:
    return path == MCP or path.startswith(f"{MCP}/")


def _header(scope: Scope, name: bytes) -> str | None:
    found = [value for key, value in scope["headers"] if key == name]
    return b", ".join(found).decode("latin-1") if found else None


def _key(authorization: str | None) -> str | None:
    kind, _, key = (authorization or "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else None
