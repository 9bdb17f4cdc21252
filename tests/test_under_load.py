"""`build_support/under_load.py` passes on how its command ended, and leaves no process behind."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.limits import HANG_S
from tests.paths import ROOT

_UNDER_LOAD = [sys.executable, str(ROOT / "build_support" / "under_load.py")]
_WAITING = "import sys; print('begun', flush=True); sys.stdin.read()"


def test_the_status_is_that_of_the_command() -> None:
    """Its output comes through, and the pipe is closed: the busy processes that held it are gone."""
    command = [*_UNDER_LOAD, sys.executable, "-c", "print('done'); raise SystemExit(7)"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_S)
    assert (done.returncode, done.stdout, done.stderr) == (7, "done\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("signal_", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_no_process(signal_: signal.Signals) -> None:
    """Asked to end it ends its command; killed it can do nothing, and the busy ones notice."""
    with subprocess.Popen(
        [*_UNDER_LOAD, sys.executable, "-c", _WAITING],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        process.send_signal(signal_)
        process.communicate(timeout=HANG_S)
    assert process.returncode in (128 + signal.SIGTERM, -signal.SIGKILL)
