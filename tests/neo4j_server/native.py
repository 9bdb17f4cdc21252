"""A real Neo4j server in a separate process, without a container engine."""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from lamlam.testing.neo4j_servers import Neo4jServer, answering
from tests.limits import HANG_S
from tests.neo4j_server.jars import jars_of
from tests.neo4j_server.jdks import LTS, NoServer, Release, find_jdks, jdk_for

SOURCE = Path(__file__).parent / "Neo4jServer.java"
_STOP_TIMEOUT_S = 60.0  # then it is killed
JAVA_OPTIONS = (
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "--add-opens=java.base/java.io=ALL-UNNAMED",
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # compiles less: halves the processor time of a start
)

# The three about shutting down spare a stop its ten seconds of waiting for nobody.
_SETTINGS = """dbms.security.auth_enabled=true
server.bolt.enabled=true
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=127.0.0.1:{port}
server.memory.pagecache.size=64m
db.tx_log.preallocate=false
dbms.usage_report.enabled=false
internal.dbms.bolt.netty_server_shutdown_quiet_period=0
internal.dbms.bolt.netty_server_shutdown_timeout=1s
internal.server.bolt.thread_pool_shutdown_wait_time=1s
"""


class NativeServer:
    """A Neo4j Community server: started by ``with``, ended with it, or with this process.

    It can be killed and started again on the same folder; port and password stay.
    """

    user = "neo4j"

    def __init__(
        self, folder: Path, release: Release = LTS, *, password: str | None = None
    ) -> None:
        """Take note of what to start; the folder is made.

        Args:
            folder: holds data, settings and log; a folder used before keeps its data, and its
                password must be given again.
            release: which Neo4j.
            password: for the user ``neo4j``; a random one by default.
        """
        self.folder = folder
        self.version = release.version
        self.password = password or secrets.token_hex(8)
        self.port = 0  # until the first start: any free one
        self.java = ""  # until the first start
        self._release = release
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """``neo4j://HOST:PORT``, as a driver takes it; user and password go beside it."""
        return f"neo4j://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The address with user and password in it, as ``lamlam.open_store`` takes it."""
        return f"neo4j://{self.user}:{self.password}@127.0.0.1:{self.port}"

    def record(self) -> Neo4jServer:
        """What the fixtures of `lamlam.testing` hand out; the server has to be running."""
        found = Neo4jServer(self.url, "", f"started by {self.java}", is_ours=True)
        return answering(found)

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._process is None:
            raise NoServer("the server is not running")
        return self._process.pid

    @property
    def log(self) -> Path:
        """What the server wrote to its standard output and standard error."""
        return self.folder / "server.log"

    def start(self) -> Self:
        """The server answers, with user and password set.

        Raises:
            NoServer: no JDK fits, the jars cannot be had, or it ended at once: with its last lines.
        """
        jdk = jdk_for(self._release, find_jdks())
        jars = jars_of(self._release, jdk)
        self.java = f"Java {jdk.major}"
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = self.folder / "neo4j.conf"
        lines = [f"{name}={value}\n" for name, value in self._release.settings.items()]
        settings.write_text(_SETTINGS.format(port=self.port) + "".join(lines), encoding="utf-8")
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *(str(jdk.java), *JAVA_OPTIONS, "-cp", f"{jars}/*"),
                    *(str(SOURCE), str(self.folder / "data"), str(settings)),
                ],
                env={**os.environ, "LAMLAM_NEO4J_PASSWORD": self.password},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C ends the tests first, then they end it
            )
        try:
            self.port = self._wait_until_ready(self._process)
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """The server has ended cleanly."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()  # its sign to end
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """The server is gone at once (SIGKILL), as in a crash; what was committed is on disk."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process = None

    def restart(self) -> Self:
        """The server answers again on the same folder and port."""
        self.stop()
        return self.start()

    def __enter__(self) -> Self:
        """Start the server."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.stop()

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> int:
        """Return the port; the server listened, and had its password set, before it told it."""
        deadline = time.monotonic() + HANG_S
        lines: list[str] = []
        while time.monotonic() < deadline:
            is_running = process.poll() is None
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
            for line in lines:
                if line.startswith("ready ") and line.endswith("\n"):
                    return int(line.split()[1])
            if not is_running:
                raise NoServer(
                    f"Neo4j {self.version} ended at once (status {process.returncode}). "
                    f"The end of {self.log}:\n{''.join(lines[-25:])}"
                )
            time.sleep(0.05)
        raise NoServer(
            f"Neo4j {self.version} was not ready after {HANG_S:.0f} s. "
            f"The end of {self.log}:\n{''.join(lines[-25:])}"
        )
