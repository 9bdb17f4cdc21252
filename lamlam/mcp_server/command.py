"""What ``lamlam mcp`` does: open the memory, serve it, and end in good order."""

from __future__ import annotations

import logging
import signal
import sys
from dataclasses import dataclass

import anyio
import uvicorn

from lamlam.access_keys import Access, AccessKeys
from lamlam.errors import OpenDoor, UsageError
from lamlam.mcp_server.app import McpApp, mcp_app
from lamlam.mcp_server.guard import is_loopback
from lamlam.mcp_server.memory_server import MemoryServer
from lamlam.mcp_server.request_heads import timed_heads
from lamlam.mcp_server.standard_streams import serve_standard_streams
from lamlam.memory_backends.open import open_store
from lamlam.memory_backends.protocol import FactStore

PATH = "/mcp"
GRACE_S = 10
_ENDING = (signal.SIGINT, signal.SIGTERM)
_EVERYWHERE = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class Serving:
    """What to serve, to whom, and where."""

    memory: str
    access: Access
    keys: AccessKeys | None
    me: str | None
    read_only: bool
    host: str | None
    """``None``: standard streams."""
    port: int
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()


def serve(what: Serving) -> None:
    """Serve until the client leaves or a signal comes.

    Raises:
        OpenDoor: others could reach the server without a key.
        LamLamError: the memory cannot be opened or offered.
        OSError: the port is taken.
    """
    if what.host is not None and what.keys is None and not is_loopback(what.host):
        raise OpenDoor(
            f"{what.host} can be reached from other machines, and no access key is asked for",
            hint="lamlam keys new NAME makes one, or listen on 127.0.0.1",
        )
    handlers = {number: signal.getsignal(number) for number in _ENDING}
    received: list[signal.Signals] = []
    anyio.run(_serve, what, received)
    for number, handler in handlers.items():
        signal.signal(number, handler)  # the loop left none
    if received:  # nothing is under way any more: the command ends as after any signal
        signal.raise_signal(received[0])


async def _serve(what: Serving, received: list[signal.Signals]) -> None:
    async with open_store(
        what.memory, create=not what.read_only, read_only=what.read_only
    ) as store:
        if what.host is None:
            await _over_standard_streams(what, store, received)
        else:
            await _over_http(what, store, what.host)


async def _over_standard_streams(
    what: Serving, store: FactStore, received: list[signal.Signals]
) -> None:
    server = MemoryServer(store, access=what.access, me=what.me)
    stopping = anyio.Event()
    async with anyio.create_task_group() as group:
        await group.start(_stop_by_signal, stopping, received)
        await serve_standard_streams(server, stopping=stopping)
        group.cancel_scope.cancel()


async def _stop_by_signal(
    stopping: anyio.Event,
    received: list[signal.Signals],
    *,
    task_status: anyio.abc.TaskStatus[None],
) -> None:
    with anyio.open_signal_receiver(*_ENDING) as signals:
        task_status.started()
        async for number in signals:
            received.append(number)
            stopping.set()


async def _over_http(what: Serving, store: FactStore, host: str) -> None:
    app = mcp_app(
        store,
        keys=what.keys,
        access=what.access,
        hosts=(*what.hosts, *([] if host in _EVERYWHERE else [host])),
        origins=what.origins,
        any_address=not is_loopback(host),
        path=PATH,
        me=what.me,
    )
    config = uvicorn.Config(
        app,
        host=host.strip("[]"),
        port=what.port,
        http=timed_heads(),
        log_level=logging.WARNING,
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        h11_max_incomplete_event_size=64 << 10,
    )
    await _Uvicorn(config, app, what.keys is not None).serve()


class _Uvicorn(uvicorn.Server):
    """Tells where it listens, and stops taking requests when a signal comes."""

    def __init__(self, config: uvicorn.Config, app: McpApp, has_keys: bool) -> None:
        super().__init__(config)
        self._app = app
        self._has_keys = has_keys

    async def startup(self, sockets: object = None) -> None:
        """Bind, and say where.

        Raises:
            UsageError: the address cannot be used.
        """
        try:
            await super().startup(sockets=None)
        except SystemExit:  # uvicorn logged the reason
            raise UsageError(
                f"cannot listen on {self.config.host} port {self.config.port}",
                hint="name another by --port",
            ) from None
        for server in self.servers:
            for one in server.sockets:
                host, port = one.getsockname()[:2]
                shown = f"[{host}]" if ":" in host else host
                key = ", with an access key" if self._has_keys else ""
                sys.stderr.write(f"serving http://{shown}:{port}{PATH}{key}; Ctrl-C ends it\n")
        sys.stderr.flush()

    async def shutdown(self, sockets: object = None) -> None:
        """Refuse new requests, let those under way end, and close."""
        self._app.stop()
        await super().shutdown(sockets=None)
