"""Which part of a run a process is in, said as a line for the program that started and watches it."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time

_MARK = "phase: "
_POLL_S = 1.0


def say_phase(name: str) -> None:
    """Say on standard error that a part of the run begins."""
    sys.stderr.write(f"{_MARK}{name}\n")
    sys.stderr.flush()


def phase_in(line: str) -> str | None:
    """Return the part that a line says begins; None for any other line."""
    return line.removeprefix(_MARK).strip() if line.startswith(_MARK) else None


def obey_watcher() -> None:
    """Let the program that watches ask where this process hangs, and end with that program."""
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os._exit(1)
