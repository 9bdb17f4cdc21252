"""Run a command while eight processes keep the machine busy: ``under_load.py COMMAND …``.

What passes alone and fails here depends on wall-clock time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType

BUSY_PROCESSES = 8
# Ends by itself when its starter is gone, also one that was killed.
_BUSY = """
import os, sys
while os.getppid() == int(sys.argv[1]):
    for n in range(1_000_000):
        pass
"""


def _leave(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main(command: list[str]) -> int:
    """Run the command; return its exit status, or 2 if none was given."""
    if not command:
        print(__doc__, file=sys.stderr)  # noqa: T201 (a command)
        return 2
    signal.signal(signal.SIGTERM, _leave)  # so that `finally` is reached
    busy: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(BUSY_PROCESSES):
            count = [sys.executable, "-S", "-c", _BUSY, str(os.getpid())]
            busy.append(subprocess.Popen(count, start_new_session=True))  # Ctrl-C is not for them
        with subprocess.Popen(command) as process:
            try:
                return process.wait()
            except KeyboardInterrupt:  # the command has it too, and ends in its own way
                return process.wait()
            except SystemExit:
                process.terminate()
                raise
    finally:
        for one in busy:
            one.kill()
            one.wait()


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.exit(status if status >= 0 else 128 - status)  # a negative one names a signal
