"""Starts the processes of one run, and sees how far each comes: none may hang without a word."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamlam.trainer.run_phases import phase_in

_POLL_S = 0.1
_LAST_WORDS_S = 3.0
"""Seconds in which others may still say why they end, too."""
_TAIL = 30
"""Lines of the log of a process that fails."""
START = "start"
"""Phase of a process that has said nothing yet."""


@dataclass(slots=True)
class WatchedProcess:
    """One process, its log and the phase that it is in."""

    rank: int
    log: Path
    running: subprocess.Popen[bytes]
    phase: str = START
    since: float = field(default_factory=time.monotonic)
    n_phases: int = 0
    """Phases that it has begun."""
    _read: int = 0

    def new_lines(self) -> list[str]:
        """Return the whole lines that it has written since the last call; notes its phase."""
        with self.log.open("rb") as stream:
            stream.seek(self._read)
            text = stream.read()
        end = text.rfind(b"\n") + 1
        self._read += end
        lines = text[:end].decode(errors="replace").splitlines()
        for line in lines:
            if (name := phase_in(line)) is not None:
                self.phase, self.since = name, time.monotonic()
                self.n_phases += 1
        return lines

    def tail(self) -> str:
        """Return the last lines of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "".join(f"  {line}\n" for line in lines[-_TAIL:])


def run_watched(
    commands: Sequence[tuple[Sequence[str], Mapping[str, str]]],
    folder: Path,
    limit_of: Callable[[str], float],
    say: Callable[[str], None],
) -> str | None:
    """Run commands side by side until all have ended; returns what went wrong, in one line.

    Where one fails or hangs, all end, and the last lines of its log are said.

    Args:
        commands: each with its environment; their logs are ``process-N.log`` in the folder.
        limit_of: seconds that a phase may take.
        say: is told the lines of the first process, and the log of one that fails.
    """
    processes: list[WatchedProcess] = []
    try:
        for rank, (command, environment) in enumerate(commands):
            log = folder / f"process-{rank}.log"
            with log.open("wb") as stream:
                running = subprocess.Popen(
                    command, env=environment, stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL, stderr=stream, start_new_session=True,
                )  # fmt: skip
            processes.append(WatchedProcess(rank, log, running))
        return _watch(processes, limit_of, say)
    finally:
        for one in processes:
            _end(one)


def _watch(
    processes: list[WatchedProcess], limit_of: Callable[[str], float], say: Callable[[str], None]
) -> str | None:
    while True:
        states = [one.running.poll() for one in processes]  # before their last lines are read
        for one in processes:
            for line in one.new_lines():
                if one.rank == 0:
                    say(line)
        if any(states):
            return _why_failed(processes, say)
        if all(state == 0 for state in states):
            return None
        waiting = [one for one, state in zip(processes, states, strict=True) if state is None]
        now = time.monotonic()
        if any(now - one.since > limit_of(one.phase) for one in waiting):
            # Those that came further wait for it.
            slowest = min(waiting, key=lambda one: (one.n_phases, one.since))
            return _say_where_it_hangs(slowest, len(processes), now - slowest.since, say)
        time.sleep(_POLL_S)


def _why_failed(processes: list[WatchedProcess], say: Callable[[str], None]) -> str:
    """Return the reason of the process that failed first: others fail because it is gone."""
    until = time.monotonic() + _LAST_WORDS_S
    while time.monotonic() < until and any(one.running.poll() is None for one in processes):
        time.sleep(_POLL_S)
    failed = [one for one in processes if one.running.poll()]
    named = [one for one in failed if _named_error(one.log) and not _is_of_another(one.log)]
    one = (named or failed)[0]
    if not named:
        say(f"the log of process {one.rank} ends:\n{one.tail()}".rstrip())
    reason = _named_error(one.log) or _last_line(one.log)
    status = one.running.returncode
    how = f"signal {-status}" if status < 0 else f"status {status}"
    whose = f" of {len(processes)}" if len(processes) > 1 else ""
    return reason or f"process {one.rank}{whose} ended with {how} in phase {one.phase!r}"


def _say_where_it_hangs(
    one: WatchedProcess, world: int, seconds: float, say: Callable[[str], None]
) -> str:
    if hasattr(signal, "SIGUSR1"):  # it writes what its threads do into its log
        with suppress(ProcessLookupError):
            if one.phase != START:  # before, nobody listens, and the signal would end it
                one.running.send_signal(signal.SIGUSR1)
                time.sleep(1.0)
    say(f"the log of process {one.rank} ends:\n{one.tail()}".rstrip())
    whose = f"process {one.rank} of {world}" if world > 1 else "the process"
    return f"{whose} hung in phase {one.phase!r}, after {seconds:.0f} s there"


def _named_error(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.removeprefix("error: ") for line in lines if line.startswith("error: ")), "")


def _is_of_another(log: Path) -> bool:
    return "another of the" in _named_error(log)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _end(one: WatchedProcess) -> None:
    """End a process with all that it started; it leads a session of its own."""
    kill: Any = getattr(os, "killpg", None)
    with suppress(ProcessLookupError, PermissionError):
        if kill is not None:
            kill(one.running.pid, signal.SIGKILL)
        else:
            one.running.kill()
    one.running.wait()
