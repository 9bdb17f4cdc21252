"""The events of a stream, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lamlam.errors import StreamInUse, StreamLeft
from lamlam.runtime.decoding.completion import Completion, RequestedCall
from lamlam.runtime.decoding.spans import LookupRecord, Origin

if TYPE_CHECKING:
    from typing import Self


@dataclass(frozen=True, slots=True)
class Text:
    """More text was generated. Joined, these are the text after the prompt."""

    text: str
    origin: Origin
    fact_id: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Thought:
    """More of what the model of a chat thinks before it answers. It is no part of the text."""

    text: str


@dataclass(frozen=True, slots=True)
class LookupStarted:
    """The model has asked memory."""

    entity: str
    relation: str


@dataclass(frozen=True, slots=True)
class LookupAnswered:
    """Memory had a value."""

    record: LookupRecord


@dataclass(frozen=True, slots=True)
class LookupMissed:
    """Memory had no value, or more than one candidate."""

    record: LookupRecord


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of a call of a tool of the caller's, as the model of a chat writes it.

    `ToolRequested` follows with the whole call, unless the answer is cut before it is complete. It
    alone comes where the model does not write calls in the form of its template.
    """

    id: str
    """Of the call."""
    name: str
    """Of the tool."""
    text: str
    """Joined, those of a call are its arguments as JSON text."""


@dataclass(frozen=True, slots=True)
class ToolRequested:
    """The model of a chat has called a tool of the caller's; `Finished` follows."""

    call: RequestedCall


@dataclass(frozen=True, slots=True)
class Finished:
    """The generation is complete; always the last event."""

    completion: Completion


Event = (
    Text
    | Thought
    | LookupStarted
    | LookupAnswered
    | LookupMissed
    | ToolCallDelta
    | ToolRequested
    | Finished
)


class EventSource(Protocol):
    """The events of one generation, which can be left."""

    def __aiter__(self) -> Self:
        """Return itself."""
        ...

    async def __anext__(self) -> Event:
        """Return the next event."""
        ...

    def leave(self) -> None:
        """End the generation here."""
        ...

    def end(self, error: BaseException) -> bool:
        """Let further reading raise the error, since the engine is being closed.

        Return false if the generation was complete and can still be read.
        """
        ...


def in_use() -> StreamInUse:
    """Return the error of a second task that reads while another one waits."""
    return StreamInUse("two tasks read one stream at the same time", hint="read it in one task")


def left() -> StreamLeft:
    """Return the error of reading on after the block of a stream."""
    return StreamLeft(
        "the stream was left before its end, which ended its generation",
        hint="read its events inside its with block, or begin another stream",
    )
