"""The observers of one engine, as its options name them."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from lamlam.errors import UsageError
from lamlam.runtime.decoding.events import EventSource
from lamlam.runtime.decoding.option_checks import check_bool
from lamlam.runtime.observers.observer import BegunText, ObservedEvents, Observer
from lamlam.runtime.observers.trace import Trace

if TYPE_CHECKING:
    from lamlam.runtime.observers.telemetry import Telemetry


class ObserverSet:
    """A trace, telemetry, both or none."""

    def __init__(
        self, trace: str | os.PathLike[str] | Trace | None, telemetry: bool | Telemetry
    ) -> None:
        """Store the observers; open no trace file yet.

        Raises:
            UsageError: a value that makes no sense.
            MissingExtra: telemetry without OpenTelemetry.
        """
        if trace is not None and not isinstance(trace, str | os.PathLike | Trace):
            raise UsageError(f"trace must be a path or a Trace, got {trace!r}")
        self._trace = trace
        self._observers: list[Observer] = []
        if telemetry is not False:
            from lamlam.runtime.observers.telemetry import Telemetry

            if not isinstance(telemetry, Telemetry):
                check_bool("telemetry", telemetry)
                telemetry = Telemetry()
            self._observers.append(telemetry)

    def __bool__(self) -> bool:
        """Return true if generations have to be observed."""
        return bool(self._observers)

    def open(self, stack: AsyncExitStack) -> None:
        """Open the trace; the stack closes it, unless it was given open.

        Raises:
            TraceFailed: its file cannot be written.
        """
        trace = self._trace
        if trace is None:
            return
        if not isinstance(trace, Trace):
            trace = Trace(trace)
            stack.callback(trace.close)
        self._observers.append(trace)

    def observed(self, events: EventSource, begun: BegunText) -> EventSource:
        """Return the events of a generation, of which the observers see each."""
        return ObservedEvents(events, begun, self._observers)
