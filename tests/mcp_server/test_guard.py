"""What a request over HTTP must pass: host, origin, length, and a server that is not stopping."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamlam.access_keys import Access, AccessKeys
from lamlam.cli.app import run
from lamlam.errors import HostRefused, OriginRefused, UsageError
from lamlam.mcp_server.app import McpApp, mcp_app
from lamlam.mcp_server.command import Serving
from lamlam.mcp_server.guard import Guard, is_loopback
from lamlam.memory_backends.protocol import FactStore
from lamlam.serving.state.settings import ServerSettings
from tests.mcp_server.servers import ADA

MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
HEADERS = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
}


def call_of(name: str, arguments: Any) -> dict[str, Any]:
    """Return a call as a client of 2026-07-28 posts it."""
    params = {"name": name, "arguments": arguments, "_meta": MODERN}
    return {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}


@pytest.fixture
async def app(store: FactStore) -> AsyncIterator[McpApp]:
    """An application that takes 50,000 bytes."""
    app = mcp_app(store, max_body_bytes=50_000, path="/mcp")
    async with app.running():
        yield app


async def post(
    app: McpApp, content: bytes | str | Any, path: str = "/mcp", **headers: str
) -> httpx2.Response:
    """Post to it without a socket."""
    if not isinstance(content, bytes | str | AsyncIterator):
        content = json.dumps(content)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as http:
        name = {"mcp-method": "tools/call", "mcp-name": "remember_fact"}
        given = {**HEADERS, **name, **{key.replace("_", "-"): one for key, one in headers.items()}}
        return await http.post(path, content=content, headers=given)


def refusal(answer: httpx2.Response) -> tuple[int, str, str]:
    """Return status, name of the error and its sentence."""
    error = json.loads(answer.text)["error"]
    assert answer.headers["content-type"] == "application/json"
    assert "\n" not in error["message"]
    return answer.status_code, (error.get("data") or {}).get("error", ""), error["message"]


@pytest.mark.anyio
async def test_a_call_passes(app: McpApp, store: FactStore) -> None:
    """By any name of this machine, with and without a page of it."""
    for host in ("localhost", "localhost:8765", "127.0.0.1:1", "[::1]:80", "LOCALHOST"):
        answer = await post(app, call_of("remember_fact", ADA), host=host)
        assert answer.status_code == 200, answer.text
    for origin in ("http://localhost:6274", "http://127.0.0.1", "https://[::1]:1"):
        answer = await post(app, call_of("remember_fact", ADA), origin=origin)
        assert answer.status_code == 200, answer.text


@pytest.mark.anyio
@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "8.8.8.8", "localhost:x",
     "a@localhost", "[::1", "::ffff:1:2", "xlocalhost", "localhost:80:90"],
)  # fmt: skip
async def test_other_hosts_are_refused(app: McpApp, host: str) -> None:
    """Also those that begin like this machine, and addresses: it listens on none of them."""
    status, error, said = refusal(await post(app, call_of("remember_fact", ADA), host=host))
    assert (status, error) == (421, "HostRefused")
    assert said.startswith("the host ") and "--allow-host" in said


@pytest.mark.anyio
@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://[", "http://localhost.evil.example", "file://", "http://8.8.8.8",
     "http://user@evil.example", "chrome-extension://localhost", "http://"],
)  # fmt: skip
async def test_pages_of_others_are_refused(app: McpApp, store: FactStore, origin: str) -> None:
    """And nothing is written."""
    answer = await post(app, call_of("remember_fact", ADA), origin=origin)
    assert refusal(answer)[:2] == (403, "OriginRefused")
    assert [fact async for fact in store.scan()] == []


def _guard(**options: Any) -> Guard:
    usual: dict[str, Any] = {
        "keys": None, "access": Access(), "hosts": (), "origins": (), "any_address": False,
        "max_body_bytes": 100,
    }  # fmt: skip
    return Guard(**usual | options)


def _admit(guard: Guard, host: str, origin: str | None = None) -> None:
    headers = [(b"host", host.encode("latin-1"))]
    if origin is not None:
        headers.append((b"origin", origin.encode("latin-1")))
    guard.admit({"headers": headers})


def test_hosts_and_origins_that_are_named() -> None:
    """Names and pages that the owner allows; addresses where it listens on all of them."""
    guard = _guard(hosts=["memory.example"], origins=["https://app.example/"], any_address=True)
    _admit(guard, "memory.example:8765", "https://app.example")
    _admit(guard, "192.0.2.7:8765", "http://192.0.2.7:8765")
    for origin in ("http://192.0.2.8:8765", "http://app.example", "https://app.example:444"):
        with pytest.raises(OriginRefused):
            _admit(guard, "192.0.2.7:8765", origin)
    with pytest.raises(HostRefused):
        _admit(guard, "other.example")
    with pytest.raises(HostRefused):
        _guard().admit({"headers": []})


@given(st.text(st.characters(codec="latin-1"), max_size=40))
def test_no_other_host_passes(host: str) -> None:
    """Whatever is sent: it is one of three names with a port, or it is refused."""
    bare = host.lower()
    name, colon, port = bare.rpartition(":")
    if colon and port.isdigit() and name in ("localhost", "127.0.0.1", "[::1]"):
        bare = name
    try:
        _admit(_guard(), host)
    except HostRefused:
        assert bare not in ("localhost", "127.0.0.1", "[::1]")
    else:
        assert bare in ("localhost", "127.0.0.1", "[::1]", "::1")


def test_what_only_this_machine_reaches() -> None:
    """By number or by the one name that every system has."""
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.0.2.7", "memory.example", "")))


@pytest.mark.anyio
async def test_a_body_over_the_limit(app: McpApp) -> None:
    """Said by its header or not, whole or in parts: 413, and it is not read to its end."""
    n_sent = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal n_sent
        for _ in range(1000):
            n_sent += 1
            yield b" " * 10_000

    for content in (b" " * 50_001, parts()):
        status, error, said = refusal(await post(app, content))
        assert (status, error) == (413, "BodyTooLarge") and "50,000 bytes" in said
    assert n_sent < 10


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"", 400),
        (b"[" * 20_000, 400),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "' + b"\xff" + b'"}', 400),
        (b"[]", 400),
        (b"7", 400),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}', 400),
        (b'{"id": {}, "method": "ping"}', 400),
    ],
)
async def test_what_is_not_a_message(app: McpApp, body: bytes, status: int) -> None:
    """Malformed JSON and other JSON: an error of the protocol, and the next request is answered."""
    answer = await post(app, body)
    assert answer.status_code == status and json.loads(answer.text)["error"]["code"] < 0
    assert (await post(app, call_of("remember_fact", ADA))).status_code == 200


@pytest.mark.anyio
async def test_a_tool_that_does_not_exist(app: McpApp) -> None:
    """Is an error of the protocol that names those that do."""
    answer = await post(app, call_of("recall", {}), mcp_name="recall")
    status, _, said = refusal(answer)
    assert status == 400 and said.startswith("unknown tool 'recall' (one of: look_up_fact, ")


@pytest.mark.anyio
async def test_only_one_path_is_there(app: McpApp) -> None:
    """Others are not found, and nothing is done."""
    answer = await post(app, call_of("remember_fact", ADA), path="/")
    assert (answer.status_code, answer.text) == (404, "there is only /mcp here\n")


@pytest.mark.anyio
async def test_a_request_while_stopping(app: McpApp, store: FactStore) -> None:
    """503 with the time after which to try again; nothing is written."""
    app.stop()
    answer = await post(app, call_of("remember_fact", ADA))
    assert refusal(answer)[:2] == (503, "ServerStopping")
    assert answer.headers["retry-after"] == "5"
    assert [fact async for fact in store.scan()] == []
    with anyio.fail_after(60):
        await app.server.until_idle()


@pytest.mark.anyio
async def test_a_socket_of_the_web_is_closed(app: McpApp) -> None:
    """There is nothing to talk about by WebSocket."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "websocket", "headers": []}, None, send)  # type: ignore[arg-type]
    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.anyio
