"""The command without a standard stream, and ended by a signal while it writes a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.sync import SyncFactStore
from tests.limits import HANG_S
from tests.paths import ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

_GET = "facts get Ada job"
_EXPORT = "facts export - --format jsonl"
# what is redirected: the exit status of a command that prints, and what standard error says
_STREAMS = {
    ">&-": (141, ""),
    "| true": (141, ""),
    ">/dev/full": (2, "error: No space left on device\n"),
    "2>&- >/dev/null": (0, ""),
    "2>/dev/full >/dev/null": (0, ""),
    "<&- >/dev/null": (0, ""),
    ">&- 2>&- <&-": (141, ""),
}
_LINES = [
    *((_GET, redirected) for redirected in _STREAMS),
    (_EXPORT, ">&-"),
]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment of the command, whose own store has one fact."""
    home = tmp_path / "lamlam-home"
    home.mkdir()
    with SyncFactStore(home / "facts.db") as store:
        store.apply([Assert(Fact(entity="Ada", relation="job", value="miller"))])
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LAMLAM_HOME": str(home),
        "PYTHONIOENCODING": "ascii",  # what it lacks is replaced, and ends nothing
    }


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")
def test_streams_that_are_closed_or_full(tmp_path: Path, environment: dict[str, str]) -> None:
    """Output that nobody reads ends with 141; no stream causes a traceback or another status."""
    lines = [
        f"set -o pipefail; {sys.executable} -m lamlam {command} {redirected}"
        for command, redirected in _LINES
    ]
    lines.append(f"{sys.executable} -m lamlam ask - <&-")
    lines.append(f"{sys.executable} -m lamlam facts get Nobody job 2>&-")
    running = [
        subprocess.Popen(
            ["bash", "-c", line],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for line in lines
    ]
    found = []
    for one in running:
        said = one.communicate(timeout=HANG_S)[1]
        found.append((one.returncode, said))
    closed = "error: standard input is closed (name a file or give a text instead of -)\n"
    expected = [*(_STREAMS[redirected] for _, redirected in _LINES), (2, closed), (1, "")]
    assert dict(zip(lines, found, strict=True)) == dict(zip(lines, expected, strict=True))


# The file is whole and about to take its name; there the signal comes, and where it says so a
# second one while the file is being removed.
_HELD = """
import os, signal, sys, time
from pathlib import Path

signal.signal(signal.SIGINT, signal.default_int_handler)
number, is_twice = int(sys.argv[1]), sys.argv[2] == "twice"

def replace(self, target):
    print(self.exists(), flush=True)
    os.kill(os.getpid(), number)
    time.sleep(60)

unlink = Path.unlink

def unlink_interrupted(self, missing_ok=False):
    Path.unlink = unlink
    os.kill(os.getpid(), number)
    time.sleep(60)

Path.replace = replace
if is_twice:
    Path.unlink = unlink_interrupted
sys.argv = ["lamlam", *sys.argv[3:]]
from lamlam.__main__ import main
main()
"""


def test_a_signal_while_a_file_is_written(tmp_path: Path, environment: dict[str, str]) -> None:
    """Ctrl-C, also twice, SIGTERM and SIGHUP leave the old file, and nothing beside it."""
    statuses = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
    started = []
    for number, times in [*((number, "once") for number in statuses), (signal.SIGINT, "twice")]:
        folder = tmp_path / f"{number.name}-{times}"
        folder.mkdir()
        (folder / "out.jsonl").write_text("what it held before")
        arguments = [sys.executable, "-c", _HELD, str(int(number)), times]
        process = subprocess.Popen(
            [*arguments, "facts", "export", "out.jsonl"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append((number, folder, process))
    for number, folder, process in started:
        out, err = process.communicate(timeout=HANG_S)
        assert out == "True\n"
        assert process.returncode == statuses[number], (folder.name, err)
        assert "Traceback" not in err and "Exception" not in err
        assert os.listdir(folder) == ["out.jsonl"]
        assert (folder / "out.jsonl").read_text() == "what it held before"


def test_a_terminal_that_is_closed_while_an_import_reads(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """SIGHUP removes the new store in the making; under nohup the import goes on."""
    started = []
    for nohup in ((), ("nohup",)):
        folder = tmp_path / f"import-{len(nohup)}"
        folder.mkdir()
        importing = subprocess.Popen(
            [*nohup, sys.executable, "-m", "lamlam", "facts", "import", "-"]
            + ["--memory", "sqlite:///new.db"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert importing.stdin is not None
        importing.stdin.write('{"entity": "Ada", "relation": "job", "value": "miller"}\n' * 3000)
        importing.stdin.flush()
        started.append((bool(nohup), folder, importing))
    for is_ignored, folder, importing in started:
        while not list(folder.glob(".new.db.*.part")):
            assert importing.poll() is None
        importing.send_signal(signal.SIGHUP)
        importing.communicate(timeout=HANG_S)  # closes its input
        assert importing.returncode == (0 if is_ignored else 129)
        assert os.listdir(folder) == (["new.db"] if is_ignored else [])
