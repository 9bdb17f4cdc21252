"""`Trace`: what an engine does, as JSON lines with times, one line for each event."""

from __future__ import annotations

import json
import os
import secrets
import stat
import threading
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from lamlam.blocks import OnlyWith
from lamlam.errors import TraceFailed
from lamlam.runtime.decoding.events import (
    Event,
    Finished,
    LookupAnswered,
    LookupMissed,
    LookupStarted,
    Text,
    Thought,
    ToolCallDelta,
    ToolRequested,
)
from lamlam.runtime.observers.observer import BegunText, TextObserver

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Trace(OnlyWith):
    """A file of events, each a whole line; those of one generation share a ``text_id``.

    Lines are appended, so several engines, and several processes, may write to one file. If a
    line cannot be written, generations go on and the trace ends with the line before; `close` (or
    leaving the ``with`` block) raises the reason.

    >>> import io
    >>> from lamlam.runtime.decoding.settings import TextSettings
    >>> file = io.StringIO()
    >>> with Trace(file) as trace:
    ...     trace.begin(BegunText("text", "Ada", TextSettings(), "bundled", None)).left()
    >>> [json.loads(line)["event"] for line in file.getvalue().splitlines()]
    ['begin', 'left']
    """

    _what = "a Trace"
    _use = "with Trace(...) as trace: ... (in async code, too)"

    def __init__(self, file: str | os.PathLike[str] | TextIO) -> None:
        """Open the file for more lines.

        Args:
            file: a path, or an open text file, which stays open.

        Raises:
            TraceFailed: it cannot be written.
        """
        self._lock = threading.Lock()
        self._failure: OSError | ValueError | None = None
        self._name = str(getattr(file, "name", "the file"))
        self._lines: _OpenFile | _File
        if isinstance(file, str | os.PathLike):
            self._name = str(file)
            try:
                self._lines = _File(Path(file))
            except (OSError, ValueError) as error:
                raise self._failed(error) from error
        else:
            self._lines = _OpenFile(file)
        self._is_closed = False

    def begin(self, begun: BegunText) -> TextObserver:
        """Return the observer that writes the lines of a generation."""
        return _TracedText(self, begun)

    def write(self, line: dict[str, Any]) -> None:
        """Write a line; an error ends the trace, but not the generation."""
        with self._lock:
            if self._failure is not None or self._is_closed:
                return
            try:
                # ASCII only: no value can break a line or control a terminal.
                self._lines.write(json.dumps(line, allow_nan=False) + "\n")
            except (OSError, ValueError) as error:
                self._failure = error
            except TypeError as error:  # not JSON
                self._failure = ValueError(str(error))

    def close(self) -> None:
        """Close the file, if this trace opened it; closing again does nothing.

        Raises:
            TraceFailed: a line could not be written.
        """
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            try:
                self._lines.close()
            except OSError as error:
                self._failure = self._failure or error
        if self._failure is not None:
            raise self._failed(self._failure) from self._failure

    def __enter__(self) -> Self:
        """Return the trace itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the trace; an error that is under way comes first."""
        try:
            self.close()
        except TraceFailed as failure:
            if error is None:
                raise
            error.add_note(str(failure))

    def _failed(self, error: OSError | ValueError) -> TraceFailed:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return TraceFailed(
            f"the trace {self._name} cannot be written: {reason}",
            hint="no generation was affected; name a file that can be written",
        )


class _TracedText:
    """The lines on one generation."""

    def __init__(self, trace: Trace, begun: BegunText) -> None:
        self._trace = trace
        self._id = secrets.token_hex(8)
        self._began = time.perf_counter()
        what = "prompt" if isinstance(begun.prompt, str) else "messages"
        self._write(
            "begin",
            time=datetime.now(UTC).isoformat(),
            kind=begun.kind,
            **{what: begun.prompt},
            settings=asdict(begun.settings),
            model=begun.model,
            memory=begun.memory,
        )

    def saw(self, event: Event) -> None:
        match event:
            case Text():
                self._write("text", **asdict(event))
            case Thought(text):
                self._write("thought", text=text)
            case LookupStarted(entity, relation):
                self._write("lookup_started", entity=entity, relation=relation)
            case LookupAnswered(record):
                self._write("lookup_answered", **asdict(record))
            case LookupMissed(record):
                self._write("lookup_missed", **asdict(record))
            case ToolRequested(call):
                self._write("tool_requested", id=call.id, name=call.name, arguments=call.arguments)
            case ToolCallDelta() | Finished():
                pass  # `ToolRequested` has them all; `finished` takes the other

    def finished(self, event: Finished) -> None:
        done = event.completion
        self._write(
            "finish",
            reason=done.finish_reason,
            n_tokens=done.n_tokens,
            n_text_tokens=done.n_text_tokens,
            n_prompt_tokens=done.n_prompt_tokens,
            n_lookups=len(done.lookups),
            seconds=self._now(),
        )

    def failed(self, error: BaseException) -> None:
        self._write(
            "error",
            error=type(error).__name__,
            message=str(error),
            hint=getattr(error, "hint", None),
            seconds=self._now(),
        )

    def left(self) -> None:
        self._write("left", seconds=self._now())

    def _now(self) -> float:
        return round(time.perf_counter() - self._began, 6)

    def _write(self, event: str, **fields: Any) -> None:  # Any: JSON
        self._trace.write({"event": event, "text_id": self._id, "t_s": self._now(), **fields})


class _File:
    """A file by its path: each line is appended whole, or nothing of it is left."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._is_regular = stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        self._lead = b""
        if self._is_regular and (size := path.stat().st_size):
            with path.open("rb") as present:
                present.seek(size - 1)
                if present.read(1) != b"\n":  # of a writer that was killed
                    self._lead = b"\n"

    def write(self, line: str) -> None:
        data = self._lead + line.encode("ascii")
        n_written = 0
        try:
            while n_written < len(data):
                n_written += self._file.write(data[n_written:]) or 0
        except OSError:
            if n_written and self._is_regular:
                self._take_back(n_written)
            raise
        self._lead = b""

    def _take_back(self, n_bytes: int) -> None:
        """Remove a partial line, unless another process has appended to it."""
        descriptor = self._file.fileno()
        end = os.fstat(descriptor).st_size
        if self._file.tell() == end:
            os.ftruncate(descriptor, end - n_bytes)

    def close(self) -> None:
        self._file.close()


class _OpenFile:
    """A file that was given open, and stays open."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, line: str) -> None:
        self._file.write(line)
        self._file.flush()

    def close(self) -> None:
        pass
