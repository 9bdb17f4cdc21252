"""The lines of a chat: typed at a terminal, where earlier ones come back, or read from a pipe."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Protocol

from lamlam.cli.output import printable, printable_line, stderr_console
from lamlam.ending_signals import EndedBySignal, exit_status
from lamlam.errors import UsageError
from lamlam.standard_input import standard_input

_MOST_KEPT = 1000
_PROMPT = "> "
_LEAVES = "(Ctrl-C again leaves, as Ctrl-D and /quit do)"


class ChatLines(Protocol):
    """Where the lines of a chat come from."""

    def read(self) -> str | None:
        """Return the next line; ``None`` where there are no more."""
        ...

    def confirms(self, question: str) -> bool | None:
        """Return whether the user agrees; ``None`` where nobody is there to answer."""
        ...

    def forget(self, name: str) -> int:
        """Remove the lines kept that mention a name; return how many there were."""
        ...


class PipedLines:
    """Lines of standard input that is no terminal; each is a message."""

    def __init__(self, file: Path) -> None:
        """Take standard input.

        Args:
            file: where chats at a terminal keep their lines.

        Raises:
            UsageError: it is closed.
        """
        stream = standard_input()
        is_bytes = isinstance(stream, io.TextIOWrapper)
        self._lines = iter(stream.buffer) if is_bytes else iter(stream)
        self._number = 0
        self._file = file

    def read(self) -> str | None:
        """Return the next line.

        Raises:
            UsageError: it is not UTF-8.
        """
        line = next(self._lines, None)
        if line is None:
            return None
        self._number += 1
        try:
            text = line if isinstance(line, str) else bytes(line).decode("utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(
                f"line {self._number} is not UTF-8 text (byte {error.start + 1})",
                hint="convert it to UTF-8",
            ) from None
        return (
            text.removeprefix("\ufeff").rstrip("\r\n") if self._number == 1 else text.rstrip("\r\n")
        )

    def confirms(self, question: str) -> None:
        """Return ``None``: the next line is a message, no answer."""
        return None

    def forget(self, name: str) -> int:
        """Remove the lines of chats at a terminal that mention a name."""
        return _forget(self._file, name)


class TypedLines:
    """Lines typed at a terminal."""

    def __init__(self, file: Path, commands: Sequence[str], *, keeps: bool = True) -> None:
        """Read the lines of earlier chats.

        Args:
            file: where lines are kept, readable for its owner alone.
            commands: what the tabulator completes.
            keeps: read the file, and add lines to it.
        """
        self._file = file
        self._commands = commands
        self._keeps = keeps
        self._readline = _readline()
        if self._readline is not None:
            self._prepare(self._readline)

    def read(self) -> str | None:
        """Return the next line.

        Ctrl-C empties the line; on an empty line it returns ``None`` the second time.
        """
        is_warned = False
        while True:
            try:
                line = input(_PROMPT)
            except EOFError:
                _end_line()
                return None
            except UnicodeDecodeError:
                _remark("that line is not UTF-8 text")
                continue
            except KeyboardInterrupt as error:
                if isinstance(error, EndedBySignal) or exit_status():
                    raise
                _end_line()
                if self._begun_line():
                    is_warned = False
                    continue
                if is_warned:
                    return None
                is_warned = True
                _remark(_LEAVES)
                continue
            self._keep(line)
            return line

    def confirms(self, question: str) -> bool:
        """Return whether the user writes yes."""
        try:
            answer = input(f"{printable_line(question)} [y/N] ")
        except EOFError:
            _end_line()
            return False
        except KeyboardInterrupt as error:
            if isinstance(error, EndedBySignal) or exit_status():
                raise
            _end_line()
            return False
        return answer.strip().casefold() in ("y", "yes")

    def forget(self, name: str) -> int:
        """Remove the lines that mention a name, here and in the file."""
        n_here = 0
        if self._readline is not None:
            for at in reversed(range(self._readline.get_current_history_length())):
                if mentions(self._readline.get_history_item(at + 1) or "", name):
                    self._readline.remove_history_item(at)
                    n_here += 1
        return max(n_here, _forget(self._file, name))

    def _prepare(self, readline: ModuleType) -> None:
        readline.clear_history()
        readline.set_auto_history(False)  # an answer to a question is no line of the chat
        lines = _lines_of(self._file) if self._keeps else []
        for line in lines[-_MOST_KEPT:]:
            readline.add_history(printable(line))
        if len(lines) > 2 * _MOST_KEPT:
            try:
                _write(self._file, lines[-_MOST_KEPT:])
            except OSError as error:
                self._keeps_none(error)
        readline.set_completer_delims("")
        readline.set_completer(self._completed)
        is_editline = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if is_editline else "tab: complete")

    def _completed(self, begun: str, state: int) -> str | None:
        found = [
            name for name in self._commands if begun.startswith("/") and name.startswith(begun)
        ]
        return f"{found[state]} " if state < len(found) else None

    def _begun_line(self) -> str:
        return "" if self._readline is None else str(self._readline.get_line_buffer())

    def _keep(self, line: str) -> None:
        line = printable(line)
        if not line.strip():
            return
        if self._readline is not None:
            self._readline.add_history(line)
        if not self._keeps:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(
                os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab"
            ) as file:
                os.chmod(self._file, 0o600)
                file.write(f"{line}\n".encode(errors="replace"))
        except OSError as error:
            self._keeps_none(error)

    def _keeps_none(self, error: OSError) -> None:
        _remark(f"lines are not kept: {self._file}: {error.strerror}")
        self._keeps = False


def mentions(text: str, name: str) -> bool:
    """Return whether a text has a name in it as whole words, however spaced, in whatever case."""
    words = r"\s+".join(map(re.escape, name.casefold().split()))
    return re.search(rf"(?<!\w){words}(?!\w)", text.casefold()) is not None


def _lines_of(file: Path) -> list[str]:
    with suppress(OSError):
        return file.read_bytes().decode(errors="replace").split("\n")[:-1]
    return []


def _forget(file: Path, name: str) -> int:
    """Remove the lines of a file that mention a name; return how many there were.

    Raises:
        OSError: it cannot be written.
    """
    lines = _lines_of(file)
    kept = [line for line in lines if not mentions(line, name)]
    if len(kept) < len(lines):
        _write(file, kept)
    return len(lines) - len(kept)


def _write(file: Path, lines: Sequence[str]) -> None:
    from lamlam.unfinished_files import part_beside

    beside = part_beside(file)
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as written:
            written.write("".join(f"{line}\n" for line in lines).encode(errors="replace"))
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def _remark(text: str) -> None:
    stderr_console().print(printable_line(text), style="dim", soft_wrap=True)


def _end_line() -> None:
    sys.stdout.write("\n")
    sys.stdout.flush()


def _readline() -> ModuleType | None:
    try:
        import readline
    except ImportError:  # Windows
        return None
    return readline
