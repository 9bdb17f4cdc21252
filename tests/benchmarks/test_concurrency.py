"""`lamlam bench concurrency` measures what it says, on a model too small to mean anything."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from lamlam.benchmarks.concurrency import concurrency_benchmark
from lamlam.benchmarks.llama_server import BINARY_VARIABLE, llama_server
from lamlam.benchmarks.reference_way import N_LOOKUPS, reciter, write_the_reference_way
from lamlam.cli.app import run
from lamlam.errors import EngineError
from tests.tiny_model import write_tiny_model

# Stands in for the real server, which takes ten minutes to compile: its address and its answers.
SERVER = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send(b"{}")
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        n = asked["n_predict"]
        last = json.dumps({"stop": True, "tokens_predicted": n})
        if not asked["stream"]:
            return self.send(last.encode())
        events = ['{"content": "a"}'] * n + [last]
        self.send("".join(f"data: {event}\\n\\n" for event in events).encode())
    def send(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
port = int(sys.argv[sys.argv.index("--port") + 1])
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def server_binary(tmp_path: Path) -> str:
    path = tmp_path / "llama-server"
    path.write_text(f"#!{sys.executable}\n{SERVER}")
    path.chmod(0o755)
    return str(path)


def test_every_figure_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server_binary: str
) -> None:
    """One short round gives all keys, each a positive number."""
    monkeypatch.setenv(BINARY_VARIABLE, server_binary)
    model = write_tiny_model(tmp_path / "m.gguf", context=1024)
    rounds: list[int] = []
    figures = concurrency_benchmark(
        model,
        sequences=3,
        pairs=1,
        tokens=4,
        threads=1,
        on_progress=lambda done, _: rounds.append(done),
    )
    assert rounds == [1]
    assert {name for name, value in figures.items() if not value} == set()
    assert figures["bare_tokens_per_s"] == max(
        figures["bare_split_tokens_per_s"], figures["bare_unified_tokens_per_s"]
    )
    assert (figures["sequences"], figures["tokens"], figures["pairs"]) == (3, 4, 1)


def test_what_a_model_or_a_machine_lacks_is_null(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """No lookup tokens, no server: the other figures are there, as one JSON object."""
    monkeypatch.delenv(BINARY_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    model = write_tiny_model(tmp_path / "m.gguf", with_lookup_tokens=False)
    arguments = ["--model", str(model), "--sequences", "2", "--pairs", "1", "--tokens", "2"]
    assert run(["bench", "concurrency", *arguments, "--json"]) == 0
    figures = json.loads(capfd.readouterr().out)
    assert {name for name, value in figures.items() if value is None} >= {
        "instant_memory_tokens_per_s",
        "slow_memory_tokens_per_s",
        "slow_to_instant_memory_steady",
        "many_namespaces_tokens_per_s",
        "reference_way_tokens_per_s",
        "llama_server_tokens_per_s",
        "served_to_llama_server",
    }
    assert figures["lamlam_to_bare"] > 0


def test_both_ways_write_the_same_text(tmp_path: Path) -> None:
    """Eight lookups, each value in its place, and the same number of choices."""
    from lamlam.benchmarks.bare_batch import bare_batch

    model = write_tiny_model(tmp_path / "m.gguf", context=1024)
    with (
        reciter(model, context=1024, threads=1) as ours,
        bare_batch(model, sequences=1, context=1024, threads=1, kv_unified=False) as bare,
    ):
        done = ours.write()
        assert [record.value for record in done.lookups] == ["Warsaw"] * N_LOOKUPS
        tokens = write_the_reference_way(bare, ours.script)
        text = bare.text(tokens[1:]).decode()
    assert text.count("<|db_end|> Warsaw") == N_LOOKUPS
    visible = "".join(
        part if n == 0 else part.partition("<|db_end|>")[2]
        for n, part in enumerate(text.split("<|db_entity|>"))
    )
    assert visible == done.text


def test_a_server_that_does_not_come_up_is_named(tmp_path: Path) -> None:
    """Its status is shown."""
    binary = tmp_path / "llama-server"
    binary.write_text("#!/bin/sh\nexit 3\n")
    binary.chmod(0o755)
    with (
        pytest.raises(EngineError, match="status 3"),
        llama_server(str(binary), tmp_path / "m.gguf", sequences=1, context=8, threads=1),
    ):
        pass
