"""llama.cpp's own server, started beside lamlam to compare with, where its binary is found."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lamlam.errors import EngineError

BINARY_VARIABLE = "LAMLAM_LLAMA_SERVER"
_START_S = 120.0


def find_server() -> str | None:
    """Return the path of ``llama-server``, none where it is not installed."""
    return os.environ.get(BINARY_VARIABLE) or shutil.which("llama-server")


class LlamaServer:
    """A running server."""

    def __init__(self, port: int) -> None:
        self._port = port

    def serve(
        self, requests: Sequence[tuple[str, int]], n_clients: int, *, is_streamed: bool
    ) -> tuple[int, list[float]]:
        """Send all requests; each client sends its next one after its answer.

        Args:
            requests: (prompt, tokens).

        Returns:
            (tokens in all, seconds between the tokens of one request; empty if not streamed).
        """
        waiting = iter(requests)
        lock = threading.Lock()
        n_tokens, pauses, failures = 0, list[float](), list[BaseException]()

        def client() -> None:
            nonlocal n_tokens
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=600)
            try:
                while True:
                    with lock:
                        request = next(waiting, None)
                    if request is None:
                        return
                    n, seen = _ask(connection, *request, is_streamed=is_streamed)
                    with lock:
                        n_tokens += n
                        pauses.extend(seen)
            except BaseException as error:  # raised by the thread that waits for all of them
                failures.append(error)
            finally:
                connection.close()

        clients = [threading.Thread(target=client) for _ in range(n_clients)]
        for one in clients:
            one.start()
        for one in clients:
            one.join()
        if failures:
            raise EngineError(f"llama-server did not answer: {failures[0]}")
        return n_tokens, pauses


def _ask(
    connection: http.client.HTTPConnection, prompt: str, n_tokens: int, *, is_streamed: bool
) -> tuple[int, list[float]]:
    body = {
        "prompt": prompt, "n_predict": n_tokens, "temperature": 0, "ignore_eos": True,
        "stream": is_streamed,
    }  # fmt: skip
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/completion", json.dumps(body), headers)
    response = connection.getresponse()
    if response.status != 200:
        raise EngineError(f"status {response.status}: {response.read(200)!r}")
    if not is_streamed:
        return int(json.loads(response.read())["tokens_predicted"]), []
    n, pauses, last = 0, [], 0.0
    while line := response.readline():
        if not line.startswith(b"data: "):
            continue
        now = time.perf_counter()
        event = json.loads(line[6:])
        if event.get("stop"):
            n = int(event["tokens_predicted"])
        elif last:
            pauses.append(now - last)
        last = now
    response.read()
    connection.close()  # as the server does after a stream; the next request opens it again
    return n, pauses


@contextmanager
def llama_server(
    binary: str, model: Path, *, sequences: int, context: int, threads: int
) -> Iterator[LlamaServer]:
    """Run a server for ``sequences`` requests at a time.

    Raises:
        EngineError: it does not come up.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [
        binary, "-m", str(model), "--host", "127.0.0.1", "--port", str(port),
        "-np", str(sequences), "-c", str(sequences * context),
        "-t", str(threads), "-tb", str(threads),
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_until_up(process, port)
        yield LlamaServer(port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_up(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise EngineError(f"llama-server did not come up (status {process.poll()})")
