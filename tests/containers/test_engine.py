"""The engine that `build_support/containers.sh` starts, and what is left of it: nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.limits import HANG_S
from tests.paths import ROOT

_NO_ENGINE = 3  # the script's status where none can be had
_SESSION = "python -m tests.containers.endless_session"


@dataclass(frozen=True, slots=True)
class Clone:
    """Another clone of this repository, with an engine of its own."""

    root: Path

    def script(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run the script, as on a machine where no engine answers."""
        return subprocess.run(
            [str(self.root / "build_support" / "containers.sh"), command],
            env={**os.environ, "DOCKER_HOST": f"unix://{self.root}/nothing"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=False,
        )

    def bash(self, command: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own, as a terminal does."""
        return subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.root,
            env={**os.environ, "DOCKER_HOST": f"unix://{self.root}/nothing"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_listen_to_interrupts,
            start_new_session=True,
        )

    def number(self) -> str:
        """What is in the names of what the engine has outside of the clone."""
        sum_of_path = subprocess.run(
            ["cksum"], input=f"{self.root}\n", capture_output=True, text=True, check=True
        )
        return sum_of_path.stdout.split()[0]

    def bridge(self) -> str:
        """The name of its network bridge."""
        return f"lam{int(self.number()):08x}"

    def traces(self) -> list[str]:
        """Everything of the engine that is there: processes, interfaces, mounts, groups, files."""
        found = []
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue  # it has just ended
            if str(self.root) in line and ("dockerd" in line or "containerd" in line):
                found.append(line)
        number = self.number()
        found += [str(path) for path in Path("/sys/class/net").glob(self.bridge())]
        found += [str(path) for path in Path("/sys/fs/cgroup").glob(f"**/lamlam-{number}")]
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
        found += [line for line in mounts if str(self.root) in line]
        folders = [self.root / ".build", Path(f"/tmp/lamlam-containers-{number}")]
        return found + [str(folder) for folder in folders if folder.exists()]


def _listen_to_interrupts() -> None:
    """Also where the tests run in the background of a shell, which ignores Ctrl-C there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    """Another clone; its engine is ended, whatever the test did."""
    root = tmp_path / "clone"
    root.mkdir()
    shutil.copytree(ROOT / "build_support", root / "build_support")
    shutil.copytree(ROOT / "tests", root / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    for name in ("docs", "lamlam", "runtime", "memory_backends", "trainer", "quant"):
        (root / name).symlink_to(ROOT / name)
    (root / ".venv").symlink_to(Path(sys.prefix))
    made = Clone(root)
    yield made
    made.script("down")
    assert made.traces() == []


def test_nothing_is_left(clone: Clone) -> None:
    """Of the engine after `down`, whether pytest ended, was interrupted, or was killed."""
    up = clone.script("up")
    if up.returncode == _NO_ENGINE:
        assert len(up.stderr.splitlines()) <= 2, up.stderr
        pytest.skip(up.stderr)
    assert up.returncode == 0, up.stderr
    assert "export DOCKER_HOST=unix://" in up.stdout
    again = clone.script("up")
    assert again.stdout == up.stdout  # it answers: none is started
    assert "Loaded image" not in again.stderr
    assert "image neo4j:5.26-community" in clone.script("status").stdout
    with clone.bash(f"{up.stdout}\nexec .venv/bin/{_SESSION}") as session:
        try:
            _wait_for_a_container(clone, session)
        finally:
            session.send_signal(signal.SIGKILL)
    assert "container lamlam-neo4j-" in clone.script("status").stdout  # nobody removed it
    assert clone.traces()
    down = clone.script("down")
    assert down.returncode == 0, down.stderr
    assert clone.traces() == []
    assert "no engine answers" in clone.script("status").stdout


def test_an_interrupted_run_takes_its_engine_along(clone: Clone) -> None:
    """Ctrl-C in the middle of `make test-containers`, in all its processes as in a terminal."""
    with clone.bash("LAMLAM_TEST_CONTAINERS=only exec build_support/test.sh -k killed") as run:
        try:
            _wait_for_a_container(clone, run)
        finally:
            os.killpg(run.pid, signal.SIGINT)
        text, _ = run.communicate(timeout=HANG_S)
    assert run.returncode != 0, text
    assert clone.traces() == [], text


def test_where_none_can_be_had_one_line_says_why(clone: Clone) -> None:
    """Without the right to make namespaces the status is 3, and no file is left."""
    command = [str(clone.root / "build_support" / "containers.sh"), "up"]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", *command]
    done = subprocess.run(
        command,
        env={**os.environ, "DOCKER_HOST": f"unix://{clone.root}/nothing"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == _NO_ENGINE, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("[containers] no container engine: ")
    assert not done.stdout
    assert clone.traces() == []


def test_a_dead_engine_is_replaced(clone: Clone) -> None:
    """SIGKILL to the engine leaves no container and no network, and `up` starts another."""
    if clone.script("up").returncode == _NO_ENGINE:
        pytest.skip("no engine can be started here")
    socket = clone.script("status").stdout.splitlines()[0].partition("unix://")[2]
    holder = int(Path(socket).with_name("engine.pid").read_text(encoding="utf-8"))
    # As an engine leaves it that is killed while it makes a container's network.
    cable = f"{clone.bridge()}a"
    for command in (
        f"link add {cable} type veth peer name {clone.bridge()}b",
        f"link set {cable} master {clone.bridge()}",
    ):
        subprocess.run(["ip", *command.split()], check=True)
    os.kill(holder, signal.SIGKILL)
    up = clone.script("up")
    assert up.returncode == 0, up.stderr
    assert "an engine started here" in clone.script("status").stdout
    assert not Path("/sys/class/net", cable).exists()


def _wait_for_a_container(clone: Clone, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + HANG_S
    while "container lamlam-neo4j-" not in clone.script("status").stdout:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "no container was started"
        time.sleep(0.5)
