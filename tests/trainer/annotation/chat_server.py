"""A chat endpoint in a thread that answers as a script says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], bytes] | None
"""Status, headers and body; None cuts the connection."""
Script = Callable[[int, dict[str, Any]], Answer]


@dataclass(slots=True)
class ChatServer:
    """What the server was asked."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)


def answer(text: str, tokens: tuple[int, int] = (10, 5)) -> Answer:
    """Return a good answer with this text."""
    body = {
        "choices": [{"message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]},
    }
    return 200, {}, json.dumps(body).encode()


def text_of(body: dict[str, Any]) -> str:
    """Return the text that a request asks to annotate."""
    said: str = body["messages"][-1]["content"]
    return said.partition("\n\n")[2]


@contextmanager
def chat_server(script: Script) -> Iterator[ChatServer]:
    """Run the server; the script gets the number of the request, from 0, and its body."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            body = json.loads(self.rfile.read(size))
            with lock:
                number = len(server.asked)
                server.asked.append(body)
                server.keys.append(self.headers.get("Authorization"))
            found = script(number, body)
            if found is None:
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"choi')
                self.close_connection = True
                return
            status, headers, data = found
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = ChatServer(f"http://127.0.0.1:{http.server_port}/v1")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
