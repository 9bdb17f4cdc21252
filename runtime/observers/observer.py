"""Whoever looks on while texts are written: told what happens to each, never in its way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from lamlam.errors import EngineElsewhere, StreamInUse
from lamlam.runtime.decoding.events import Event, EventSource, Finished
from lamlam.runtime.decoding.settings import TextSettings

if TYPE_CHECKING:
    from typing import Self

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BegunText:
    """What is known of a text before its first token."""

    kind: Literal["text", "chat"]
    prompt: str | tuple[dict[str, Any], ...]
    """A text's beginning, or the messages of a conversation."""
    settings: TextSettings
    model: str
    """File name, or ``bundled``."""
    memory: str | None
    """URL without user, password and options, or the class of a store that was given open."""


class TextObserver(Protocol):
    """One text as an observer sees it; exactly one of the last three calls ends it."""

    def saw(self, event: Event) -> None:
        """Something has happened, and was handed to whoever reads the text."""
        ...

    def finished(self, event: Finished) -> None:
        """The text is complete."""
        ...

    def failed(self, error: BaseException) -> None:
        """The text cannot be completed."""
        ...

    def left(self) -> None:
        """Whoever read the text has left before its end."""
        ...


class Observer(Protocol):
    """Looks on while an engine writes; called on the event loop, so it has to be quick."""

    def begin(self, text: BegunText) -> TextObserver:
        """A text has begun."""
        ...


class ObservedEvents:
    """The events of one text, of which observers are told as they are handed out."""

    def __init__(self, events: EventSource, text: BegunText, observers: Iterable[Observer]) -> None:
        self._events = events
        self._is_over = False
        self._watches: list[TextObserver] = []
        for observer in observers:
            with _unharmed():
                self._watches.append(observer.begin(text))

    def leave(self) -> None:
        """Nobody reads on."""
        self._events.leave()
        self._end(lambda watch: watch.left())

    def end(self, error: BaseException) -> bool:
        """The text cannot go on, or was complete and not read to its end."""
        was_open = self._events.end(error)
        self._end(lambda watch: watch.failed(error) if was_open else watch.left())
        return was_open

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            event = await self._events.__anext__()
        except (StopAsyncIteration, EngineElsewhere, StreamInUse):
            raise  # nothing has happened to the text: another reader has it
        except Exception as error:
            told = error
            self._end(lambda watch: watch.failed(told))
            raise
        if isinstance(event, Finished):
            end = event
            self._end(lambda watch: watch.finished(end))
        elif not self._is_over:
            for watch in self._watches:
                with _unharmed():
                    watch.saw(event)
        return event

    def _end(self, tell: Callable[[TextObserver], None]) -> None:
        if self._is_over:
            return
        self._is_over = True
        for watch in self._watches:
            with _unharmed():
                tell(watch)


@contextmanager
def _unharmed() -> Generator[None]:
    """The text goes on, whatever an observer does."""
    try:
        yield
    except Exception:
        _LOG.exception("an observer of a text has failed; the text goes on")
