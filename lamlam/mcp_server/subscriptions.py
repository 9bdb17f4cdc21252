"""Subscriptions to resources: a stream of 2026-07-28, or notifications of 2025-11-25."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import anyio
import mcp_types as types
from mcp.server.subscriptions import ListenHandler, ResourceUpdated, ServerEvent
from mcp.shared.exceptions import MCPError

from lamlam.access_keys import Access
from lamlam.mcp_server.change_feed import ChangeFeed, Watcher
from lamlam.mcp_server.context import Context
from lamlam.mcp_server.resources import CHANGES, MemoryResources, entity_of
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.resolution.layers import read_layers

MOST_STREAMS = 1024
MOST_URIS = 1000
"""Of one stream, or one session."""
_MOST_WAITING = 1024


class Subscriptions:
    """Connects clients with the feed of changes."""

    def __init__(self, feed: ChangeFeed, resources: MemoryResources) -> None:
        self._feed = feed
        self._resources = resources
        self._streams: set[ListenHandler] = set()
        self._sessions: dict[object, _Session] = {}

    async def listen(
        self,
        ctx: Context,
        params: types.SubscriptionsListenRequestParams,
        access: Access,
        is_allowed: Callable[[], bool],
    ) -> types.SubscriptionsListenResult:
        """Serve one stream until the client leaves, its key is revoked, or the server stops.

        Raises:
            MCPError: there are too many streams or URIs.
            BadToolCall: a URI names no resource.
        """
        uris = list(dict.fromkeys(params.notifications.resource_subscriptions or ()))
        _check_number(len(uris))
        if len(self._streams) >= MOST_STREAMS:
            raise MCPError(types.INTERNAL_ERROR, f"more than {MOST_STREAMS:,} clients listen")
        since = await self._feed.revision()
        keys = await self._keys(uris, access)
        bus = _OneStream(self._feed, access, keys, CHANGES in uris, since, is_allowed)
        handler = bus.handler = ListenHandler(
            bus, max_subscriptions=1, max_buffered_events=_MOST_WAITING
        )
        self._streams.add(handler)
        try:
            return await handler(ctx, params)
        finally:
            self._streams.discard(handler)

    async def subscribe(
        self, ctx: Context, uri: str, access: Access, is_allowed: Callable[[], bool]
    ) -> None:
        """Notify the session of a client of 2025-11-25 of changes of a resource from now on.

        Raises:
            MCPError: the session has too many.
            BadToolCall: the URI names no resource.
        """
        session = self._session(ctx, access)
        _check_number(len({uri, *session.uris}))
        since = await self._feed.revision()
        keys = await self._keys([uri], access)

        def deliver(changed: str) -> None:
            if is_allowed():
                session.deliver(changed)
            else:
                session.unwatch(uri)

        session.unwatch(uri)
        watcher = Watcher(seen_by(access), keys, uri == CHANGES, deliver)
        session.uris[uri] = self._feed.watch(watcher, since)

    def unsubscribe(self, ctx: Context, uri: str) -> None:
        """End it; nothing happens where there was none."""
        found = self._sessions.get(_identity(ctx))
        if found is not None:
            found.unwatch(uri)

    async def run(self) -> None:
        """Send what sessions of 2025-11-25 are to be told, until this is cancelled."""
        async with anyio.create_task_group() as group:
            self._group = group
            await anyio.sleep_forever()

    def close(self) -> None:
        """End every stream in good order."""
        for handler in list(self._streams):
            handler.close()

    def _session(self, ctx: Context, access: Access) -> _Session:
        identity = _identity(ctx)
        found = self._sessions.get(identity)
        if found is None:
            found = self._sessions[identity] = _Session(ctx)
            self._group.start_soon(found.run)

            def end() -> None:
                self._sessions.pop(identity, None)
                found.close()

            # The SDK tells handlers of the end of a session by this stack alone (2.3).
            ctx.session._connection.exit_stack.callback(end)
        return found

    async def _keys(self, uris: Iterable[str], access: Access) -> dict[str, tuple[str, ...]]:
        """Return the URIs by the canonical keys under which their entities are known."""
        found: dict[str, dict[str, None]] = {}
        for uri in uris:
            if uri == CHANGES:
                continue
            name = entity_of(uri)
            names = {name, *(fact.entity for fact in await self._resources.facts(name, access))}
            for key in map(canonical_key, names):
                found.setdefault(key, {})[uri] = None
        return {key: tuple(uris) for key, uris in found.items()}


class _OneStream:
    """The events of one stream, as the SDK's bus: its listener hears what its client may see."""

    def __init__(
        self,
        feed: ChangeFeed,
        access: Access,
        keys: dict[str, tuple[str, ...]],
        wants_all: bool,
        since: int,
        is_allowed: Callable[[], bool],
    ) -> None:
        self._feed, self._access, self._keys = feed, access, keys
        self._wants_all, self._since, self._is_allowed = wants_all, since, is_allowed
        self.handler: ListenHandler | None = None

    async def publish(self, event: ServerEvent) -> None:
        """Do nothing: only the feed has events."""

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Begin to pass changes on."""

        def deliver(uri: str) -> None:
            if self._is_allowed():
                listener(ResourceUpdated(uri=uri))
            elif self.handler is not None:
                self.handler.close()

        watcher = Watcher(seen_by(self._access), self._keys, self._wants_all, deliver)
        return self._feed.watch(watcher, self._since)


class _Session:
    """What one client of 2025-11-25 subscribed to, and what it is still to be told."""

    def __init__(self, ctx: Context) -> None:
        self._session = ctx.session
        self.uris: dict[str, Callable[[], None]] = {}
        self._send, self._waiting = anyio.create_memory_object_stream[str](_MOST_WAITING)

    def deliver(self, uri: str) -> None:
        """Note that a resource changed; a client that reads nothing hears of it no more."""
        try:
            self._send.send_nowait(uri)
        except (anyio.WouldBlock, anyio.ClosedResourceError, anyio.BrokenResourceError):
            pass

    def unwatch(self, uri: str) -> None:
        """End one subscription."""
        end = self.uris.pop(uri, None)
        if end is not None:
            end()

    def close(self) -> None:
        """End all of them."""
        for uri in list(self.uris):
            self.unwatch(uri)
        self._send.close()

    async def run(self) -> None:
        """Send notifications until the session ends."""
        with self._waiting:
            async for uri in self._waiting:
                await self._session.send_resource_updated(uri)


def seen_by(access: Access) -> frozenset[tuple[str, ...]]:
    """Return the namespaces of which a client hears."""
    return frozenset(read_layers(access.namespace, access.shared_namespace).all())


def _identity(ctx: Context) -> object:
    return ctx.session._connection


def _check_number(n_uris: int) -> None:
    if n_uris > MOST_URIS:
        raise MCPError(
            types.INVALID_PARAMS,
            f"at most {MOST_URIS:,} resources may be subscribed, got {n_uris:,}",
        )
