"""How often a stream sends: at once where few are open, several tokens together where many are.

Sending costs the server a tenth of a millisecond, whatever is in it. Sixteen streams that send each
token by itself would take a tenth of the machine from the engine. So all streams together send
only so many times a second, and each what came since it sent last.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from lamlam.errors import EngineError
from lamlam.runtime.decoding.events import Event

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_PER_STREAM_S = 0.006
_LONGEST_S = 0.1


class Pace:
    """The pause of each stream after it has sent, by how many are open."""

    def __init__(self) -> None:
        self.n_streams = 0

    @property
    def pause_s(self) -> float:
        """Seconds; none for a stream that is alone."""
        return min(_LONGEST_S, _PER_STREAM_S * (self.n_streams - 1))


class PacedEvents:
    """Events of a stream, as many at a time as came since the last time was asked."""

    def __init__(self, events: AsyncIterator[Event], pace: Pace) -> None:
        self._events = events
        self._pace = pace
        self._gathered: list[Event] = []
        self._error: Exception | None = None
        self._is_over = False
        self._has_given = False
        self._came = anyio.Event()
        self._group = anyio.create_task_group()

    async def __aenter__(self) -> Self:
        """Begin to gather events."""
        await self._group.__aenter__()
        self._pace.n_streams += 1
        self._group.start_soon(self._gather)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Gather no more."""
        self._pace.n_streams -= 1
        self._group.cancel_scope.cancel()
        return await self._group.__aexit__(kind, error, traceback)

    async def some(self) -> list[Event]:
        """Return what came, one event at least.

        Raises:
            Exception: the error that ended the events.
            EngineError: they ended before the one that says how.
        """
        if self._has_given and not self._is_over and (pause := self._pace.pause_s):
            await anyio.sleep(pause)
        if not self._gathered and not self._is_over:
            await self._came.wait()
        some, self._gathered = self._gathered, []
        self._came = anyio.Event()
        self._has_given = True
        if not some:
            # Who gathers may be cancelled first: then this task is woken once more before it is.
            await anyio.lowlevel.checkpoint_if_cancelled()
            raise self._error or EngineError("the engine ended a text without saying why")
        return some

    async def _gather(self) -> None:
        try:
            async for event in self._events:
                self._gathered.append(event)
                self._came.set()
        except Exception as error:
            self._error = error
        finally:
            self._is_over = True
            self._came.set()
