"""Ctrl-C, SIGTERM and SIGHUP while training: the step ends, the state is saved, then the run stops."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class StopRequest:
    """Listens for signals that ask the process to end; a context manager.

    The first asks the run to stop after its step, a second one stops at once:
    not so where several processes train, since ``torchrun`` passes on what the
    terminal sends to them all, and ends those that do not end in time.
    Only the main thread may listen; elsewhere nothing is changed.
    """

    SIGNALS = tuple(
        getattr(signal, name)
        for name in ("SIGINT", "SIGTERM", "SIGHUP")
        if hasattr(signal, name)  # Windows has no SIGHUP
    )

    def __init__(self, *, is_alone: bool = True) -> None:
        """Prepare to listen.

        Args:
            is_alone: this is the only process of the run.
        """
        self._is_alone = is_alone
        self.signal: signal.Signals | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in self.SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                    self._before[number] = signal.signal(number, self._asked)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned
        self._before.clear()

    def _asked(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            if not self._is_alone:
                return
            self.__exit__()
            signal.raise_signal(number)
        self.signal = signal.Signals(number)
