"""`mcp_app`: a memory as an ASGI application, by itself or mounted in another server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from lamlam.access_keys import Access, AccessKeys
from lamlam.errors import LamLamError, ServerStopping, UsageError
from lamlam.mcp_server.guard import Guard, Message, Receive, Scope, Send, refuse
from lamlam.mcp_server.memory_server import MemoryServer
from lamlam.memory_backends.protocol import FactStore

MAX_BODY_BYTES = 2 << 20
MAX_SESSIONS = 1000
SESSION_IDLE_S = 30 * 60.0


class McpApp:
    """The application; it works between entering and leaving `running`."""

    def __init__(self, server: MemoryServer, guard: Guard, *, path: str | None) -> None:
        self.server = server
        self._guard = guard
        self._path = path
        self._manager = StreamableHTTPSessionManager(
            server.sdk,
            max_sessions=MAX_SESSIONS,
            session_idle_timeout=SESSION_IDLE_S,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve for the length of the block, once; an application around it enters this."""
        async with self._manager.run():
            yield

    def stop(self) -> None:
        """Refuse new requests, and end the streams of clients that listen."""
        self.server.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of HTTP, or start and end with the server around it."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_begun = False

        async def watched(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            scope = dict(scope)
            # An application around it may have checked all this, and says who asks.
            if not isinstance(scope.get("state", {}).get("access"), Access):
                self._guard.admit(scope)
            if self.server.is_stopping:
                raise ServerStopping("the server is stopping and takes no more requests")
            if self._path is not None and scope["path"].rstrip("/") != self._path:
                await _not_found(self._path, send)
                return
            _show_owner(scope)
            await self._manager.handle_request(scope, self._guard.limited(receive), watched)
        except LamLamError as error:
            if is_begun:
                raise
            await refuse(error, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.stop()
        await send({"type": "lifespan.shutdown.complete"})


def mcp_app(
    store: FactStore,
    *,
    keys: AccessKeys | None = None,
    access: Access | None = None,
    hosts: Iterable[str] = (),
    origins: Iterable[str] = (),
    any_address: bool = False,
    path: str | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    me: str | None = None,
    poll_s: float = 0.5,
) -> McpApp:
    """Return a memory as an ASGI application that serves MCP over streamable HTTP.

    Args:
        store: an open store, which stays open.
        keys: each request must show one, which decides namespace and rights; ``None``: none is
            asked for, so only this machine may reach the server.
        access: of clients where no keys are asked for; by default everything in the unnamed
            namespace.
        hosts: names by which clients may call the server, besides those of this machine.
        origins: of web pages that may call it, as ``https://app.example``.
        any_address: any address may be the host of a request.
        path: the only path that is served; ``None``: whatever the application around it passes on.
        max_body_bytes: of one request; a longer one is refused.
        me: the entity that "I" and "my" mean in a text of ``facts_about``.
        poll_s: seconds between two questions for changes of other processes while clients listen.

    Raises:
        UsageError: a limit is not positive.
        LamLamError: the store cannot be offered as tools.

    An application around it enters ``running()`` of what is returned, and may say who asks by an
    `Access` in ``scope["state"]["access"]``: host, origin and key are then not checked again.
    """
    if type(max_body_bytes) is not int or max_body_bytes < 1:
        raise UsageError(f"max_body_bytes must be a whole number from 1 on, got {max_body_bytes!r}")
    server = MemoryServer(store, access=access, me=me, poll_s=poll_s)
    guard = Guard(
        keys=keys,
        access=Access() if access is None else access,
        hosts=hosts,
        origins=origins,
        any_address=any_address,
        max_body_bytes=max_body_bytes,
    )
    return McpApp(server, guard, path=path)


def _show_owner(scope: Scope) -> None:
    """Let the SDK keep each session to the key that began it."""
    key_id = scope["state"]["access"].key_id
    if key_id is not None:
        token = AccessToken(token="", client_id=key_id, scopes=[])
        scope["user"] = AuthenticatedUser(token)


async def _not_found(path: str, send: Send) -> None:
    body = f"there is only {path} here\n".encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})
