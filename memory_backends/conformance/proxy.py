"""A proxy in front of a server that loses connections the way networks do."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from socket import SO_LINGER, SOL_SOCKET

from anyio.from_thread import start_blocking_portal

_CHUNK = 65_536


class Fault(StrEnum):
    """What happens to the bytes that would pass."""

    NONE = "none"
    REFUSE = "refuse"
    """New connections are closed at once."""
    STALL = "stall"
    """Nothing passes, and neither side gets an error."""
    DROP_REQUEST = "drop_request"
    """The next thing that the client says ends the connection, unheard."""
    RESET_REQUEST = "reset_request"
    """The same with a reset."""
    DROP_ANSWER = "drop_answer"
    """What the client says arrives, and the server's next answer ends the connection, unheard."""


class Proxy:
    """Forwards bytes, until a fault is set."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._fault = Fault.NONE
        self._skip = 0
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.port = 0
        self.is_hit = False
        """The fault took place."""

    def set(self, fault: Fault, *, after: int = 0) -> None:
        """Start this fault once so many messages of that direction have passed."""

        async def set_it() -> None:
            self._fault, self._skip, self.is_hit = fault, after, False
            if fault is Fault.STALL:
                self._flowing.clear()
            else:
                self._flowing.set()

        self._do(set_it())

    def cut(self) -> None:
        """Reset every connection, as after a short failure of the network."""

        async def cut_them() -> None:
            for writer in list(self._writers):
                _reset(writer)

        self._do(cut_them())

    def _do(self, work: Coroutine[None, None, None]) -> None:
        assert self._loop is not None  # it runs
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._fault is Fault.REFUSE:
            self.is_hit = True
            _reset(writer)
            return
        try:
            from_server, to_server = await asyncio.open_connection(*self._target)
        except OSError:
            _reset(writer)
            return
        pair = (writer, to_server)
        self._writers.update(pair)
        tasks = [
            asyncio.create_task(self._pass_on(reader, to_server, pair, is_request=True)),
            asyncio.create_task(self._pass_on(from_server, writer, pair, is_request=False)),
        ]
        self._tasks.update(tasks)
        for task in tasks:
            task.add_done_callback(self._tasks.discard)
        await asyncio.wait(tasks)
        self._writers.difference_update(pair)

    async def _pass_on(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter],
        *,
        is_request: bool,
    ) -> None:
        with suppress(OSError):
            while chunk := await source.read(_CHUNK):
                if not self._flowing.is_set():
                    self.is_hit = True
                    await self._flowing.wait()
                if self._ends(is_request):
                    for writer in pair:
                        _reset(writer) if self._fault is Fault.RESET_REQUEST else writer.close()
                    return
                sink.write(chunk)
                await sink.drain()
        sink.close()

    def _ends(self, is_request: bool) -> bool:
        wanted = (Fault.DROP_REQUEST, Fault.RESET_REQUEST) if is_request else (Fault.DROP_ANSWER,)
        if self._fault not in wanted or self.is_hit:
            return False
        if self._skip:
            self._skip -= 1
            return False
        self.is_hit = True
        return True


def _reset(writer: asyncio.StreamWriter) -> None:
    """Reset the connection instead of closing it."""
    linger = struct.pack("ii", 1, 0)
    socket = writer.get_extra_info("socket")
    if socket is not None:
        with suppress(OSError):
            socket.setsockopt(SOL_SOCKET, SO_LINGER, linger)
    writer.transport.abort()


@contextmanager
def proxied(host: str, port: int) -> Iterator[Proxy]:
    """Run a proxy in front of the server, at ``127.0.0.1`` and its ``port``.

    It runs in a separate thread: a backend may block the event loop of the laws while it connects.
    """
    proxy = Proxy(host, port)
    with start_blocking_portal("asyncio") as portal:
        server = portal.call(_listen, proxy)
        try:
            yield proxy
        finally:
            portal.call(_end, proxy, server)


async def _listen(proxy: Proxy) -> asyncio.Server:
    proxy._loop = asyncio.get_running_loop()
    server = await asyncio.start_server(proxy._serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    return server


async def _end(proxy: Proxy, server: asyncio.Server) -> None:
    server.close()
    proxy._flowing.set()
    for writer in list(proxy._writers):
        writer.transport.abort()
    tasks = list(proxy._tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    with suppress(TimeoutError):
        await asyncio.wait_for(server.wait_closed(), 5)
