"""What a request over HTTP must pass before the SDK sees it.

A page of a stranger can make a browser send requests to this machine, under a name that a name
server leads here (DNS rebinding): such a request has that name as its host, and mostly an origin
of its own. So hosts and origins are checked, also where a key is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import partial
from ipaddress import ip_address
from math import inf
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import anyio

from lamlam.access_keys import Access, AccessKeys
from lamlam.errors import (
    BodyTooLarge,
    HostRefused,
    KeyRefused,
    LamLamError,
    OriginRefused,
    RequestTooSlow,
    ServerStopping,
    ServingError,
)
from lamlam.mcp_server.problems import CODES, sentence

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Scope: TypeAlias = MutableMapping[str, Any]

BODY_TIMEOUT_S = 30.0
"""Longest time in which the body of a request arrives."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_INVALID_REQUEST = -32600


class Guard:
    """Checks host, origin, key and length of a request."""

    def __init__(
        self,
        *,
        keys: AccessKeys | None,
        access: Access,
        hosts: Iterable[str],
        origins: Iterable[str],
        any_address: bool,
        max_body_bytes: int,
        body_timeout_s: float = BODY_TIMEOUT_S,
    ) -> None:
        """Allow some hosts and origins.

        Args:
            keys: each request must show one; ``None``: none is asked for.
            access: where none is asked for.
            hosts: names by which clients may call the server; ports do not matter.
            origins: of pages that may call it, as ``https://app.example``.
            any_address: any address may be the host, as where it listens on all of them: a name
                server leads names astray, not addresses.
            max_body_bytes: of one request.
            body_timeout_s: longest time in which it arrives.
        """
        self._keys = keys
        self._access = access
        self._hosts = {_bare(host) for host in (*LOOPBACK, *hosts)}
        self._origins = {origin.lower().rstrip("/") for origin in origins}
        self._any_address = any_address
        self._most = max_body_bytes
        self._body_timeout_s = body_timeout_s

    def admit(self, scope: Scope) -> None:
        """Note in the scope what the client may do.

        Raises:
            HostRefused: the host is not a name of this server.
            OriginRefused: a page of another origin asks.
            KeyRefused: the key is missing, unknown or expired.
            BodyTooLarge: the body is said to be longer than is read.
            BadKeyFile: the file of keys was damaged.
        """
        host, origin = _header(scope, b"host"), _header(scope, b"origin")
        if not self._is_ours(host):
            raise HostRefused(
                f"the host {ascii((host or '')[:80])} is not a name of this server",
                hint="--allow-host NAME adds one",
            )
        if origin is not None and not self._may_call(origin, host):
            raise OriginRefused(
                f"pages of the origin {ascii(origin[:80])} may not call this server",
                hint="--allow-origin ORIGIN adds one",
            )
        access = self._access
        state = scope["state"] = dict(scope.get("state", {}))
        if self._keys is not None:
            key = _bearer(_header(scope, b"authorization"))
            access = self._keys.access(key)
            state["still_allowed"] = partial(self._keys.allows, key)
        state["access"] = access
        length = _header(scope, b"content-length") or ""
        if length.isascii() and length.isdigit() and int(length[:20]) > self._most:
            raise self._too_large()

    def limited(self, receive: Receive) -> Receive:
        """Return what receives the body, and raises where it is too long or takes too long."""
        n_bytes, ends_at = 0, anyio.current_time() + self._body_timeout_s

        async def receive_limited() -> Message:
            nonlocal n_bytes, ends_at
            with anyio.CancelScope(deadline=ends_at) as scope:
                message = await receive()
            if scope.cancelled_caught:
                raise RequestTooSlow(
                    "the body of the request did not arrive within "
                    f"{self._body_timeout_s:g} seconds"
                )
            if not message.get("more_body", False):
                ends_at = inf  # what comes next is that the client leaves
            n_bytes += len(message.get("body", b""))
            if n_bytes > self._most:
                raise self._too_large()
            return message

        return receive_limited

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(
            f"the body of the request has more than {self._most:,} bytes",
            hint="make several calls",
        )

    def _is_ours(self, host: str | None) -> bool:
        name = _bare(host or "")
        return name in self._hosts or (self._any_address and _is_address(name))

    def _may_call(self, origin: str, host: str | None) -> bool:
        """Return whether pages of an origin may call: of this server, of this machine, or allowed.

        An address is no proof here: a stranger's page may have one too.
        """
        origin = origin.lower()
        if origin in self._origins:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:  # brackets that are no address
            return False
        is_web = parts.scheme in ("http", "https")
        return is_web and (
            parts.netloc == (host or "").lower() or _bare(parts.netloc) in self._hosts
        )


async def refuse(error: LamLamError, send: Send) -> None:
    """Answer a request that did not pass."""
    status = error.status if isinstance(error, ServingError) else 500
    code = CODES.get(type(error), _INVALID_REQUEST)
    said = {"code": code, "message": sentence(error), "data": {"error": type(error).__name__}}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": said}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    if isinstance(error, KeyRefused):
        headers.append((b"www-authenticate", b'Bearer realm="lamlam"'))
    if isinstance(error, ServerStopping):
        headers.append((b"retry-after", b"5"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server that listens there."""
    name = _bare(host)
    return name == "localhost" or (_is_address(name) and ip_address(name).is_loopback)


def _header(scope: Scope, name: bytes) -> str | None:
    found = [value for key, value in scope["headers"] if key == name]
    return b", ".join(found).decode("latin-1") if found else None


def _bearer(authorization: str | None) -> str | None:
    kind, _, key = (authorization or "").partition(" ")
    return key.strip() if kind.lower() == "bearer" else None


def _bare(host: str) -> str:
    """Return a host in small letters, without its port and the brackets of an address.

    >>> _bare("[::1]:8000"), _bare("LocalHost:80"), _bare("::1")
    ('::1', 'localhost', '::1')
    """
    host = host.lower()
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        return name if bracket and (not port or port[1:].isdigit()) else ""
    name, colon, port = host.rpartition(":")
    if colon and ":" not in name:
        return name if port.isdigit() else ""
    return host


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
