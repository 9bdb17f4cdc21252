"""`InputLines`: standard input line by line, read by the event loop.

The SDK reads it in a thread (2.3), which nothing can wake: a process that was asked to end would
wait for its client. What reads standard input by mistake meanwhile finds nothing.
"""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

MAX_LINE = 8 << 20
"""Bytes of one message; a longer one is answered as one that cannot be read."""


class InputLines:
    """The lines of a reader, as texts; the last one is remembered."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.last = ""

    def __aiter__(self) -> InputLines:
        return self

    async def __anext__(self) -> str:
        try:
            line = await self._reader.readline()
        except ValueError:  # longer than the limit; its rest comes as another line
            self.last = "{"
            return self.last
        if not line:
            raise StopAsyncIteration
        self.last = line.decode("utf-8", "replace")
        return self.last


@asynccontextmanager
async def input_lines() -> AsyncIterator[InputLines | None]:
    """Give standard input; ``None`` where the loop cannot read it: a file, or another system."""
    if sys.platform == "win32" or not _can_be_watched(0):
        yield None
        return
    kept, private = os.dup(0), os.dup(0)  # the loop closes what it reads when it ends
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=MAX_LINE, loop=loop)
    file = os.fdopen(private, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader, loop=loop), file
    )
    try:
        yield InputLines(reader)
    finally:
        transport.close()
        os.dup2(kept, 0)
        os.close(kept)
        os.set_blocking(0, True)


def _can_be_watched(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)
