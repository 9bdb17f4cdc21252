"""What ends a command from outside: Ctrl-C, SIGTERM, a terminal that is closed (SIGHUP).

Each is raised as an exception, so that files in the making are removed and a memory says what is
done. Whatever becomes of the exception on its way, `exit_status` knows which signal it was.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

_ENDING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP
_received: list[int] = []


class EndedBySignal(KeyboardInterrupt):
    """The process received SIGTERM or SIGHUP.

    A Ctrl-C for event loops and libraries: any other exception than that one and `SystemExit` they
    report and go on.
    """


@contextmanager
def catching_signals() -> Iterator[None]:
    """Raise `EndedBySignal` where a signal would end the process; one that is ignored stays so."""
    _received.clear()
    before: dict[int, Any] = {}  # Any: what `signal.signal` returns
    if threading.current_thread() is threading.main_thread():
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                before[number] = signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def taking_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C interrupt what runs, also where the process was started with it ignored.

    A shell without job control ignores it for all that it starts in the background, and so does
    whatever is started from there, a terminal included.
    """
    is_ignored = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    )
    if is_ignored:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if is_ignored:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def exit_status() -> int | None:
    """Return what a shell reports for the signal that came first; none if none came."""
    return 128 + _received[0] if _received else None


def let_signals_wait() -> None:
    """Ignore signals while the last files are removed."""
    _set(signal.SIG_IGN)


def let_signals_end() -> None:
    """Let the next signal end the process at once."""
    _set(signal.SIG_DFL)


def leave_to_parent() -> None:
    """Let a signal end this worker process without a word, and Ctrl-C only its parent.

    A terminal sends each to both; the parent ends its workers, and says what is to be said. Where
    the parent is killed and cannot, the worker ends by itself: it would wait for work for ever.
    """
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.join,), name="parent", daemon=True).start()
    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _end_after(wait: Callable[[], None]) -> None:
    wait()
    os._exit(1)


def _end(number: int, frame: object) -> None:
    _received.append(number)
    raise EndedBySignal


def _set(action: signal.Handlers) -> None:
    with suppress(ValueError):  # not the main thread
        for number in (signal.SIGINT, *_ENDING):
            if signal.getsignal(number) is not signal.SIG_IGN or action is signal.SIG_IGN:
                signal.signal(number, action)
