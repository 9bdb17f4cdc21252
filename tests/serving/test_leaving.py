"""A client that goes away frees its sequence; a full queue and a stop are told before any text."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from lamlam.runtime.decoding.events import Event, Text
from lamlam.runtime.scheduling.stats import SchedulerStats
from lamlam.serving.texts.pacing import Pace, PacedEvents
from tests.limits import HANG_S
from tests.serving.conftest import Running, running
from tests.tiny_model import write_tiny_model

ADA = Text("Ada", "parametric")
LONG = {"model": "endless", "prompt": "Ada", "max_tokens": 50_000, "ignore_eos": True}


@pytest.fixture(scope="module")
def endless_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For texts that do not end during a test."""
    return write_tiny_model(tmp_path_factory.mktemp("model") / "endless.gguf", context=60_000)


@pytest.fixture
def server(endless_model: Path) -> Iterator[Running]:
    """Two texts at a time, and one that waits."""
    with running(endless_model, None, sequences=2, max_waiting=1, grace_s=HANG_S) as one:
        yield one


def asking(server: Running, **change: Any) -> socket.socket:
    """Send a request by hand, and return the connection."""
    host, port = server.url.removeprefix("http://").split(":")
    body = json.dumps({**LONG, **change}).encode()
    head = (
        f"POST /v1/completions HTTP/1.1\r\nHost: {host}:{port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    connection = socket.create_connection((host, int(port)), timeout=HANG_S)
    connection.sendall(head.encode() + body)
    return connection


def until(server: Running, wanted: SchedulerStats) -> None:
    """Wait until the engine is as busy as that; a hang fails."""
    ended = time.monotonic() + HANG_S
    while server.served.engine.stats() != wanted:
        assert time.monotonic() < ended, server.served.engine.stats()
        time.sleep(0.005)


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_goes_away_frees_its_sequence(server: Running, stream: bool) -> None:
    """Whether it has read some of the text or waits for all of it, or for its turn."""
    with ExitStack() as stack:
        connections = [
            stack.enter_context(closing(asking(server, stream=stream))) for _ in range(3)
        ]
        until(server, SchedulerStats(n_running=2, n_waiting=1, n_free_slots=0))
        if stream:
            assert connections[0].recv(100).startswith(b"HTTP/1.1 200")
    until(server, SchedulerStats(n_running=0, n_waiting=0, n_free_slots=2))
    assert server.served.traffic.n_generations == 0
    page = server.client().get("/metrics").text
    assert 'lamlam_generations_cut_short_total{why="client left"} 3.0' in page


def test_a_full_queue_is_told_before_any_byte(server: Running) -> None:
    """With a status of its own, and when to try again."""
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(closing(asking(server, stream=True)))
        until(server, SchedulerStats(n_running=2, n_waiting=1, n_free_slots=0))
        answer = server.client().post("/v1/completions", json={**LONG, "stream": True})
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1
        assert answer.json()["error"]["code"] == "queue_full"
        assert server.client().get("/healthz").status_code == 200


def test_what_runs_comes_to_its_end_while_the_server_stops(server: Running) -> None:
    """New requests are refused, and the address of health says so."""
    with closing(asking(server, stream=True)) as connection:
        until(server, SchedulerStats(n_running=1, n_waiting=0, n_free_slots=1))
        client = server.client()
        # A connection that is kept may be closed by the server just as it is used again.
        client.headers["Connection"] = "close"
        server.begin_to_stop()
        while client.get("/healthz").status_code == 200:
            pass
        refused = client.post("/v1/completions", json=LONG)
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "server_stopping"
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
        assert server.thread.is_alive()
    server.thread.join(HANG_S)
    assert not server.thread.is_alive()


def test_what_does_not_end_is_cut_off_with_a_word(endless_model: Path) -> None:
    """The stream ends with an error, a text that was to come whole with a status."""
    with running(endless_model, None, sequences=2, grace_s=0.0) as server:
        with (
            closing(asking(server, stream=True)) as stream,
            closing(asking(server)) as whole,
        ):
            until(server, SchedulerStats(n_running=2, n_waiting=0, n_free_slots=0))
            assert stream.recv(100).startswith(b"HTTP/1.1 200")
            server.begin_to_stop()
            assert b"server_stopping" in _rest(stream)
            assert _rest(whole).startswith(b"HTTP/1.1 503")


def test_a_limit_of_time(endless_model: Path) -> None:
    """Is a status where nothing was sent, and the last event of a stream else."""
    with running(endless_model, None, sequences=2, timeout_s=0.3) as server:
        answer = server.client().post("/v1/completions", json=LONG)
        assert answer.status_code == 504 and answer.json()["error"]["code"] == "timeout"
    # Long enough for a first piece on a busy machine: without one it is a status here, too.
    with running(endless_model, None, sequences=2, timeout_s=3.0) as server:
        answer = server.client().post("/v1/completions", json={**LONG, "stream": True})
        assert answer.status_code == 200 and '"code":"timeout"' in answer.text
        assert answer.text.endswith("data: [DONE]\n\n")


@pytest.mark.anyio
async def test_events_that_are_cut_off_are_not_over() -> None:
    """Whoever of the two tasks learns of it first: a text that was cut is not taken for a whole."""
    came = anyio.Event()

    async def one_and_no_more() -> AsyncIterator[Event]:
        await came.wait()
        yield ADA
        await anyio.sleep_forever()

    async def read(scope: anyio.CancelScope) -> None:
        with scope:
            async with PacedEvents(one_and_no_more(), Pace()) as paced:
                while some := await paced.some():
                    given.extend(some)
                given.append("the end")

    given: list[object] = []
    async with anyio.create_task_group() as group:
        scope = anyio.CancelScope()
        group.start_soon(read, scope)
        await anyio.wait_all_tasks_blocked()
        came.set()
        await anyio.lowlevel.checkpoint()  # the event is gathered, and its reader about to wake
        scope.cancel()
    assert given == [ADA]


def _rest(connection: socket.socket) -> bytes:
    data = b""
    while part := connection.recv(65_536):
        data += part
        if b"[DONE]" in data or b'"code":' in data:
            break
    return data
