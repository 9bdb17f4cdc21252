"""A way to the container engine that can be cut: ``python -m tests.containers.engine_proxy``.

Prints the port of 127.0.0.1 that it listens on. Killed, it is an engine that went away.
"""

from __future__ import annotations

import os
import shutil
import socket
import socketserver
import sys
import threading
from contextlib import suppress
from urllib.parse import urlsplit

_USUAL = "unix:///var/run/docker.sock"


class _Forward(socketserver.BaseRequestHandler):
    """One connection."""

    def handle(self) -> None:
        """Copy both ways until either side ends."""
        with _engine() as engine:
            back = threading.Thread(target=_copy, args=(engine, self.request), daemon=True)
            back.start()
            _copy(self.request, engine)
            back.join()


def _engine() -> socket.socket:
    parts = urlsplit(os.environ.get("DOCKER_HOST") or _USUAL)
    if parts.scheme == "tcp":
        return socket.create_connection((parts.hostname, parts.port))
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(parts.path)
    return connection


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError), source.makefile("rb", buffering=0) as reader:
        shutil.copyfileobj(reader, target.makefile("wb", buffering=0))
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class _Server(socketserver.ThreadingTCPServer):
    """Ends without waiting for connections."""

    daemon_threads = True


def main() -> None:
    """Forward until killed."""
    with _Server(("127.0.0.1", 0), _Forward) as server:
        sys.stdout.write(f"{server.server_address[1]}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
