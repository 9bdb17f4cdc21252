"""`serve`: listens until a signal says stop, and then lets what is under way come to its end."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import uvicorn

from lamlam.errors import UsageError
from lamlam.mcp_server.app import McpApp, mcp_app
from lamlam.mcp_server.request_heads import timed_heads
from lamlam.memory_backends.open import BUNDLED, open_store
from lamlam.runtime.engine import Engine
from lamlam.serving.app import make_app
from lamlam.serving.state.served import Served
from lamlam.serving.state.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Generator

    from lamlam.access_keys import AccessKeys
    from lamlam.runtime.engine import EngineKeywords

logger = logging.getLogger("lamlam.serving")
_LAST_S = 2
"""For connections that are still open when all is answered, or given up."""
_MOST_HEADER_BYTES = 64 << 10


@asynccontextmanager
async def opened(
    model: str,
    memory: str | None,
    settings: ServerSettings,
    *,
    read_only: bool = False,
    keys: AccessKeys | None = None,
    engine_options: EngineKeywords | None = None,
    model_name: str | None = None,
) -> AsyncIterator[Served]:
    """Open memory and engine on this event loop, for as long as the block runs.

    Args:
        model: a GGUF file, or ``bundled``.
        memory: URL of a store; ``None``: no memory.
        read_only: open the memory for reading only.
        model_name: by which clients ask for it; by default the name of its file.

    Raises:
        ModelError, FactStoreError: they cannot be opened.
    """
    options: EngineKeywords = {**(engine_options or {})}
    at_a_time = options["max_sequences"] = options.get("max_sequences") or 4
    async with AsyncExitStack() as stack:
        store = None
        if memory is not None:
            is_fixed = read_only or memory == BUNDLED
            store = await stack.enter_async_context(
                open_store(memory, create=not is_fixed, read_only=is_fixed)
            )
        engine = await stack.enter_async_context(Engine(model, store, **options))
        name = model_name or (model if model == BUNDLED else Path(model).stem)
        yield Served(engine, name, store, settings, at_a_time=at_a_time, keys=keys)


async def serve(
    served: Served,
    *,
    on_ready: Callable[[str], None] = lambda url: None,
    stop: anyio.Event | None = None,
) -> None:
    """Answer requests until a signal comes or ``stop`` is set.

    Then new requests are refused with 503, those under way go on for ``grace_s`` seconds, and what
    is left is cut off; a second signal cuts it off at once.

    Args:
        on_ready: is called with the address once the server listens.

    Raises:
        UsageError: the address cannot be listened on.
    """
    sockets = listening(served.settings)
    mcp = _mcp(served)
    server = _Server(
        uvicorn.Config(
            make_app(served, mcp),
            http=timed_heads(served.settings.head_timeout_s),
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=_MOST_HEADER_BYTES,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=_LAST_S,
        )
    )
    stop = stop or anyio.Event()
    try:
        async with mcp.running() if mcp else nullcontext(), anyio.create_task_group() as group:
            with _signals(stop, served):
                group.start_soon(_stop_gently, served, server, stop, mcp)
                on_ready(address_of(sockets[0]))
                await server.serve(sockets)
                group.cancel_scope.cancel()
    finally:
        for one in sockets:
            one.close()


class _Server(uvicorn.Server):
    """Uvicorn without its own signals: these come to us."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _mcp(served: Served) -> McpApp | None:
    """Return what answers below ``/mcp``; the gate before it checks host, origin and key."""
    if served.store is None:
        return None
    return mcp_app(
        served.store,
        access=served.open_access,
        any_address=not served.settings.is_local,
        max_body_bytes=served.settings.max_body_bytes,
    )


async def _stop_gently(
    served: Served, server: uvicorn.Server, stop: anyio.Event, mcp: McpApp | None
) -> None:
    await stop.wait()
    served.traffic.is_stopping = True
    if mcp is not None:
        mcp.stop()
    if not await served.traffic.drained(served.settings.grace_s):
        served.traffic.cut_off()
        await served.traffic.drained(_LAST_S)
    server.should_exit = True


@contextmanager
def _signals(stop: anyio.Event, served: Served) -> Iterator[None]:
    """Let signals stop the server, a second one at once; nothing where they are not ours."""
    import asyncio
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]

    def on_signal() -> None:
        if stop.is_set():
            served.traffic.cut_off()
        stop.set()

    for number in numbers:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


def listening(settings: ServerSettings) -> list[socket.socket]:
    """Return sockets that listen where the settings say.

    Raises:
        UsageError: the address is taken, or is not one of this machine.
    """
    host = settings.host.strip("[]")
    try:
        family = socket.getaddrinfo(host, settings.port, type=socket.SOCK_STREAM)[0][0]
        opened = socket.create_server(
            (host, settings.port), family=family, backlog=1024, reuse_port=False
        )
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(
            f"cannot listen on {settings.host} port {settings.port}: {why}",
            hint="--port 0 takes any free port",
        ) from None
    opened.setblocking(False)
    return [opened]


def address_of(listener: socket.socket) -> str:
    """Return the URL of a socket that listens."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
