"""An installed Neo4j, run for a test session beside whatever it serves otherwise."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lamlam.errors import StoreMissing

_START_TIMEOUT_S = 150.0
_STOP_TIMEOUT_S = 20.0
_FIRST_PASSWORD = "neo4j"  # of every new Neo4j; it must be changed before anything else
_LOGGING_FILES = ("server-logs.xml", "user-logs.xml")
_SETTINGS = """dbms.security.auth_enabled=true
server.default_listen_address=127.0.0.1
server.bolt.enabled=true
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=127.0.0.1:{port}
server.http.enabled=false
server.https.enabled=false
server.directories.data={folder}/data
server.directories.logs={folder}/logs
server.directories.run={folder}/run
server.directories.transaction.logs.root={folder}/data/transactions
server.directories.import={folder}/import
server.memory.heap.max_size=512m
server.memory.pagecache.size=64m
dbms.usage_report.enabled=false
"""


def find_install() -> Path | None:
    """Return the program ``neo4j`` of ``NEO4J_HOME`` or of ``PATH``."""
    if home := os.environ.get("NEO4J_HOME"):
        program = Path(home) / "bin" / "neo4j"
        return program if program.exists() else None
    found = shutil.which("neo4j")
    return Path(found) if found else None


@contextmanager
def run_install(program: Path, folder: Path) -> Iterator[str]:
    """Run the installed server with other data and settings, and yield its URL.

    Args:
        program: the start script ``neo4j``.
        folder: holds data, settings and log of this run.

    Raises:
        StoreMissing: it did not start; with the end of what it wrote.
    """
    port = _free_port()
    settings = folder / "conf"
    for each in (settings, folder / "import", folder / "logs", folder / "run"):
        each.mkdir(parents=True, exist_ok=True)
    for name in _LOGGING_FILES:
        with suppress(OSError):
            shutil.copy(program.resolve().parent.parent / "conf" / name, settings / name)
    (settings / "neo4j.conf").write_text(
        _SETTINGS.format(port=port, folder=folder), encoding="utf-8"
    )
    log = folder / "console.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(program), "console"],
            env={**os.environ, "NEO4J_CONF": str(settings)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a new process group: the script starts Java as its child
        )
    try:
        password = _wait_until_ready(process, port, log)
        yield f"neo4j://neo4j:{password}@127.0.0.1:{port}"
    finally:
        _end(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_listening(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> str:
    """Return the password that was set."""
    from neo4j import GraphDatabase
    from neo4j.exceptions import ServiceUnavailable

    password = secrets.token_hex(8)
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        if not _is_listening(port):
            time.sleep(0.1)
            continue
        try:
            with GraphDatabase.driver(
                f"bolt://127.0.0.1:{port}",
                auth=("neo4j", _FIRST_PASSWORD),
                max_transaction_retry_time=0,  # seconds; this loop retries, and sees an early end
            ) as driver:
                driver.execute_query(
                    "ALTER CURRENT USER SET PASSWORD FROM $old TO $new",
                    {"old": _FIRST_PASSWORD, "new": password},
                    database_="system",
                )
            return password
        except ServiceUnavailable:
            time.sleep(0.2)
    tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:])
    raise StoreMissing(f"the installed Neo4j did not start; the end of {log}:\n{tail}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and its children."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_TIMEOUT_S)
            return
