"""Thousands of requests, half of them left at a random moment: no sequence, task or file is left.

A small share always runs; ``--soak`` (or ``LAMLAM_SOAK=1``) sends ten thousand. And a server that
is killed while facts are written has lost none that it acknowledged.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx2
import pytest
from anyio.to_thread import current_default_thread_limiter

from lamlam.memory_backends.sync import SyncFactStore
from lamlam.runtime.scheduling.stats import SchedulerStats
from tests.limits import HANG_S
from tests.paths import ROOT
from tests.serving.conftest import Running, running
from tests.tiny_model import write_tiny_model

N_SHARE, N_SOAK = 80, 10_000
N_CLIENTS = 16
_POOL = "AnyIO worker thread"
_FREE = SchedulerStats(n_running=0, n_waiting=0, n_free_slots=4)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("soak") / "tiny.gguf")


def _is_long(config: pytest.Config) -> bool:
    return bool(config.getoption("--soak", default=False) or os.environ.get("LAMLAM_SOAK"))


def test_random_disconnects_leave_nothing(
    pytestconfig: pytest.Config, tmp_path: Path, model: Path
) -> None:
    """Of texts at once and streamed, chats, facts, and requests that nobody finishes to send."""
    n_requests = N_SOAK if _is_long(pytestconfig) else N_SHARE
    url = f"sqlite:///{tmp_path}/facts.db"
    with running(model, url, name="tiny", sequences=4, max_waiting=8) as server:
        asyncio.run(_send(server, 30, seed=1))  # what is loaded and opened once
        _settle(server)
        before = _left(server)
        statuses = asyncio.run(_send(server, n_requests, seed=2))
        _settle(server)
        after = _left(server)
        assert statuses[200] > n_requests // 10
        assert not {status for status in statuses if status >= 500}
        assert after == before
        assert server.client().get("/healthz").status_code == 200


async def _send(server: Running, n_requests: int, seed: int) -> dict[int, int]:
    """Send requests from several clients; count the statuses of those that were read."""
    chance = random.Random(seed)
    statuses: dict[int, int] = {}
    waiting = iter(range(n_requests))

    async def client() -> None:
        for _ in waiting:
            status = await _one(server, chance)
            if status is not None:
                statuses[status] = statuses.get(status, 0) + 1

    await asyncio.gather(*(client() for _ in range(N_CLIENTS)))
    return statuses


async def _one(server: Running, chance: random.Random) -> int | None:
    """Send one request, and read all of its answer or leave; return its status."""
    host, port = server.url.removeprefix("http://").split(":")
    path, body = _request(chance)
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    ).encode()
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        whole = head + data
        if chance.random() < 0.1:  # half a request
            writer.write(whole[: chance.randrange(len(whole))])
            return None
        writer.write(whole)
        if chance.random() < 0.5:
            await asyncio.sleep(chance.random() * 0.03)
            if chance.random() < 0.5:
                await reader.read(200)
            return None
        answer = await reader.read()
        return int(answer.split(b" ", 2)[1]) if answer else None
    finally:
        if chance.random() < 0.5:
            writer.transport.abort()
        else:
            writer.close()


def _request(chance: random.Random) -> tuple[str, dict[str, object]]:
    match chance.randrange(4):
        case 0:
            fact = {"entity": f"Ada {chance.randrange(50)}", "relation": "work", "value": "x"}
            return "/facts", {**fact, "replace": True}
        case 1:
            messages = [{"role": "user", "content": "Ada Quill"}]
            body = {"model": "tiny", "messages": messages, "max_tokens": 40}
            return "/v1/chat/completions", {**body, "stream": chance.random() < 0.7}
        case 2:
            body = {"model": "tiny", "input": "Ada", "max_output_tokens": 40}
            return "/v1/responses", {**body, "stream": chance.random() < 0.7}
        case _:
            body = {"model": "tiny", "prompt": "Ada", "max_tokens": 60, "ignore_eos": True}
            return "/v1/completions", {**body, "stream": chance.random() < 0.7}


def _settle(server: Running) -> None:
    """Wait until nothing is under way; a hang fails."""
    ended = time.monotonic() + HANG_S
    while (
        server.served.engine.stats() != _FREE or server.served.traffic.n_requests or _n_open(server)
    ):
        assert time.monotonic() < ended, (server.served.engine.stats(), _left(server))
        time.sleep(0.02)
    gc.collect()


def _left(server: Running) -> dict[str, object]:
    """What the server has open: generations, tasks, files, threads."""

    async def on_its_loop() -> tuple[int, int]:
        n_tasks = len(asyncio.all_tasks()) - 1  # without this one
        return n_tasks, current_default_thread_limiter().borrowed_tokens

    n_tasks, n_working = asyncio.run_coroutine_threadsafe(on_its_loop(), server.loop).result(HANG_S)
    names = [one.name for one in threading.enumerate()]
    n_pool = names.count(_POOL)
    assert n_pool <= N_CLIENTS + 1, names  # it grows and shrinks with the requests under way
    return {
        "generations": server.served.traffic.n_generations,
        "streams": server.served.pace.n_streams,
        "tasks": n_tasks,
        "files": len(os.listdir("/proc/self/fd")),
        "threads of the pool that work": n_working,
        "other threads": sorted(name for name in names if name != _POOL),
    }


def _n_open(server: Running) -> int:
    """Connections that the server still has."""
    port = int(server.url.rpartition(":")[2])
    lines = Path("/proc/self/net/tcp").read_text().splitlines()[1:]
    ours = [line.split() for line in lines]
    return sum(one[1].endswith(f":{port:04X}") and one[3] in ("01", "08") for one in ours)


def test_killed_while_facts_are_written(
    pytestconfig: pytest.Config, tmp_path: Path, model: Path
) -> None:
    """What was acknowledged with 201 is there when the file is opened again."""
    rounds = 20 if _is_long(pytestconfig) else 1
    chance = random.Random(7)
    acknowledged: dict[str, str] = {}
    for n in range(rounds):
        process, url = _start(tmp_path, model)
        try:
            acknowledged |= _write_until_killed(process, url, n, chance.randrange(20, 60))
        finally:
            process.kill()
            process.wait(HANG_S)
            assert process.stderr is not None
            process.stderr.close()
        with SyncFactStore(f"sqlite:///{tmp_path}/facts.db") as store:
            held = {fact.entity: fact.surface for fact in store.scan()}
        assert acknowledged.items() <= held.items()
    assert len(acknowledged) >= 20 * rounds


def _start(folder: Path, model: Path) -> tuple[subprocess.Popen[str], str]:
    """Start the command, and return the address that it tells."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "lamlam", "serve", "--model", str(model), "--port", "0"),
            *("--memory", f"sqlite:///{folder}/facts.db"),
        ],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200"},
    )
    assert process.stderr is not None
    said = process.stderr.readline()
    found = re.search(r"http://\S+", said)
    assert found is not None, said
    return process, found[0]


def _write_until_killed(
    process: subprocess.Popen[str], url: str, n: int, kill_after: int
) -> dict[str, str]:
    """Write facts from several threads; kill the server after so many acknowledgements."""
    acknowledged: dict[str, str] = {}

    def write(thread: int) -> None:
        with httpx2.Client(base_url=url, timeout=HANG_S) as client:
            for k in range(10_000):
                name, value = f"Ada {n} {thread} {k}", f"place {k}"
                fact = {"entity": name, "relation": "birth place", "value": value}
                try:
                    answer = client.post("/facts", json=fact)
                except httpx2.HTTPError:
                    return
                assert answer.status_code == 201
                acknowledged[name] = value
                if len(acknowledged) >= kill_after:
                    process.send_signal(signal.SIGKILL)

    threads = [threading.Thread(target=write, args=(k,)) for k in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(HANG_S)
    return acknowledged