async def test_limits_that_make_no_sense(store: FactStore) -> None:
    """Are refused by name."""
    for options in ({"max_body_bytes": 0}, {"max_body_bytes": True}, {"poll_s": 0.0}):
        with pytest.raises(UsageError, match=next(iter(options))):
            mcp_app(store, **options)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--http", "--host", "0.0.0.0"], "no access key is asked for (lamlam keys new"),
        (["--http", "--host", "::"], "no access key is asked for"),
        (["--http", "--host", "memory.example"], "no access key is asked for"),
        (["--keys", "none.json"], "none.json: there is no such file"),
        (["--rights", "reed"], "'reed' is not a right"),
        (["--no-shared"], "--no-shared needs --namespace"),
        (["--memory", "nosuch://x"], "no backend for the URL"),
    ],
)
def test_the_command_refuses_in_one_line(
    arguments: list[str],
    says: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An open door above all."""
    monkeypatch.chdir(tmp_path)
    assert run(["mcp", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and says in shown.err and shown.err.count("\n") == 1


SERVERS = pytest.mark.parametrize("command", [["mcp", "--http"], ["serve", "--no-memory"]])
FILES = pytest.mark.parametrize("named", [["--keys", "keys.json"], []], ids=["named", "usual"])


@SERVERS
@FILES
def test_without_a_key_in_the_file_nobody_could_enter(
    command: list[str],
    named: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after the last one was revoked: no server begins; the usual file is that of both."""
    monkeypatch.chdir(tmp_path)
    given = named
    assert run(["keys", "new", "a", *given]) == run(["keys", "revoke", "a", *given]) == 0
    capsys.readouterr()
    assert run([*command, *given]) == 2
    assert "keys.json: there is no access key in it (lamlam keys new" in capsys.readouterr().err


@SERVERS
def test_a_file_of_keys_that_is_named_must_be_there(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A slip of the pen is no open door."""
    assert run([*command, "--keys", "none.json"]) == 2
    assert "none.json: there is no such file (lamlam keys new" in capsys.readouterr().err


@FILES
def test_both_servers_ask_for_a_key_of_the_same_file(
    named: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With it they may listen for other machines; without a file they ask for none."""
    monkeypatch.chdir(tmp_path)
    began: list[tuple[bool, AccessKeys | None]] = []

    def begin_serve(model: str, memory: str, settings: ServerSettings, keys: AccessKeys | None,
                    *_: Any, **__: Any) -> None:  # fmt: skip
        began.append((settings.has_keys, keys))

    def begin_mcp(serving: Serving) -> None:
        began.append((serving.keys is not None, serving.keys))

    monkeypatch.setattr("lamlam.cli.serve._run", begin_serve)
    monkeypatch.setattr("lamlam.mcp_server.command.serve", begin_mcp)
    commands = [["serve"], ["mcp", "--http"]]
    assert [run(command) for command in commands] == [0, 0]
    assert began == [(False, None), (False, None)]
    began.clear()
    assert run(["keys", "new", "a", *named]) == 0
    for command in commands:
        assert run([*command, "--host", "0.0.0.0", *named]) == 0
    assert [asks for asks, _ in began] == [True, True]
    assert len({keys.path for _, keys in began if keys}) == 1


def test_options_that_keys_decide(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With keys, a namespace of the command line would be nobody's."""
    assert run(["keys", "new", "a"]) == 0
    assert run(["mcp", "--http", "--namespace", "users/7"]) == 2
    assert "--namespace says nothing here: the access keys decide" in capsys.readouterr().err
    monkeypatch.setenv("LAMLAM_ACCESS_KEY", "lamlam_x_y")
    assert run(["mcp"]) == 2
    assert "the access key is unknown or revoked" in capsys.readouterr().err
