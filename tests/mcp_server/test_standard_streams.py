"""``lamlam mcp`` as a process: each line is answered, and what was acknowledged is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lamlam.mcp_server.standard_streams import malformed
from lamlam.memory_backends.sync import SyncFactStore
from tests.limits import HANG_S
from tests.mcp_server.servers import ADA
from tests.paths import ROOT

META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Process:
    """The command, and what is said to it line by line."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "LAMLAM_HOME": str(folder), "PYTHONWARNINGS": "error",
        }  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lamlam", "mcp", *arguments],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def say(self, line: bytes) -> None:
        """Write a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """Read a line."""
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def begin(self, id: int, name: str, **arguments: Any) -> None:
        """Call a tool, without waiting for its answer."""
        params = {"name": name, "arguments": arguments, "_meta": META}
        request = {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}
        self.say(json.dumps(request).encode())

    def end(self) -> tuple[int, bytes]:
        """Close its input; return how it ended, and what it complained of."""
        out, err = self.process.communicate(timeout=HANG_S)
        assert out == b""
        return self.process.returncode, err


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[Process]:
    """Start the command; it does not outlive the block."""
    one = Process(folder, "--memory", f"sqlite:///{folder}/facts.db", *arguments)
    try:
        yield one
    finally:
        one.process.kill()
        one.process.communicate()


def test_every_line_is_answered(tmp_path: Path) -> None:
    """What is no message too: the client would wait for ever. Then input ends, and so does it."""
    with started(tmp_path) as process:
        for line, id, code in (
            (b"{", None, -32700),
            (b"\xff\xfe", None, -32700),
            (b"[" * 100_000, None, -32700),
            (b'{"jsonrpc": "2.0", "id": 3, "method": "ping", "params": ["\\ud800"]}', 3, -32600),
            (b'{"jsonrpc": "1.0", "id": "a", "method": "ping"}', "a", -32600),
            (b'{"jsonrpc": "2.0", "id": "\\ud800", "method": "ping"}', None, -32600),
            (b"7", None, -32600),
        ):
            process.say(line)
            answer = process.hear()
            assert (answer["id"], answer["error"]["code"]) == (id, code), line[:80]
            assert "\n" not in answer["error"]["message"]
        process.begin(4, "remember_fact", **{**ADA, "value": "x" * 1_000_000})
        assert "at most 20,000 characters" in process.hear()["result"]["content"][0]["text"]
        process.begin(5, "remember_fact", **ADA)
        assert process.hear()["result"]["structuredContent"]["changed"] == 1
        assert process.end() == (0, b"")


def test_killed_while_it_writes(tmp_path: Path) -> None:
    """What was acknowledged is there, as it was said: SIGKILL loses none of it."""
    with started(tmp_path) as process:
        for number in range(60):
            process.begin(number, "remember_fact", entity=f"E{number}", relation="r", value="v")
        acknowledged = set()
        for _ in range(20):
            answer = process.hear()
            assert answer["result"]["structuredContent"]["changed"] == 1
            acknowledged.add(f"E{answer['id']}")
        process.process.kill()
        process.process.wait()
    with SyncFactStore(f"sqlite:///{tmp_path}/facts.db") as store:
        kept = {fact.entity for fact in store.scan()}
    assert len(acknowledged) == 20 and acknowledged <= kept


def test_asked_to_end(tmp_path: Path) -> None:
    """SIGTERM ends it with its input still open: what was called is answered, nothing is said."""
    with started(tmp_path) as process:
        process.begin(1, "remember_fact", **ADA)
        assert process.hear()["id"] == 1
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(HANG_S) == 128 + signal.SIGTERM
        assert process.end() == (143, b"")


@pytest.mark.parametrize(
    ("line", "id", "code"),
    [
        ("{", None, -32700),
        ('{"id": 1}', 1, -32600),
        ('{"id": true}', None, -32600),
        ('{"id": 1.5}', None, -32600),
        ('{"id": {"a": 1}}', None, -32600),
        ("[1, 2]", None, -32600),
        ("null", None, -32600),
        ("", None, -32700),
    ],
)
def test_what_is_said_of_a_line(line: str, id: int | None, code: int) -> None:
    """With its id where it has one that a message may have."""
    answer = malformed(line)
    assert (answer.id, answer.error.code) == (id, code)
