"""The body of a request: read up to a limit of size and time before anything is done with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

import anyio

from lamlam.serving.answers.refusals import Refusal
from lamlam.serving.state.settings import ServerSettings

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Scope: TypeAlias = MutableMapping[str, Any]


class ClientGone(Exception):
    """The client left before its request was complete: nobody waits for an answer."""


async def read_body(receive: Receive, length: str | None, settings: ServerSettings) -> bytes:
    """Return the whole body.

    Args:
        length: what the header ``Content-Length`` says.

    Raises:
        Refusal: it is larger than the limit, or does not arrive in time.
        ClientGone: the client left.
    """
    most = settings.max_body_bytes
    if length is not None and length.isascii() and length.isdigit() and int(length[:20]) > most:
        raise too_large(most)
    parts: list[bytes] = []
    n_bytes = 0
    with anyio.move_on_after(settings.body_timeout_s or None) as scope:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            part = message.get("body", b"")
            n_bytes += len(part)
            if n_bytes > most:
                raise too_large(most)
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)
    assert scope.cancelled_caught
    raise Refusal(
        408,
        f"the body of the request did not arrive within {settings.body_timeout_s:g} seconds",
        "body_timeout",
        headers={"Connection": "close"},
    )


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return what gives the body as one message, and then what comes next."""
    is_given = False

    async def receive_again() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def too_large(most: int) -> Refusal:
    """Return the refusal of a body over the limit; the rest of it is not read."""
    return Refusal(
        413,
        f"the body of the request has more than {most:,} bytes",
        "body_too_large",
        headers={"Connection": "close"},
    )
