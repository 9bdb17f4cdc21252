"""The lines of a file: unpacked, as UTF-8 whatever the file's encoding, and none without end."""

from __future__ import annotations

import codecs
import io
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from lamlam.errors import BadFact, NotSupported
from lamlam.memory_backends.fact_formats.foreign_files import refuse_foreign
from lamlam.packed_files import is_unpacking_error, unpacked
from lamlam.special_files import what_else

Progress = Callable[[int, int | None], None]

MOST_BYTES = 1 << 27
"""Of a line: more than the longest fact with the most sources needs."""
_PART = 1 << 16
"""Bytes of a part of a line that may have any length."""
# The marks that editors and spreadsheets write; the longer one of two that begin alike first.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
# Without a mark: no fact has a NUL, so one beside an ASCII character is half of a UTF-16 one.
_UNMARKED = (
    (re.compile(rb"[\t\n\r -~]\0[^\0]"), "utf-16-le"), (re.compile(rb"\0[\t\n\r -~]\0"), "utf-16-be"),
)  # fmt: skip


@contextmanager
def lines_of(
    path: str, on_progress: Progress | None, *, is_read_twice: bool, is_one_text: bool
) -> Iterator[Iterable[bytes]]:
    """Yield the lines of a file, or of standard input, as UTF-8.

    Args:
        path: a packed file is unpacked, whatever its name; ``-`` is standard input.
        on_progress: is called with bytes read and their total (``None`` where unknown).
        is_read_twice: the lines must be there more than once.
        is_one_text: a line may have any length, and comes in parts.

    Raises:
        BadFact: a line without end; a file that cannot be unpacked or decoded; no standard input.
        OSError: the file cannot be opened.
    """
    with ExitStack() as stack:
        if path != "-" and what_else(path) is not None and is_read_twice:
            # What has gone through a pipe is not there a second time.
            kept = stack.enter_context(tempfile.TemporaryFile())
            kept.writelines(_unpacked_lines(path, on_progress, is_one_text))
            yield _Lines(lambda: _from_the_begin(kept), path)
        elif path != "-":
            yield _Lines(lambda: _unpacked_lines(path, on_progress, is_one_text), path)
        elif sys.stdin is None:
            raise BadFact("standard input is closed", hint="name a file instead of -")
        else:
            stdin = sys.stdin.buffer
            name = "standard input"
            lines: Iterable[bytes] = stdin
            if isinstance(stdin, io.BufferedReader):
                lines = _unpacked(stdin, name, is_one_text)
            if is_read_twice:
                kept = stack.enter_context(tempfile.TemporaryFile())
                kept.writelines(lines)
                yield _Lines(lambda: _from_the_begin(kept), name)
            else:
                yield _as_utf8(lines, name)


class _Lines:
    """Lines that are read anew each time that they are gone through."""

    def __init__(self, read: Callable[[], Iterator[bytes]], name: str) -> None:
        self._read = read
        self._name = name

    def __iter__(self) -> Iterator[bytes]:
        return _as_utf8(self._read(), self._name)


def _unpacked_lines(path: str, on_progress: Progress | None, is_one_text: bool) -> Iterator[bytes]:
    with open(path, "rb") as raw:
        # A pipe has neither a size nor a place in it.
        is_file = what_else(path) is None
        total = Path(path).stat().st_size
        lines = _unpacked(raw, path, is_one_text)
        for number, line in enumerate(lines):
            if on_progress is not None and is_file and number % 2000 == 0:
                on_progress(raw.tell(), total)
            yield line


def _unpacked(raw: IO[bytes], name: str, is_one_text: bool) -> Iterator[bytes]:
    """Give the lines; say plainly where a packed file is damaged."""
    try:
        yield from _lines_in(unpacked(raw, name), name, is_one_text)
    except NotSupported as error:
        raise BadFact(f"{error}, and is not UTF-8 text", hint=error.hint) from None
    except Exception as error:
        if not is_unpacking_error(error):
            raise
        raise BadFact(f"{name} cannot be unpacked, and is not UTF-8 text: {error}") from None


def _lines_in(file: IO[bytes], name: str, is_one_text: bool) -> Iterator[bytes]:
    most = _PART if is_one_text else MOST_BYTES
    for number, line in enumerate(iter(partial(file.readline, most), b""), 1):
        if len(line) == MOST_BYTES and not is_one_text and not line.endswith(b"\n"):
            raise _too_long(name, number)
        yield line


def _from_the_begin(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    yield from file


def _as_utf8(lines: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Give the lines; recoded where the file's first bytes say UTF-16 or UTF-32."""
    lines = iter(lines)
    first = next(lines, b"")
    refuse_foreign(first, name)
    encoding = next((encoding for mark, encoding in _MARKS if first.startswith(mark)), None)
    if encoding is None:
        encoding = next((known for begin, known in _UNMARKED if begin.match(first)), None)
    if encoding is not None:
        yield from _recoded(first, lines, encoding, name)
    elif first:
        yield first
        yield from lines


def _recoded(first: bytes, lines: Iterator[bytes], encoding: str, name: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    begun: list[str] = []  # parts of the line that has not ended
    size, number, part = 0, 1, first
    try:
        while True:
            more, *others = decoder.decode(part, final=not part).split("\n")
            begun.append(more)
            size += len(more)
            for other in others:
                yield f"{''.join(begun)}\n".encode()
                begun, size = [other], len(other)
                number += 1
            if size > MOST_BYTES:
                raise _too_long(name, number)
            if not part:
                break
            part = next(lines, b"")
        if size:
            yield "".join(begun).encode()
    except UnicodeError:
        raise BadFact(
            f"{name} line {number}: it is not {encoding[:6].upper()} text",
            hint="save the file as UTF-8",
        ) from None


def _too_long(name: str, number: int) -> BadFact:
    return BadFact(
        f"{name} line {number}: it has more than {MOST_BYTES >> 20} MiB",
        hint="write one fact on each line",
    )
