"""A request whose headers or body do not arrive in time takes no connection for longer."""

from __future__ import annotations

import json
import select
import socket
from contextlib import ExitStack, closing
from pathlib import Path

import anyio
import pytest

from lamlam.access_keys import Access
from lamlam.errors import RequestTooSlow
from lamlam.mcp_server.guard import Guard, Message
from tests.limits import HANG_S
from tests.serving.conftest import Running, running

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
SHORT_S = 0.1


def connected(server: Running) -> socket.socket:
    """Connect, and send nothing."""
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=HANG_S)


def all_of(connection: socket.socket) -> bytes:
    """Return what comes until the server ends the connection; a hang fails."""
    data = b""
    while part := connection.recv(65_536):
        data += part
    return data


def answer_of(connection: socket.socket) -> bytes:
    """Return an answer whose body is ``{"status":"ok"}``."""
    data = b""
    while not data.endswith(b'"ok"}'):
        part = connection.recv(65_536)
        assert part, data
        data += part
    return data


def test_headers_that_do_not_arrive(tiny_model: Path) -> None:
    """As many connections as try it are closed; one that has begun is told why."""
    with running(tiny_model, None, head_timeout_s=SHORT_S) as server, ExitStack() as stack:
        silent = [stack.enter_context(closing(connected(server))) for _ in range(40)]
        begun = [stack.enter_context(closing(connected(server))) for _ in range(40)]
        for one in begun:
            one.sendall(HEAD)
        assert server.client().get("/healthz").status_code == 200
        assert [all_of(one) for one in silent] == [b""] * 40
        for one in begun:
            head, _, body = all_of(one).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 408 ")
            assert json.loads(body)["error"]["code"] == "head_timeout"


def test_more_bytes_give_no_more_time(tiny_model: Path) -> None:
    """A header that grows by a byte now and then is not awaited to its end."""
    with (
        running(tiny_model, None, head_timeout_s=SHORT_S) as server,
        closing(connected(server)) as connection,
    ):
        connection.sendall(HEAD + b"X-Long: ")
        n_sent = 0
        while n_sent < 60_000 and not select.select([connection], [], [], 0.01)[0]:
            connection.sendall(b"x")
            n_sent += 1
        assert n_sent < 60_000
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_later_request_of_a_connection(tiny_model: Path) -> None:
    """Has the same time, from its first byte on."""
    with (
        running(tiny_model, None, head_timeout_s=SHORT_S) as server,
        closing(connected(server)) as connection,
    ):
        for _ in range(3):
            connection.sendall(HEAD + b"\r\n")
            assert answer_of(connection).startswith(b"HTTP/1.1 200 ")
        connection.sendall(HEAD)
        assert all_of(connection).startswith(b"HTTP/1.1 408 ")


def test_an_answer_may_take_longer(tiny_model: Path) -> None:
    """The time of the headers is over when they are there, not when all is answered."""
    text = {"model": "tiny", "prompt": "Ada", "max_tokens": 500, "ignore_eos": True}
    with running(tiny_model, None, name="tiny", head_timeout_s=0.01) as server:
        with closing(connected(server)) as connection:
            body = json.dumps(text).encode()
            head = (
                f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}"
            )
            kind = "Content-Type: application/json\r\nConnection: close\r\n\r\n"
            connection.sendall(f"{head}\r\n{kind}".encode() + body)
            assert all_of(connection).startswith(b"HTTP/1.1 200 ")


def test_a_body_that_does_not_arrive(tiny_model: Path) -> None:
    """Is told so, and the connection ends."""
    with running(tiny_model, None, body_timeout_s=SHORT_S) as server:
        head = b"POST /facts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
        with closing(connected(server)) as connection:
            connection.sendall(head)
            assert all_of(connection).startswith(b"HTTP/1.1 408 ")


@pytest.mark.anyio
async def test_a_body_for_the_protocol_of_agents() -> None:
    """Each message in time is not enough: the whole body must be; then nothing is limited."""
    n_received = 0

    async def receive() -> Message:
        nonlocal n_received
        await anyio.sleep(SHORT_S / 10)
        n_received += 1
        return {"type": "http.request", "body": b"x", "more_body": n_received < 10_000}

    guard = Guard(
        keys=None, access=Access(), hosts=(), origins=(), any_address=False,
        max_body_bytes=1 << 20, body_timeout_s=SHORT_S,
    )  # fmt: skip
    limited = guard.limited(receive)
    with pytest.raises(RequestTooSlow, match="did not arrive within 0.1 seconds"):
        while (await limited())["more_body"]:
            pass
    assert n_received < 10_000

    async def whole() -> Message:
        return {"type": "http.request", "body": b"x", "more_body": False}

    left = anyio.Event()

    async def then() -> Message:
        if left.is_set():
            await anyio.sleep(3 * SHORT_S)
            return {"type": "http.disconnect"}
        left.set()
        return await whole()

    limited = guard.limited(then)
    assert (await limited())["body"] == b"x"
    assert (await limited())["type"] == "http.disconnect"
