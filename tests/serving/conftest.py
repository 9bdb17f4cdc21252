"""A running server for tests: on a free port of this machine, with its event loop in a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from lamlam.access_keys import AccessKeys
from lamlam.serving.server import opened, serve
from lamlam.serving.state.served import Served
from lamlam.serving.state.settings import ServerSettings
from tests.limits import HANG_S


@dataclass
class Running:
    """A server that runs."""

    url: str
    served: Served
    stop: anyio.Event
    loop: Any
    thread: threading.Thread
    clients: list[httpx2.Client] = field(default_factory=list)

    def client(self, key: str | None = None) -> httpx2.Client:
        """An HTTP client of the server."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        one = httpx2.Client(base_url=self.url, headers=headers, timeout=HANG_S)
        self.clients.append(one)
        return one

    def begin_to_stop(self) -> None:
        """As a signal does."""
        self.loop.call_soon_threadsafe(self.stop.set)


@contextmanager
def running(
    model: str | Path = "bundled",
    memory: str | None = "bundled",
    *,
    keys: AccessKeys | None = None,
    sequences: int = 4,
    read_only: bool = False,
    name: str | None = None,
    **settings: Any,
) -> Iterator[Running]:
    """Run a server in a thread for as long as the block runs."""
    ready: Future[Running] = Future()

    async def main() -> None:
        import asyncio

        stop = anyio.Event()
        loop = asyncio.get_running_loop()
        chosen = ServerSettings(port=0, has_keys=keys is not None, **settings)
        try:
            async with opened(
                str(model),
                memory,
                chosen,
                keys=keys,
                read_only=read_only,
                engine_options={"max_sequences": sequences},
                model_name=name,
            ) as served:
                await serve(
                    served,
                    stop=stop,
                    on_ready=lambda url: ready.set_result(
                        Running(url, served, stop, loop, threading.current_thread())
                    ),
                )
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=anyio.run, args=(main,), name="server", daemon=True)
    thread.start()
    server = ready.result(HANG_S)
    try:
        yield server
    finally:
        for client in server.clients:
            client.close()
        if thread.is_alive():
            server.begin_to_stop()
        thread.join(HANG_S)
        assert not thread.is_alive()


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that the server runs on."""
    return "asyncio"


@pytest.fixture(scope="module")
def bundled_server() -> Iterator[Running]:
    """The bundled model and facts."""
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def facts_server(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Running]:
    """A tiny model, and an empty memory that can be written."""
    url = f"sqlite:///{tmp_path_factory.mktemp('facts')}/facts.db"
    with running(tiny_model, url, name="tiny") as server:
        yield server


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model with lookup tokens."""
    from tests.tiny_model import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.gguf", context=4096)
